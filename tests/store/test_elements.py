"""Elements, numbers and ticks, given and taken back."""

import pytest

from flom.core.names import parse
from flom.store.elements import give_back, take, unused
from flom.store.operations import Item
from flom.store.records import Grant, Place, Request, State, View

NOON = 1_700_049_600_000_000  # µs


def view(*sessions, positions=()):
    """Holders of a resource; positions: of the elements they have."""
    place = Place("p", b"r")
    items = []
    for number, session in enumerate(sessions, 1):
        position = dict(zip(sessions, positions, strict=False)).get(session, 0)
        grant = Grant(0, "x", position)
        text = Request(b"r", 5, 1, True, 0, grant=grant).write()
        items.append(Item(place.request(session), text, number, number, 1))
    return View(place, 99, tuple(items))


def given(name, seen, state, session="me", wall=NOON):
    grant, after = take(parse(name), seen, state, session, wall)
    return grant.element, after


def test_a_set_gives_the_first_free_element_from_its_cursor_on():
    seen = view("a", "b", positions=(1, 2))
    for cursor, element in ((0, "red"), (1, "red"), (2, "red")):
        got, state = given(b"red.green.blue", seen, State(1.0, cursor=cursor))
        assert got == element
        assert state.cursor == (cursor + 1) % 3
    assert given(b"red.green.blue", view("a"), State(1.0, cursor=2))[0] == "blue"


def test_a_number_is_new_or_the_one_that_came_back_first():
    assert given(b"_s_a[9]", view(), State(1.0, following=4294967295))[1].following == 1
    state = State(1.0, following=7, returned=(5, 3))
    got, after = given(b"_S_a[9]", view(), state)
    assert (got, after.returned, after.following, after.out) == ("5", (3,), 7, {"me": 5})
    assert state.returned == (5, 3), "what was read stays what it is"


def test_the_numbers_of_the_dead_come_back_behind_those_that_were_returned():
    state = State(1.0, following=7, returned=(6,), out={"a": 1, "b": 2, "c": 3})
    got, after = given(b"_S_a[9]", view("b"), state)
    assert got == "6"
    assert after.returned == (1, 3)
    assert after.out == {"b": 2, "me": 6}


@pytest.mark.parametrize(("rollback", "returned"), [(True, (9, 1)), (False, (9,))])
def test_a_number_is_used_up_or_comes_back(rollback, returned):
    state = State(1.0, following=10, returned=(9,), out={"a": 1, "b": 2})
    after = give_back(state, "a", rollback)
    assert (after.returned, after.out) == (returned, {"b": 2})
    assert give_back(after, "a", rollback).returned == returned


def test_a_tick_is_used_once_and_none_is_given_after_a_later_one():
    name = parse(b"_t_%s[2]")
    element, state = given(b"_t_%s[2]", view(), State(1.0))
    assert element == str(NOON // 1_000_000)
    assert unused(name, state, NOON + 250_000) == 0.75
    assert unused(name, state, NOON + 1_000_000) == 0.0
    assert unused(name, state, NOON - 5_000_000) == 6.0, "a clock behind that of the last holder"
    assert unused(name, state, NOON - 10**12) == 60.0, "it may be set right meanwhile"


def test_other_resources_give_nothing_and_never_wait_for_the_clock():
    state = State(1.0)
    grant, after = take(parse(b"n[3]"), view(), state, "me", NOON)
    assert (grant.element, after) == (None, state)
    assert unused(parse(b"n[3]"), state, NOON) == 0.0
    assert unused(parse(b"_t_%s[2]"), None, NOON) == 0.0
