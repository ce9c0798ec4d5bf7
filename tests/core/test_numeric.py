import pytest
from core.play import play
from hypothesis import given, settings
from hypothesis import strategies as st

from flom.core.numeric import FirstFit
from flom.core.requests import MAX_QUANTITY, Closed, Instant, Request
from flom.core.resource import Entry


def test_small_requests_pass_a_large_one_until_its_patience_runs_out():
    play(
        """
        A lock n[3] q2        => A granted
        B lock n[3] q2        => B enqueued
        wait 999
        C lock n[3] q1        => C granted
        C unlock n[3]
        wait 1
        D lock n[3] q1 nowait => D busy
        E lock n[3] q1        => E enqueued
        A unlock n[3]         => B granted, E granted
        """,
        patience=1000,
    )


def test_strict_order_with_patience_0():
    """Q9 in a fair queue."""
    play(
        """
        A lock n[5] q5 => A granted
        B lock n[5] q3 => B enqueued
        C lock n[5] q3 => C enqueued
        D lock n[5] q1 => D enqueued
        E lock n[5] q2 => E enqueued
        A unlock n[5]  => B granted
        B unlock n[5]  => C granted, D granted
        C unlock n[5]  => E granted
        """,
        patience=0,
    )


def test_a_leaving_barrier_lets_those_behind_it_in():
    play(
        """
        A lock n[3] q1 => A granted
        B lock n[3] q3 => B enqueued
        C lock n[3] q1 => C enqueued
        E lock n[3] q1 => E enqueued
        B disconnect   => C granted, E granted
        """,
        patience=0,
    )


def test_impossible_whatever_wait_and_create_say():
    play(
        """
        A lock n[2] q3 nocreate        => A parked
        B lock n[2] q3 nocreate nowait => B cannot_wait, B closed
        C lock n[2] q3                 => C impossible, A impossible
        C lock n[2] q3 nowait          => C impossible
        C lock n[2] q2                 => C granted
        D lock n[0]                    => D impossible
        """
    )


def test_numbers_do_not_wrap():
    play(
        """
        A lock n[4294967297] q2147483647 => A granted
        B lock n[4294967297] q2147483647 => B granted
        C lock n[4294967297] q3          => C granted
        D lock n[4294967297] q1 nowait   => D busy
        A lock n[99999999999999999999999999999999] q2147483647 => A granted
        """
    )


@pytest.mark.parametrize("quantity", [0, -1, MAX_QUANTITY + 1, 2**64])
def test_quantities_out_of_range_end_only_that_connection(quantity):
    table = play("A lock n[5] q1 => A granted").table
    for name in (b"n[5]", b"other[5]"):
        (effect,) = table.lock("B", Request(name, quantity=quantity), Instant(0.0, 0))
        assert isinstance(effect, Closed)
    assert [queue.name for queue in table.snapshot().resources] == [b"n[5]"]


def waiter(quantity):
    return Entry(None, None, Request(b"n[9]", quantity=quantity), 0.0)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("aaadf"), st.integers(1, 40)), max_size=150))
def test_first_fit_is_a_search_from_the_oldest(steps):
    tree, line = FirstFit(), []
    for what, number in steps:
        if what == "a":
            line.append(waiter(number))
            tree.append(line[-1])
        elif what == "d" and line:
            tree.discard(line.pop(number % len(line)))
        found = next((entry for entry in line if entry.quantity <= number), None)
        assert tree.first(number) is found
        assert tree.first(10**18) is (line[0] if line else None)


def test_first_fit_forgets_the_places_of_the_gone():
    tree = FirstFit()
    for _ in range(3):
        line = [waiter(1) for _ in range(1000)]
        for entry in line:
            tree.append(entry)
        for entry in line:
            tree.discard(entry)
    assert len(tree._least) < 100
