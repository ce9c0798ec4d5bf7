"""The sockets of multicast discovery: asking a group, answering in it (wire.md 13, daemon.md 9).

Loaded only by who uses a multicast group.
"""

import sys

from flom.errors import RC_CONNECT_ERROR, RC_GETADDRINFO_ERROR, FlomError
from flom.net.address import interface_index, numeric
from flom.net.sockets import (
    AF_INET,
    AF_INET6,
    IP_ADD_MEMBERSHIP,
    IP_MULTICAST_IF,
    IP_MULTICAST_TTL,
    IPPROTO_IP,
    IPPROTO_IPV6,
    IPPROTO_UDP,
    IPV6_JOIN_GROUP,
    IPV6_MULTICAST_HOPS,
    IPV6_MULTICAST_IF,
    IPV6_V6ONLY,
    SO_REUSEADDR,
    SOCK_DGRAM,
    SOL_SOCKET,
    gaierror,
    getaddrinfo,
    if_nameindex,
    inet_pton,
    socket,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.net.address import Address

WILDCARDS = {AF_INET: "0.0.0.0", AF_INET6: "::"}
# More than any message of discovery has; the rest of a longer datagram is lost.
LARGEST = 2048

# Of the kernel's headers, missing in Python: whether a socket gets the datagrams of every group
# that anybody on this host has joined.
_IP_MULTICAST_ALL = 49
_IPV6_MULTICAST_ALL = 29


class GroupEndpoint:
    """A multicast group in which daemons are searched.

    `group` is a name or a literal, optionally `%INTERFACE`; `interface` is `-n`. `announced` is the
    address and the port that the daemon reached last has named in its answer.
    """

    __slots__ = ("announced", "group", "interface", "port")

    def __init__(self, group: str, port: int, interface: str = "") -> None:
        self.group = group
        self.port = port
        self.interface = interface
        self.announced: tuple[str, int] | None = None

    def __str__(self) -> str:
        return f"{self.group}/{self.port}"


class Group:
    """One address of a group; `index` is the interface that was asked for, 0 if none was."""

    __slots__ = ("address", "family", "index")

    def __init__(self, family: int, found: "Address", index: int) -> None:
        self.family = family
        self.index = index
        self.address = (*found[:3], index) if len(found) == 4 else found

    @property
    def host(self) -> str:
        """The address as digits, without interface."""
        return self.address[0]

    @property
    def port(self) -> int:
        """The port of the group."""
        return self.address[1]

    def __str__(self) -> str:
        return "/".join(numeric(self.address))


def resolve_group(endpoint: GroupEndpoint) -> list[Group]:
    """All addresses of a group in the resolver's order; only IPv6 with `-n` (daemon.md 9.3).

    Raises FlomError: -110 when there is none, -20 for an unknown interface.
    """
    host, _, zone = endpoint.group.partition("%")
    interface = endpoint.interface or zone
    index = interface_index(interface) if interface else 0
    family = AF_INET6 if endpoint.interface else 0
    try:
        found = getaddrinfo(
            # Bytes: for a text `getaddrinfo` would load the IDNA codec and its tables.
            host.encode("utf-8", "surrogateescape"),
            str(endpoint.port), family, SOCK_DGRAM, IPPROTO_UDP,
        )  # fmt: skip
    except gaierror as error:
        only = " as an IPv6 address" if family else ""
        raise FlomError(
            RC_GETADDRINFO_ERROR,
            f"cannot resolve the multicast group '{host}'{only}: {error.args[-1]}",
        ) from None
    return [Group(each[0], each[4], index) for each in found]  # type: ignore[arg-type]  # (int, bytes): no family of ours


def asking(groups: list[Group], ttl: int) -> tuple[socket, Group]:
    """A socket to ask the first usable address with, and that address (daemon.md 9.3).

    `ttl` is how many hosts a datagram may pass. Without an interface the kernel chooses one.
    Raises FlomError (-105) when no address is usable.
    """
    reasons: list[str] = []
    for group in groups:
        try:
            sock = socket(group.family, SOCK_DGRAM)
        except OSError as error:
            reasons.append(f"{group}: {error.strerror}")
            continue
        try:
            _aim(sock, group, min(ttl, 255))
            sock.bind((WILDCARDS[group.family], 0))
        except OSError as error:
            sock.close()
            reasons.append(f"{group}: {error.strerror}")
        else:
            return sock, group
    raise FlomError(
        RC_CONNECT_ERROR, f"no address of the multicast group is usable ({'; '.join(reasons)})"
    )


def _aim(sock: socket, group: Group, ttl: int) -> None:
    if group.family == AF_INET6:
        sock.setsockopt(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ttl)
        if group.index:
            sock.setsockopt(IPPROTO_IPV6, IPV6_MULTICAST_IF, group.index)
        return
    sock.setsockopt(IPPROTO_IP, IP_MULTICAST_TTL, ttl)
    if group.index:
        sock.setsockopt(IPPROTO_IP, IP_MULTICAST_IF, bytes(8) + _int(group.index))


class Membership:
    """A datagram socket that is a member of `group`, not blocking."""

    __slots__ = ("group", "sock")

    def __init__(self, sock: socket, group: Group) -> None:
        self.sock = sock
        self.group = group

    @property
    def place(self) -> str:
        """How the system log names it: `group/port`."""
        return str(self.group)

    def close(self) -> None:
        """Leave the group."""
        self.sock.close()


def answering(groups: list[Group], family: int) -> Membership:
    """A member of the first address of `family`, on the port of the group (daemon.md 9.4).

    It joins on the interface asked for, else on every one that can (F11). From the moment this
    returns the kernel keeps questions until they are read. Raises FlomError (-105).
    """
    group = next((each for each in groups if each.family == family), None)
    if group is None:
        raise FlomError(
            RC_CONNECT_ERROR,
            f"the multicast group {groups[0]} is not of the family of the daemon's address: one"
            " daemon cannot serve both (choose -a and -A both for IPv4, or both for IPv6)",
        )
    try:
        sock = socket(family, SOCK_DGRAM)
    except OSError as error:
        raise _unusable(group, error) from None
    try:
        sock.setblocking(False)
        sock.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        _only_own_groups(sock, family)
        sock.bind((WILDCARDS[family], group.port))
        _join(sock, group)
    except OSError as error:
        sock.close()
        raise _unusable(group, error) from None
    return Membership(sock, group)


def _only_own_groups(sock: socket, family: int) -> None:
    """Keep the questions for other groups away: their clients look for other daemons."""
    if family == AF_INET:
        sock.setsockopt(IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        return
    sock.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1)
    try:
        sock.setsockopt(IPPROTO_IPV6, _IPV6_MULTICAST_ALL, 0)
    except OSError:
        pass  # before Linux 4.20


def _join(sock: socket, group: Group) -> None:
    if group.index:
        _join_at(sock, group, group.index)
        return
    joined, failure = False, OSError(19, "No such device")
    # The kernel's own choice first: there is a limit to how many interfaces can be joined.
    for index in (0, *(index for index, _ in if_nameindex())):
        try:
            _join_at(sock, group, index)
            joined = True
        except OSError as error:
            failure = error
    if not joined:
        raise failure


def _join_at(sock: socket, group: Group, index: int) -> None:
    if group.family == AF_INET6:
        member = inet_pton(AF_INET6, group.host) + _int(index)
        sock.setsockopt(IPPROTO_IPV6, IPV6_JOIN_GROUP, member)
    else:
        member = inet_pton(AF_INET, group.host) + bytes(4) + _int(index)
        sock.setsockopt(IPPROTO_IP, IP_ADD_MEMBERSHIP, member)


def _int(value: int) -> bytes:
    return value.to_bytes(4, sys.byteorder)


def _unusable(group: Group, error: OSError) -> FlomError:
    return FlomError(
        RC_CONNECT_ERROR, f"no daemon can join the multicast group {group}: {error.strerror}"
    )
