"""What is in certificate and key files."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from flom.ctl.pki.making import Authority, common_name
from flom.errors import (
    RC_SSL_CTX_CHECK_PRIVATE_KEY_ERROR,
    RC_SSL_CTX_USE_CERTIFICATE_FILE_ERROR,
    RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR,
    FlomError,
)
from flom.values import quoted


class Encrypted(FlomError):
    """A private key that needs a passphrase."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One certificate as `flomctl pki show` tells it. Times are UTC; `days_left` may be negative.

    fingerprint: SHA-256 of the certificate. key: kind and size of its key.
    """

    subject: str
    name: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    days_left: int
    fingerprint: str
    key: str
    authority: bool


def certificates(path: Path) -> list[x509.Certificate]:
    """All certificates of a PEM file, in its order, at least one; raises FlomError."""
    data = _content(path, RC_SSL_CTX_USE_CERTIFICATE_FILE_ERROR)
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError:
        raise FlomError(
            RC_SSL_CTX_USE_CERTIFICATE_FILE_ERROR,
            f"{quoted(str(path))} has no certificate in PEM form, or a damaged one",
        ) from None


def private_key(path: Path) -> PrivateKeyTypes:
    """The private key of a PEM file; raises FlomError, `Encrypted` if it needs a passphrase."""
    data = _content(path, RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR)
    try:
        return load_pem_private_key(data, password=None)
    except TypeError:
        raise Encrypted(
            RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR,
            f"the private key {quoted(str(path))} is encrypted",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise FlomError(
            RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR,
            f"{quoted(str(path))} has no private key in PEM form, or a damaged one",
        ) from None


def authority(certificate: Path, key: Path) -> Authority:
    """An authority from its two files; raises FlomError."""
    found, secret = certificates(certificate)[0], private_key(key)
    if not belongs(secret, found):
        raise FlomError(
            RC_SSL_CTX_CHECK_PRIVATE_KEY_ERROR,
            f"the private key {quoted(str(key))} is not that of {quoted(str(certificate))}",
        )
    return Authority(found, secret)  # type: ignore[arg-type]  # its certificate signs, so it can


def belongs(key: PrivateKeyTypes, certificate: x509.Certificate) -> bool:
    """Whether `key` is the private half of the key in `certificate`."""
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form) == certificate.public_key().public_bytes(*form)


def facts(certificate: x509.Certificate, now: datetime) -> Facts:
    """What there is to say about a certificate."""
    return Facts(
        subject=certificate.subject.rfc4514_string(),
        name=common_name(certificate.subject),
        issuer=certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        days_left=(certificate.not_valid_after_utc - now).days,
        fingerprint=certificate.fingerprint(SHA256()).hex(":"),
        key=_kind(certificate),
        authority=is_authority(certificate),
    )


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether the certificate may sign others (basic constraints)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _kind(certificate: x509.Certificate) -> str:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "unknown"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return type(key).__name__.removesuffix("PublicKey")


def _content(path: Path, rc: int) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FlomError(rc, f"{quoted(str(path))} cannot be read: {error.strerror}") from None
