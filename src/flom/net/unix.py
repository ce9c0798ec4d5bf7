"""Daemons of this host: UNIX sockets (daemon.md 2 and 3; design, "Security ...")."""

import posix
from time import monotonic

from flom import trace
from flom.errors import RC_CONNECT_ERROR, RC_NETWORK_TIMEOUT, FlomError
from flom.net.sockets import AF_UNIX, SO_SNDTIMEO, SOCK_STREAM, SOL_SOCKET, peer_uid, socket


class UnixEndpoint:
    """A UNIX stream socket.

    `private` marks the default path, which is trusted only if it belongs to the user or to root
    (design, "Security of the default socket").
    """

    __slots__ = ("path", "private")

    def __init__(self, path: str, private: bool = False) -> None:
        self.path = path
        self.private = private

    def __str__(self) -> str:
        return self.path


class NobodyListens(FlomError):
    """There is no daemon at the endpoint: the one failure after which starting one may help."""


def connect_unix(endpoint: UnixEndpoint, deadline: float) -> socket:
    """A blocking stream socket connected to `endpoint`.

    `deadline` is a time of the monotonic clock in seconds. Raises NobodyListens (-105) when the
    path does not exist or nobody listens there, FlomError (-105) for every other reason, among
    them a default socket that belongs to somebody else.
    """
    if trace.mask & trace.CONNECTING:
        trace.record(f"flom_client_connect_unix: connecting to socket '{endpoint.path}'")
    if endpoint.private:
        _refuse_foreign(endpoint.path)
    sock = socket(AF_UNIX, SOCK_STREAM)
    try:
        # A UNIX connect blocks only while the daemon's backlog is full; the kernel bounds that
        # wait by the send timeout, whereas a non-blocking connect would fail at once.
        sock.setsockopt(SOL_SOCKET, SO_SNDTIMEO, _timeval(deadline - monotonic()))
        sock.connect(endpoint.path)
        while not _is_connected(sock):
            sock.setsockopt(SOL_SOCKET, SO_SNDTIMEO, _timeval(deadline - monotonic()))
            sock.connect(endpoint.path)
        if endpoint.private:
            _check_owner(endpoint.path, peer_uid(sock), "is served by")
        sock.setsockopt(SOL_SOCKET, SO_SNDTIMEO, bytes(16))
    except OSError as error:
        sock.close()
        if trace.mask & trace.CONNECTING:
            trace.record(f"flom_client_connect_unix: errno={error.errno} '{error.strerror}'")
        raise _unix_failure(endpoint.path, error) from None
    except FlomError:
        sock.close()
        raise
    return sock


def _is_connected(sock: socket) -> bool:
    """Whether the last `connect` has done its work.

    When a signal interrupts it, Python takes it for one that goes on by itself, which that of a
    UNIX socket does not.
    """
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def _unix_failure(path: str, error: OSError) -> FlomError:
    if isinstance(error, FileNotFoundError):
        return NobodyListens(RC_CONNECT_ERROR, f"cannot connect to {path}: no such socket")
    if isinstance(error, ConnectionRefusedError):
        return NobodyListens(RC_CONNECT_ERROR, f"cannot connect to {path}: nobody listens there")
    if isinstance(error, BlockingIOError):
        return FlomError(
            RC_NETWORK_TIMEOUT, f"cannot connect to {path}: the daemon does not accept in time"
        )
    return FlomError(RC_CONNECT_ERROR, f"cannot connect to {path}: {reason(error)}")


def _refuse_foreign(path: str) -> None:
    try:
        status = posix.lstat(path)
    except OSError:
        return
    if status.st_mode & 0o170000 == 0o140000:  # a socket; `_stat` costs 0.004 of a run
        _check_owner(path, status.st_uid, "belongs to")


def _check_owner(path: str, uid: int, relation: str) -> None:
    if uid not in (0, posix.geteuid()):
        raise FlomError(
            RC_CONNECT_ERROR,
            f"the default socket {path} {relation} user id {uid}, neither you nor root: it is"
            " not trusted (have it removed, or name a socket of your own with -s)",
        )


def _timeval(seconds: float) -> bytes:
    microseconds = max(int(seconds * 1_000_000), 1000)
    whole, rest = divmod(microseconds, 1_000_000)
    return whole.to_bytes(8, "little") + rest.to_bytes(8, "little")


def reason(error: OSError) -> str:
    """Why a connection failed, in words."""
    return "no answer in time" if isinstance(error, TimeoutError) else error.strerror or str(error)
