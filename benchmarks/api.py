"""What it costs a program to take a lock and give it back, in turns with other ways to do that.

The others: `flock`, the system call, on a file that is opened for it; `filelock.FileLock`; the lock
of redis-py on a local Redis server, which the benchmark starts and ends. All are uncontended, in
one process. What is not installed is left out; `benchmarks/setup` installs it. Measured is the flom
that this interpreter imports.
"""

import asyncio
import fcntl
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import servers
from common import Daemon, Series, arguments, finish, in_turns, workplace

import flom

Side = Callable[[], float]


def timed(pairs: int, pair: Callable[[], object]) -> Side:
    """A side of the comparison: seconds for each pair of acquire and release."""

    def side() -> float:
        begin = time.perf_counter()
        for _ in range(pairs):
            pair()
        return (time.perf_counter() - begin) / pairs

    return side


def blocking(endpoint: str) -> Callable[[], object]:
    """`with lock` of a client that has read its settings."""
    lock = flom.Client(endpoint).lock("bench")

    def pair() -> None:
        with lock:
            pass

    return pair


def awaited(endpoint: str, pairs: int, loop: asyncio.AbstractEventLoop) -> Side:
    """`async with lock`, one after the other in one task."""
    lock = flom.aio.Client(endpoint).lock("bench")

    async def all_pairs() -> None:
        for _ in range(pairs):
            async with lock:
                pass

    def side() -> float:
        begin = time.perf_counter()
        loop.run_until_complete(all_pairs())
        return (time.perf_counter() - begin) / pairs

    return side


def flock(folder: Path) -> Callable[[], object]:
    """The system call alone."""
    path = folder / "bench.flock"

    def pair() -> None:
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)

    return pair


def file_lock(folder: Path) -> Callable[[], object]:
    """The lock of the package filelock."""
    from filelock import FileLock

    lock = FileLock(folder / "bench.lock")

    def pair() -> None:
        with lock:
            pass

    return pair


def redis_lock(path: str) -> Callable[[], object]:
    """A lock of redis-py on a server with this local socket."""
    import redis

    client = redis.Redis(unix_socket_path=path)

    def pair() -> None:
        with client.lock("bench", timeout=60):
            pass

    return pair


def main() -> None:
    options = arguments(
        "acquire and release from Python, as ratios to flock, filelock and redis-py",
        rounds=30,
        pairs=100,
    )
    pairs = options.pairs
    with workplace(options.flom) as (folder, command), ExitStack() as ends:
        daemon = Daemon(command, folder, "api")
        ends.callback(daemon.close)
        loop = asyncio.new_event_loop()
        ends.callback(loop.close)
        endpoint = f"unix://{daemon.address}"
        sides: dict[str, Side] = {
            "flom": timed(pairs, blocking(endpoint)),
            "flom.aio": awaited(endpoint, pairs, loop),
            "flock": timed(pairs, flock(folder)),
        }
        if find_spec("filelock"):
            sides["filelock"] = timed(pairs, file_lock(folder))
        if find_spec("redis") and shutil.which("redis-server"):
            path = ends.enter_context(servers.redis(folder))
            sides["redis"] = timed(pairs, redis_lock(path))
        taken = {name: Series(times) for name, times in in_turns(options.rounds, sides).items()}
    others = [name for name in ("flock", "filelock", "redis") if name in taken]
    print(f"{'acquire and release':22}microseconds" + "".join(f"   to {o:17}" for o in others))
    figures = {}
    for name, series in taken.items():
        ratios = {other: series.over(taken[other]) for other in others}
        figures[name] = {other: ratio.figures() for other, ratio in ratios.items()}
        shown = "".join(f"   {ratio!s:20}" for ratio in ratios.values())
        print(f"  {name:20}{series.median * 1e6:12.1f}{shown}", flush=True)
    finish("api", rounds=options.rounds, pairs=pairs, figures=figures)


if __name__ == "__main__":
    main()
