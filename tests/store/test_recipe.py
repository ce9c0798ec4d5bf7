"""The recipe under schedules that chance makes, against a store in memory."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flom.core.modes import CR, CW, PW

from .world import World

SEEDS = st.integers(0, 1 << 32)
RESOURCES = {
    "simple": [b"foo"],
    "tree": [b"/a", b"/a/b", b"/a/b/c", b"/a/d"],
    "numeric": [b"n[4]"],
    "set": [b"red.green.blue"],
    "sequence": [b"_s_a[2]"],
    "transactional": [b"_S_a[2]"],
    "timestamp": [b"_t_%T#f[2]"],
}


def newcomer(world, chance, kind):
    """A client that asks for something, some from within a lock that is held."""
    how = {"wait": chance.random() < 0.8, "create": chance.random() < 0.8}
    if kind in ("simple", "tree"):
        how["mode"] = chance.randrange(6)
    if kind == "numeric":
        how["quantity"] = chance.choice([1, 1, 2, 3, 4, 5])
    holders = world.holders()
    if holders and chance.random() < 0.3:
        how["within"] = (chance.choice(holders).session,)
    world.enter(**how)


def play(world, chance, kind, events):
    """Let clients come, hold, leave and crash."""
    for _ in range(events):
        what = chance.random()
        holding = [client for client in world.holders() if client.steps is None]
        if what < 0.25:
            newcomer(world, chance, kind)
        elif what < 0.5 and holding:
            chance.choice(holding).release(chance.random() < 0.5)
        elif what < 0.55:
            living = [client for client in world.clients if client.outcome is None]
            if living:
                chance.choice(living).crash()
        else:
            world.step()
        world.check_holders(world.view())


@pytest.mark.parametrize("kind", RESOURCES)
@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_whatever_happens_nobody_holds_what_another_holds_or_waits_in_vain(kind, seed):
    chance = Random(seed)
    world = World(chance, RESOURCES[kind])
    play(world, chance, kind, 120)
    world.settle()
    for client in world.clients:
        world.settle()
        if client.held and client.outcome is None:
            client.release(chance.random() < 0.5)
    world.settle()
    while holders := [client for client in world.holders() if client.steps is None]:
        for client in holders:
            client.release(rollback=False)
        world.settle()
    waiting = [client for client in world.clients if client.outcome is None]
    assert not waiting or not any(client.ask.request.create for client in waiting)
    if kind == "transactional":
        check_numbers(world)
    if kind == "timestamp":
        stamps = [world.given[token] for token in sorted(world.given)]
        assert stamps == sorted(set(stamps))


def check_numbers(world):
    """Every number was used up once, or will be given again."""
    last = world.enter()
    world.settle()
    last.release(rollback=True)
    world.settle()
    state = world.view().state
    assert not state.out
    committing = [one for one in world.clients if one.leaving and not one.rolled_back]
    used = [int(one.held.element) for one in committing if one.outcome == "released"]
    # Whether their word was heard before they died nobody knows.
    maybe = [int(one.held.element) for one in committing if one.outcome == "crashed"]
    known = [*used, *state.returned]
    assert len(set(known)) == len(known)
    assert set(range(1, state.following)) - set(known) <= set(maybe)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_equal_requests_are_served_in_order_of_their_entry(seed):
    world = World(Random(seed), [b"foo"])
    for _ in range(6):
        world.enter()
    world.settle()
    order = []
    while entries := world.view().entries:
        first = entries[0]
        assert first.request.grant is not None
        order.append(first.created)
        holder = next(one for one in world.clients if one.session == first.session)
        holder.release(rollback=False)
        world.settle()
    assert order == sorted(order)
    assert len(world.given) == 6
    assert [client.outcome for client in world.clients] == ["released"] * 6


def quiet(name):
    """A world where nothing is lost or late."""
    chance = Random(0)
    chance.random = lambda: 0.99
    return World(chance, [name])


def outcome(world):
    """Who holds, in order of the grant; who waits, in order of entry; by their numbers."""
    holders = sorted(world.holders(), key=lambda client: client.held.token)
    waiters = [client for client in world.clients if not client.held and client.outcome is None]
    return [[world.clients.index(client) for client in part] for part in (holders, waiters)]


def test_a_hand_over_wakes_one_waiter_whatever_their_number():
    costs = []
    for waiters in (2, 20):
        world = quiet(b"foo")
        for _ in range(waiters):
            world.enter()
            world.settle()
        before = world.asked
        world.clients[0].release(rollback=False)
        world.settle()
        assert outcome(world)[0] == [1]
        costs.append(world.asked - before)
    assert costs[0] == costs[1] == 3  # revoke; read, grant


@pytest.mark.parametrize("first", ["nested", "other"])
def test_one_of_two_who_decide_at_the_same_time_is_undone_if_one_is_nested(first):
    """Each is alone with the holder as far as it knows; together they do not go."""
    world = quiet(b"foo")
    holder = world.enter(mode=CR)
    world.settle()
    other = world.enter(mode=PW)
    world.until(other, 2)  # enters, keeps the state: decides for the grant
    nested = world.enter(mode=CW, within=(holder.session,))
    world.until(nested, 2)
    ready = [nested, other] if first == "nested" else [other, nested]
    world.until(ready[0], 1)
    assert ready[0].held
    world.settle()
    assert not ready[1].held
    ready[0].release(rollback=False)
    world.settle()
    assert ready[1].held


def test_a_nested_waiter_stays_in_front_when_the_lock_around_it_ends():
    world = quiet(b"a.b")
    outer, _ = world.enter(), world.enter()
    world.settle()
    world.enter()
    world.settle()
    nested = world.enter(within=(outer.session,))
    world.settle()
    world.enter().crash()  # lets the waiter look again: the nested one is in front of it now
    world.settle()
    outer.release(rollback=False)
    world.settle()
    assert nested.held
    assert outcome(world) == [[1, 3], [2]]


def test_who_waits_for_a_creation_follows_the_creator_in_order_of_arrival():
    world = quiet(b"foo")
    for create in (False, False, True, True):
        world.enter(create=create)
        world.settle()
        if not create:
            assert outcome(world)[0] == []
    order = []
    while holders := outcome(world)[0]:
        order += holders
        world.clients[holders[0]].release(rollback=False)
        world.settle()
    assert order == [2, 0, 1, 3]
