"""What a lock in a store costs: time, in turns with `etcdctl lock`, and requests.

A node of etcd of the benchmark's own keeps the locks of both, without waiting for the disk. The
uncontended cycle is one command from its start to its end; the hand-over goes from the moment at
which the holder's command may end to the moment at which the waiter's command runs. Requests are
counted by etcd, for clients in this process, whose flom is the one that this interpreter imports.
"""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from common import Series, arguments, finish, in_turns, run, surroundings, workplace
from servers import Etcd, etcd

import flom

WAITERS = (1, 10, 50)
COUNTED = re.compile(
    r'^grpc_server_started_total{grpc_method="(\w+)",grpc_service="etcdserverpb[^}]*} (\S+)$', re.M
)


class Store(Etcd):
    """A node of etcd that is looked at."""

    def url(self, prefix: str) -> str:
        """The address for flom."""
        return f"etcd://{self.address}/{prefix}"

    def keys(self, prefix: str) -> int:
        """How many keys there are below a prefix."""
        words = self.etcdctl("get", "--prefix", "--keys-only", prefix)
        shown = subprocess.run(words, check=True, capture_output=True, text=True)
        return len(shown.stdout.split())

    def requests(self) -> dict[str, int]:
        """How many requests of each kind it got; renewals follow the time, so they are left out."""
        with urllib.request.urlopen(f"http://{self.address}/metrics") as answer:
            found = COUNTED.findall(answer.read().decode())
        return {kind: int(float(n)) for kind, n in found if kind != "LeaseKeepAlive"}


class Holder:
    """A command that holds a lock until a pipe is opened; etcdctl gives it no standard input."""

    def __init__(self, tool: list[str], environ: dict[str, str], pipe: Path) -> None:
        os.mkfifo(pipe)
        self._pipe = pipe
        self._process = subprocess.Popen(
            [*tool, "sh", "-c", 'echo held; read line <"$0"', str(pipe)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=environ,
        )  # fmt: skip

    def await_held(self) -> float:
        """Wait until it holds the lock; returns when it said so."""
        if self._process.stdout is None or self._process.stdout.readline() != "held\n":
            sys.exit(f"{self._process.args} does not lock")
        return time.perf_counter()

    def let_go(self) -> None:
        """Let the command end."""
        self._pipe.write_text("\n")

    def await_end(self) -> None:
        """Wait until the tool has ended."""
        self._process.communicate()
        self._pipe.unlink()


def hand_over(tool: list[str], folder: Path, keys: Callable[[], int]) -> float:
    """Seconds from the holder's end to the waiter's command; `tool` locks and runs a command."""
    environ = surroundings(folder)
    holder = Holder(tool, environ, folder / "holder.pipe")
    holder.await_held()
    before = keys()
    waiter = Holder(tool, environ, folder / "waiter.pipe")
    while keys() <= before:
        time.sleep(0.01)
    time.sleep(0.1)  # from its request to its watch
    begin = time.perf_counter()
    holder.let_go()
    end = waiter.await_held()
    waiter.let_go()
    for each in (holder, waiter):
        each.await_end()
    return end - begin


def requests_for(place: Store, waiters: int) -> float:
    """Requests for each lock, when so many clients get one after the other."""
    lock = flom.Client(place.url("counted")).lock("bench", idle_lifespan=60)
    lock.acquire().release()
    before = place.requests()
    holder = lock.acquire()
    threads = [threading.Thread(target=lambda: lock.acquire().release()) for _ in range(waiters)]
    asked = 0
    keys = place.keys("counted/")
    for number, thread in enumerate(threads, 1):
        thread.start()
        while place.keys("counted/") < keys + number:
            asked += 1
            time.sleep(0.01)
        asked += 1
    holder.release()
    for thread in threads:
        thread.join()
    time.sleep(0.5)  # leases are ended in the background
    after = place.requests()
    total = sum(after[kind] - before.get(kind, 0) for kind in after)
    return (total - asked - 1) / (waiters + 1)


def main() -> None:
    options = arguments("locks in etcd: time to `etcdctl lock`, and requests", runs=30)
    for name in ("etcd", "etcdctl"):
        if not shutil.which(name):
            sys.exit(f"needs {name} (Debian: etcd-server, etcd-client)")
    with workplace(options.flom) as (folder, command), etcd(folder) as node:
        place = Store(node.address)
        environ = surroundings(folder)
        os.environ["HOME"] = str(folder)
        ours = [str(command), "--store", place.url("ours"), "-r", "bench", "--"]
        theirs = place.etcdctl("lock", "theirs", "--")
        sides: dict[str, Callable[[], float]] = {}
        for name, tool, keys in (("flom", ours, "ours/"), ("etcdctl", theirs, "theirs/")):
            sides[f"{name}, cycle"] = lambda tool=tool: run([*tool, "true"], environ).wall
            sides[f"{name}, hand-over"] = lambda tool=tool, keys=keys: hand_over(
                tool, folder, lambda: place.keys(keys)
            )
        taken = {name: Series(times) for name, times in in_turns(options.runs, sides).items()}
        counted = {waiters: requests_for(place, waiters) for waiters in WAITERS}
    print(f"{'':12}milliseconds   etcdctl lock   ratio")
    figures = {}
    for what in ("cycle", "hand-over"):
        one, other = taken[f"flom, {what}"], taken[f"etcdctl, {what}"]
        ratio = one.over(other)
        figures[what] = ratio.figures()
        print(f"{what:12}{one.median * 1e3:12.1f}   {other.median * 1e3:12.1f}   {ratio}")
    for waiters, number in counted.items():
        print(f"requests for each lock, {waiters} waiting: {number:.2f}")
    finish("store", runs=options.runs, figures=figures, requests=counted)


if __name__ == "__main__":
    main()
