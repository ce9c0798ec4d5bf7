"""Options of TCP connections, the same on both sides and for every family (daemon.md 5)."""

from flom.net.sockets import (
    IPPROTO_TCP,
    SO_KEEPALIVE,
    SOL_SOCKET,
    TCP_KEEPCNT,
    TCP_KEEPIDLE,
    TCP_KEEPINTVL,
    TCP_NODELAY,
    TCP_USER_TIMEOUT,
    socket,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.settings import Settings


class Keepalive:
    """How a vanished peer is noticed: `time` and `interval` in seconds, `probes` a count."""

    __slots__ = ("interval", "probes", "time")

    def __init__(self, time: int = 60, interval: int = 10, probes: int = 6) -> None:
        self.time = time
        self.interval = interval
        self.probes = probes


def keepalive_of(settings: "Settings") -> Keepalive:
    """The keepalive values of the settings."""
    return Keepalive(
        settings.tcp_keepalive_time, settings.tcp_keepalive_intvl, settings.tcp_keepalive_probes
    )


def tune_tcp(sock: socket, keepalive: Keepalive) -> None:
    """No delay, keepalive, and a bound on unacknowledged data.

    Keepalive alone never fires while data is unacknowledged, so a grant sent to a vanished waiter
    would hold its resource for minutes (daemon.md 14, F31): the user timeout closes that gap.
    Raises OSError when the kernel refuses a value.
    """
    sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    sock.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
    sock.setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, keepalive.time)
    sock.setsockopt(IPPROTO_TCP, TCP_KEEPINTVL, keepalive.interval)
    sock.setsockopt(IPPROTO_TCP, TCP_KEEPCNT, keepalive.probes)
    bound = (keepalive.time + keepalive.interval * keepalive.probes) * 1000
    sock.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, bound)
