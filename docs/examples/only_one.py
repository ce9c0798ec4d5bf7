"""Only one of these at a time, in whichever worker process: for tasks of Celery, management
commands of Django, handlers of a web application.

    @app.task
    @only_one("/rebuild/{index}")
    def rebuild(index): ...
"""

import functools
import inspect
import sys
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import flom

P = ParamSpec("P")
R = TypeVar("R")


def only_one(
    name: str, client: flom.Client | None = None
) -> Callable[[Callable[P, R]], Callable[P, R | None]]:
    """Skip a call, and return None, while another one with the same name runs anywhere.

    `name` may contain parameters of the function in braces: one at a time for each value.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R | None]:
        signature = inspect.signature(function)
        lock = client.lock if client else flom.lock

        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | None:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            try:
                with lock(name.format_map(bound.arguments), timeout=0):
                    return function(*args, **kwargs)
            except flom.Busy:
                return None

        return guarded

    return decorate


@only_one("/rebuild/{index}")
def rebuild(index: str) -> str:
    """What must not run twice."""
    print("rebuilding", index, flush=True)
    time.sleep(float(sys.argv[2]) if sys.argv[2:] else 10)
    return f"rebuilt {index}"


if __name__ == "__main__":
    print(rebuild(sys.argv[1]) or "somebody else rebuilds it", flush=True)
