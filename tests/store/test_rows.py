"""Why a request waits, as rows."""

import pytest

from flom.core.names import parse
from flom.core.timestamp import Ticks
from flom.store.operations import Item
from flom.store.records import Grant, Place, Request, State, View
from flom.store.rows import explanation

NOW = 50_000_000
ANN = {"user": "ann", "host": "lab", "pid": "12", "command": "make", "timeout": "x"}


def view(name, *requests, state=None):
    """A resource with these requests: session, mode and when it was granted."""
    place = Place("p", parse(name).root)
    items = [
        Item(place.request(session), written(name, *rest), number, number, 1)
        for number, (session, *rest) in enumerate(requests, 7)
    ]
    if state is not None:
        items.append(Item(place.state, state.write(), 6, 6, 2))
    return View(place, 99, tuple(items))


def written(name, mode, granted=None, create=True):
    grant = None if granted is None else Grant(granted)
    return Request(name, mode, 1, create, 40_000_000, (), ANN, grant).write()


def test_who_is_in_the_way():
    seen = view(b"R", ("a", 3, 45_000_000), ("b", 5), ("c", 3), state=State(1.0))
    row = explanation(parse(b"R"), seen, "c", NOW)
    (blocker,) = row["blockers"]
    assert (row["reason"], row["place"], row["waiters"], row["blocker_count"]) == (
        "conflict", 2, 2, 1,
    )  # fmt: skip
    assert (blocker["id"], blocker["mode"], blocker["since"], blocker["waiting"]) == (
        8, "EX", None, 10.0,
    )  # fmt: skip
    (holder,) = explanation(parse(b"R"), seen, "b", NOW)["blockers"]
    assert (holder["id"], holder["mode"], holder["since"]) == (7, "PR", 45.0)
    assert (holder["holding"], holder["waiting"]) == (5.0, 5.0)
    assert (holder["user"], holder["host"], holder["pid"], holder["timeout"]) == (
        "ann", "lab", 12, None,
    )  # fmt: skip


def test_who_does_not_wait_has_no_reason():
    seen = view(b"R", ("a", 3, 45_000_000), state=State(1.0))
    assert explanation(parse(b"R"), seen, "a", NOW) is None
    assert explanation(parse(b"R"), seen, "b", NOW) is None


def test_a_resource_that_nobody_has_created():
    row = explanation(parse(b"R"), view(b"R", ("a", 5, None, False)), "a", NOW)
    assert (row["reason"], row["blockers"], row["place"]) == ("no_resource", [], 0)


@pytest.mark.parametrize(("ago", "reason"), [(0, "clock"), (1, None)])
def test_a_clock_that_has_to_go_on(ago, reason):
    name = b"_t_%T[1]"
    state = State(1.0, last=Ticks("%T").number(NOW) - ago)
    assert explanation(parse(name), view(name, ("a", 5), state=state), "a", NOW)["reason"] == reason
