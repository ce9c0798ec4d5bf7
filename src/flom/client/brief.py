"""The shortest way to a lock that is free, at a daemon that runs, through a UNIX socket.

A command that takes it loads a third of what other ways need. Whatever is not as usual is left to
them: they begin anew, or go on with the connection on which the lock was asked for.
"""

from time import monotonic

from flom.client.about import described, handed_on, new_session
from flom.client.record import log_daemon
from flom.errors import FlomError
from flom.machine import unique_id
from flom.net.sockets import MSG_DONTWAIT, MSG_PEEK, RECEIVE_SIZE, await_close
from flom.net.unix import UnixEndpoint, connect_unix
from flom.wire import brief
from flom.wire.tokens import announced, fenced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from flom.cli.child import Ended
    from flom.net.sockets import socket

# Seconds to wait for the daemon here; who waits for longer may be shown for what.
PATIENCE = 1.5


class Begun:
    """A lock that was asked for.

    since: when, on the monotonic clock. session: what tells it from all others. received: what the
    daemon has answered so far, b"" if nothing. granted: whether that is the lock; known: whether
    the daemon takes notice of what we announce; token: its fencing token, None if it tells none.
    ended: how the command ended that ran under the lock, None if none has.
    """

    __slots__ = ("ended", "granted", "known", "received", "session", "since", "sock", "token")

    def __init__(self, since: float, sock: "socket", session: str, received: bytes) -> None:
        self.since = since
        self.sock = sock
        self.session = session
        self.received = received
        self.ended: Ended | FlomError | None = None
        grant = brief.granted(received)
        self.granted = grant is not None
        peerid, ext = grant or ("", "")
        self.known = announced(ext)
        self.token = fenced(ext) if self.known else None
        if peerid:
            log_daemon(peerid, brief.FIRST)

    @property
    def sessions(self) -> str:
        """What a command that runs under the lock finds in FLOM_SESSION."""
        return handed_on(self.session if self.known else "")


def begin(name: str, endpoint: UnixEndpoint, command: "Sequence[str]") -> Begun | None:
    """Ask for an exclusive lock of a simple resource; None if that leads nowhere.

    Nothing is left of it then, and nothing was granted. `command` is what will run under the lock.
    """
    since = monotonic()
    try:
        sock = connect_unix(endpoint, since + PATIENCE)
    except FlomError:
        return None
    session = new_session()
    request = brief.lock(name, unique_id(), described(session, command))
    try:
        if request:
            sock.sendall(request)
            sock.settimeout(PATIENCE)
            received = sock.recv(RECEIVE_SIZE)
            sock.settimeout(None)
            return Begun(since, sock, session, received)
    except TimeoutError:
        return Begun(since, sock, session, b"")
    except OSError:
        pass
    sock.close()
    return None


def end(begun: Begun, name: str, rollback: bool) -> bool:
    """Give a lock back that was granted, and wait, bounded, until the daemon has seen it.

    False if anything is not as usual: the daemon has gone, or has more to say.
    """
    try:
        begun.sock.recv(1, MSG_DONTWAIT | MSG_PEEK)
        return False
    except BlockingIOError:
        pass
    except OSError:
        return False
    try:
        begun.sock.sendall(brief.unlock(name, rollback))
        await_close(begun.sock)
    except OSError:
        return False
    return True
