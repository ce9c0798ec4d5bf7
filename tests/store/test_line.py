"""The order of a queue that was read."""

from flom.core.names import parse
from flom.core.queue import blockers
from flom.core.requests import Instant
from flom.store.line import Line
from flom.store.operations import Item
from flom.store.records import Grant, Place, Request, State, View


def read(*rows, created=None):
    """Rows: session, creation, then what its request has of its own."""
    place = Place("p", b"foo")
    items = []
    for session, revision, given in rows:
        modified = given.pop("modified", revision)
        request = Request(b"foo", 5, 1, given.pop("create", True), 0, **given)
        items.append(Item(place.request(session), request.write(), revision, modified, 1))
    if created is not None:
        items.append(Item(place.state, State(1.0).write(), created, created, 2))
    return View(place, 99, tuple(items))


def names(entries):
    return [entry.session for entry in entries]


def test_holders_stand_in_order_of_their_grants_and_waiters_of_their_entry():
    seen = read(
        ("a", 5, {"grant": Grant(0), "modified": 9}),
        ("b", 4, {}),
        ("c", 6, {"grant": Grant(0), "modified": 7}),
        ("d", 3, {}),
        created=3,
    )
    line = Line(seen)
    assert names(line.holders) == ["c", "a"]
    assert names(line.waiters) == ["d", "b"]


def test_without_a_resource_all_wait_for_it():
    line = Line(read(("a", 5, {"create": False}), ("b", 6, {"create": False})))
    assert not line.exists
    assert line.waiters == []


def test_who_was_there_before_the_resource_follows_who_created_it():
    rows = [
        ("a", 5, {"create": False}), ("b", 6, {"create": False}), ("creator", 8, {}),
        ("c", 9, {}), ("d", 10, {"create": False}),
    ]  # fmt: skip
    assert names(Line(read(*rows, created=8)).waiters) == ["creator", "a", "b", "c", "d"]


def test_whoever_uses_a_resource_makes_it_exist():
    for row in ({}, {"create": False, "grant": Grant(0)}):
        line = Line(read(("a", 5, dict(row)), ("b", 6, {"create": False})))
        assert line.exists
        assert "b" in names(line.waiters)


def test_nested_requests_stand_in_front_as_they_say_or_know_themselves():
    seen = read(
        ("outer", 5, {"grant": Grant(0)}),
        ("a", 6, {}),
        ("says", 7, {"within": ("gone",), "nested": True}),
        ("knows", 8, {"within": ("outer",)}),
        created=5,
    )
    assert names(Line(seen).waiters) == ["says", "a", "knows"]
    knows = Line(seen, seen.find("knows"))
    assert names(knows.waiters) == ["says", "knows", "a"]
    queue = knows.queue(parse(b"foo"))
    mine = next(claim for claim in queue.waiters if claim.client.session == "knows")
    ahead = blockers(queue, mine, Instant(0.0, 0))
    assert [claim.client.session for claim in ahead] == ["outer"]
