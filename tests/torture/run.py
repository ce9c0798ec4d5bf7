"""Clients and daemons that are killed, stopped and cut off at random, and no promise is broken.

scripts/torture --minutes 10          # look for a broken promise
scripts/torture --seed 4711           # play the schedule of one round again
scripts/torture --groups              # holders and waiters that one signal ends
scripts/torture --store --minutes 10  # fifty clients of etcd, whose nodes suffer as well

A round has one daemon, a dozen of commands, threads, tasks and bare connections each, and a
schedule of mishaps that follows from its seed. What then happens depends on the machine as well:
a failure may need its seed some times. Lines between hosts are cut only for root.
"""

import argparse
import contextlib
import os
import pathlib
import random
import shutil
import socket
import sys
import tempfile
import time

if __name__ == "__main__":
    tests = pathlib.Path(__file__).resolve().parent.parent
    sys.path[:0] = [str(tests), str(tests / "system")]

import certificates
from history import check
from torture.arena import LOST, Arena, Broken
from torture.worker import KINDS

from flom.machine import unique_id

NAMES = ("plain", "count[5]", "red.green.blue", "/a", "/a/b", "/a/b/c", "_s_n[2]", "_S_n[2]")
PLACES = ("unix", "tcp", "tls", "hosts")
MISHAPS = ("kill worker", "kill worker", "stop worker", "stop worker", "stop daemon")


def mishaps(chance, where, seconds):
    """The schedule of a round: pause, what happens, to whom, for how long; in seconds."""
    choices = MISHAPS + (("cut", "cut", "cut for long") if where == "hosts" else ())
    restart = 1 + chance.randrange(5)
    left = seconds
    for number in range(1000):
        pause = chance.choice((0.05, 0.2, 0.5, 1.0))
        what = "kill daemon" if number == restart else chance.choice(choices)
        length = LOST + 4 if what == "cut for long" else chance.choice((0.05, 0.2, 0.8))
        cost = pause + (0 if "kill" in what else length)
        if cost > left:
            yield left, "peace", 0, 0
            return
        left -= cost
        yield pause, what, chance.randrange(len(KINDS)), length


def play(seed, where, seconds, tally):
    """One round; returns what is wrong with it. `tally` counts what has happened."""
    chance = random.Random(seed)
    names = chance.sample(NAMES, 3)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="flom-"))
        stack.callback(shutil.rmtree, folder)
        more = {}
        if where == "tls":
            (folder / "tls").mkdir()
            more["certificates"] = certificates.make(folder / "tls", unique_id() or "nobody")
        if where == "hosts":
            from hosts import network

            more["network"] = stack.enter_context(network(folder))
        arena = Arena(folder, where, names, seed, port=free_port(), **more)
        stack.callback(arena.close)
        for kind in KINDS:
            arena.add_worker(kind)
        try:
            for pause, what, whom, length in mishaps(chance, where, seconds):
                arena.watch(pause)
                happen(arena, what, whom, length)
                count(tally, what)
            arena.finish()
        except Broken as broken:
            return [broken, *check(arena.history.records, fair=True, finished=False)]
        count(tally, "requests", sum(record.what == "ask" for record in arena.history.records))
        locks = sum(record.what == "granted" for record in arena.history.records)
        count(tally, "locks", locks)
        if not locks:
            return [Broken("nobody was served")]
        return check(arena.history.records, fair=True)


def happen(arena, what, whom, length):
    if what == "kill worker":
        arena.kill_worker(arena.workers[whom])
        arena.add_worker(list(KINDS)[whom])
        arena.workers.insert(whom, arena.workers.pop())
    elif what == "stop worker":
        arena.stop_worker(arena.workers[whom], length)
    elif what == "stop daemon":
        arena.stop_daemon(length)
    elif what == "kill daemon":
        arena.kill_daemon()
    elif what != "peace":
        arena.cut(length)


def count(tally, what, number=1):
    tally[what] = tally.get(what, 0) + number


def free_port():
    """A port of this host that nobody uses."""
    for port in random.SystemRandom().sample(range(20000, 32000), 100):
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port found")


def places():
    """The places where rounds can be played here."""
    tools = all(map(shutil.which, ("ip", "nsenter", "unshare", "pgrep", "ss")))
    return PLACES if os.geteuid() == 0 and tools else PLACES[:3]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (default 1)")
    parser.add_argument("--round", type=float, default=10.0, help="seconds of a round (default 10)")
    parser.add_argument("--store", action="store_true", help="locks in a store, not at a daemon")
    parser.add_argument("--seed", type=int, help="play only the round of this seed")
    parser.add_argument("--groups", action="store_true", help="signals to groups, 20 times each")
    arguments = parser.parse_args()
    if arguments.groups:
        from torture import groups

        return groups.main()
    seed, arenas = arguments.seed, PLACES
    if arguments.store:
        from torture import store

        arenas = ("store",)
    start = random.SystemRandom().randrange(10**6) if seed is None else seed
    end = time.monotonic() + arguments.minutes * 60
    tally = {}
    for number in range(10**6) if seed is None else (0,):
        where = arenas[(start + number) % len(arenas)]
        if number and time.monotonic() > end:
            break
        if where == "store":
            found = store.play(start + number, arguments.round, tally)
        elif where in places():
            found = play(start + number, where, arguments.round, tally)
        else:
            continue
        if found:
            print(f"{where}, seed {start + number}: " + "\n".join(map(str, found)))
            print(f"play it again: scripts/torture --seed {start + number}"
                  f" --round {arguments.round:g}{' --store' * arguments.store}")  # fmt: skip
            return 1
        count(tally, "rounds")
        print(f"{where}, seed {start + number}: {tally}", file=sys.stderr)
    print(f"no promise broken: {', '.join(f'{n} {what}' for what, n in sorted(tally.items()))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
