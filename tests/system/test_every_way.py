"""The promises of every kind of lock, kept by every way to take it, at a daemon and at a store."""

import time

import pytest
from support import StorePlace
from ways import AT_STORE, WAYS, Refused

MODES = ("NL", "CR", "CW", "PR", "PW", "EX")
# Which modes may be held beside a held one (resources.md 4).
BESIDE = {
    "NL": MODES,
    "CR": MODES[:5],
    "CW": ("NL", "CR", "CW"),
    "PR": ("NL", "CR", "PR"),
    "PW": ("NL", "CR"),
    "EX": ("NL",),
}


@pytest.fixture
def ways(request, folder, monkeypatch):
    """Makes ways by name, all of them at one daemon or one store."""
    monkeypatch.setenv("HOME", str(folder))
    made, places = [], {}

    def make(name):
        every = AT_STORE if name in AT_STORE else WAYS
        if every is AT_STORE and not places:
            places["store"] = StorePlace(folder, request.getfixturevalue("etcd_node"))
        elif not places:
            places["daemon"] = request.getfixturevalue("place")
        (place,) = places.values()
        made.append(every[name](place))
        return made[-1]

    yield make
    for way in made:
        way.close()
    if "store" in places:
        places["store"].clear()


@pytest.fixture(params=[*WAYS, *AT_STORE])
def way(ways, request):
    """The same test for every way."""
    return ways(request.param)


def refusal(way, *words, **options):
    """Why a request that does not wait is not granted; None if it is (it is given back then)."""
    try:
        way.acquire(*words, timeout=0, **options).release()
    except Refused as refused:
        return refused.reason
    return None


@pytest.mark.parametrize("held", MODES)
def test_modes(way, held):
    holder = way.acquire("R", mode=held)
    allowed = [mode for mode in MODES if refusal(way, "R", mode=mode) is None]
    assert tuple(allowed) == BESIDE[held]
    holder.release()
    assert refusal(way, "R") is None


PAIRS = [(one, other) for every in (WAYS, AT_STORE) for one in every for other in every]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_all_ways_meet(ways, one, other):
    holder = ways(one).acquire("R", mode="PR")
    stranger = ways(other)
    assert refusal(stranger, "R") == "busy"
    assert refusal(stranger, "R", mode="PR") is None
    waiter = stranger.ask("R")
    holder.release()
    waiter.result(60).release()


def test_a_waiter_gets_the_lock_when_the_holder_leaves(way):
    holder = way.acquire("R")
    waiters = [way.ask("R", timeout=60) for _ in range(3)]
    assert not any(waiter.done() for waiter in waiters)
    holder.release()
    left = set(waiters)
    while left:
        granted = next(iter({w for w in left if w.done()}), None)
        if granted is None:
            time.sleep(0.01)
            continue
        assert len([w for w in left if w.done()]) == 1, "two hold an exclusive lock"
        granted.result().release()
        left.remove(granted)


def test_waiting_ends_in_time(way):
    holder = way.acquire("R")
    begun = time.monotonic()
    with pytest.raises(Refused, match="late"):
        way.acquire("R", timeout=0.3)
    assert time.monotonic() - begun >= 0.3
    holder.release()
    assert refusal(way, "R") is None


def test_quantities(way):
    holder = way.acquire("pool[3]", quantity=2)
    assert refusal(way, "pool[3]", quantity=2) == "busy"
    assert refusal(way, "pool[3]") is None
    assert refusal(way, "pool[3]", quantity=4) == "impossible"
    holder.release()
    assert refusal(way, "pool[3]", quantity=3) is None


def test_a_set_gives_each_holder_another_element(way):
    holders = [way.acquire("red.green") for _ in range(2)]
    assert {holder.element for holder in holders} == {"red", "green"}
    assert refusal(way, "red.green") == "busy"
    freed = holders[0].element
    holders[0].release()
    holders[0] = way.acquire("red.green")
    assert holders[0].element == freed
    for holder in holders:
        holder.release()


def test_a_sequence_counts_and_takes_back_what_failed(way):
    first = way.acquire("_S_n[1]", idle_lifespan=60)
    first.rollback()
    again = way.acquire("_S_n[1]", idle_lifespan=60)
    assert again.element == first.element
    again.release()
    after = way.acquire("_S_n[1]", idle_lifespan=60)
    assert int(after.element) == int(first.element) + 1
    after.release()


def test_a_timestamp_is_given_once(way):
    first = way.acquire("_t_%Y%m%d.%H%M%S.#ffffff[1]")
    first.release()
    second = way.acquire("_t_%Y%m%d.%H%M%S.#ffffff[1]")
    second.release()
    assert second.element
    assert second.element != first.element


def test_a_path_is_locked_with_all_below_it(way):
    holder = way.acquire("/a/b")
    assert refusal(way, "/a/b/c") == "busy"
    assert refusal(way, "/a") == "busy"
    assert refusal(way, "/a/x") is None
    holder.release()


def test_who_does_not_create_finds_what_others_created(way):
    assert refusal(way, "R", create=False) == "absent"
    waiter = way.ask("R", create=False, mode="PR")
    holder = way.acquire("R", mode="PR")
    waiter.result(60).release()
    holder.release()


def test_a_resource_outlives_its_last_user_if_wanted(way):
    way.acquire("R", idle_lifespan=60).release()
    assert refusal(way, "R", create=False) is None


@pytest.mark.parametrize("name", ["", "a b", "_s_n[x]"])
def test_a_name_that_is_none_is_refused(way, name):
    assert refusal(way, name) == "wrong"


@pytest.mark.parametrize("name", WAYS)
def test_a_name_that_fits_into_no_message_is_refused(ways, name):
    """A store has no such limit."""
    assert refusal(ways(name), "x" * 500) == "wrong"


def test_no_element_where_the_kind_has_none(way):
    holder = way.acquire("R")
    assert holder.element is None
    holder.release()
