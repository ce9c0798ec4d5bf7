"""Locks for programs that run on asyncio: the names of `api`, awaited."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from time import monotonic
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from flom.client import nonblocking
from flom.client.failures import ConnectError, DaemonError, InvalidRequest, LockError
from flom.client.handle import Awaited, BaseHeld, Entered, enlist
from flom.client.request import BaseClient, Request
from flom.errors import FlomError

P = ParamSpec("P")
R = TypeVar("R")


class Held(BaseHeld[Awaited]):
    """A lock that this program holds, from `Lock.acquire` to `release`, by any task of one loop.

    `async with held:` releases it at the end of the block. A child of fork holds nothing: there
    all of this does nothing.
    """

    def __init__(
        self, engine: Awaited, request: Request, element: str | None, begun: float,
        on_lost: "Callable[[Held], object] | None",
    ) -> None:  # fmt: skip
        self._loop = asyncio.get_running_loop()
        super().__init__(engine, request, element, begun, on_lost)

    async def release(self) -> None:
        """Give the lock back, and wait (a second at most) until the daemon has seen it.

        Does nothing when it has been given back. A cancellation ends the wait, not the release.
        Raises LockLost when the daemon had gone away, unless the lock was asked for with
        raise_lost=False.
        """
        await self._release(rollback=False)

    async def rollback(self) -> None:
        """Give the lock back as `release` does; the value of a transactional sequence too."""
        await self._release(rollback=True)

    async def __aenter__(self) -> "Held":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self._release(self._rolls_back(error))
        except LockError as lost:
            if error is None:
                raise
            error.add_note(f"flom: {lost}")

    async def _release(self, rollback: bool) -> None:
        if not self._leaves():
            return
        try:
            await self._engine.release(rollback)
        except FlomError as error:
            lost = self._loss(error)
            if self._request.raise_lost:
                raise lost from None

    def _tell(self: Self, on_lost: "Callable[[Self], object]") -> None:
        try:
            self._loop.call_soon_threadsafe(on_lost, self)
        except RuntimeError:
            pass  # the loop has ended, and with it all who could be told


class Lock:
    """One lock as it is to be asked for, as often as wanted, by any number of tasks.

    `async with lock as held:` holds it for a block, `@lock` for each call of a coroutine function;
    every one of them is a holder of its own.
    """

    __slots__ = ("_entered", "_on_lost", "_request")

    def __init__(self, request: Request, on_lost: "Callable[[Held], object] | None") -> None:
        self._request = request
        self._on_lost = on_lost
        self._entered: Entered[asyncio.Task[object], Held] = Entered(asyncio.Task.done)

    def __repr__(self) -> str:
        return f"<Lock {self._request}>"

    async def acquire(self) -> Held:
        """Wait for the lock, as long as its timeout says.

        Raises NotGranted (Busy, Timeout, ...), ConnectError, DaemonError, InvalidRequest when the
        name is too long to be sent; `flom.client.failures` has the tree. Cancelled, it leaves the
        queue, and gives back what was granted at that moment.
        """
        request, begun = self._request, monotonic()
        engine = _engine(request, begun)
        enlist(engine)
        phase: type[LockError] = ConnectError
        try:
            await engine.connect()
            phase = DaemonError
            element = await engine.acquire()
            return Held(engine, request, element, begun, self._on_lost)
        except FlomError as error:
            engine.close()
            raise request.failure(error, phase, begun) from None
        except OSError as error:
            engine.close()
            raise request.shortage(error, begun) from error
        except BaseException:
            engine.close()
            raise

    async def __aenter__(self) -> Held:
        held = await self.acquire()
        self._entered.push(_task(), held)
        return held

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._entered.pop(_task()).__aexit__(kind, error, trace)

    def __call__(
        self, function: Callable[P, Awaitable[R]]
    ) -> Callable[P, Coroutine[object, object, R]]:
        """The coroutine function, held under the lock by each of its calls.

        Raises TypeError for anything else.
        """
        if not inspect.iscoroutinefunction(function):
            raise TypeError(f"{function!r} is no coroutine function: use flom.locked")

        @functools.wraps(function)
        async def locked(*args: P.args, **kwargs: P.kwargs) -> R:
            async with await self.acquire():
                return await function(*args, **kwargs)

        return locked


def _engine(request: Request, begun: float) -> Awaited:
    settings, program = request.settings, request.program()
    if settings.store_url is None:
        return nonblocking.Lock(settings, request.tell, program)
    from flom.client import awaited

    try:
        return awaited.Lock(settings, request.tell, program)
    except FlomError as error:  # the format of a timestamp: a daemon judges that later
        raise request.failure(error, InvalidRequest, begun) from None


def _task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    assert task is not None  # whoever awaits is one
    return task


class Client(BaseClient[Lock, Held]):
    """A daemon to lock at, with settings that are read once; keeps no connection, for any loop."""

    __slots__ = ()

    def _lock(self, request: Request, on_lost: Callable[[Held], object] | None) -> Lock:
        return Lock(request, on_lost)


_default = Client()
lock = _default.lock
locked = _default.locked
