"""Why an address of one network interface cannot be used, and which interface would do.

Loaded only to explain an error (daemon.md 9.2: a link-local address means nothing without its
interface, and the kernel only says "invalid argument").
"""

import errno
import fcntl

from flom.errors import RC_INVALID_IPV6_NETWORK_INTERFACE, FlomError
from flom.net.sockets import AF_INET, AF_INET6, SOCK_DGRAM, if_indextoname, inet_pton, socket
from flom.values import IPV6_ADDRESSES, interfaces, quoted, suitable_interfaces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.net.address import Candidate

_SIOCGIFFLAGS = 0x8913
_IFF_UP = 1
_TENTATIVE = 0x40  # among the flags of /proc/net/if_inet6


def unknown(name: str) -> FlomError:
    """The error (-20) for an interface that does not exist, with those that would do."""
    known = ", ".join(suitable_interfaces()) or "none here has an IPv6 address"
    return FlomError(
        RC_INVALID_IPV6_NETWORK_INTERFACE,
        f"there is no network interface {quoted(name)}; usable: {known}",
    )


def explained(candidate: "Candidate", error: OSError) -> str:
    """What `error` means for connecting to `candidate` or listening on it, "" if it says it all."""
    address = candidate.address
    if error.errno == errno.EADDRNOTAVAIL and _is_tentative(address[0]):
        return "the system still checks whether another host has it (try again in two seconds)"
    if candidate.family == AF_INET6 and is_link_local(address[0]):
        scope = address[3] if len(address) == 4 else 0
        return _which() if scope == 0 else _hindrance(scope)
    if error.errno == errno.EADDRNOTAVAIL:
        return "no interface that is up has this address"
    return ""


def is_link_local(host: str) -> bool:
    """Whether an IPv6 address in digits, with or without `%INTERFACE`, is one of fe80::/10."""
    packed = inet_pton(AF_INET6, host.partition("%")[0])
    return packed[0] == 0xFE and packed[1] & 0xC0 == 0x80


def _is_tentative(host: str, table: str = IPV6_ADDRESSES) -> bool:
    if ":" not in host:
        return False
    digits = inet_pton(AF_INET6, host.partition("%")[0]).hex()
    try:
        with open(table, encoding="ascii") as lines:
            rows = [line.split() for line in lines]
    except OSError:
        return False
    return any(row[0] == digits and int(row[4], 16) & _TENTATIVE for row in rows)


def _which() -> str:
    usable = suitable_interfaces()
    if usable in ([], ["lo"]):
        return (
            "a link-local address needs an interface, but none here is up and has IPv6"
            " (see: ip -6 address)"
        )
    choice = f"-n {usable[0]}" if len(usable) == 1 else f"-n with one of {', '.join(usable)}"
    return f"a link-local address needs the interface it is reached through: {choice}"


def _hindrance(scope: int) -> str:
    """What is wrong with the interface a link-local address is to be reached through."""
    try:
        name = if_indextoname(scope)
    except OSError:
        return f"there is no network interface with number {scope}"
    if not _is_up(name):
        return f"the interface {name} is down (ip link set {name} up)"
    if name not in interfaces():
        return (
            f"the interface {name} has no IPv6 address (is IPv6 switched off there? see sysctl"
            f" net.ipv6.conf.{name}.disable_ipv6)"
        )
    usable = suitable_interfaces()
    if name not in usable:
        known = ", ".join(usable) or "none here"
        return f"link-local addresses are not reached through {name}; usable: {known}"
    return ""


def _is_up(name: str) -> bool:
    request = name.encode().ljust(40, b"\0")  # struct ifreq
    sock = socket(AF_INET, SOCK_DGRAM)
    answer = fcntl.ioctl(sock.fileno(), _SIOCGIFFLAGS, request)
    sock.close()
    return bool(answer[16] & _IFF_UP)
