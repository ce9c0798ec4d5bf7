"""Calls that may take long, in threads of their own, for asyncio.

The threads of a loop's executor belong to the program: there are few of them, and calls that wait
for a lock could occupy them all, with nobody left to release it.
"""

import asyncio
import threading
from collections.abc import Callable
from errno import EAGAIN
from typing import TypeVar

T = TypeVar("T")


class NoThread(OSError):
    """The system gives no thread."""


async def in_thread(
    work: Callable[[], T], discard: Callable[[T], object], *, name: str, daemon: bool
) -> T:
    """What `work` returns, called in a thread of its own.

    What it returns after a cancellation is given to `discard`, in either thread. name, daemon: as
    for `threading.Thread`; a daemon thread does not keep the program from ending.
    Raises NoThread, and what `work` raises.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def deliver(result: tuple[T] | None, error: BaseException | None) -> None:
        if future.done():
            if result is not None:
                discard(result[0])
        elif result is not None:
            future.set_result(result[0])
        elif error is not None:
            future.set_exception(error)

    def run() -> None:
        result, problem = None, None
        try:
            result = (work(),)
        except BaseException as error:
            problem = error
        try:
            loop.call_soon_threadsafe(deliver, result, problem)
        except RuntimeError:  # the loop has ended meanwhile
            if result is not None:
                discard(result[0])

    try:
        threading.Thread(target=run, name=name, daemon=daemon).start()
    except RuntimeError as error:
        raise NoThread(EAGAIN, str(error)) from None
    try:
        return await future
    except asyncio.CancelledError:
        # Both may have happened before this task had its turn.
        if future.done() and not future.cancelled() and future.exception() is None:
            discard(future.result())
        raise
