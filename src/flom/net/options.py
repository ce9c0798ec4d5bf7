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

    # How a vanished peer is noticed: time and interval in seconds, number of probes.
    Keepalive = tuple[int, int, int]


# The keepalive values that the options have of themselves.
USUAL = (60, 10, 6)


def keepalive_of(settings: "Settings") -> "Keepalive":
    """The keepalive values of the settings."""
    return (
        settings.tcp_keepalive_time,
        settings.tcp_keepalive_intvl,
        settings.tcp_keepalive_probes,
    )


def tune_tcp(sock: socket, keepalive: "Keepalive") -> None:
    """No delay, keepalive, and a bound on unacknowledged data.

    Keepalive alone never fires while data is unacknowledged, so a grant sent to a vanished waiter
    would hold its resource for minutes (daemon.md 14, F31): the user timeout closes that gap.
    Raises OSError when the kernel refuses a value.
    """
    time, interval, probes = keepalive
    sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    sock.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
    sock.setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, time)
    sock.setsockopt(IPPROTO_TCP, TCP_KEEPINTVL, interval)
    sock.setsockopt(IPPROTO_TCP, TCP_KEEPCNT, probes)
    bound = (time + interval * probes) * 1000
    sock.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, bound)
