"""What a program has to expect when it locks: one class for each thing that can happen.

FlomError
  LockError
    NotGranted        the daemon or the store was asked, and the lock was not given
      Busy            somebody else holds it, and the request does not wait
      Timeout         not within the time allowed (also a TimeoutError)
      NoSuchResource  it does not exist, and the request neither creates it nor waits
      Impossible      the resource can never satisfy this request
      Denied          the daemon's rules do not allow it
      Deadlock        the program runs within a lock that it would wait for
      LimitReached    the daemon has as many connections, resources or waiters as it may
    ConnectError      there is no daemon or store, or no way to it
    DaemonError       it broke off, or answered something that is not understood
    LockLost          it went away while the lock was held, or somebody took the lock
    InvalidRequest    the arguments or the configuration files are wrong (also a ValueError)
"""

from flom.errors import (
    OWN_RC_ACCESS_DENIED,
    OWN_RC_LIMIT_REACHED,
    OWN_RC_LOCK_NESTED,
    RC_CONTAINER_FULL,
    RC_LOCK_BUSY,
    RC_LOCK_CANT_WAIT,
    RC_LOCK_IMPOSSIBLE,
    RC_NETWORK_TIMEOUT,
    RC_SSL_CONNECT_ERROR,
    RC_SSL_CTX_LOAD_VERIFY_LOCATIONS_ERROR,
    RC_SSL_CTX_USE_CERTIFICATE_FILE_ERROR,
    RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR,
    RC_SSL_GET_VERIFY_RESULT_ERROR,
    RC_SSL_READ_ERROR,
    RC_UNIQUE_ID_DOES_NOT_MATCH,
    ConfigError,
    FlomError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.client.mode import Mode


class LockError(FlomError):
    """A lock that was asked for is not held.

    `rc` is the return code (docs/reference/exit-codes.md), `text` what happened, `resource`,
    `mode` and `endpoint` what was asked of whom (mode None, texts empty as far as unknown),
    `waited` the seconds since the request began, `holders` who holds the resource, in a few words
    each; None where the daemon is not asked (only Busy asks) or does not tell.
    """

    advice = ""

    def __init__(self, rc: int, text: str) -> None:
        super().__init__(rc, text)
        self.resource = ""
        self.mode: Mode | None = None
        self.endpoint = ""
        self.waited = 0.0
        self.holders: tuple[str, ...] | None = None

    def __str__(self) -> str:
        said = f"{self.resource!r}: {self.text}" if self.resource else self.text
        return f"{said} ({self.advice})" if self.advice else said

    def __reduce__(self) -> tuple[object, ...]:
        return *super().__reduce__(), self.__dict__


class NotGranted(LockError):
    """The daemon or the store was asked, and the lock was not given."""


class Busy(NotGranted):
    """Somebody else holds the resource, and the request does not wait (rc 4)."""

    advice = "try again later, or wait with timeout=SECONDS"


class Timeout(NotGranted, TimeoutError):
    """The lock was not granted within the time allowed (rc 9).

    That time counts from the beginning, but a daemon that could not be reached in it is a
    ConnectError.
    """

    advice = "allow more time, or wait as long as it takes with timeout=None"


class NoSuchResource(NotGranted):
    """The resource does not exist, and the request neither creates it nor waits (rc 5)."""

    advice = "let the request create it, or wait for somebody who does"


class Impossible(NotGranted):
    """The resource can never satisfy the request (rc 6)."""

    advice = "ask for less, or choose another resource"


class Denied(NotGranted):
    """The daemon's rules of access do not allow this lock (rc -605)."""

    advice = "its rules under [Access] decide, its system log tells which"


class Deadlock(NotGranted):
    """The program runs within a lock that the request would wait for, for ever (rc -606).

    That lock is one that `flom`, or another program, holds while this one runs: the daemon knows
    it by FLOM_SESSION.
    """

    advice = "ask for a mode that goes with it, or lock once"


class LimitReached(NotGranted):
    """The daemon has as many connections, resources or waiters as it may (rc -607)."""

    advice = "try again later, or start the daemon with a higher limit"


class ConnectError(LockError):
    """There is no daemon or store, none could be started, or there is no way to it."""

    advice = "check the endpoint; `flom --check` tells more"


class DaemonError(LockError):
    """It broke off before it granted, or answered something that is not understood."""

    advice = "nothing is held; try again"


class LockLost(LockError):
    """The daemon went away, or the lease in the store ended, while the lock was held.

    Or an operator took it away (rc -601).
    """

    advice = "check what was done under the lock"


class InvalidRequest(LockError, ValueError):
    """The arguments, or the configuration files, are wrong."""


_BY_CODE: dict[int, type[LockError]] = {
    RC_LOCK_BUSY: Busy,
    RC_NETWORK_TIMEOUT: Timeout,
    RC_LOCK_CANT_WAIT: NoSuchResource,
    RC_LOCK_IMPOSSIBLE: Impossible,
    OWN_RC_ACCESS_DENIED: Denied,
    OWN_RC_LOCK_NESTED: Deadlock,
    OWN_RC_LIMIT_REACHED: LimitReached,
    RC_CONTAINER_FULL: InvalidRequest,
}

_FILES = "`flomctl pki verify` tells what is wrong with the files of TLS"
# Where the code says more than the class.
_ADVICE = {
    RC_SSL_CTX_LOAD_VERIFY_LOCATIONS_ERROR: _FILES,
    RC_SSL_CTX_USE_CERTIFICATE_FILE_ERROR: _FILES,
    RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR: _FILES,
    RC_SSL_CONNECT_ERROR: "does the daemon use TLS, with the same authority?",
    RC_SSL_GET_VERIFY_RESULT_ERROR: "check the authority on both sides",
    RC_UNIQUE_ID_DOES_NOT_MATCH: "the daemon's certificate must be for the unique id of its host",
    RC_SSL_READ_ERROR: "did the daemon refuse the certificate? Its system log tells",
}


def failure(error: FlomError, otherwise: type[LockError]) -> LockError:
    """The error a program sees for one of the engine's; `otherwise` if the code does not tell."""
    kind = InvalidRequest if isinstance(error, ConfigError) else _BY_CODE.get(error.rc, otherwise)
    told = kind(error.rc, error.text)
    told.advice = error.advice or _ADVICE.get(error.rc) or kind.advice
    return told
