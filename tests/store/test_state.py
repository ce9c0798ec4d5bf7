"""What flomctl is told of a store: rows of the documented form, verdicts that come true, events."""

import pytest
from state_rows import STATE, validate

from flom.core.names import parse
from flom.errors import RC_LOCK_BUSY, RC_OBJ_NOT_FOUND_ERROR, FlomError
from flom.settings import Settings
from flom.store import state
from flom.store.operations import Change, Item, Keep, NewLease, Put, Read, Revoke, Txn, Wait
from flom.store.reader import Forgotten
from flom.store.recipe import Ask, Held, acquire
from flom.store.records import Place, Request
from flom.store.telling import events
from flom.store.url import parse as parse_url

from .model import Model

NOW = 1_700_000_000_000_000
MODES = {"NL": 0, "CR": 1, "CW": 2, "PR": 3, "PW": 4, "EX": 5}
# Name, what else is asked for, how many ask, how many of them are granted.
CROWD = [
    (b"backup", {"mode": 5}, 1, 1),
    (b"backup", {"mode": 3}, 2, 0),
    (b"data", {"mode": 3}, 2, 2),
    (b"data", {"mode": 1}, 1, 1),
    (b"licence[8]", {"quantity": 3}, 3, 2),
    (b"red.green.blue", {}, 4, 3),
    (b"/srv/a", {"mode": 3}, 2, 2),
    (b"/srv", {"mode": 5}, 1, 0),
    (b"_s_build[2]", {}, 3, 2),
    (b"_S_order[1]", {}, 2, 1),
    (b"_t_%T[2]", {}, 1, 1),
    (b"absent", {"create": False}, 2, 0),
]
TOLD = {"user": "ann", "host": "lab", "pid": "12", "command": "make all", "timeout": "500"}


class EndOfScript(Exception):
    """Nothing happens any more."""


class Recorded(Model):
    """A store that tells what changes, as a watch does."""

    def __init__(self):
        super().__init__()
        self.told = []

    def _write(self, write):
        super()._write(write)
        stored = self.keys.get(write.key)
        item = None
        if isinstance(write, Put):
            item = Item(write.key, write.value, stored.created, stored.modified, stored.lease)
        self.told.append(Change(write.key, self.revision, item))


class Store:
    """A store in memory with clients; also the reader of who looks at it."""

    limit = 1.0
    target = parse_url("etcd://h1:1,h2:2/p")

    def __init__(self):
        self.model = Recorded()
        self.wall = NOW
        self.script = []

    def ask(self, name, mode=5, quantity=1, create=True, wait=True, within=()):
        """A client that asks; returns its session and what it has got, None while it waits."""
        lease = self.model.grant()
        session = f"{lease:016x}"
        request = Request(name, mode, quantity, create, self.wall, within, TOLD)
        known = parse(name)
        steps = acquire(Ask(Place("p", known.root), known, session, lease, 15, request, wait, 0,
                            lambda: self.wall))  # fmt: skip
        self.wall += 1_000_000
        answer = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as end:
                return session, end.value
            except FlomError as error:
                self.model.revoke(lease)
                return session, error.rc
            if isinstance(step, Wait):
                return session, None
            answer = self.perform(step)

    def perform(self, step):
        """The answer to what a client asks of the store."""
        match step:
            case Txn():
                return self.model.txn(step)
            case NewLease():
                return self.model.grant()
            case Keep():
                return True
            case Revoke():
                return self.model.revoke(step.lease)

    def leave(self, session):
        """A client goes."""
        self.model.revoke(int(session, 16))

    def read(self, key, end):
        """As Reader."""
        return Read(True, self.model.revision, self.model.read(key, end))

    def revoke(self, lease):
        """As Reader."""
        return self.model.revoke(lease)

    def changes(self, key, end, revision):
        """As Reader, until there is no more in the script."""
        while self.script:
            self.script.pop(0)()
            for change in self.model.told:
                if change.revision > revision and key <= change.key < end:
                    yield change
        raise EndOfScript


@pytest.fixture
def store(monkeypatch):
    made = Store()
    monkeypatch.setattr(state, "Reader", lambda settings, limit: made)
    monkeypatch.setattr(state, "_wall", lambda: made.wall)
    monkeypatch.delenv("FLOM_SESSION", raising=False)
    return made


@pytest.fixture
def onlooker(store):
    return state.Onlooker(Settings(), 1.0)


@pytest.fixture
def crowd(store):
    for name, how, count, granted in CROWD:
        for number in range(count):
            assert isinstance(store.ask(name, **how)[1], Held) == (number < granted), name
    return store


def test_all_kinds_are_told_in_the_documented_form(crowd, onlooker):
    rows = list(onlooker.ask("resources"))
    validate(rows, "ls")
    sums = {}
    for name, _, count, granted in CROWD[:-1]:
        root = parse(name).root.decode()
        holders, waiters = sums.get(root, (0, 0))
        sums[root] = holders + granted, waiters + count - granted
    assert {row["root"]: (row["holder_count"], row["waiter_count"]) for row in rows} == sums
    assert list(sums) == [row["root"] for row in rows]
    by_root = {row["root"]: row for row in rows}
    assert by_root["data"]["modes"] == {"PR": 2, "CR": 1}
    assert by_root["licence[8]"]["quantity"] == {"total": 8, "used": 6}
    assert by_root["red.green.blue"]["elements"] == {"total": 3, "used": 3}
    assert by_root["/srv"]["name"] == "/srv/a"
    for row in rows:
        (queue,) = onlooker.ask("queue", name=row["name"].encode())
        validate(queue, "queue", STATE)
        assert len(queue["holders"]) == row["holder_count"]
        assert len(queue["waiters"]) == row["waiter_count"]
        assert {key: queue[key] for key in row} == row
    (alive,), (counts,) = onlooker.ask("daemon"), onlooker.ask("metrics")
    validate(alive, "daemon", STATE)
    validate(counts, "metrics", STATE)
    for told in (alive, counts):
        numbers = [told[name] for name in ("resources", "holders", "waiters", "parked")]
        assert numbers == [len(rows), *map(sum, zip(*sums.values(), strict=True)), 2]


def test_a_claim_tells_who_and_for_how_long(store, onlooker):
    _, held = store.ask(b"red.green")
    store.ask(b"R", mode=3)
    store.ask(b"R")
    store.wall = NOW + 10_000_000
    (row,) = onlooker.ask("queue", name=b"red.green")
    (holder,) = row["holders"]
    assert (holder["element"], holder["waiting"], holder["holding"]) == (held.element, 1.0, 9.0)
    assert {key: str(holder[key]) for key in TOLD} == TOLD
    (row,) = onlooker.ask("queue", name=b"R")
    (waiter,) = row["waiters"]
    assert (waiter["mode"], waiter["waiting"], waiter["holding"], waiter["barrier"]) == (
        "EX", 8.0, None, True,
    )  # fmt: skip
    assert (row["oldest_hold"], row["oldest_wait"]) == (8.0, 8.0)


def test_a_resource_without_its_state_is_as_old_as_its_first_user(store, onlooker):
    store.ask(b"R")
    store.ask(b"R")
    store.model.revoke(store.model.keys["p/R/state"].lease)
    (queue,) = onlooker.ask("queue", name=b"R")
    (holder,) = queue["holders"]
    assert queue["id"] == holder["id"]
    assert queue["waiter_count"] == 1


def test_who_waits_for_a_creation_is_no_user_of_the_resource(crowd, onlooker):
    (row,) = onlooker.ask("queue", name=b"absent")
    validate(row, "parked", STATE)
    assert len(row["parked"]) == 2
    assert list(onlooker.ask("queue", name=b"other")) == []


REQUESTS = [
    (name, {"mode": mode})
    for name in (b"backup", b"data", b"fresh", b"/srv/a", b"/srv/b", b"/srv/new", b"absent")
    for mode in MODES.values()
] + [
    (b"licence[8]", {"quantity": 1}),
    (b"licence[8]", {"quantity": 8}),
    (b"licence[8]", {"quantity": 9}),
    (b"fresh[3]", {"quantity": 3}),
    (b"fresh[3]", {"quantity": 4}),
    (b"red.green.blue", {}),
    (b"_s_build[2]", {}),
    (b"_s_none[0]", {}),
    (b"u.v", {}),
    (b"fresh", {"create": False}),
    (b"absent", {"create": False}),
    (b"data", {"mode": 1, "create": False}),
]


def test_explain_says_what_then_happens(crowd, onlooker):
    verdicts = set()
    for name, how in REQUESTS:
        words = {key: str(int(value)) for key, value in how.items()}
        (row,) = onlooker.ask("explain", name=name, **words)
        validate(row, "explain")
        session, got = crowd.ask(name, **how, wait=False)
        crowd.leave(session)
        for root in (b"fresh", b"fresh[3]", b"u.v", b"_s_none[0]", b"absent"):
            place = Place("p", root)
            for key in [key for key in crowd.model.keys if key == place.state]:
                crowd.model.revoke(crowd.model.keys[key].lease)
        assert row["granted"] == isinstance(got, Held), (name, how)
        if row["reason"] == "conflict":
            assert got == RC_LOCK_BUSY
        assert (row["blocker_count"] > 0) == (row["reason"] == "conflict")
        verdicts.add(row["reason"])
    assert verdicts == {None, "conflict", "impossible", "no_resource"}


def test_explain_names_those_in_the_way(crowd, onlooker):
    (row,) = onlooker.ask("explain", name=b"backup", mode="3")
    (queue,) = onlooker.ask("queue", name=b"backup")
    assert row["blockers"] == queue["holders"]
    (row,) = onlooker.ask("explain", name=b"backup")
    assert row["blockers"] == queue["holders"] + queue["waiters"]


def test_explain_knows_the_lock_it_runs_in(store, onlooker, monkeypatch):
    session, _ = store.ask(b"R")
    monkeypatch.setenv("FLOM_SESSION", session)
    (row,) = onlooker.ask("explain", name=b"R")
    assert row["reason"] == "nested"
    (row,) = onlooker.ask("explain", name=b"R", mode="0")
    assert row["granted"]


def test_explain_lets_nobody_wait_for_his_own_successors(store, onlooker, monkeypatch):
    session, _ = store.ask(b"R", mode=1)
    store.ask(b"R")
    (row,) = onlooker.ask("explain", name=b"R", mode="1")
    assert row["reason"] == "conflict"
    monkeypatch.setenv("FLOM_SESSION", session)
    (row,) = onlooker.ask("explain", name=b"R", mode="1")
    assert row["granted"]


def test_explain_knows_the_clock(store, onlooker):
    session, _ = store.ask(b"_t_%T[1]")
    store.leave(session)
    (row,) = onlooker.ask("explain", name=b"_t_%T[1]")
    assert (row["reason"], row["blockers"]) == ("clock", [])
    (row,) = onlooker.ask("explain", name=b"_t_%Q[1]")
    assert row["reason"] == "invalid_value"


def test_a_lock_is_broken_for_one_holder_or_for_all(store, onlooker):
    for _ in range(3):
        store.ask(b"R", mode=3)
    waiter, _ = store.ask(b"R")
    (queue,) = onlooker.ask("queue", name=b"R")
    second = queue["holders"][1]
    (broken,) = onlooker.ask("break", name=b"R", holder=str(second["id"]))
    validate(broken, "break", STATE)
    assert (broken["id"], broken["resource"]) == (second["id"], queue["id"])
    assert len(list(onlooker.ask("break", name=b"R"))) == 2
    for words in ({}, {"holder": str(queue["waiters"][0]["id"])}):
        with pytest.raises(FlomError) as raised:
            list(onlooker.ask("break", name=b"R", **words))
        assert raised.value.rc == RC_OBJ_NOT_FOUND_ERROR
    assert int(waiter, 16) in store.model.leases


def test_what_others_have_written_is_told_of(store, onlooker):
    lease = store.model.grant()
    store.model.txn(Txn((), (Put("p/R/more", "x", lease), Put("p/other", "x", lease)), "p", "q"))
    assert list(onlooker.ask("resources")) == []
    store.model.txn(Txn((), (Put("p/R/state", "x", lease),), "p", "q"))
    with pytest.raises(FlomError, match="p/R/"):
        list(onlooker.ask("resources"))


# Events.


def told(store, root=None):
    """The events of everything that the store's script does while it is watched."""
    found = []
    with pytest.raises(EndOfScript):
        for row in events(store, root):
            found.append(row)
    return found


def test_events_tell_the_life_of_locks(store):
    waiting, _ = store.ask(b"gone", create=False)
    sessions = []

    def script():
        sessions.append(store.ask(b"R")[0])
        sessions.append(store.ask(b"R")[0])
        store.ask(b"never", create=False)
        store.leave(waiting)
        for session in reversed(sessions):
            store.leave(session)
        store.model.revoke(store.model.keys["p/R/state"].lease)

    store.script = [script]
    rows = told(store)
    for row in rows:
        validate(row, "events")
    assert [(row["event"], row["name"]) for row in rows] == [
        ("created", "R"), ("enqueued", "R"), ("granted", "R"), ("enqueued", "R"),
        ("parked", "never"), ("withdrawn", "gone"), ("withdrawn", "R"), ("released", "R"),
        ("forgotten", "R"),
    ]  # fmt: skip
    of_resource = [row for row in rows if row["name"] == "R"]
    assert {row["resource"] for row in of_resource} == {rows[0]["seq"]}
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)
    granted, released = rows[2], rows[7]
    assert granted["claim"]["id"] == released["claim"]["id"]
    assert granted["waited"] == 1.0
    assert rows[6]["reason"] == "left"


def test_events_of_one_resource(store):
    session, _ = store.ask(b"/a/b")

    def script():
        store.ask(b"other")
        store.leave(session)

    store.script = [script]
    (row,) = told(store, b"/a")
    assert (row["event"], row["name"], row["claim"]["name"]) == ("released", "/a", "/a/b")


def test_what_a_store_has_forgotten_is_counted(store):
    session, _ = store.ask(b"R")

    def forget():
        store.ask(b"other")
        raise Forgotten

    store.script = [forget, lambda: store.leave(session)]
    before = store.model.revision
    dropped, released = told(store)
    validate(dropped, "events")
    assert (dropped["event"], released["event"]) == ("dropped", "released")
    assert dropped["count"] == dropped["seq"] - before > 0
