"""Learning that the daemon went away: by a look, or by one thread that watches for all."""

import sys
import threading
from select import EPOLLERR, EPOLLHUP, EPOLLRDHUP, POLLERR, POLLHUP, POLLRDHUP, epoll, poll

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Not readability: what a peer has sent and nobody has read does not end a connection.
_ENDED = POLLRDHUP | POLLHUP | POLLERR


def ended(descriptor: int) -> bool:
    """Whether the peer of a connected socket has closed it, or the kernel has given it up."""
    look = poll()
    look.register(descriptor, POLLRDHUP)
    return any(events & _ENDED for _, events in look.poll(0))


class Watcher:
    """One thread that calls back when a connection has ended, each once."""

    def __init__(self) -> None:
        self._epoll = epoll()
        self._calls: dict[int, Callable[[], object]] = {}
        # Entered again when the garbage collector drops a lock in the middle of it.
        self._guard = threading.RLock()
        # A daemon thread: a lock that is held never keeps a program from ending.
        threading.Thread(target=self._run, name="flom-watcher", daemon=True).start()

    def add(self, descriptor: int, call: "Callable[[], object]") -> None:
        """Call `call` in the thread when the connection of `descriptor` has ended."""
        with self._guard:
            self._calls[descriptor] = call
            self._epoll.register(descriptor, EPOLLRDHUP | EPOLLHUP | EPOLLERR)

    def remove(self, descriptor: int, call: "Callable[[], object]") -> bool:
        """Forget a connection, before its descriptor is closed; False when it was forgotten."""
        with self._guard:
            if self._calls.get(descriptor) != call:
                return False  # the number may belong to another connection by now
            del self._calls[descriptor]
            self._epoll.unregister(descriptor)
            return True

    def abandon(self) -> None:
        """Give up the descriptor that a child of fork shares with its parent."""
        self._epoll.close()

    def _run(self) -> None:
        while True:
            for descriptor, _ in self._epoll.poll():
                call = self._calls.get(descriptor)
                if call is not None and ended(descriptor) and self.remove(descriptor, call):
                    _report_failure_of(call)


def _report_failure_of(call: "Callable[[], object]") -> None:
    try:
        call()
    except Exception:
        threading.excepthook(
            threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread()))
        )
