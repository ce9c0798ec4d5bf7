"""What a program shows to the daemon, and expects of it, over TLS."""

import os

from flom.errors import ConfigError
from flom.values import TEXT_RULES, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.settings import Settings

Path = str | os.PathLike[str]


class Tls:
    """The three files that turn TLS on, all PEM: this host's certificate and its private key
    (without passphrase), and the authority that signed the daemon's certificate.

    check_peer_id: the daemon's certificate must carry the unique id that the daemon tells.
    """

    __slots__ = ("ca", "certificate", "check_peer_id", "private_key")

    def __init__(
        self, certificate: Path, private_key: Path, ca: Path, check_peer_id: bool = False
    ) -> None:
        self.certificate = os.fspath(certificate)
        self.private_key = os.fspath(private_key)
        self.ca = os.fspath(ca)
        self.check_peer_id = check_peer_id

    def apply(self, settings: "Settings", cwd: str) -> None:
        """Let the settings say so; relative paths start at `cwd`.

        Raises ConfigError (-125) when a file does not exist.
        """
        settings.tls_certificate = _existing("certificate", self.certificate, cwd)
        settings.tls_private_key = _existing("private_key", self.private_key, cwd)
        settings.tls_ca_certificate = _existing("ca", self.ca, cwd)
        settings.tls_check_peer_id = self.check_peer_id

    def __repr__(self) -> str:
        files = f"{self.certificate!r}, {self.private_key!r}, {self.ca!r}"
        return f"Tls({files}, check_peer_id={self.check_peer_id})"


def _existing(what: str, path: str, cwd: str) -> str:
    try:
        return str(TEXT_RULES["file"](path, cwd))
    except ConfigError as error:
        raise ConfigError(error.rc, f"Tls, {what} {quoted(path)}: {error.text}") from None
