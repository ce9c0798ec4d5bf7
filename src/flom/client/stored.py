"""A lock in a store, for programs: it says who holds what is busy, and ends with the program."""

import atexit
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakSet

from flom.client.holders import Occupied, shown
from flom.store import lock
from flom.store.recipe import Busy

if TYPE_CHECKING:
    from flom.client.reach import Tell
    from flom.settings import Settings
    from flom.store.session import Session

T = TypeVar("T")


class Lock:
    """One lock of one resource, with the methods of `blocking.Lock`.

    What a store keeps outlives the process, so it is given back when the interpreter ends, as the
    kernel ends connections.
    """

    __slots__ = ("__weakref__", "_engine")

    def __init__(self, settings: "Settings", tell: "Tell", command: "Sequence[str]" = ()) -> None:
        self._engine = lock.Lock(settings, tell, command)
        _known.add(self)

    @property
    def sessions(self) -> str:
        """What a command that runs under the lock finds in FLOM_SESSION."""
        return self._engine.sessions

    @property
    def token(self) -> int | None:
        """The fencing token, None before the grant."""
        return self._engine.token

    @property
    def lease(self) -> "Session | None":
        """The session, which knows whether the lock is lost."""
        return self._engine.lease

    def fileno(self) -> int:
        """A descriptor whose other end is closed when the lock is lost, -1 without one."""
        return self._engine.fileno()

    def connect(self) -> None:
        """Reach the store and begin a session there."""
        _until_the_end(self._engine.connect)

    def acquire(self) -> str | None:
        """Ask for the lock and wait for it; returns the element granted, if the kind has any."""
        try:
            return _until_the_end(self._engine.acquire)
        except Busy as busy:
            holders = tuple(map(shown, busy.holders))
            raise Occupied(busy.rc, busy.text, holders) from None

    def release(self, rollback: bool) -> None:
        """Give the lock back; raises FlomError when it was lost."""
        self._engine.release(rollback)

    def close(self) -> None:
        """Leave the store; in a child of fork only what it shares with its parent is closed."""
        self._engine.close()

    def cancel(self) -> None:
        """End what another thread waits for."""
        self._engine.cancel()


_known: "WeakSet[Lock]" = WeakSet()
_ended: list[None] = []


def _give_back() -> None:
    _ended.append(None)
    for each in list(_known):
        each.close()


atexit.register(_give_back)


def _until_the_end(call: Callable[[], T]) -> T:
    """What the call returns. A daemon thread that the program's end interrupts says nothing."""
    try:
        return call()
    except BaseException:
        if _ended and threading.current_thread().daemon:
            threading.Event().wait()
        raise


def program_ended() -> bool:
    """Whether all locks have been given back since the interpreter ends: there are no threads."""
    return bool(_ended)
