"""The lock table against a naive model, over generated histories of clients, time and patience."""

import os
import time
from itertools import groupby

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from property.table_model import FRIENDS, Model, on_one_path

from flom.core.observer import Observer
from flom.core.queue import blockers
from flom.core.requests import Closed, Enqueued, Granted, Instant, Parked, Refused, Request
from flom.core.table import Table

KINDS = {  # name: (root, kind, size)
    b"foo": (b"foo", "simple", 0),
    b"bar": (b"bar", "simple", 0),
    b"n[3]": (b"n[3]", "numeric", 3),
    b"n[5]": (b"n[5]", "numeric", 5),
    b"a.b.a": (b"a.b.a", "set", 3),
    b"x.y": (b"x.y", "set", 2),
    b"_s_q[2]": (b"_s_q[2]", "sequence", 2),
    b"_S_q[1]": (b"_S_q[1]", "sequence", 1),
    b"_S_q[3]": (b"_S_q[3]", "sequence", 3),
    b"_t_%s[1]": (b"_t_%s[1]", "timestamp", 1),
    b"_t_%s[2]": (b"_t_%s[2]", "timestamp", 2),
    b"/r": (b"/r", "hierarchical", 0),
    b"/r/a": (b"/r", "hierarchical", 0),
    b"/r/a/b": (b"/r", "hierarchical", 0),
    b"/r/a/b/c": (b"/r", "hierarchical", 0),
    b"/r/ab": (b"/r", "hierarchical", 0),
    b"/r/d": (b"/r", "hierarchical", 0),
    b"/s/a": (b"/s", "hierarchical", 0),
}
STEP = 125  # ms; an eighth of a second is exact in binary, so times can be compared
PLAIN = {
    "mode": 5, "quantity": 1, "wait": True, "create": True, "lifespan": 0, "ancestors": ()
}  # fmt: skip
EVERYBODY = "ABCDEFGHIJ"
UNFENCED = "IJ"
CLIENTS = st.sampled_from(EVERYBODY)
MODES = st.sampled_from([5, 5, 4, 3, 3, 2, 1, 0])
QUANTITIES = st.sampled_from([1, 1, 2, 3, 3, 4, 5])
NUMBERS = st.integers(0, 99)
FAMILIES = st.lists(CLIENTS, max_size=4).map(tuple)


def event_of(effect):
    match effect:
        case Granted():
            return ("granted", effect.client, effect.name, effect.element, effect.first)
        case Enqueued():
            return ("enqueued", effect.client, effect.position, effect.first)
        case Parked():
            return ("wait_resource", effect.client)
        case Refused():
            return (effect.reason, effect.client, effect.first)
        case Closed():
            return ("closed", effect.client)


def split(events):
    """What is not significant is put in order.

    Where `closed` or a late refusal stands among the events of other clients, and which of several
    resources is walked first.
    """
    apart = [event for event in events if event[0] == "closed" or event[::2] == ("nested", False)]
    others = []
    rest = [event for event in events if event not in apart]
    for later, part in groupby(rest, lambda event: event[0] == "granted" and not event[4]):
        run = list(part)
        others += sorted(run, key=lambda event: KINDS[event[2]][0]) if later else run
    return others, sorted(apart)


def conflict(kind, size, one, other):
    """Whether two claims can never be held together."""
    if kind == "numeric":
        return one.quantity + other.quantity > size
    if kind == "hierarchical" and not on_one_path(one.name, other.name):
        return False
    return kind in ("simple", "hierarchical") and other.mode not in FRIENDS[one.mode]


def shown(claim):
    return claim.client, claim.name, claim.mode, claim.quantity, claim.element, claim.nested


class Witness(Observer):
    """What the observer of a table is told, put together, is the table."""

    def __init__(self):
        self.resources, self.holders = [], []
        self.waiters, self.parks = {}, {}

    def agrees_with(self, snapshot):
        queues = snapshot.resources
        assert self.resources == [queue.name for queue in queues]
        holders = [(c.client, c.name, c.element) for queue in queues for c in queue.holders]
        assert sorted(self.holders, key=repr) == sorted(holders, key=repr)
        assert self.waiters == {c.client: c.name for queue in queues for c in queue.waiters}
        assert self.parks == {claim.client: claim.name for claim in snapshot.parked}

    def created(self, resource, now):
        self.resources.append(resource.name.root)

    def forgotten(self, resource, now):
        self.resources.remove(resource.name.root)

    def parked(self, client, request, now):
        self.parks[client] = request.name

    def unparked(self, client, request, asked, reason, now):
        assert asked <= now.monotonic
        assert self.parks.pop(client) == request.name

    def refused(self, client, request, kind, reason, now):
        self.parks.pop(client, None)

    def enqueued(self, entry, now):
        self.parks.pop(entry.connection.client, None)
        self.waiters[entry.connection.client] = entry.name

    def withdrawn(self, entry, reason, now):
        assert self.waiters.pop(entry.connection.client) == entry.name

    def granted(self, entry, now):
        client = entry.connection.client
        assert entry.asked <= entry.since == now.monotonic
        if self.waiters.get(client) == entry.name:
            del self.waiters[client]
        self.parks.pop(client, None)
        self.holders.append((client, entry.name, entry.element))

    def released(self, entry, now):
        self.holders.remove((entry.connection.client, entry.name, entry.element))

    def lost(self, entry, taken, now):
        self.released(entry, now)


class TableMachine(RuleBasedStateMachine):
    """names: those that the histories use."""

    names = tuple(KINDS)

    @initialize(
        patience=st.sampled_from([-1, 0, 0, 500, 1000]),
        crowd=st.lists(st.tuples(NUMBERS, MODES, QUANTITIES), max_size=len(EVERYBODY)),
    )
    def begin(self, patience, crowd):
        self.patience = patience
        self.witness = Witness()
        self.table = Table(patience)
        self.table.observe(self.witness)
        self.model = Model(patience, KINDS)
        self.model.wall = 1_700_000_000_000
        self.before = self.table.snapshot()
        self.said, self.last = {}, {}
        self.tokens = {}
        for client, (name, mode, quantity) in zip(EVERYBODY, crowd, strict=False):
            self.ask(client, self.names[name % len(self.names)], mode=mode, quantity=quantity)

    def now(self):
        return Instant(self.model.now / 1000, self.model.wall * 1000)

    def check(self, effects, expected, actor=None):
        got, closed = split([event_of(effect) for effect in effects])
        wanted, to_close = split(expected)
        assert got == wanted
        assert closed == to_close
        self.nobody_was_passed([e for e in effects if isinstance(e, Granted)], actor)
        self.tokens_rise([e for e in effects if isinstance(e, Granted)])
        self.before = self.table.snapshot()
        self.witness.agrees_with(self.before)

    def ask(self, client, name, **parameters):
        parameters = {**PLAIN, **parameters}
        key = client, name, *parameters.values()
        request = Request(name, **parameters, fenced=client not in UNFENCED)
        self.say(client, self.said.setdefault(key, request), parameters)

    def say(self, client, request, parameters):
        name = request.name
        self.last.setdefault(client, []).append((request, parameters))
        free = self.seems_free(client, request)
        told = self.explained(client, request)
        effects = self.table.lock(client, request, self.now())
        if free is not None:
            assert isinstance(effects[0], Granted) == free
        if told is not None:
            granted = any(isinstance(e, Granted) and e.client == client for e in effects)
            assert granted == (told.reason is None), told
            assert bool(told.blockers) == (told.reason in ("conflict", "nested"))
            refused = [e for e in effects if isinstance(e, Refused) and e.client == client]
            in_vain = any(effect.reason == "nested" for effect in refused)
            assert in_vain == (told.reason == "nested"), told
        self.check(effects, self.model.lock(client, name, parameters), client)

    @rule(client=CLIENTS, between=st.none() | NUMBERS, back=st.sampled_from([1, 1, 2, 3]))
    def once_more(self, client, between, back):
        """As busy clients do: unlock, and the very same request again, or one before it."""
        if len(self.last.get(client, ())) >= back:
            request, parameters = self.last[client][-back]
            if between is None and self.table.renew(client, request, self.now()):
                event("renewed")
                expected = self.model.unlock(client, request.name, False)
                expected += self.model.lock(client, request.name, parameters)
                self.check([Granted(client, request.name, None, True)], expected, client)
                return
            self.unlock(client, request.name, False)
            if between is not None:
                self.ask(client, self.names[between % len(self.names)])
            self.say(client, request, parameters)

    @rule(client=CLIENTS, name=NUMBERS, mode=MODES, quantity=QUANTITIES)
    def lock(self, client, name, mode, quantity):
        self.ask(client, self.names[name % len(self.names)], mode=mode, quantity=quantity)

    @precondition(lambda self: any(q.holders for q in self.before.resources))
    @rule(which=NUMBERS, name=NUMBERS, mode=MODES, quantity=QUANTITIES)
    def lock_by_somebody_who_has_nothing(self, which, name, mode, quantity):
        claims = [c for q in self.before.resources for c in q.holders + q.waiters]
        idle = sorted(set(EVERYBODY) - {claim.client for claim in claims})
        if idle:
            name = self.names[name % len(self.names)]
            self.ask(idle[which % len(idle)], name, mode=mode, quantity=quantity)

    @rule(client=CLIENTS, name=NUMBERS, mode=MODES, quantity=QUANTITIES, ancestors=FAMILIES)
    def lock_within_others(self, client, name, **parameters):
        self.ask(client, self.names[name % len(self.names)], **parameters)

    @precondition(lambda self: any(q.holders for q in self.before.resources))
    @rule(client=CLIENTS, which=NUMBERS, mode=MODES, quantity=QUANTITIES, wait=st.booleans())
    def lock_within_a_lock(self, client, which, **parameters):
        """The same name as a holder; those who wait for the holder are not in the way."""
        holders = [claim for q in self.before.resources for claim in q.holders]
        holder = holders[which % len(holders)]
        self.ask(client, holder.name, ancestors=(holder.client,), **parameters)

    @rule(
        client=CLIENTS,
        name=NUMBERS,
        mode=MODES,
        wait=st.booleans(),
        create=st.booleans(),
        lifespan=st.sampled_from([0, 0, 125, 3000]),
    )
    def lock_in_some_way(self, client, name, **parameters):
        self.ask(client, self.names[name % len(self.names)], **parameters)

    def seems_free(self, client, request):
        """What `blockers` says about a newcomer, None if it does not decide alone."""
        root, kind, size = KINDS[request.name]
        queue = next((q for q in self.before.resources if q.name == root), None)
        pending = any(c.client == client for q in self.before.resources for c in q.waiters)
        overdue = self.table.wakeup() is not None and self.table.wakeup() <= self.now().monotonic
        odd = pending or overdue or kind == "timestamp" or client in request.ancestors
        if queue is None or odd or not 0 <= request.mode <= 5 or request.quantity < 1:
            return None
        if kind == "numeric" and request.quantity > size:
            return None
        return not blockers(queue, request, self.now())

    def explained(self, client, request):
        """What the table says about a newcomer, None if the request is more than that."""
        wakeup = self.table.wakeup()
        if client in request.ancestors or (wakeup is not None and wakeup <= self.now().monotonic):
            return None
        if self.table.explain_pending(client, self.now()) is not None:
            return None
        return self.table.explain(request, self.now())

    def unlock(self, client, name, rollback):
        effects = self.table.unlock(client, name, rollback, self.now())
        self.check(effects, self.model.unlock(client, name, rollback))

    @precondition(lambda self: any(q.holders or q.waiters for q in self.before.resources))
    @rule(which=NUMBERS, rollback=st.booleans())
    def unlock_something_owned(self, which, rollback):
        claims = [c for q in self.before.resources for c in q.holders + q.waiters]
        claim = claims[which % len(claims)]
        self.unlock(claim.client, claim.name, rollback)

    @rule(
        client=CLIENTS, name=NUMBERS, what=st.sampled_from(["unlock", "name", "mode", "quantity"])
    )
    def do_something_odd(self, client, name, what):
        """Most of this costs the client its connection."""
        name = self.names[name % len(self.names)]
        if what == "unlock":
            self.unlock(client, name, False)
        elif what == "name":
            effects = self.table.lock(client, Request(b"1a", **PLAIN), self.now())
            self.check(effects, self.model.lock(client, b"1a", PLAIN), client)
        else:
            self.ask(client, name, **{what: -1})

    @rule(client=CLIENTS)
    def disconnect(self, client):
        self.check(self.table.disconnect(client, self.now()), self.model.disconnect(client))

    @rule(steps=st.sampled_from([1, 2, 4, 8, 20]))
    def time_passes(self, steps):
        for _ in range(steps):
            self.model.now += STEP
            self.model.wall += STEP
            wakeup = self.table.wakeup()
            due = wakeup is not None and wakeup <= self.now().monotonic
            effects = self.table.advance(self.now()) if due else []
            self.check(effects, self.model.advance())

    @rule(steps=st.integers(1, 8))
    def time_passes_unseen(self, steps):
        """Nobody calls `advance`: the next request finds everything overdue."""
        self.model.now += STEP * steps
        self.model.wall += STEP * steps

    @rule(seconds=st.integers(1, 3))
    def clock_is_set_back(self, seconds):
        self.model.wall -= seconds * 1000

    def tokens_rise(self, grants):
        """With every grant of a resource, forgotten or not, whatever the clock does."""
        for effect in grants:
            if effect.client in UNFENCED:
                assert effect.token is None
                continue
            root = KINDS[effect.name][0]
            assert effect.token > self.tokens.get(root, 0)
            assert effect.token >= self.now().wall
            self.tokens[root] = effect.token

    def nobody_was_passed(self, grants, actor):
        """No conflicting latecomer was granted before a waiter whose patience had run out.

        actor: who sent a lock request, and so may have given up its place.
        """
        queues = {queue.name: queue for queue in self.table.snapshot().resources}
        for effect in grants:
            root, kind, size = KINDS[effect.name]
            if root not in queues:
                continue
            arrivals = [
                c.client for q in self.before.resources for c in q.waiters if q.name == root
            ]
            mine = arrivals.index(effect.client) if effect.client in arrivals else len(arrivals)
            mates = [c for c in queues[root].holders if c.client == effect.client]
            got = mates[-1] if mates else None
            for waiter in queues[root].waiters:
                earlier = waiter.client in arrivals and arrivals.index(waiter.client) < mine
                expired = self.model.out_of_patience(Milliseconds(waiter))
                if got is None or got.nested:
                    continue  # whoever is nested heeds holders alone
                if earlier and expired and waiter.client != actor:
                    assert not conflict(kind, size, waiter, got)

    @invariant()
    def everybody_who_waits_is_told_why(self):
        now = self.now()
        for queue in self.before.resources:
            for place, waiter in enumerate(queue.waiters, 1):
                told = self.table.explain_pending(waiter.client, now)
                assert (told.pending, told.place, told.kind) == (waiter, place, queue.kind)
                assert told.blockers == blockers(queue, waiter, now)
                assert told.blockers or (told.reason, queue.kind) == ("clock", "timestamp")
        for claim in self.before.parked:
            told = self.table.explain_pending(claim.client, now)
            assert (told.pending, told.place, told.reason) == (claim, 0, "no_resource")

    @invariant()
    def holders_get_along(self):
        for queue in self.before.resources:
            for number, one in enumerate(queue.holders):
                for other in queue.holders[:number]:
                    assert not conflict(queue.kind, queue.size, one, other)
            if queue.kind == "numeric":
                assert sum(claim.quantity for claim in queue.holders) <= queue.size
            elif queue.kind not in ("simple", "hierarchical"):
                assert len(queue.holders) <= queue.size
            if queue.kind in ("sequence", "timestamp") or queue.name == b"x.y":
                elements = [claim.element for claim in queue.holders]
                assert len(elements) == len(set(elements))
            if queue.name == b"a.b.a":
                assert [claim.element for claim in queue.holders].count("b") <= 1

    @invariant()
    def nobody_waits_without_a_reason(self):
        wakeup = self.table.wakeup()
        for queue in self.before.resources:
            for waiter in queue.waiters:
                blocked = blockers(queue, waiter, self.now())
                assert blocked or (queue.kind == "timestamp" and wakeup is not None)

    @invariant()
    def nobody_waits_for_a_lock_it_runs_in(self):
        for resource in self.model.resources:
            for thing in resource.waiters:
                assert thing.nested or not self.model.kin(resource, thing)
                assert not self.model.is_in_vain(resource, thing)

    @invariant()
    def snapshot_is_what_the_model_has(self):
        seen = {
            queue.name: ([shown(c) for c in queue.holders], [shown(c) for c in queue.waiters])
            for queue in self.before.resources
        }
        assert seen == {
            one.root: ([shown(c) for c in one.holders], [shown(c) for c in one.waiters])
            for one in self.model.resources
            if one.idle_since is None or one.root in seen
        }
        assert sorted(self.table.parked()) == sorted(one[0] for one in self.model.parked)

    def teardown(self):
        if not hasattr(self, "table"):
            return
        for client in EVERYBODY:
            self.disconnect(client)
        self.model.now += 4000
        self.table.advance(self.now())
        assert self.table.idle
        assert self.table.wakeup() is None
        assert not self.table.parked()
        assert not self.table._connections


class Milliseconds:
    """A claim whose `since` is in the unit of the model."""

    def __init__(self, claim):
        self.since = claim.since * 1000


GROUPS = {
    kind: [name for name, (_, its_kind, _) in KINDS.items() if its_kind == kind]
    for kind in ("simple", "numeric", "set", "sequence", "timestamp", "hierarchical")
}
GROUPS["all"] = list(KINDS)
GROUPS["one name"] = [b"foo"]
GROUPS["one tree"] = [name for name in KINDS if name.startswith(b"/r")]


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("group", GROUPS)
def test_table_is_the_model(group):
    machine = type("Machine", (TableMachine,), {"names": GROUPS[group]})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(os.environ.get("FLOM_EXAMPLES", "100")),
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
