"""Where a daemon is: endpoints, name resolution, scope ids (daemon.md 2, 9.1, 9.2)."""

from flom import trace
from flom.errors import (
    RC_GETADDRINFO_ERROR,
    FlomError,
)
from flom.net.sockets import (
    AF_INET6,
    AI_CANONNAME,
    AI_PASSIVE,
    IPPROTO_TCP,
    NI_NUMERICHOST,
    NI_NUMERICSERV,
    SOCK_STREAM,
    gaierror,
    getaddrinfo,
    getnameinfo,
    if_indextoname,
    if_nametoindex,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    Address = tuple[str, int] | tuple[str, int, int, int]
    Resolved = tuple[int, int, int, str, Address | tuple[int, bytes]]


class TcpEndpoint:
    """A TCP address: `host` a name or a literal, optionally `%INTERFACE`; `interface` is `-n`."""

    __slots__ = ("host", "interface", "port")

    def __init__(self, host: str, port: int, interface: str = "") -> None:
        self.host = host
        self.port = port
        self.interface = interface

    def __str__(self) -> str:
        return joined(self.host, self.port)


class Candidate:
    """One address a name resolved to, in the form the kernel takes.

    `found` is what the resolver said; `scope` the index of the interface that was asked for, which
    then stands in `address` in place of the resolver's, 0 if none was.
    """

    __slots__ = ("address", "family", "found", "scope")

    def __init__(self, family: int, found: "Address", scope: int = 0) -> None:
        self.family = family
        self.found = found
        self.scope = scope if len(found) == 4 else 0
        self.address = (*found[:3], scope) if self.scope else found

    def __str__(self) -> str:
        return joined(*numeric(self.address))


def joined(host: str, port: int | str) -> str:
    """Host and port as people write them: a literal IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parted(text: str) -> tuple[str, str | None]:
    """Host and port of such a text; the port is None if it is left out.

    Raises ValueError, which says what is wrong.
    """
    if text.startswith("["):
        host, closing, rest = text[1:].partition("]")
        colon, port = rest[:1], rest[1:]
        if not closing or colon not in ("", ":"):
            raise ValueError("expected [ADDRESS]:PORT")
    else:
        host, colon, port = text.partition(":")
        if ":" in port:
            raise ValueError("an IPv6 address stands in brackets")
    if not host:
        raise ValueError("the host is missing")
    return host, port if colon else None


def numeric(address: "Address") -> tuple[str, str]:
    """Host and port of a socket address as digits, a scope as `%INTERFACE`."""
    return getnameinfo(address, NI_NUMERICHOST | NI_NUMERICSERV)


def interface_index(name: str) -> int:
    """The index of a network interface given by name or by number.

    Raises FlomError (-20) when there is none: daemon.md 9.2, faults 1 and 2 (the reference takes
    the scope of the interface's first address, which may be 0, and ignores wrong names).
    """
    try:
        return if_nametoindex(name)
    except (OSError, ValueError):  # the latter for what no text of C can be
        pass
    try:
        if_indextoname(int(name))
        return int(name)
    except (OSError, OverflowError, ValueError):
        from flom.net.interfaces import unknown

        raise unknown(name) from None


def resolve(endpoint: TcpEndpoint, *, passive: bool = False) -> list[Candidate]:
    """All addresses of `endpoint` in the resolver's order (daemon.md 9.1).

    With an interface only IPv6 addresses are returned, each with the interface's index as scope.
    `NAME%IF` works: the name is resolved first and the interface applied then. `passive` is for
    listening. Raises FlomError: -110 when nothing is found, -20 for an unknown interface.
    """
    host, _, zone = endpoint.host.partition("%")
    interface = endpoint.interface or zone
    scope = interface_index(interface) if interface else 0
    flags = AI_PASSIVE if passive else AI_CANONNAME
    try:
        found = getaddrinfo(
            # Bytes: for a text `getaddrinfo` would load the IDNA codec and its tables.
            host.encode("utf-8", "surrogateescape"),
            str(endpoint.port),
            AF_INET6 if interface else 0,
            SOCK_STREAM,
            IPPROTO_TCP,
            flags,
        )
    except gaierror as error:
        _record(passive, flags, error)
        only = " as an IPv6 address" if interface else ""
        raise FlomError(
            RC_GETADDRINFO_ERROR, f"cannot resolve '{host}'{only}: {error.args[-1]}"
        ) from None
    _record(passive, flags, found)
    return [
        Candidate(family, address, scope)  # type: ignore[arg-type]  # (int, bytes): no family of ours
        for family, _, _, _, address in found
    ]


def _record(passive: bool, flags: int, outcome: "gaierror | list[Resolved]") -> None:
    if trace.mask & (trace.DAEMON | trace.TCP if passive else trace.CONNECTING):
        from flom.net import story

        story.resolved(passive, flags, outcome)
