"""The blocking shell around a session: one socket, one lock."""

from time import monotonic

from flom import trace
from flom.client.about import announcement, handed_on, new_session
from flom.client.reach import reach, silent
from flom.client.record import log, log_daemon
from flom.client.session import Session, endpoint_of
from flom.errors import (
    RC_RECV_ERROR,
    RC_SEND_ERROR,
    FlomError,
)
from flom.machine import unique_id
from flom.net.sockets import MSG_DONTWAIT, RECEIVE_SIZE, await_close

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flom.client.brief import Begun
    from flom.client.reach import Endpoint, Stream, Tell
    from flom.settings import Settings

    # None: for a connection. Returns seconds.
    Look = Callable[[Session | None], float]

# Seconds in which a daemon that can grant at once has answered.
AT_ONCE = 0.1
# How often a connection is made anew because the daemon ended between accept and answer.
RESTARTS = 3


class Lock:
    """One lock of one resource, by the settings given; `connect`, `acquire`, `release` in turn.

    `tell` is called while a daemon is searched by multicast: 1 and a line that `-V` shows, or 2
    and a warning. `command` is what will run under the lock, for the daemon to show. `as_library`
    is the session's, `kind` its class. `look` is called with the session whenever the daemon has
    said something that is no grant, and after as many seconds as it returns; it may ask
    `session.why`. `begun` is what was done before: a lock asked for on a connection, which is taken
    over. Every method raises FlomError with the return code the reference shows in that phase.
    """

    # Weak references: a program's locks are known to whoever must close their copies after a fork.
    __slots__ = (
        "__weakref__", "_begun", "_endpoint", "_look", "_look_at", "_name", "_session", "_settings",
        "_sock", "_tell",
    )  # fmt: skip

    def __init__(
        self,
        settings: "Settings",
        tell: "Tell" = silent,
        command: "Sequence[str]" = (),
        *,
        as_library: bool = False,
        kind: type[Session] = Session,
        look: "Look | None" = None,
        begun: "Begun | None" = None,
    ) -> None:
        self._settings = settings
        self._begun = begun
        self._tell = tell
        self._look = look
        self._look_at = 0.0
        self._endpoint = endpoint_of(settings)
        self._name = new_session() if begun is None else begun.session
        ext = announcement(settings, self._endpoint, command, self._name)
        since = monotonic() if begun is None else begun.since
        self._session = kind(settings, unique_id(), since, ext, as_library)
        self._sock: Stream | None = None
        if trace.mask & trace.RESOURCE:
            trace.record(f"flom_resource: {self._session}")

    def connect(self) -> None:
        """Reach the daemon, starting one if the settings allow it (daemon.md 3)."""
        settings = self._settings
        if self._begun is not None:
            self._sock = self._begun.sock
            return
        self._sock = trace.told(
            trace.CONNECTING, "flom_client_connect",
            reach, self._endpoint, settings, self._session.connect_deadline, self._tell,
        )  # fmt: skip
        if settings.tls:
            self._session.peer_cn = self._sock.channel.peer_cn  # type: ignore[union-attr]  # with TLS it has one
        if trace.mask & trace.CONNECTION:
            trace.record(f"flom_client_connect: connected, fd={self._sock.fileno()}")

    def acquire(self) -> str | None:
        """Ask for the lock and wait for it; returns the element granted, if the kind has any."""
        known = self._begun is not None and self._begun.ended is not None
        try:
            return trace.told(trace.CLIENT, "flom_client_lock", self._acquire)
        except FlomError as error:
            if error.rc == RC_RECV_ERROR and self._session.unanswered:
                explain_close(error, self._endpoint, self._settings)
            raise
        finally:
            if self._session.served_by is not None and not known:
                self._log_daemon(*self._session.served_by)

    def _log_daemon(self, peerid: str, step: int) -> None:
        log_daemon(peerid, step)
        if self._settings.tls_check_peer_id:
            name = self._session.peer_cn
            code = "FLM014I" if peerid == name else "FLM013E"
            log(code, f"peer {self._endpoint}, id {peerid}, certificate for {name}")

    def _acquire(self) -> str | None:
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
                self._session.lost_rc, f"the daemon closed the connection ({error.strerror})"
            ) from None

    def release(self, rollback: bool) -> None:
        """Give the lock back and wait, bounded, until the daemon has seen it.

        Raises FlomError (-130) when the daemon is gone: somebody else may have had the lock.
        """
        trace.told(trace.CLIENT, "flom_client_unlock", self._release, rollback)

    def _release(self, rollback: bool) -> None:
        sock = self._connected()
        try:
            self._hear(sock)
            send(sock, self._session.release(rollback))
            await_close(sock)
        except OSError as error:
            raise self._session.lost(error) from None
        finally:
            self.close()

    def hear(self) -> None:
        """Learn what the daemon has done meanwhile; raises FlomError when the lock is lost."""
        try:
            self._hear(self._connected())
        except OSError as error:
            raise self._session.lost(error) from None

    def grace(self, wanted: float) -> float:
        """How many of the seconds wanted there are until somebody else may have a lost lock."""
        return wanted  # nobody knows

    def _hear(self, sock: "Stream") -> None:
        """Learn what the daemon did while we were not reading: an old one sends nothing."""
        while True:
            try:
                data = sock.recv(RECEIVE_SIZE, MSG_DONTWAIT)
            except BlockingIOError:
                return
            if not data:
                raise ConnectionResetError
            self._session.heard(data)

    def close(self) -> None:
        """Leave the daemon; whatever was asked for or held ends."""
        if self._sock is not None:
            if trace.mask & (trace.CLIENT | trace.CONNECTION):
                trace.record(f"flom_client_disconnect: fd={self._sock.fileno()}")
            self._sock.close()
            self._sock = None

    @property
    def sessions(self) -> str:
        """What a command that runs under the lock finds in FLOM_SESSION."""
        return handed_on(self._name if self._session.known else "")

    @property
    def token(self) -> int | None:
        """The fencing token of the grant, None before it or if the daemon tells none."""
        return self._session.token

    @property
    def lease(self) -> None:
        """What keeps a lock in a store: a daemon keeps its locks as long as the connection."""

    def fileno(self) -> int:
        """The descriptor of the connection, -1 without one."""
        return -1 if self._sock is None else self._sock.fileno()

    def _connected(self) -> "Stream":
        if self._sock is None:
            raise FlomError(RC_SEND_ERROR, "there is no connection to a daemon")
        return self._sock

    def _ask(self) -> str | None:
        session, sock = self._session, self._connected()
        request = session.request()
        answered = False
        begun, self._begun = self._begun, None
        data = b"" if begun is None else begun.received
        try:
            if begun is None:
                send(sock, request)
            self._look_at = monotonic() + AT_ONCE
            while True:
                if not data:
                    data = self._receive(sock, session.answer_deadline(monotonic()))
                if trace.mask & trace.MESSAGE:
                    trace.record(f"flom_msg_receive: {data!r}")
                answered = True
                granted = session.received(data)
                if reply := session.to_send():
                    send(sock, reply)
                if granted:
                    sock.settimeout(None)
                    return session.element
                data = b""
                self._show(sock)
        except OSError as error:
            if isinstance(error, ConnectionError) and not answered:
                raise
            self.close()
            raise session.broken(error) from None
        except FlomError:
            self.close()
            raise

    def _receive(self, sock: "Stream", deadline: float | None) -> bytes:
        """The next bytes of an answer; TimeoutError when there are none until `deadline`."""
        while True:
            left = remaining(deadline)
            pause = self._pause(left)
            sock.settimeout(left if pause is None else pause)
            try:
                return sock.recv(RECEIVE_SIZE)
            except TimeoutError as error:
                if pause is None or error.errno is not None:
                    raise
            self._show(sock)

    def _pause(self, left: float | None) -> float | None:
        """Seconds until the next look, None if there is none within the time that is left."""
        if self._look is None:
            return None
        pause = max(self._look_at - monotonic(), 0.001)
        return pause if left is None or pause < left else None

    def _show(self, sock: "Stream") -> None:
        if self._look is None:
            return
        self._look_at = monotonic() + self._look(self._session)
        if question := self._session.to_send():
            try:
                send(sock, question)
            except OSError:
                pass  # an answer may have come before the end, which reading will tell


def explain_close(error: FlomError, endpoint: "Endpoint", settings: "Settings") -> None:
    """Say what to do to a daemon that has closed a plain connection because it wants TLS."""
    if settings.tls:
        return
    from flom.client.secure import speaks_tls

    if speaks_tls(endpoint, settings):
        error.text = "the daemon speaks TLS, this side does not"
        error.advice = "give --tls-certificate, --tls-private-key and --tls-ca-certificate"


def send(sock: "Stream", data: bytes) -> None:
    """Write a message."""
    if trace.mask & trace.MESSAGE:
        trace.record(f"flom_msg_send: {data!r}")
    sock.sendall(data)


def remaining(deadline: float | None) -> float | None:
    """Seconds until the deadline; TimeoutError once it is over, however busily the peer sends."""
    if deadline is None:
        return None
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    return left
