"""A lock whose wait ends when the program has handled a signal (api.md 10, P-21).

Python goes on with an interrupted call once the handler has returned. So the wait also listens to
the descriptor to which Python writes the number of each signal that has a handler.
"""

import posix
import select
from math import ceil

from flom import signals
from flom.client.blocking import Lock, remaining
from flom.errors import (
    RC_POLL_ERROR,
    RC_RECV_ERROR,
    RC_SEND_ERROR,
    RC_SSL_WRITE_ERROR,
    FlomError,
)
from flom.net.address import TcpEndpoint
from flom.net.sockets import MSG_DONTWAIT, RECEIVE_SIZE
from flom.net.unix import UnixEndpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.client.reach import Stream, Tell
    from flom.settings import Settings


class WaitingLock(Lock):
    """A lock as the binding takes it: a limit for each message, signals end the wait."""

    __slots__ = ()

    def __init__(self, settings: "Settings", tell: "Tell") -> None:
        super().__init__(settings, tell, as_library=True)

    @property
    def announced(self) -> tuple[str, int] | None:
        """Address and port that the daemon's answer to a discovery has named, None without one."""
        endpoint = self._endpoint
        return None if isinstance(endpoint, UnixEndpoint | TcpEndpoint) else endpoint.announced

    def connect(self) -> None:
        """Reach the daemon; a discovery has its own limits, that of the lock does not count."""
        settings = self._settings
        limit = settings.resource_timeout
        if not isinstance(self._endpoint, UnixEndpoint | TcpEndpoint):
            settings.resource_timeout = -1
        try:
            super().connect()
        finally:
            settings.resource_timeout = limit

    def release(self, rollback: bool) -> None:
        """Give the lock back; a loss has another code over TLS (api.md 11)."""
        try:
            super().release(rollback)
        except FlomError as error:
            if error.rc == RC_SEND_ERROR and self._settings.tls:
                raise FlomError(RC_SSL_WRITE_ERROR, error.text) from None
            raise

    def _receive(self, sock: "Stream", deadline: float | None) -> bytes:
        while True:
            try:
                return sock.recv(RECEIVE_SIZE, MSG_DONTWAIT)
            except BlockingIOError:
                if not wait(sock.fileno(), deadline):
                    raise FlomError(
                        RC_RECV_ERROR if deadline is None else RC_POLL_ERROR,
                        "a signal has ended the wait for the daemon's answer",
                    ) from None


def wait(descriptor: int, deadline: float | None) -> bool:
    """Wait until something can be read; False if a signal with a Python handler came instead.

    `deadline` is a time of the monotonic clock, None for ever. Raises TimeoutError when it is
    over, and what the handler raises. Only the main thread handles signals: in others the wait
    goes on.
    """
    reader, writer = posix.pipe2(posix.O_NONBLOCK | posix.O_CLOEXEC)
    try:
        before = signals.set_wakeup_fd(writer, warn_on_full_buffer=False)
    except ValueError:  # not the main thread
        try:
            return _ready(descriptor, reader, deadline)
        finally:
            _close(reader, writer)
    try:
        return _ready(descriptor, reader, deadline)
    finally:
        signals.set_wakeup_fd(before, warn_on_full_buffer=False)
        _pass_on(reader, before)
        _close(reader, writer)


def _ready(descriptor: int, signalled: int, deadline: float | None) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.register(signalled, select.POLLIN)
    left = remaining(deadline)
    ready = poll.poll(None if left is None else ceil(left * 1000))
    if not ready:
        raise TimeoutError
    return any(number == descriptor for number, _ in ready)


def _pass_on(reader: int, descriptor: int) -> None:
    """Tell the program's own wake-up descriptor what came meanwhile (asyncio has one)."""
    try:
        numbers = posix.read(reader, 4096)
        if descriptor >= 0:
            posix.write(descriptor, numbers)
    except OSError:
        pass  # no signal came, or nobody there can be told


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        posix.close(descriptor)
