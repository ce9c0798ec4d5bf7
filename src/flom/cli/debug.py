"""The debug features: self-tests of what discovery and TLS need (cli.md 16). Loaded only for that.

Each is one half of a pair that is started on two hosts, or twice on one.
"""

import sys

from flom import trace
from flom.errors import (
    RC_GETADDRINFO_ERROR,
    RC_INVALID_IP_ADDRESS,
    RC_INVALID_OPTION,
    RC_NETWORK_TIMEOUT,
    RC_SENDTO_ERROR,
    FlomError,
)
from flom.net.address import numeric
from flom.net.sockets import (
    AF_INET6,
    IPPROTO_IPV6,
    IPPROTO_UDP,
    IPV6_JOIN_GROUP,
    IPV6_MULTICAST_HOPS,
    SO_REUSEADDR,
    SOCK_DGRAM,
    SOL_SOCKET,
    gaierror,
    getaddrinfo,
    inet_pton,
    socket,
)
from flom.values import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from flom.settings import Settings

    Address = tuple[str, int, int, int]
    SayLine = Callable[[str], None]

HELLO = b"HELLO"
WELCOME = b"WELCOME"
_LARGEST = 65536


class Debug:
    """Run the debug feature of this name; result None, or FlomError saying what went wrong."""

    __slots__ = ("name", "settings")

    def __init__(self, settings: "Settings", name: str) -> None:
        self.settings = settings
        self.name = name

    def carry_out(self, say: "SayLine") -> None:
        """Run it to its end, telling what happens; raises FlomError."""
        feature = FEATURES.get(self.name.lower())
        if feature is None:
            raise FlomError(
                RC_INVALID_OPTION, f"there is no such feature (known: {', '.join(FEATURES)})"
            )
        trace.told(trace.DEBUG, f"flom_debug_features: {self.name}", feature, self.settings, say)


def _multicast_server(settings: "Settings", say: "SayLine") -> None:
    """Wait, without limit, for one datagram to the group, and answer it."""
    group = _group(settings)
    sock = socket(AF_INET6, SOCK_DGRAM)
    try:
        sock.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        sock.bind(("::", settings.multicast_port))
        member = inet_pton(AF_INET6, group[0]) + group[3].to_bytes(4, sys.byteorder)
        sock.setsockopt(IPPROTO_IPV6, IPV6_JOIN_GROUP, member)
        _record(f"joined {_shown(group)}, waiting")
        data, sender = sock.recvfrom(_LARGEST)
        say(_line("Arrived", data))
        _record(f"datagram from {_shown(sender)}")
        sock.sendto(WELCOME, sender)
        say(_line("Sent", WELCOME))
    except OSError as error:
        raise _unusable(group, error) from None
    finally:
        sock.close()


def _multicast_client(settings: "Settings", say: "SayLine") -> None:
    """Ask the group and wait for one answer, as often and as long as discovery would (CF-22)."""
    group = _group(settings)
    sock = socket(AF_INET6, SOCK_DGRAM)
    try:
        sock.setsockopt(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, min(settings.discovery_ttl, 255))
        for attempt in range(settings.discovery_attempts):
            sock.sendto(HELLO, group)
            _record(f"datagram {attempt + 1} to {_shown(group)}")
            if attempt == 0:
                say(_line("Sent", HELLO))
            data = _answer(sock, settings.discovery_timeout / 1000)
            if data is not None:
                say(_line("Arrived", data))
                return
    except OSError as error:
        raise _unusable(group, error) from None
    finally:
        sock.close()
    limit = settings.discovery_attempts * settings.discovery_timeout
    raise FlomError(
        RC_NETWORK_TIMEOUT,
        f"no answer from {_shown(group)} within {limit} ms (does ipv6.multicast.server run there?"
        " -D and -I wait longer, --discovery-ttl reaches farther)",
    )


def _answer(sock: socket, seconds: float) -> bytes | None:
    sock.settimeout(seconds)
    try:
        data, sender = sock.recvfrom(_LARGEST)
    except TimeoutError:
        return None
    _record(f"datagram from {_shown(sender)}")
    return data


def _group(settings: "Settings") -> "Address":
    """The IPv6 multicast group of `-A` and `-P`, with the scope of `GROUP%IF`."""
    name = settings.multicast_address
    if not name:
        raise FlomError(RC_INVALID_OPTION, "an IPv6 multicast group is needed (-A)")
    try:
        found = getaddrinfo(
            name.encode("utf-8", "surrogateescape"), str(settings.multicast_port),
            AF_INET6, SOCK_DGRAM, IPPROTO_UDP,
        )  # fmt: skip
    except gaierror as error:
        raise FlomError(
            RC_GETADDRINFO_ERROR,
            f"cannot resolve {quoted(name)} as an IPv6 address: {error.args[-1]}",
        ) from None
    group: Address = found[0][4]  # type: ignore[assignment]  # it is of the family asked for
    if inet_pton(AF_INET6, group[0])[0] != 0xFF:
        raise FlomError(RC_INVALID_IP_ADDRESS, f"{quoted(name)} is not a multicast group")
    return group


def _unusable(group: "Address", error: OSError) -> FlomError:
    return FlomError(
        RC_SENDTO_ERROR,
        f"the group {_shown(group)} cannot be used: {error.strerror or error} "
        "(is there an interface with multicast and a route for the group?)",
    )


def _tls_server(settings: "Settings", say: "SayLine") -> None:
    from flom.cli.debug_tls import server

    server(settings)


def _tls_client(settings: "Settings", say: "SayLine") -> None:
    from flom.cli.debug_tls import client

    client(settings)


FEATURES: "dict[str, Callable[[Settings, SayLine], None]]" = {
    "ipv6.multicast.server": _multicast_server,
    "ipv6.multicast.client": _multicast_client,
    "tls.server": _tls_server,
    "tls.client": _tls_client,
}


def _line(event: str, data: bytes) -> str:
    return f"{event} datagram is '{data.decode('utf-8', 'backslashreplace')}'\n"


def _shown(address: "Address") -> str:
    return "/".join(numeric(address))


def _record(text: str) -> None:
    if trace.mask & trace.DEBUG:
        trace.record(f"flom_debug_features: {text}")
