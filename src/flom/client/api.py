"""Locks for programs that wait: `flom.lock`, `flom.Client` and what they give."""

import functools
import inspect
import threading
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import ParamSpec, TypeVar

from flom.client import blocking
from flom.client.failures import ConnectError, DaemonError, InvalidRequest, LockError
from flom.client.handle import BaseHeld, Blocking, Entered, enlist
from flom.client.holders import AskingSession
from flom.client.request import BaseClient, Request
from flom.errors import FlomError

P = ParamSpec("P")
R = TypeVar("R")


class Held(BaseHeld[Blocking]):
    """A lock that this program holds, from `Lock.acquire` to `release`, in any thread.

    `with held:` releases it at the end of the block. A child of fork holds nothing: there all of
    this does nothing.
    """

    def release(self) -> None:
        """Give the lock back, and wait (a second at most) until the daemon has seen it.

        Does nothing when it has been given back. Raises LockLost when the daemon had gone away,
        unless the lock was asked for with raise_lost=False.
        """
        self._release(rollback=False)

    def rollback(self) -> None:
        """Give the lock back as `release` does; the value of a transactional sequence too."""
        self._release(rollback=True)

    def __enter__(self) -> "Held":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._release(self._rolls_back(error))
        except LockError as lost:
            if error is None:
                raise
            error.add_note(f"flom: {lost}")

    def _release(self, rollback: bool) -> None:
        if not self._leaves():
            return
        try:
            self._engine.release(rollback)
        except FlomError as error:
            lost = self._loss(error)
            if self._request.raise_lost:
                raise lost from None


class Lock:
    """One lock as it is to be asked for, as often as wanted, by any number of threads.

    `with lock as held:` holds it for a block, `@lock` for each call of a function; every one of
    them is a holder of its own.
    """

    __slots__ = ("_entered", "_on_lost", "_request")

    def __init__(self, request: Request, on_lost: "Callable[[Held], object] | None") -> None:
        self._request = request
        self._on_lost = on_lost
        self._entered: Entered[threading.Thread, Held] = Entered(_has_ended)

    def __repr__(self) -> str:
        return f"<Lock {self._request}>"

    def acquire(self) -> Held:
        """Wait for the lock, as long as its timeout says.

        Raises NotGranted (Busy, Timeout, ...), ConnectError, DaemonError, InvalidRequest when the
        name is too long to be sent; `flom.client.failures` has the tree.
        """
        request, begun = self._request, monotonic()
        engine = _engine(request, begun)
        enlist(engine)
        phase: type[LockError] = ConnectError
        try:
            engine.connect()
            phase = DaemonError
            element = engine.acquire()
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

    def __enter__(self) -> Held:
        held = self.acquire()
        self._entered.push(threading.current_thread(), held)
        return held

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._entered.pop(threading.current_thread()).__exit__(kind, error, trace)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """The function, held under the lock by each of its calls.

        Raises TypeError for one whose call does not run it: a coroutine function (use flom.aio),
        a generator function (put a `with` into it).
        """
        if _runs_later(function) or _runs_later(type(function).__call__):
            raise TypeError(f"{function!r} runs after its call: use flom.aio, or `with` inside it")

        @functools.wraps(function)
        def locked(*args: P.args, **kwargs: P.kwargs) -> R:
            with self.acquire():
                return function(*args, **kwargs)

        return locked


def _engine(request: Request, begun: float) -> Blocking:
    settings, program = request.settings, request.program()
    if settings.store_url is None:
        return blocking.Lock(settings, request.tell, program, kind=AskingSession)
    from flom.client import stored

    try:
        return stored.Lock(settings, request.tell, program)
    except FlomError as error:  # the format of a timestamp: a daemon judges that later
        raise request.failure(error, InvalidRequest, begun) from None


def _has_ended(thread: threading.Thread) -> bool:
    return not thread.is_alive()


def _runs_later(function: object) -> bool:
    kinds = (
        inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction,
    )  # fmt: skip
    return any(is_one(function) for is_one in kinds)


class Client(BaseClient[Lock, Held]):
    """A daemon to lock at, with settings that are read once; keeps no connection, thread-safe."""

    __slots__ = ()

    def _lock(self, request: Request, on_lost: Callable[[Held], object] | None) -> Lock:
        return Lock(request, on_lost)


_default = Client()
lock = _default.lock
locked = _default.locked
