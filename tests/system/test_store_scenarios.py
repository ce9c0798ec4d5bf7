"""Random schedules, played to a store by the engine and to the lock table of a daemon: the same.

The table is the oracle: with patience 0 its queue is strictly fair, as a store's is. Whoever it
grants, refuses or lets wait, the engine does so with real etcd, and gives the same element.
"""

import random
import threading

import pytest
from support import BOUND, StorePlace, wait_for

from flom.core.requests import Closed, Enqueued, Granted, Instant, Parked, Refused, Request
from flom.core.table import Table
from flom.errors import (
    RC_LOCK_BUSY,
    RC_LOCK_CANT_WAIT,
    RC_LOCK_IMPOSSIBLE,
    FlomError,
)
from flom.settings import Settings
from flom.store.lock import Lock

REASONS = {
    RC_LOCK_BUSY: "busy",
    RC_LOCK_CANT_WAIT: "cannot_wait",
    RC_LOCK_IMPOSSIBLE: "impossible",
}
FOR_LONG = 10_000_000  # milliseconds: nothing is forgotten
# What is asked for together: name and modes or quantities.
MODES = (5, 5, 4, 3, 3, 2, 1, 0)
KINDS = {
    "simple": (("R",), MODES),
    "numeric": (("N[4]",), (1, 1, 2, 3, 4, 5)),
    "set": (("red.green.blue",), (5,)),
    "set with a member twice": (("a.b.a",), (5,)),
    "hierarchical": (("/r", "/r/a", "/r/a/b", "/r/b", "/r/ab"), MODES),
    "sequence": (("_s_q[2]",), (5,)),
    "transactional sequence": (("_S_q[2]",), (5,)),
}
CLIENTS = "ABCDEF"
STEPS = 60


class Client:
    """A client of the store: at most one request, which a thread makes."""

    def __init__(self, endpoint, request):
        settings = Settings()
        settings.store_url = endpoint
        settings.store_session_ttl = 60
        settings.resource_name = request.name.decode()
        settings.lock_mode = request.mode
        settings.resource_quantity = request.quantity
        settings.resource_timeout = -1 if request.wait else 0
        settings.resource_create = request.create
        settings.resource_idle_lifespan = request.lifespan
        self.lock = Lock(settings, lambda *_: None, ())
        self.answer = None
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self):
        try:
            self.lock.connect()
            self.answer = "granted", self.lock.acquire()
        except FlomError as error:
            self.answer = REASONS.get(error.rc, error), None

    def leave(self, how):
        """Give the lock back, or go without a word."""
        if how == "close":
            if self.answer is None:
                self.lock.cancel()
        else:
            self.lock.release(how == "rollback")
        self._thread.join(BOUND)
        self.lock.close()


class Game:
    """A table and a store that are told the same; `waiting` and `holding` by the table."""

    def __init__(self, place):
        self._place = place
        self._table = Table(patience=0)
        self._time = 0
        self._clients = {}
        self._expected = {}  # client: what it has been told by the table, None: nothing yet

    def _now(self):
        self._time += 1
        return Instant(self._time / 1024, 1_700_000_000_000_000 + self._time)

    def idle(self, who):
        """Whether the client has no request."""
        return who not in self._clients

    def holds(self, who):
        """Whether the client has a lock, by the table."""
        return self._expected[who] is not None

    def ask(self, who, request):
        """A client asks for a lock."""
        self._expected[who] = None
        self._clients[who] = Client(self._place.endpoint, request)
        self._apply(self._table.lock(who, request, self._now()))

    def leave(self, who, how):
        """A client gives its lock back, or withdraws its request."""
        name = self._table_name(who)
        del self._expected[who]
        self._clients.pop(who).leave(how)
        if how == "close":
            self._apply(self._table.disconnect(who, self._now()))
        else:
            self._apply(self._table.unlock(who, name, how == "rollback", self._now()))
            self._table.disconnect(who, self._now())

    def _table_name(self, who):
        held = [c for queue in self._table.snapshot().resources for c in queue.holders]
        return next((claim.name for claim in held if claim.client == who), None)

    def _apply(self, effects):
        for effect in effects:
            match effect:
                case Granted():
                    self._expected[effect.client] = "granted", effect.element
                case Refused():
                    self._expected[effect.client] = effect.reason, None
                case Closed():
                    self._expected.setdefault(effect.client, ("closed", None))
                case Enqueued() | Parked():
                    pass
        self._compare()

    def _compare(self):
        """The engine has told everybody what the table has, nobody more, and left nothing over."""
        told = {who: answer for who, answer in self._expected.items() if answer}
        wait_for(lambda: all(self._clients[who].answer for who in told), f"the answers {told}")
        for who, answer in told.items():
            assert self._clients[who].answer == answer, who
            if answer[0] != "granted":
                self._table.disconnect(who, self._now())
                self._clients.pop(who).leave("close")
        for who in set(told) - set(self._clients):
            del self._expected[who]
        wait_for(lambda: self._requests() == len(self._clients), "the requests in the store")
        early = [who for who, client in self._clients.items() if client.answer and who not in told]
        assert not early, f"the table lets {early} wait"

    def _requests(self):
        return sum("/q/" in key for key in self._place.stored())

    def end(self):
        """Everybody leaves, holders first."""
        while self._clients:
            who = min(self._clients, key=lambda who: not self.holds(who))
            self.leave(who, "release" if self.holds(who) else "close")

    def clear(self):
        """End what a failure has left."""
        for client in self._clients.values():
            client.leave("close")


@pytest.fixture
def game(folder, etcd_node):
    made = Game(StorePlace(folder, etcd_node))
    yield made
    made.clear()


@pytest.mark.parametrize("kind", KINDS)
def test_a_random_schedule(game, kind):
    names, amounts = KINDS[kind]
    chance = random.Random(kind)
    for _ in range(STEPS):
        who = chance.choice(CLIENTS)
        if game.idle(who):
            amount = chance.choice(amounts)
            game.ask(who, Request(
                chance.choice(names).encode(),
                mode=5 if kind == "numeric" else amount,
                quantity=amount if kind == "numeric" else 1,
                wait=chance.random() < 0.8,
                create=chance.random() < 0.8,
                lifespan=FOR_LONG,
            ))  # fmt: skip
        elif game.holds(who):
            game.leave(who, chance.choice(("release", "release", "rollback", "close")))
        elif chance.random() < 0.3:
            game.leave(who, "close")
    game.end()
