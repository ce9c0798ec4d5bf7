"""The files of an authority: one directory, a certificate and a key for each name.

`ca.pem` and `ca.key` belong to the authority, `NAME.pem` and `NAME.key` to a peer. A private key
is never readable by others, not even for a moment; nothing is overwritten but a certificate (and a
key, on demand) by its successor, in one step and with the old one kept as `.old`.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from flom.errors import RC_INVALID_OPTION, RC_OPEN_ERROR, RC_WRITE_ERROR, FlomError
from flom.values import quoted

AUTHORITY = "ca"
_SYSTEM = "/etc/flom/pki"
_PRIVATE = 0o600
_PUBLIC = 0o644
# What a renewed key may keep of its predecessor's mode: a service's group may go on reading it.
_SHARED = 0o640


def default_directory(environ: Mapping[str, str], uid: int) -> Path:
    """`/etc/flom/pki` for root, else `flom/pki` among the user's configuration."""
    if uid == 0:
        return Path(_SYSTEM)
    base = environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".config") / "flom" / "pki"


class Store:
    """The directory of one authority; its path is absolute."""

    __slots__ = ("directory",)

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()

    def certificate(self, name: str) -> Path:
        """Where the certificate called `name` is; FlomError if that cannot be a file's name."""
        return self.directory / f"{_stem(name)}.pem"

    def key(self, name: str) -> Path:
        """Where the private key called `name` is."""
        return self.directory / f"{_stem(name)}.key"

    def prepare(self) -> None:
        """Make the directory (0700) if it is missing; FlomError if others may write there."""
        missing = [
            path for path in (self.directory, *self.directory.parents) if not os.path.lexists(path)
        ]
        try:
            for path in reversed(missing):
                path.mkdir(mode=0o700)
            mode = self.directory.stat().st_mode
        except OSError as error:
            raise _failed("make the directory", self.directory, error) from None
        if not stat.S_ISDIR(mode):
            raise FlomError(RC_INVALID_OPTION, f"{quoted(str(self.directory))} is no directory")
        if mode & 0o022:
            raise FlomError(
                RC_INVALID_OPTION,
                f"others may write into {quoted(str(self.directory))} (chmod go-w it, or choose"
                " another with --dir)",
            )

    def add(self, name: str, key: PrivateKeyTypes, certificate: x509.Certificate) -> None:
        """Write a new key and its certificate; FlomError if one of the files exists."""
        key_path, path = self.key(name), self.certificate(name)
        for taken in (key_path, path):
            if os.path.lexists(taken):
                raise FlomError(
                    RC_OPEN_ERROR,
                    f"{quoted(str(taken))} exists and is not overwritten (renew it, move it away,"
                    " or choose another --name or --dir)",
                )
        _create(key_path, pem_of_key(key), _PRIVATE)
        _create(path, certificate.public_bytes(Encoding.PEM), _PUBLIC)

    def succeed(self, path: Path, certificate: x509.Certificate) -> None:
        """Put a renewed certificate in the place of `path`, which becomes `path.old`."""
        _replace(path, certificate.public_bytes(Encoding.PEM), _PUBLIC)

    def succeed_key(self, path: Path, key: PrivateKeyTypes) -> None:
        """The same for a private key."""
        _replace(path, pem_of_key(key), _SHARED)


def pem_of_key(key: PrivateKeyTypes) -> bytes:
    """A private key as an unencrypted PKCS#8 file has it: a daemon has nobody to ask."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _stem(name: str) -> str:
    if not name or "/" in name or "\0" in name or name.startswith("."):
        raise FlomError(
            RC_INVALID_OPTION,
            f"{quoted(name)} cannot be the name of a file (give one with --name)",
        )
    return name


def _create(path: Path, data: bytes, mode: int) -> None:
    """A new file, complete or not at all."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except OSError as error:
        raise _failed("write", path, error) from None
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        path.unlink()
        raise _failed("write", path, error) from None


def _replace(path: Path, data: bytes, widest: int) -> None:
    """Owner and mode stay, so that whoever read the old file can read the new one."""
    try:
        path = path.resolve(strict=True)
        before = path.stat()
    except OSError as error:
        raise _failed("renew", path, error) from None
    fresh, kept = (path.with_name(f"{path.name}.{end}") for end in (f"new{os.getpid()}", "old"))
    _create(fresh, data, _PRIVATE)
    try:
        if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(fresh, before.st_uid, before.st_gid)
        os.chmod(fresh, before.st_mode & widest)
        kept.unlink(missing_ok=True)
        os.link(path, kept)
        os.replace(fresh, path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise _failed("renew", path, error) from None


def _failed(what: str, path: Path, error: OSError) -> FlomError:
    return FlomError(RC_WRITE_ERROR, f"cannot {what} {quoted(str(path))}: {error.strerror}")
