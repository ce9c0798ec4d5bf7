"""`_socket` behind one small module.

The public `socket` module doubles the start of the command (it imports `enum` and `selectors`),
its private half adds nothing measurable. Whoever needs another constant adds it here.
"""

from flom import extension

extension.load("_socket")

from _socket import (  # noqa: E402  # loaded just now
    AF_INET,
    AF_INET6,
    AF_UNIX,
    AI_CANONNAME,
    AI_PASSIVE,
    IP_ADD_MEMBERSHIP,
    IP_MULTICAST_IF,
    IP_MULTICAST_TTL,
    IPPROTO_IP,
    IPPROTO_IPV6,
    IPPROTO_TCP,
    IPPROTO_UDP,
    IPV6_JOIN_GROUP,
    IPV6_MULTICAST_HOPS,
    IPV6_MULTICAST_IF,
    IPV6_V6ONLY,
    MSG_DONTWAIT,
    MSG_PEEK,
    NI_NUMERICHOST,
    NI_NUMERICSERV,
    SHUT_WR,
    SO_ERROR,
    SO_KEEPALIVE,
    SO_PEERCRED,
    SO_REUSEADDR,
    SO_SNDTIMEO,
    SOCK_DGRAM,
    SOCK_SEQPACKET,
    SOCK_STREAM,
    SOL_SOCKET,
    TCP_KEEPCNT,
    TCP_KEEPIDLE,
    TCP_KEEPINTVL,
    TCP_NODELAY,
    TCP_USER_TIMEOUT,
    gaierror,
    getaddrinfo,
    getnameinfo,
    if_indextoname,
    if_nameindex,
    if_nametoindex,
    inet_pton,
    socket,
    socketpair,
)

__all__ = [
    "AF_INET",
    "AF_INET6",
    "AF_UNIX",
    "AI_CANONNAME",
    "AI_PASSIVE",
    "CLOSE_LIMIT",
    "IPPROTO_IP",
    "IPPROTO_IPV6",
    "IPPROTO_TCP",
    "IPPROTO_UDP",
    "IPV6_JOIN_GROUP",
    "IPV6_MULTICAST_HOPS",
    "IPV6_MULTICAST_IF",
    "IPV6_V6ONLY",
    "IP_ADD_MEMBERSHIP",
    "IP_MULTICAST_IF",
    "IP_MULTICAST_TTL",
    "MSG_DONTWAIT",
    "MSG_PEEK",
    "NI_NUMERICHOST",
    "NI_NUMERICSERV",
    "RECEIVE_SIZE",
    "SHUT_WR",
    "SOCK_DGRAM",
    "SOCK_SEQPACKET",
    "SOCK_STREAM",
    "SOL_SOCKET",
    "SO_ERROR",
    "SO_KEEPALIVE",
    "SO_PEERCRED",
    "SO_REUSEADDR",
    "SO_SNDTIMEO",
    "TCP_KEEPCNT",
    "TCP_KEEPIDLE",
    "TCP_KEEPINTVL",
    "TCP_NODELAY",
    "TCP_USER_TIMEOUT",
    "accept",
    "await_close",
    "gaierror",
    "getaddrinfo",
    "getnameinfo",
    "if_indextoname",
    "if_nameindex",
    "if_nametoindex",
    "inet_pton",
    "is_passing",
    "peer_uid",
    "socket",
    "socketpair",
]


TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.net.tlssocket import TlsSocket

# Bytes of answers that are read at once.
RECEIVE_SIZE = 4096
# Seconds to wait for the daemon's close after an unlock or a shutdown request (daemon.md 7, F32).
CLOSE_LIMIT = 1.0


def accept(listener: socket) -> "tuple[socket, object]":
    """The next waiting connection of a listening socket, and its peer's address."""
    descriptor, address = listener._accept()  # type: ignore[attr-defined]  # missing in the stubs
    return socket(listener.family, listener.type, listener.proto, descriptor), address


def is_passing(error: OSError) -> bool:
    """Whether the same call may succeed later: the connection is as good as before."""
    from errno import EAGAIN, EINTR, ENOBUFS, ENOMEM  # 0.007 of a run, and few see an error

    return error.errno in (EAGAIN, EINTR, ENOBUFS, ENOMEM)


def peer_uid(sock: socket) -> int:
    """The user id of the process at the other end of a UNIX stream socket (SO_PEERCRED)."""
    credentials = sock.getsockopt(SOL_SOCKET, SO_PEERCRED, 12)
    return int.from_bytes(credentials[4:8], "little", signed=False)


def await_close(sock: "socket | TlsSocket") -> None:
    """Half close, then wait, bounded, for the other side's end of stream: it has read everything.

    Raises OSError.
    """
    sock.shutdown(SHUT_WR)
    sock.settimeout(CLOSE_LIMIT)
    try:
        while sock.recv(RECEIVE_SIZE):
            pass
    except TimeoutError:
        pass  # who is stopped will read what was sent when it goes on
