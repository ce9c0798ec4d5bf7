"""One TLS connection as bytes: what arrives goes in, plain text comes out, and back (wire.md 12).

Without socket and clock, for the daemon, the blocking and the asynchronous client.
"""

import _ssl

from flom.errors import (
    RC_SSL_ACCEPT_ERROR,
    RC_SSL_CONNECT_ERROR,
    RC_SSL_GET_VERIFY_RESULT_ERROR,
    RC_SSL_READ_ERROR,
    RC_SSL_WRITE_ERROR,
    FlomError,
)
from flom.net.tls import Context, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from ssl import SSLObject  # the face of what `_ssl` makes

_PIECE = 4096
# The two kinds of record with which a peer can begin: alert and handshake.
BEGINNINGS = (b"\x15", b"\x16")
# How names are written in the system log (daemon.md 12).
_PARTS = (
    ("C", "countryName"), ("ST", "stateOrProvinceName"), ("L", "localityName"),
    ("O", "organizationName"), ("OU", "organizationalUnitName"),
    ("emailAddress", "emailAddress"), ("CN", "commonName"),
)  # fmt: skip


class Channel:
    """One end of a TLS connection made with `context`, an `Identity.context` of the same role.

    Hand over what arrives with `receive`, and what is to be said with `send`, once for each
    message. After either call, and after an exception as well (the peer is told why), the bytes
    of `data_to_send` are for the net. A client has some from the beginning.

    established: the handshake is complete, the peer's certificate verified. ended: the peer has
    said that nothing follows; a bare end of file means the same. peer_cn: the common name of the
    peer's certificate, the last of several (W-48), None if it has none. subject, issuer: of that
    certificate, as the system log shows them.
    """

    __slots__ = (
        "_begun", "_incoming", "_outgoing", "_server", "_ssl", "ended", "established", "issuer",
        "peer_cn", "subject",
    )  # fmt: skip

    def __init__(self, context: Context, *, server: bool) -> None:
        self._incoming = _ssl.MemoryBIO()
        self._outgoing = _ssl.MemoryBIO()
        wrap = context._wrap_bio  # type: ignore[attr-defined]  # missing in the stubs
        self._ssl: SSLObject = wrap(self._incoming, self._outgoing, server, None)
        self._server = server
        self._begun = False
        self.established = False
        self.ended = False
        self.peer_cn: str | None = None
        self.subject = self.issuer = ""
        if not server:
            self._shake_hands()

    @property
    def version(self) -> str:
        """The version of the protocol, such as `TLSv1.3`."""
        return self._ssl.version() or ""

    def receive(self, data: bytes) -> bytes:
        """The plain bytes that are complete now, of however many records (W-45).

        Raises FlomError when the connection cannot go on: -407 when the peer's certificate is not
        accepted, -405 (daemon) or -406 (client) when the handshake fails otherwise, -409 after it.
        """
        if not self._begun and data:
            self._begun = True
            if data[:1] not in BEGINNINGS:
                raise self.failed("the other side does not speak TLS")
        self._incoming.write(data)
        if not self.established:
            self._shake_hands()
            if not self.established:
                return b""
        return self._read()

    def send(self, data: bytes) -> None:
        """Make one record of one message (W-44). Raises FlomError -412."""
        try:
            self._ssl.write(data)
        except OSError as error:
            raise FlomError(
                RC_SSL_WRITE_ERROR, f"nothing can be sent over TLS: {reason(error)}"
            ) from None

    def data_to_send(self) -> bytes:
        """The bytes for the net, b"" if there are none."""
        return self._outgoing.read()

    def _shake_hands(self) -> None:
        try:
            self._ssl.do_handshake()
        except _ssl.SSLWantReadError:
            return
        except _ssl.SSLCertVerificationError as error:
            raise FlomError(
                RC_SSL_GET_VERIFY_RESULT_ERROR,
                f"the certificate of the other side is not accepted: {error.verify_message}",
            ) from None
        except OSError as error:
            raise self.failed(_told(error)) from None
        self.established = True
        self._learn(self._ssl.getpeercert(False) or {})

    def failed(self, text: str) -> FlomError:
        """The error for a handshake that has failed: -405 (daemon) or -406 (client)."""
        rc = RC_SSL_ACCEPT_ERROR if self._server else RC_SSL_CONNECT_ERROR
        return FlomError(rc, f"no TLS connection: {text}")

    def _learn(self, certificate: "Mapping[str, object]") -> None:
        self.subject, self.peer_cn = named(certificate.get("subject"))
        self.issuer, _ = named(certificate.get("issuer"))

    def _read(self) -> bytes:
        pieces = []
        try:
            while piece := self._ssl.read(_PIECE):
                pieces.append(piece)
            self.ended = True
        except _ssl.SSLWantReadError:
            pass
        except OSError as error:
            raise FlomError(
                RC_SSL_READ_ERROR, f"the TLS connection broke: {_told(error)}"
            ) from None
        return b"".join(pieces)


def _told(error: OSError) -> str:
    """What went wrong, and whose certificate is meant if the peer has said so."""
    text = reason(error)
    _, alert, what = text.partition(" alert ")
    return f"the other side refuses our certificate or offer: {what}" if alert else text


def named(name: object) -> tuple[str, str | None]:
    """A distinguished name of a certificate, in one line, and its last common name."""
    found: dict[str, str] = {}
    for part in name or ():  # type: ignore[attr-defined]  # a tuple of tuples of pairs
        for key, value in part:
            found[key] = value
    text = "/".join(f"{short}={found.get(key, '{null}')}" for short, key in _PARTS)
    return text if text.isprintable() else ascii(text)[1:-1], found.get("commonName")
