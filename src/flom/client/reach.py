"""Find a daemon or start one: the decision table of daemon.md 3."""

from time import monotonic, sleep

from flom import trace
from flom.errors import (
    RC_BIND_ERROR,
    RC_CONNECT_ERROR,
    RC_DAEMON_NOT_STARTED,
    FlomError,
)
from flom.net.address import TcpEndpoint
from flom.net.connect import connect_tcp
from flom.net.options import keepalive_of
from flom.net.sockets import socket
from flom.net.unix import NobodyListens, UnixEndpoint, connect_unix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from flom.net.discovery import GroupEndpoint
    from flom.net.tlssocket import TlsSocket
    from flom.settings import Settings

    Endpoint = UnixEndpoint | TcpEndpoint | GroupEndpoint
    Stream = socket | TlsSocket
    # Told what happens: 1 and a line that `-V` shows, or 2 and a warning.
    Tell = Callable[[int, str], None]
    Way = Callable[[Endpoint, Settings, float, Tell], socket]

# Seconds for which a daemon that is just starting or just ending is waited for, and between two
# looks at it (daemon.md 4.3, races).
RACE_LIMIT = 5.0
RACE_PAUSE = 0.02


def silent(stream: int, text: str) -> None:
    """For who does not want to be told."""


def reach(
    endpoint: "Endpoint", settings: "Settings", deadline: float, tell: "Tell" = silent
) -> "Stream":
    """A connection to the daemon at `endpoint`, which is started when nobody listens there.

    A lifespan of 0 never starts one. `deadline` is a time of the monotonic clock; `tell` is called
    while a daemon is searched by multicast, and with what a new one cannot do. Raises FlomError
    with the codes of daemon.md 3, and
    those of `secure.secured` if the settings ask for TLS.
    """
    if settings.tls:
        return _secured(reach_plain, endpoint, settings, deadline, tell)
    return reach_plain(endpoint, settings, deadline, tell)


def connect(
    endpoint: "Endpoint", settings: "Settings", deadline: float, tell: "Tell" = silent
) -> "Stream":
    """A connection to a daemon that runs already; raises like `connect_plain`, and as `reach`."""
    if settings.tls:
        return _secured(connect_plain, endpoint, settings, deadline, tell)
    return connect_plain(endpoint, settings, deadline, tell)


def _secured(
    way: "Way", endpoint: "Endpoint", settings: "Settings", deadline: float, tell: "Tell"
) -> "TlsSocket":
    from flom.client.secure import secured

    return secured(lambda: way(endpoint, settings, deadline, tell), settings, deadline)


def reach_plain(
    endpoint: "Endpoint", settings: "Settings", deadline: float, tell: "Tell"
) -> socket:
    """What `reach` does, without TLS whatever the settings say."""
    try:
        return connect_plain(endpoint, settings, deadline, tell)
    except NobodyListens as error:
        nobody = error
        if settings.daemon_lifespan == 0:
            _record("a new daemon can not be started because daemon lifespan is 0")
            raise FlomError(
                RC_CONNECT_ERROR,
                f"{error.text}; the daemon lifespan is 0, so none is started",
            ) from None
    _record("starting a new daemon")
    if isinstance(endpoint, UnixEndpoint | TcpEndpoint):
        return _start_and_connect(endpoint, settings, deadline, tell)
    from flom.client.discover import Deserted, start_and_connect

    if isinstance(nobody, Deserted):
        return _start_and_connect(nobody.endpoint, settings, deadline, tell)
    return trace.told(
        trace.CONNECTING, "flom_client_connect_multicast",
        start_and_connect, endpoint, settings, deadline, keepalive_of(settings), tell,
    )  # fmt: skip


def connect_plain(
    endpoint: "Endpoint", settings: "Settings", deadline: float, tell: "Tell" = silent
) -> socket:
    """A connection without TLS to a daemon that runs; raises like the functions of net.connect."""
    if isinstance(endpoint, UnixEndpoint):
        return trace.told(
            trace.CONNECTING, "flom_client_connect_unix", connect_unix, endpoint, deadline
        )
    if isinstance(endpoint, TcpEndpoint):
        return trace.told(
            trace.CONNECTING, "flom_client_connect_tcp",
            connect_tcp, endpoint, deadline, keepalive_of(settings),
        )  # fmt: skip
    from flom.client.discover import connect_group

    return trace.told(
        trace.CONNECTING, "flom_client_connect_multicast",
        connect_group, endpoint, settings, deadline, keepalive_of(settings), tell,
    )  # fmt: skip


def _record(what: str) -> None:
    if trace.mask & (trace.CONNECTING | trace.DAEMON):
        trace.record(f"flom_client_connect: connection failed, {what}")


def _start_and_connect(
    endpoint: UnixEndpoint | TcpEndpoint, settings: "Settings", deadline: float, tell: "Tell"
) -> socket:
    # Only who has to start a daemon pays for loading what that takes.
    from flom.daemon.launch import start
    from flom.net.listen import Taken

    give_up = min(monotonic() + RACE_LIMIT, deadline)
    while True:
        reason = ""
        try:
            start(endpoint, settings, deadline, lambda text: tell(2, text))
        except Taken as taken:
            _record(taken.text)
            reason = taken.text  # somebody was faster, or is just ending: both pass
        except FlomError as error:
            if error.rc != RC_BIND_ERROR:
                raise
            raise FlomError(
                RC_DAEMON_NOT_STARTED, f"no daemon answers at {endpoint}, and {error.text}"
            ) from None
        try:
            return connect_plain(endpoint, settings, deadline)
        except NobodyListens as nobody:
            if monotonic() >= give_up:
                detail = f"{nobody.text}; {reason}" if reason else nobody.text
                raise FlomError(RC_DAEMON_NOT_STARTED, detail) from None
        sleep(RACE_PAUSE)
