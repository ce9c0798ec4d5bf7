"""From the properties of a handle to a lock: what is asked, of whom, in the reference's codes."""

from flom.errors import (
    RC_CONNECT_ERROR,
    RC_GETADDRINFO_ERROR,
    RC_INTERNAL_ERROR,
    RC_NO_TLS_CONNECTION,
    RC_OUT_OF_RANGE,
    RC_RECV_ERROR,
    RC_SOCKET_ERROR,
    FlomError,
)
from flom.legacy import library
from flom.legacy.properties import PRIVATE, PROPERTIES
from flom.legacy.waiting import WaitingLock
from flom.values import MODAL_KINDS, native, resource_kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.legacy.handle import Values
    from flom.settings import Settings

_PORT = 0xFFFF  # what fits into an address; the rest of a larger number is ignored (api.md 7)
_MODES = range(6)


class LockCall:
    """One call of `flom_handle_lock`: `connect`, then `acquire`; both raise FlomError.

    `config` are the properties of the handle, in which an address found by discovery is stored.
    Unless `acquire` returns, nothing remains of the connection, whatever is raised.
    """

    __slots__ = ("_config", "_settings", "lock")

    def __init__(self, config: "Values") -> None:
        self._config = config
        self._settings = settings_of(config)
        self.lock = WaitingLock(self._settings, self._tell)

    def connect(self) -> None:
        """Reach the daemon; api.md 6.1 has the codes."""
        _check(self._config, self._settings)
        try:
            self.lock.connect()
        except FlomError as error:
            # Positive codes tell of refused and late connections, which have one code here.
            raise FlomError(RC_CONNECT_ERROR if error.rc > 0 else error.rc, error.text) from None
        except OSError as error:
            raise FlomError(RC_SOCKET_ERROR, f"no socket: {error.strerror}") from None
        announced = self.lock.announced
        if announced is not None:
            self._config["unicast_address"], self._config["unicast_port"] = announced

    def acquire(self) -> str | None:
        """Ask and wait; returns the element, if the resource gives one. api.md 6.3 has the codes.

        Raises what the handler of a signal raises, too.
        """
        try:
            if self._settings.tls_check_peer_id and not self._settings.tls:
                raise FlomError(RC_NO_TLS_CONNECTION, "the peer cannot be checked without TLS")
            return self.lock.acquire()
        except FlomError as error:
            self.lock.close()
            # The daemon ended before it answered, and there is no other one.
            raise FlomError(
                RC_RECV_ERROR if error.rc == RC_CONNECT_ERROR else error.rc, error.text
            ) from None
        except BaseException:
            self.lock.close()
            raise

    def _tell(self, stream: int, text: str) -> None:
        if stream == 1 and self._settings.verbose:
            library.say(1, text)


def settings_of(config: "Values") -> "Settings":
    """The properties as settings; a daemon is never started (api.md 1)."""
    assert library.settings is not None  # every call loads it first
    settings = library.settings.copy()
    for prop in PROPERTIES:
        value = config[prop.name]
        setattr(settings, prop.attr, native(value) if isinstance(value, str) else value)
    settings.daemon_lifespan = 0
    settings.socket_is_default = bool(config[PRIVATE])
    settings.resource_create = bool(settings.resource_create)
    settings.tls_check_peer_id = bool(settings.tls_check_peer_id)
    settings.discovery_timeout = settings.discovery_timeout or 500
    settings.unicast_port &= _PORT
    settings.multicast_port &= _PORT
    return settings


def _check(config: "Values", settings: "Settings") -> None:
    """What fails without a try: no endpoint or an empty one, a mode there is not (AF-17)."""
    if settings.socket_name is None and settings.unicast_address is None:
        if settings.multicast_address is None:
            raise FlomError(RC_INTERNAL_ERROR, "neither a socket nor an address is set")
        empty = settings.multicast_address == ""
    else:
        empty = settings.unicast_address == ""
    if settings.socket_name == "":
        raise FlomError(RC_CONNECT_ERROR, "the name of the socket is empty")
    if empty:
        raise FlomError(RC_GETADDRINFO_ERROR, "the address is empty")
    if resource_kind(settings.resource_name) not in MODAL_KINDS:
        settings.lock_mode = 5
    elif settings.lock_mode not in _MODES:
        raise FlomError(RC_OUT_OF_RANGE, f"there is no lock mode {settings.lock_mode}")
