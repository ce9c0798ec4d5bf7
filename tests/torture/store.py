"""The torture of clients whose locks are in a store: they suffer, and so do the nodes of etcd.

A lease is worth something only as long as clocks go on. So who is stopped for longer than that is
taken for a holder until half of it: he renewed it a third of it ago at most, and no store gives
the lock away before all of it is over.
"""

import contextlib
import pathlib
import random
import shutil
import tempfile
import time

from etcd import etcd
from history import Violation, check
from torture.arena import FIRST, Arena, Broken
from torture.worker import AT_STORE

TTL = 5  # seconds: the shortest there is
LONG = TTL + 3
CLIENTS = 13  # of each kind
HOLDS = 12 * [0, 0.001, 0.02, 0.1] + 4 * [1.5] + [LONG + 1]  # seconds; one outlives any session
NAMES = ("plain", "count[5]", "red.green.blue", "/a", "/a/b", "/a/b/c", "_s_n[2]", "_S_n[2]")
SHORT = (0.05, 0.2, 0.8)
MISHAPS = (
    "kill worker", "stop worker", "stop worker for long", "kill leader", "stop leader", "stop node",
    "restart store", "store gone for long", "compact",
)  # fmt: skip


class StoreArena(Arena):
    """A store of three nodes, below a prefix, and processes full of its clients."""

    def __init__(self, folder, store, names, seed):
        self._store = store
        self._chance = random.Random(seed)
        self._troubled = 0.0  # when the store has last failed
        self._excuses = []  # who may have lost his lock when: from, until, worker (None: any)
        super().__init__(folder, "store", names, seed)

    def _describe(self, where, names, port, certificates):
        url = self._store.url("torture")
        described = {
            "endpoint": url, "ttl": TTL, "names": names, "clients": CLIENTS, "words": (),
            "client": {}, "holds": HOLDS,
        }  # fmt: skip
        return self._write(["[Store]", f"Url={url}", f"SessionTTL={TTL}"], described)

    def start_daemon(self):
        """There is none; the store runs."""

    # Mishaps

    def happen(self, what, length):
        """One mishap, to somebody by chance, for so many seconds."""
        nodes = self._store.nodes
        if what == "kill worker":
            whom = self._chance.randrange(len(AT_STORE))
            self.kill_worker(self.workers[whom])
            self.add_worker(list(AT_STORE)[whom])
            self.workers.insert(whom, self.workers.pop())
        elif what == "stop worker":
            self.stop_worker(self._chance.choice(self.workers), length)
        elif what == "stop worker for long":
            self._stop_for_long(self._chance.choice(self.workers))
        elif what == "kill leader":
            self._kill([self._store.leader()], length)
        elif what == "restart store":
            self._kill(nodes, 0)
        elif what == "stop leader":
            self._stop([self._store.leader()], length)
        elif what == "stop node":
            self._stop([self._chance.choice(nodes)], length)
        elif what == "store gone for long":
            at = time.monotonic()
            self._stop(nodes, LONG)
            self._excuses.append((at, time.monotonic() + TTL, None))
        elif what == "compact":
            self._store.compact()

    def _stop_for_long(self, worker):
        at = time.monotonic()
        self.stop_worker(worker, LONG)
        first = worker.first
        self._excuses.append((at, time.monotonic() + TTL, first // FIRST))
        sure = at if at - self._troubled < TTL else at + TTL / 2
        for number, asked in worker.open.items():
            if asked <= at:
                self.history.note(sure, "ending", number, how="crash")

    def _kill(self, nodes, seconds):
        for node in nodes:
            node.kill()
        self.watch(seconds)
        for node in nodes:
            node.start()
        self._recovered()

    def _stop(self, nodes, seconds):
        for node in nodes:
            node.stop()
        self.watch(seconds)
        for node in nodes:
            node.go_on()
        self._recovered()

    def _recovered(self):
        for node in self._store.nodes:
            node.ready()
        self._troubled = time.monotonic()

    def lost_without_reason(self):
        """The clients who were told that they had lost their locks, and should not have been."""
        found = []
        for record in self.history.records:
            worker = record.number // FIRST
            excused = any(
                begin <= record.at <= end and whose in (None, worker)
                for begin, end, whose in self._excuses
            )
            if record.how == "lost" and not excused:
                text = f"#{record.number} was told that its lock is lost"
                found.append(Violation("loss", (record.number,), text))
        return found


def mishaps(chance, seconds):
    """The schedule of a round: pause, what happens, for how long; in seconds."""
    left = seconds
    while True:
        for what in chance.sample(MISHAPS, len(MISHAPS)):
            pause, length = chance.choice((0.2, 0.5, 1.0)), chance.choice(SHORT)
            left -= pause + (LONG if "long" in what else length)
            if left < 0:
                return
            yield pause, what, length


def play(seed, seconds, tally):
    """One round; returns what is wrong with it. `tally` counts what has happened."""
    chance = random.Random(seed)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="flom-"))
        stack.callback(shutil.rmtree, folder)
        store = stack.enter_context(etcd(3))
        arena = StoreArena(folder, store, chance.sample(NAMES, 5), seed)
        stack.callback(arena.close)
        for kind in AT_STORE:
            arena.add_worker(kind)
        try:
            for pause, what, length in mishaps(chance, seconds):
                arena.watch(pause)
                arena.happen(what, length)
                _count(tally, what)
            arena.finish()
        except Broken as broken:
            return [broken, *check(arena.history.records, fair=True, finished=False)]
        records = arena.history.records
        for what, record in (("requests", "ask"), ("locks", "granted"), ("waits", "queued")):
            _count(tally, what, sum(each.what == record for each in records))
        _count(tally, "losses", sum(each.how == "lost" for each in records))
        return [*check(records, fair=True), *arena.lost_without_reason()]


def _count(tally, what, number=1):
    tally[what] = tally.get(what, 0) + number
