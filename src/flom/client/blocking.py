"""The blocking shell around a session: one socket, one lock."""

from time import monotonic, sleep

from flom.client.reach import connect, reach
from flom.client.session import DEFAULT_LIMIT, Session, endpoint_of
from flom.errors import (
    RC_DAEMON_NOT_STARTED,
    RC_RECV_ERROR,
    RC_SEND_ERROR,
    FlomError,
)
from flom.machine import unique_id
from flom.net.connect import NobodyListens
from flom.net.sockets import MSG_DONTWAIT, MSG_PEEK, SHUT_WR, socket
from flom.wire.client import ClientConversation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.settings import Settings

RECEIVE_SIZE = 4096
# Seconds to wait for the daemon's close after an unlock or a shutdown request (daemon.md 7, F32).
CLOSE_LIMIT = 1.0
# How often a connection is made anew because the daemon ended between accept and answer.
RESTARTS = 3


class Lock:
    """One lock of one resource, by the settings given; `connect`, `acquire`, `release` in turn.

    Every method raises FlomError with the return code the reference shows in that phase.
    """

    __slots__ = ("_session", "_settings", "_sock")

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._session = Session(settings, unique_id(), monotonic())
        self._sock: socket | None = None

    def connect(self) -> None:
        """Reach the daemon, starting one if the settings allow it (daemon.md 3)."""
        self._sock = reach(
            endpoint_of(self._settings), self._settings, self._session.connect_deadline
        )

    def acquire(self) -> str | None:
        """Ask for the lock and wait for it; returns the element granted, if the kind has any."""
        for _ in range(RESTARTS):
            try:
                return self._ask()
            except ConnectionError:
                # Reset before any answer: a daemon at its end accepted nothing any more. Nothing
                # was granted, so asking its successor is safe.
                self.close()
                self.connect()
        try:
            return self._ask()
        except ConnectionError as error:
            self.close()
            raise FlomError(
                RC_RECV_ERROR, f"the daemon closed the connection ({error.strerror})"
            ) from None

    def release(self, rollback: bool) -> None:
        """Give the lock back and wait, bounded, until the daemon has seen it.

        Raises FlomError (-130) when the daemon is gone: somebody else may have had the lock.
        """
        sock = self._connected()
        try:
            if _has_ended(sock):
                raise ConnectionResetError
            sock.sendall(self._session.release(rollback))
            _await_close(sock)
        except OSError as error:
            raise FlomError(
                RC_SEND_ERROR,
                "the daemon went away while the lock was held; somebody else may have locked the"
                f" resource meanwhile{f' ({error.strerror})' if error.strerror else ''}",
            ) from None
        finally:
            self.close()

    def close(self) -> None:
        """Leave the daemon; whatever was asked for or held ends."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _connected(self) -> socket:
        if self._sock is None:
            raise FlomError(RC_SEND_ERROR, "there is no connection to a daemon")
        return self._sock

    def _ask(self) -> str | None:
        session, sock = self._session, self._connected()
        request = session.request()
        deadline = session.answer_deadline(monotonic())
        answered = False
        try:
            sock.settimeout(_remaining(deadline))
            sock.sendall(request)
            while True:
                data = sock.recv(RECEIVE_SIZE)
                answered = True
                if session.received(data):
                    sock.settimeout(None)
                    return session.element
                if reply := session.to_send():
                    sock.sendall(reply)
                sock.settimeout(_remaining(deadline))
        except TimeoutError:
            self.close()
            raise session.expired() from None
        except ConnectionError as error:
            if not answered:
                raise
            self.close()
            raise FlomError(
                RC_RECV_ERROR, f"the connection to the daemon was lost ({error.strerror})"
            ) from None
        except FlomError:
            self.close()
            raise


def shut_down(settings: "Settings", *, immediate: bool) -> bool:
    """Ask a running daemon to end; never starts one (daemon.md 7, cli.md 13).

    Returns False when the daemon did not close the connection within a second, which a reference
    daemon does not for a quiesce. Raises FlomError: -2 when nobody listens, others when the
    request could not be delivered or an immediate one was not obeyed.
    """
    endpoint = endpoint_of(settings)
    deadline = monotonic() + DEFAULT_LIMIT
    try:
        sock = connect(endpoint, settings, deadline)
    except NobodyListens as error:
        raise FlomError(RC_DAEMON_NOT_STARTED, error.text) from None
    try:
        sock.sendall(ClientConversation(unique_id()).shutdown(immediate))
        sock.settimeout(CLOSE_LIMIT)
        sock.recv(RECEIVE_SIZE)  # the end of stream; an answer would be an acceptance as well
        closed = True
    except TimeoutError:
        closed = False
    except OSError as error:
        if not immediate:
            raise FlomError(
                RC_SEND_ERROR, f"the daemon did not take the request ({error.strerror})"
            ) from None
        closed = True
    finally:
        sock.close()
    if immediate:
        _await_end(settings)
    return closed


def _await_end(settings: "Settings") -> None:
    """An immediate shutdown was obeyed only if nobody listens any more (cli.md CF-19)."""
    endpoint = endpoint_of(settings)
    give_up = monotonic() + CLOSE_LIMIT
    while True:
        try:
            connect(endpoint, settings, give_up).close()
        except FlomError:
            return
        if monotonic() >= give_up:
            raise FlomError(
                RC_SEND_ERROR, f"the daemon at {endpoint} did not obey: it still accepts clients"
            )
        sleep(0.02)


def _remaining(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    return max(deadline - monotonic(), 0.001)


def _has_ended(sock: socket) -> bool:
    """Whether the daemon closed while we were not reading (it sends nothing to a holder)."""
    try:
        return not sock.recv(1, MSG_DONTWAIT | MSG_PEEK)
    except BlockingIOError:
        return False


def _await_close(sock: socket) -> None:
    """Half close, then wait for the daemon's end of stream: the release is done by then."""
    sock.shutdown(SHUT_WR)
    sock.settimeout(CLOSE_LIMIT)
    try:
        while sock.recv(RECEIVE_SIZE):
            pass
    except TimeoutError:
        pass  # a stopped daemon will read the unlock when it goes on
