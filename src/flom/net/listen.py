"""Listening sockets of a daemon and the lock file that guards a UNIX path (daemon.md 4.3, 5)."""

import errno
import fcntl
import posix
from _stat import S_ISREG, S_ISSOCK

from flom import trace
from flom.errors import (
    RC_BIND_ERROR,
    RC_FLOCK_ERROR,
    RC_LISTEN_ERROR,
    RC_OPEN_ERROR,
    RC_SOCKET_ERROR,
    RC_UNLINK_ERROR,
    FlomError,
)
from flom.net.address import Candidate, TcpEndpoint, numeric, resolve
from flom.net.sockets import AF_UNIX, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from flom.net.unix import UnixEndpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.net.discovery import Membership

BACKLOG = 100
PRIVATE_MODE = 0o700
SHARED_MODE = 0o777


class Taken(FlomError):
    """Somebody else serves, or is about to serve, this endpoint (rc -108 or -101)."""


class Listener:
    """A listening socket and what has to be tidied up when it is closed.

    `place` is how the system log names it: the path, or `address/port`. `lock` is the descriptor
    that holds the lock file of a UNIX path, -1 otherwise. `discovery` is where questions to a
    multicast group arrive, None without one.
    """

    __slots__ = ("_identity", "_path", "discovery", "lock", "place", "sock")

    def __init__(self, sock: socket, place: str, path: str = "", lock: int = -1) -> None:
        self.sock = sock
        self.place = place
        self.lock = lock
        self.discovery: Membership | None = None
        self._path = path
        self._identity = _identity(path) if path else None

    @property
    def is_unix(self) -> bool:
        """Whether clients come through a path of the file system."""
        return self.sock.family == AF_UNIX

    def close(self) -> None:
        """Close and remove the socket file, if the path still names our own socket.

        The lock is given up last: whoever gets it then finds nothing of ours (daemon.md 4.3).
        """
        self.sock.close()
        if self._path and _identity(self._path) == self._identity:
            try:
                posix.unlink(self._path)
            except OSError:
                pass  # gone, or not ours to remove: a stale socket hinders nobody
        self.forget()

    def forget(self) -> None:
        """Close our descriptors only: another process goes on with the same socket and lock."""
        self.sock.close()
        if self.discovery is not None:
            self.discovery.close()
        if self.lock >= 0:
            posix.close(self.lock)
            self.lock = -1


def listen_unix(endpoint: UnixEndpoint, mode: int | None = None) -> Listener:
    """A listening socket at `endpoint.path`, guarded by an exclusive lock on PATH.lock.

    `mode` are the permission bits of the socket; without it 0700 for the user's default path and
    0777 for a path given explicitly. A stale socket is replaced; anything else at the path stays
    untouched. Raises Taken (-108) when another daemon holds the lock, FlomError -120 for the lock
    file, -141 for something at the path that is not a stale socket, -101 for the bind.
    """
    lock = _take_lock(endpoint)
    try:
        _remove_stale(endpoint.path)
        sock = _bind_unix(endpoint, mode)
    except BaseException:
        posix.close(lock)
        raise
    return Listener(sock, endpoint.path, endpoint.path, lock)


def listen_tcp(endpoint: TcpEndpoint) -> Listener:
    """A listening socket on the first address of `endpoint` that can be bound (daemon.md 5).

    Raises Taken (-101) when another daemon was faster, FlomError -101 when no address belongs to
    this host, -110 or -20 from the resolution, -117 when listening fails otherwise.
    """
    tracing = trace.mask & (trace.DAEMON | trace.TCP)
    if tracing:
        from flom.net import story

    failures: list[str] = []
    taken = False
    for candidate in resolve(endpoint, passive=True):
        if tracing:
            story.candidate(candidate, passive=True)
        try:
            sock = socket(candidate.family, SOCK_STREAM)
        except OSError as error:
            failures.append(f"{candidate}: {error.strerror}")
            continue
        try:
            return _listen_candidate(sock, candidate, endpoint)
        except OSError as error:
            sock.close()
            if tracing:
                story.skipped("bind", error, passive=True)
            taken = taken or error.errno == errno.EADDRINUSE
            failures.append(f"{candidate}: {_explained(candidate, error)}")
        except FlomError:
            sock.close()
            raise
    failure = Taken if taken else FlomError
    raise failure(RC_BIND_ERROR, f"cannot listen on {endpoint} ({'; '.join(failures)})")


def adopt(descriptor: int) -> Listener:
    """The listening socket a service manager passes (socket activation).

    A UNIX path is guarded by its lock file like one of our own, but belongs to the service
    manager: it is not removed. Raises FlomError like `listen_unix`.
    """
    try:
        sock = socket(fileno=descriptor)
        address = sock.getsockname()
    except OSError as error:
        raise FlomError(
            RC_SOCKET_ERROR, f"descriptor {descriptor} is not a socket: {error.strerror}"
        ) from None
    posix.set_inheritable(descriptor, False)
    sock.setblocking(False)
    if sock.family != AF_UNIX:
        return Listener(sock, "/".join(numeric(address)))
    path = address.decode("utf-8", "surrogateescape") if isinstance(address, bytes) else address
    lock = _take_lock(UnixEndpoint(path)) if path.startswith("/") else -1
    return Listener(sock, path, lock=lock)


def _explained(candidate: Candidate, error: OSError) -> str:
    from flom.net.interfaces import explained

    more = "" if error.errno == errno.EADDRINUSE else explained(candidate, error)
    return f"{error.strerror}: {more}" if more else f"{error.strerror}"


def _listen_candidate(sock: socket, candidate: Candidate, endpoint: TcpEndpoint) -> Listener:
    sock.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    sock.bind(candidate.address)
    try:
        sock.listen(BACKLOG)
    except OSError as error:
        # With address reuse two starters may both bind; the slower one learns it only here.
        if error.errno == errno.EADDRINUSE:
            raise Taken(RC_BIND_ERROR, f"another daemon listens on {endpoint}") from None
        raise FlomError(RC_LISTEN_ERROR, f"cannot listen on {endpoint}: {error.strerror}") from None
    sock.setblocking(False)
    return Listener(sock, f"{endpoint.host}/{numeric(sock.getsockname())[1]}")


def _bind_unix(endpoint: UnixEndpoint, mode: int | None) -> socket:
    if mode is None:
        mode = PRIVATE_MODE if endpoint.private else SHARED_MODE
    try:
        sock = socket(AF_UNIX, SOCK_STREAM)
    except OSError as error:
        raise FlomError(RC_SOCKET_ERROR, f"cannot make a socket: {error.strerror}") from None
    # The mode is given by the umask, not by a later chmod: no moment with wider permissions.
    umask = posix.umask(0o777 & ~mode)
    try:
        sock.bind(endpoint.path)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise FlomError(
            RC_BIND_ERROR, f"cannot listen on {endpoint.path}: {error.strerror}"
        ) from None
    finally:
        posix.umask(umask)
    sock.setblocking(False)
    return sock


def _take_lock(endpoint: UnixEndpoint) -> int:
    path = endpoint.path + ".lock"
    try:
        lock = open_lock(path, 0o600 if endpoint.private else 0o666)
    except OSError as error:
        raise FlomError(
            RC_OPEN_ERROR, f"cannot open the lock file {path}: {error.strerror}"
        ) from None
    try:
        _check_lock(endpoint, path, lock)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        posix.close(lock)
        raise Taken(
            RC_FLOCK_ERROR, f"another daemon holds the lock file {path} ({error.strerror})"
        ) from None
    except FlomError:
        posix.close(lock)
        raise
    return lock


def open_lock(path: str, mode: int) -> int:
    flags = posix.O_RDWR | posix.O_CLOEXEC | posix.O_NOFOLLOW | posix.O_NONBLOCK
    while True:
        # Without O_CREAT first: in a sticky directory the kernel refuses to open somebody
        # else's existing file for creation.
        try:
            return posix.open(path, flags)
        except FileNotFoundError:
            pass
        umask = posix.umask(0)
        try:
            return posix.open(path, flags | posix.O_CREAT | posix.O_EXCL, mode)
        except FileExistsError:
            continue
        finally:
            posix.umask(umask)


def _check_lock(endpoint: UnixEndpoint, path: str, lock: int) -> None:
    status = posix.fstat(lock)
    if not S_ISREG(status.st_mode):
        raise FlomError(RC_OPEN_ERROR, f"the lock file {path} is not a regular file")
    if not endpoint.private:
        return
    if status.st_uid != posix.geteuid():
        raise FlomError(
            RC_OPEN_ERROR,
            f"the lock file {path} belongs to user id {status.st_uid}, not to you (have it"
            " removed, or name a socket of your own with -s)",
        )
    if status.st_mode & 0o077:
        posix.fchmod(lock, 0o600)  # whoever may open the file could hold its lock for ever


def _remove_stale(path: str) -> None:
    try:
        status = posix.lstat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise FlomError(RC_UNLINK_ERROR, f"cannot look at {path}: {error.strerror}") from None
    if not S_ISSOCK(status.st_mode):
        raise FlomError(
            RC_UNLINK_ERROR,
            f"{path} exists and is not a socket: it is left untouched (name another path with -s)",
        )
    if _is_served(path):
        raise Taken(RC_FLOCK_ERROR, f"somebody listens on {path} without holding its lock file")
    try:
        posix.unlink(path)
    except OSError as error:
        raise FlomError(
            RC_UNLINK_ERROR, f"cannot remove the stale socket {path}: {error.strerror}"
        ) from None


def _is_served(path: str) -> bool:
    probe = socket(AF_UNIX, SOCK_STREAM)
    try:
        probe.setblocking(False)
        probe.connect(path)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        probe.close()
    return True


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = posix.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
