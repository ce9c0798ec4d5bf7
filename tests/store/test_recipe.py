"""The recipe under schedules that chance makes, against a store in memory."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flom.core.names import parse

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
    if parse(world.names[0]).transactional:
        check_numbers(world)


def check_numbers(world):
    """Every number was used up once, or will be given again."""
    state = world.view().state
    if state is None:
        return
    committing = [one for one in world.clients if one.leaving and not one.rolled_back]
    used = [int(one.held.element) for one in committing if one.outcome == "released"]
    # Whether their word was heard before they died nobody knows.
    maybe = [int(one.held.element) for one in committing if one.outcome == "crashed"]
    free = [*state.returned, *state.out.values()]
    known = used + free
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
    assert world.tokens == sorted(world.tokens)
    assert [client.outcome for client in world.clients] == ["released"] * 6
