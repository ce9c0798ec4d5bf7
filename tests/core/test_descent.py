"""Requests from within a lock on the same resource, kind by kind (queue.py, descent.py)."""

import pytest
from core.play import play

from flom.core.queue import Claim, Queue, blockers, is_nested
from flom.core.requests import Instant, Request

NOW = Instant(10.0, 0)


@pytest.mark.parametrize(
    ("name", "mine", "large"), [("foo", "PR", "EX"), ("/r/a", "PR", "EX"), ("n[3]", "q1", "q3")]
)
def test_no_waiter_is_ahead_of_the_nested(name, mine, large):
    """W waits for A, who waits for B: the barrier of W would be a deadlock."""
    play(
        f"""
        A lock {name} {mine}            => A granted
        W lock {name} {large}           => W enqueued
        X lock {name} {mine}            => X enqueued
        B lock {name} {mine} in:A       => B granted
        C lock {name} {mine} in:X       => C enqueued
        D lock {name} {mine} in:B,X     => D granted
        A unlock {name}
        D unlock {name}
        B unlock {name}                 => W granted
        W unlock {name}                 => X granted, C granted
        """,
        patience=0,
    )


@pytest.mark.parametrize(
    ("name", "mine", "wanted"),
    [
        ("foo", "CR", "PW"),
        ("/r", "CR", "PW"),
        ("n[3]", "q1", "q2"),
    ],
)
def test_the_nested_wait_in_front_and_are_served_first(name, mine, wanted):
    play(
        f"""
        A lock {name} {mine}                  => A granted
        H lock {name} {wanted}                => H granted
        W lock {name} {wanted}                => W enqueued
        B lock {name} {wanted} in:A           => B enqueued
        C lock {name} {wanted} in:A           => C enqueued
        H unlock {name}                       => B granted
        B unlock {name}                       => C granted
        C unlock {name}                       => W granted
        """
    )


@pytest.mark.parametrize(("name", "first", "second"), [("a.b.c", "a", "b"), ("_s_q[3]", "1", "2")])
def test_the_nested_get_the_next_free_place(name, first, second):
    third = {"b": "c", "2": "3"}[second]
    freed = {"b": "b", "2": "4"}[second]
    play(
        f"""
        A lock {name}           => A granted {first}
        H lock {name}           => H granted {second}
        I lock {name}           => I granted {third}
        W lock {name}           => W enqueued
        B lock {name} in:A      => B enqueued
        H unlock {name}         => B granted {freed}
        """
    )


def test_the_nested_get_the_next_tick():
    play(
        """
        A lock _t_%s[3]             => A granted 1700049600
        W lock _t_%s[3]             => W enqueued
        B lock _t_%s[3] in:A        => B enqueued
        wait 1000                   => B granted 1700049601
        wait 1000                   => W granted 1700049602
        """
    )


@pytest.mark.parametrize(
    ("name", "outer", "inner"),
    [
        ("foo", "EX", "EX"),
        ("foo", "PR", "CW"),
        ("/r/a/b", "EX", "PR"),
        ("n[3]", "q2", "q2"),
        ("a", "", ""),
        ("_s_q[1]", "", ""),
        ("_t_%s[1]", "", ""),
    ],
)
def test_what_would_wait_for_the_lock_around_it_is_refused(name, outer, inner):
    it = play("")
    (grant,) = it.do(f"A lock {name} {outer}")
    assert grant.client == "A"
    it.run(
        f"""
        B lock {name} {inner} in:A              => B nested
        B lock {name} {inner} in:A nowait       => B busy
        B lock {name} {inner} in:gone           => B enqueued
        """
    )


def test_the_path_decides_in_a_tree():
    play(
        """
        A lock /r/a               => A granted
        B lock /r/b in:A          => B granted
        C lock /r in:A,B          => C nested
        D lock /r/a/x CR in:B     => D enqueued
        E lock /r/a/x NL in:A     => E granted
        """
    )


def test_several_ancestors_count_together():
    play(
        """
        A lock n[5] q2            => A granted
        B lock n[5] q2 in:A       => B granted
        C lock n[5] q2 in:B       => C enqueued
        D lock n[5] q2 in:A,B     => D nested
        E lock n[5] q6 in:A,B     => E impossible
        F lock a.b                => F granted a
        G lock a.b in:F           => G granted b
        I lock a.b in:G,F         => I nested
        """
    )


def test_who_holds_something_else_is_no_ancestor_here():
    play(
        """
        A lock other              => A granted
        H lock foo PR             => H granted
        W lock foo                => W enqueued
        B lock foo PR in:A        => B enqueued
        """,
        patience=0,
    )


def test_an_ancestor_that_leaves_changes_nothing():
    play(
        """
        A lock foo CR             => A granted
        H lock foo PW             => H granted
        W lock foo PW             => W enqueued
        B lock foo PW in:A        => B enqueued
        A disconnect
        H unlock foo              => B granted
        """
    )


def test_an_ancestor_that_is_served_makes_its_descendants_nested():
    play(
        """
        H lock foo                => H granted
        A lock foo PR             => A enqueued
        W lock foo                => W enqueued
        B lock foo PR in:A        => B enqueued
        C lock foo PR in:B        => C enqueued
        D lock foo PW in:A        => D enqueued
        H unlock foo              => A granted, B granted, C granted, D nested
        """,
        patience=0,
    )


def test_an_ancestor_may_take_what_its_descendant_waits_for():
    play(
        """
        A lock foo CR             => A granted
        H lock foo PW             => H granted
        B lock foo PW in:A        => B enqueued
        H unlock foo              => B granted
        C lock foo PW in:A        => C enqueued
        B unlock foo              => C granted
        C unlock foo
        H lock foo CW             => H granted
        D lock foo PR in:A        => D enqueued
        A lock foo CW             => A granted, D nested
        """
    )


def test_the_ancestors_of_a_parked_request_count_when_the_resource_exists():
    play(
        """
        B lock foo PR nocreate in:A   => B parked
        C lock foo CW nocreate in:A   => C parked
        A lock foo PR                 => A granted, B granted, C nested
        """
    )


def test_blockers_of_a_nested_request_are_holders():
    holders = (Claim("A", b"foo", 3, 1, 0.0),)
    waiters = (Claim("N", b"foo", 2, 1, 0.0, nested=True), Claim("W", b"foo", 5, 1, 0.0))
    queue = Queue(b"foo", "simple", 0, 0, holders, waiters)
    within = Request(b"foo", 3, ancestors=("A",))
    assert is_nested(queue, within) and not is_nested(queue, Request(b"foo", 3, ancestors=("W",)))
    assert not blockers(queue, within, NOW)
    assert blockers(queue, waiters[0], NOW) == [holders[0]]
    assert blockers(queue, waiters[1], NOW) == [holders[0], waiters[0]]
    assert blockers(queue, Request(b"foo", 3), NOW) == [*waiters]
