"""Makes certificates: an authority, those it issues, and their successors. Values only, no files.

Keys are elliptic (P-256): every TLS library of today takes them, and a handshake is cheap.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPrivateKeyTypes,
    CertificatePublicKeyTypes,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from flom.errors import RC_INVALID_OPTION, RC_SSL_GET_VERIFY_RESULT_ERROR, FlomError
from flom.values import quoted

AUTHORITY_DAYS = 3650
PEER_DAYS = 397
# A certificate made here may be used at once by a host whose clock is behind.
_TOLERANCE = timedelta(hours=1)
_LONGEST_NAME = 64  # characters of a common name (RFC 5280, appendix A)

_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Authority:
    """The certificate of an authority and the key it signs with."""

    certificate: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes


def make_key() -> ec.EllipticCurvePrivateKey:
    """A new private key."""
    return ec.generate_private_key(ec.SECP256R1())


def make_authority(name: str, days: int, now: datetime) -> Authority:
    """A new authority called `name` that lives `days` days from `now`; raises FlomError."""
    key = make_key()
    subject = _subject(name)
    certificate = _sign(
        subject, key.public_key(), subject, key, now, _end(now, days), _as_authority
    )
    return Authority(certificate, key)


def issue(
    authority: Authority, name: str, key: CertificatePublicKeyTypes, days: int, now: datetime
) -> x509.Certificate:
    """A certificate for the peer whose common name is `name` and whose public key is `key`.

    It serves as client and as daemon. It never outlives the authority: `not_valid_after_utc` may
    come before `days` are over. Raises FlomError.
    """
    return _issue(authority, _subject(name), key, days, now)


def renew(
    authority: Authority,
    old: x509.Certificate,
    key: CertificatePublicKeyTypes,
    days: int,
    now: datetime,
) -> x509.Certificate:
    """The successor of a certificate of this authority, for the same subject and public key `key`.

    `old` may be the authority's own certificate: with the same name and key the new one stands
    for all that was issued under the old one. Raises FlomError.
    """
    if old == authority.certificate:
        end = _end(now, days)
        return _sign(old.subject, key, old.subject, authority.key, now, end, _as_authority)
    if not issued_by(old, authority.certificate):
        raise FlomError(
            RC_SSL_GET_VERIFY_RESULT_ERROR,
            f"the certificate of {quoted(shown(old.subject))} is not from the authority"
            f" {quoted(shown(authority.certificate.subject))} (renew it where it was issued, or"
            " issue a new one)",
        )
    return _issue(authority, old.subject, key, days, now)


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer`'s name and key are those behind `certificate`."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def common_name(name: x509.Name) -> str:
    """The common name peers compare with an id: the last one if there are several (W-48)."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[-1].value) if found else ""


def shown(name: x509.Name) -> str:
    """A subject or issuer for people: its common name, else all of it."""
    return common_name(name) or name.rfc4514_string()


def _issue(
    authority: Authority,
    subject: x509.Name,
    key: CertificatePublicKeyTypes,
    days: int,
    now: datetime,
) -> x509.Certificate:
    issuer = authority.certificate
    if not issuer.not_valid_before_utc <= now < issuer.not_valid_after_utc:
        raise FlomError(
            RC_SSL_GET_VERIFY_RESULT_ERROR,
            f"the authority {quoted(shown(issuer.subject))} is valid from"
            f" {day(issuer.not_valid_before_utc)} to {day(issuer.not_valid_after_utc)}"
            " (flomctl pki renew ca)",
        )
    end = min(_end(now, days), issuer.not_valid_after_utc)
    return _sign(subject, key, issuer.subject, authority.key, now, end, _as_peer)


def day(moment: datetime) -> str:
    """The date of a moment, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def _end(now: datetime, days: int) -> datetime:
    try:
        return now + timedelta(days=days)
    except OverflowError:
        raise FlomError(RC_INVALID_OPTION, f"{days} days end after the year 9999") from None


def _subject(name: str) -> x509.Name:
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise FlomError(
            RC_INVALID_OPTION,
            f"{quoted(name)} cannot be the name in a certificate (1 to {_LONGEST_NAME} printable"
            " characters, no blank at the ends)",
        )
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _sign(
    subject: x509.Name,
    key: CertificatePublicKeyTypes,
    issuer: x509.Name,
    signing_key: CertificateIssuerPrivateKeyTypes,
    now: datetime,
    end: datetime,
    extend: Callable[[x509.CertificateBuilder], x509.CertificateBuilder],
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _TOLERANCE)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()),
            critical=False,
        )
    )
    return extend(builder).sign(signing_key, SHA256())


def _as_authority(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    return builder.add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    ).add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)


def _as_peer(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    both = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
    )


def _usage(*given: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in given for usage in _USAGES})
