"""The asyncio shell around a store's lock: each of its calls in a thread of its own."""

import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from flom.client import stored
from flom.client.threads import NoThread, in_thread

if TYPE_CHECKING:
    from flom.client.reach import Tell
    from flom.settings import Settings
    from flom.store.session import Session

T = TypeVar("T")


class Lock:
    """One lock of one resource, by the settings given; the methods of `stored.Lock`, awaited.

    Whoever calls them has to `close` when one is interrupted, by a cancellation too: a waiter
    leaves the queue by that, and a lock that was just granted is given back.
    """

    __slots__ = ("__weakref__", "_at_work", "_closed", "_engine", "_pid")

    def __init__(self, settings: "Settings", tell: "Tell", command: "Sequence[str]" = ()) -> None:
        self._engine = stored.Lock(settings, tell, command)
        self._at_work = threading.Lock()  # held while a thread is in a call
        self._closed = False
        self._pid = os.getpid()

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

    async def connect(self) -> None:
        """Reach the store and begin a session there."""
        await self._call(self._engine.connect, daemon=True)

    async def acquire(self) -> str | None:
        """Ask for the lock and wait for it; returns the element granted, if the kind has any."""
        return await self._call(self._engine.acquire, daemon=True)

    async def release(self, rollback: bool) -> None:
        """Give the lock back; a cancellation ends the wait for the store, not the release.

        Raises FlomError when the lock was lost.
        """
        await self._call(lambda: self._engine.release(rollback), daemon=False)
        self._closed = True

    def close(self) -> None:
        """Leave the store, as soon as a call that is interrupted by that has come to its end."""
        if self._closed or stored.program_ended():
            return
        if self._pid != os.getpid():  # in a child of fork, whose threads are the parent's
            self._engine.close()
            return
        self._closed = True
        self._engine.cancel()
        try:
            # No daemon thread: the program's end may not come before the store knows.
            threading.Thread(target=self._leave, name="flom-store-leave").start()
        except RuntimeError:
            self._leave()  # the system gives no thread

    def _leave(self) -> None:
        with self._at_work:
            self._engine.close()

    async def _call(self, call: Callable[[], T], *, daemon: bool) -> T:
        """What `call` returns; a daemon thread ends with the program, whatever it waits for."""
        self._at_work.acquire()  # free: who makes two calls at once would have awaited neither

        def work() -> T:
            try:
                return call()
            finally:
                self._at_work.release()

        try:
            return await in_thread(work, lambda _: None, name="flom-store", daemon=daemon)
        except NoThread:
            self._at_work.release()
            raise
