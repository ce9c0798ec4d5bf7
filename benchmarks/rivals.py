"""What a command under a lock costs, start to end, by flom and by what else people use for that.

`flock FILE true`, and the short Python program that one writes with the package filelock, or with
the lock of redis-py and a Redis server of the benchmark's own; `etcdctl lock NAME true` with a node
of etcd of its own. What is not installed is left out; `benchmarks/setup` installs it.
"""

import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec

from common import (
    Daemon,
    Outcome,
    Series,
    arguments,
    finish,
    in_turns,
    run,
    surroundings,
    workplace,
)
from servers import etcd, redis

FLOM = "flom -- true"
FILELOCK = """
import subprocess, sys
from filelock import FileLock
with FileLock(sys.argv[1]):
    subprocess.run(["true"])
"""
REDIS = """
import subprocess, sys
import redis
with redis.Redis(unix_socket_path=sys.argv[1]).lock("bench", timeout=60):
    subprocess.run(["true"])
"""


def main() -> None:
    options = arguments("a command under a lock, as a ratio to the same under flom", runs=40)
    with workplace(options.flom) as (folder, flom), ExitStack() as ends:
        daemon = Daemon(flom, folder, "warm")
        ends.callback(daemon.close)
        words = {FLOM: [*daemon.words, "--", "true"]}
        if shutil.which("flock"):
            words["flock FILE true"] = ["flock", str(folder / "file"), "true"]
        if find_spec("filelock"):
            words["filelock"] = [sys.executable, "-c", FILELOCK, str(folder / "bench.lock")]
        if find_spec("redis") and shutil.which("redis-server"):
            words["redis-py"] = [sys.executable, "-c", REDIS, ends.enter_context(redis(folder))]
        if shutil.which("etcd") and shutil.which("etcdctl"):
            place = ends.enter_context(etcd(folder))
            words["etcdctl lock"] = [*place.etcdctl("lock", "bench"), "true"]
        environ = surroundings(folder)
        sides: dict[str, Callable[[], Outcome]] = {
            name: partial(run, some, environ) for name, some in words.items()
        }
        in_turns(1, sides)
        outcomes = in_turns(options.runs, sides)
    wall = {name: Series([one.wall for one in some]) for name, some in outcomes.items()}
    print(f"{'':20}      ms   over {FLOM}")
    figures = {}
    for name, series in wall.items():
        ratio = series.over(wall[FLOM])
        figures[name] = {"ms": round(series.median * 1000, 2), "ratio": ratio.figures()}
        print(f"{name:20}{series.median * 1000:8.2f}   {ratio}")
    finish("rivals", runs=options.runs, figures=figures)


if __name__ == "__main__":
    main()
