"""Who a client is to a store: certificates for TLS, user and password."""

import ssl

from flom.errors import (
    RC_OPEN_ERROR,
    RC_SSL_CTX_LOAD_VERIFY_LOCATIONS_ERROR,
    RC_SSL_CTX_USE_CERTIFICATE_FILE_ERROR,
    FlomError,
)
from flom.settings import Settings
from flom.values import quoted


class Proof:
    """User and password, and the token that the store gave for them: None before, or if it is old.

    Raises FlomError when the file of the password cannot be read.
    """

    __slots__ = ("_file", "_password", "token", "user")

    def __init__(self, user: str, password: str | None, file: str | None) -> None:
        self.user = user
        self._password = password
        self._file = file
        self.token: str | None = None

    def password(self) -> str:
        """The password; from a file it is read each time, without the end of its line."""
        if self._password is not None:
            return self._password
        assert self._file is not None
        try:
            with open(self._file, encoding="utf-8") as file:
                return file.read().rstrip("\r\n")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            failure = FlomError(
                RC_OPEN_ERROR, f"the password file {quoted(self._file)} cannot be read: {why}"
            )
            failure.advice = "check --store-password-file"
            raise failure from None


def proof_of(settings: Settings) -> Proof | None:
    """What the settings say, None without a user."""
    if settings.store_user is None:
        return None
    return Proof(settings.store_user, settings.store_password, settings.store_password_file)


def context_of(settings: Settings) -> ssl.SSLContext | None:
    """What to speak TLS with; None without any of its files.

    Raises FlomError (-401, -403) when one of them cannot be used.
    """
    authority, certificate = settings.store_ca, settings.store_certificate
    if authority is None and certificate is None:
        return None
    try:
        context = ssl.create_default_context(cafile=authority)
    except (OSError, ValueError) as error:
        raise _unusable(
            RC_SSL_CTX_LOAD_VERIFY_LOCATIONS_ERROR, "authority", authority, error
        ) from None
    if certificate is not None:
        try:
            context.load_cert_chain(certificate, settings.store_key, password="")
        except (OSError, ValueError) as error:
            rc = RC_SSL_CTX_USE_CERTIFICATE_FILE_ERROR
            raise _unusable(rc, "certificate", certificate, error) from None
    return context


def _unusable(rc: int, what: str, path: str | None, error: Exception) -> FlomError:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    failure = FlomError(rc, f"the store's {what} {quoted(path or '')} cannot be used: {why}")
    failure.advice = "`flomctl pki verify` tells what is wrong with such files"
    return failure
