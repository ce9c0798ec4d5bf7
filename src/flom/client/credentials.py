"""What a program shows to the daemon or the store, and expects of it, over TLS."""

import os

from flom.errors import RC_INVALID_OPTION, ConfigError
from flom.values import TEXT_RULES, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.settings import Settings

Path = str | os.PathLike[str]


class Tls:
    """The three files that turn TLS on, all PEM: this host's certificate and its private key
    (without passphrase), and the authority that signed the daemon's certificate.

    A store may be content with its authority alone. check_peer_id: the daemon's certificate must
    carry the unique id that the daemon tells.
    """

    __slots__ = ("ca", "certificate", "check_peer_id", "private_key")

    def __init__(
        self,
        certificate: Path | None = None,
        private_key: Path | None = None,
        ca: Path | None = None,
        check_peer_id: bool = False,
    ) -> None:
        self.certificate = None if certificate is None else os.fspath(certificate)
        self.private_key = None if private_key is None else os.fspath(private_key)
        self.ca = None if ca is None else os.fspath(ca)
        self.check_peer_id = check_peer_id

    def apply(self, settings: "Settings", cwd: str) -> None:
        """Let the settings say so; relative paths start at `cwd`.

        Raises ConfigError: -125 when a file does not exist, -5 when one is missing that the daemon
        or the store needs.
        """
        certificate = _existing("certificate", self.certificate, cwd)
        private_key = _existing("private_key", self.private_key, cwd)
        ca = _existing("ca", self.ca, cwd)
        if settings.store_url is not None:
            if ca is None or self.check_peer_id:
                raise _bad("a store is known by its authority, and has no unique id (give ca alone,"
                           " or with certificate and private_key)")  # fmt: skip
            settings.store_ca = ca
            settings.store_certificate = certificate
            settings.store_key = private_key
            return
        if None in (certificate, private_key, ca):
            raise _bad("a daemon needs certificate, private_key and ca (give all three)")
        settings.tls_certificate = certificate
        settings.tls_private_key = private_key
        settings.tls_ca_certificate = ca
        settings.tls_check_peer_id = self.check_peer_id

    def __repr__(self) -> str:
        files = f"{self.certificate!r}, {self.private_key!r}, {self.ca!r}"
        return f"Tls({files}, check_peer_id={self.check_peer_id})"


def _existing(what: str, path: str | None, cwd: str) -> str | None:
    if path is None:
        return None
    try:
        return str(TEXT_RULES["file"](path, cwd))
    except ConfigError as error:
        raise ConfigError(error.rc, f"Tls, {what} {quoted(path)}: {error.text}") from None


def _bad(why: str) -> ConfigError:
    return ConfigError(RC_INVALID_OPTION, f"Tls: {why}")
