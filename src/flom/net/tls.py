"""Certificate, key and authority of this host, as contexts for TLS (daemon.md 11.1, wire.md 12).

Loaded only where TLS is on. It uses `_ssl`, the C half of `ssl`: the Python half would take twice
the time that the interpreter needs to start, and nothing of it is needed here.
"""

import _ssl
import posix

from flom.errors import (
    RC_SSL_CTX_LOAD_VERIFY_LOCATIONS_ERROR,
    RC_SSL_CTX_NEW_ERROR,
    RC_SSL_CTX_USE_CERTIFICATE_FILE_ERROR,
    RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR,
    FlomError,
)
from flom.values import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from flom.settings import Settings

Context = _ssl._SSLContext


class Identity:
    """The three files of the settings, loaded, for one of the two roles.

    `context` is what connections are made with. Raises FlomError when a file cannot be used: -401
    for the authority, -403 for the certificate, -404 for a key that is encrypted or belongs to
    another certificate, -402 when the library refuses to work.
    """

    __slots__ = ("_paths", "_server", "_stamps", "context")

    def __init__(self, settings: "Settings", *, server: bool) -> None:
        self._paths = (
            settings.tls_certificate or "",
            settings.tls_private_key or "",
            settings.tls_ca_certificate or "",
        )
        self._server = server
        self._stamps = self._look()
        self.context = _context(*self._paths, server=server)

    def renew(self) -> bool:
        """Load the files anew if they have changed since the last look; True if they were.

        Raises FlomError when they cannot be used (half of them may be new); `context` then stays
        as it is, and the next change is waited for.
        """
        stamps = self._look()
        if stamps == self._stamps:
            return False
        self._stamps = stamps  # taken before loading: what changes meanwhile is seen next time
        self.context = _context(*self._paths, server=self._server)
        return True

    def _look(self) -> list[tuple[int, ...]]:
        return [_stamp(path) for path in self._paths]


def _stamp(path: str) -> tuple[int, ...]:
    """What changes when the file does; nothing for one that is not there."""
    try:
        status = posix.stat(path)
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _context(certificate: str, key: str, authority: str, *, server: bool) -> Context:
    try:
        context = blank(server=server)
        scratch = blank(server=server)
    except OSError as error:
        raise FlomError(RC_SSL_CTX_NEW_ERROR, f"no TLS context: {reason(error)}") from None
    # Read as an authority first: that tells a bad certificate from a bad key, which the library
    # loads in one call.
    _load(
        RC_SSL_CTX_USE_CERTIFICATE_FILE_ERROR, f"the certificate {quoted(certificate)}",
        lambda: scratch.load_verify_locations(certificate),
    )  # fmt: skip
    name = f"the private key {quoted(key)}"
    _refuse_encrypted(key, name)
    _load(
        RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR, name,
        lambda: context.load_cert_chain(certificate, key, password=""),
    )  # fmt: skip
    _load(
        RC_SSL_CTX_LOAD_VERIFY_LOCATIONS_ERROR, f"the authority {quoted(authority)}",
        lambda: context.load_verify_locations(authority),
    )  # fmt: skip
    return context


def blank(*, server: bool) -> Context:
    """A context that demands a certificate of the peer and no host name (W-46, W-47)."""
    context = Context(_ssl.PROTOCOL_TLS_SERVER if server else _ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = _ssl.CERT_REQUIRED
    context.minimum_version = _ssl.PROTO_TLSv1_2
    # One handshake for each connection, no more; and no tickets, which nobody would use.
    context.options |= _ssl.OP_NO_RENEGOTIATION
    if server:
        context.num_tickets = 0
    return context


def _load(rc: int, what: str, load: "Callable[[], None]") -> None:
    try:
        load()
    except (OSError, ValueError) as error:
        raise FlomError(rc, f"{what} cannot be used: {reason(error)}") from None


def _refuse_encrypted(key: str, name: str) -> None:
    """A passphrase is never asked for: nobody may be there to answer."""
    try:
        with open(key, "rb") as file:
            encrypted = b"ENCRYPTED" in file.read(4096)
    except OSError:
        return  # the library says it
    if encrypted:
        raise FlomError(
            RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR,
            f"{name} is encrypted; write it without its passphrase: openssl pkey -in KEY -out NEW",
        )


_REASONS = {
    "KEY_VALUES_MISMATCH": "it belongs to another certificate",
    "NO_CERTIFICATE_OR_CRL_FOUND": "there is no certificate in it",
}


def reason(error: Exception) -> str:
    """The library's reason in words; it has none for some errors of its own."""
    name = getattr(error, "reason", None)
    if name:
        return _REASONS.get(name) or name.lower().replace("_", " ")
    text = getattr(error, "strerror", None) or str(error)
    # All that it says of a key which it cannot read.
    return "there is no private key in it" if "PEM lib" in text else text
