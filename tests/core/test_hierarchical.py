from core.play import play

from flom.core.hierarchical import Hierarchical
from flom.core.requests import Closed, Instant, Request


def root_of(it):
    (tree,) = [r for r in it.table._resources.values() if isinstance(r, Hierarchical)]
    return tree._root


def test_a_lock_acts_on_its_path_and_its_subtree():
    play(
        """
        A lock /r/a EX          => A granted
        B lock /r/b EX nowait   => B granted
        C lock /r/ab EX nowait  => C granted
        D lock /r PR nowait     => D busy
        D lock /r/a/x PR nowait => D busy
        D lock /r/a NL nowait   => D granted
        E lock /R EX nowait     => E granted
        """
    )


def test_a_release_serves_waiters_above_and_below_in_order_of_arrival():
    """Q13."""
    play(
        """
        A lock /r EX     => A granted
        B lock /r/x PR   => B enqueued
        C lock /r EX     => C enqueued
        D lock /r/y EX   => D enqueued
        E lock /r/x/k EX => E enqueued
        A unlock /r      => B granted, D granted
        B unlock /r/x    => E granted
        D unlock /r/y
        E unlock /r/x/k  => C granted
        """,
        patience=-1,
    )


def test_nobody_passes_with_patience_0():
    play(
        """
        A lock /r EX            => A granted
        B lock /r/x PR          => B enqueued
        C lock /r EX            => C enqueued
        D lock /r/y EX          => D enqueued
        A unlock /r             => B granted
        E lock /r/z PR nowait   => E busy
        E lock /r/z NL nowait   => E granted
        B unlock /r/x           => C granted
        C unlock /r             => D granted
        """,
        patience=0,
    )


def test_a_barrier_below_holds_back_those_above_it():
    play(
        """
        A lock /r PR          => A granted
        B lock /r/a/b EX      => B enqueued
        wait 999
        C lock /r/a PR        => C granted
        wait 1
        D lock /r/a PR nowait => D busy
        D lock /r PR          => D enqueued
        E lock /r/b PR        => E granted
        A unlock /r
        C unlock /r/a         => B granted
        B unlock /r/a/b       => D granted
        """,
        patience=1000,
    )


def test_a_leaving_barrier_lets_those_above_and_below_in():
    play(
        """
        A lock /r PR      => A granted
        B lock /r/a EX    => B enqueued
        C lock /r PR      => C enqueued
        D lock /r/a/b PR  => D enqueued
        E lock /r/a/b EX  => E enqueued
        B disconnect      => C granted, D granted
        """,
        patience=0,
    )


def test_a_walk_goes_on_behind_those_it_serves():
    play(
        """
        A lock /r EX     => A granted
        B lock /r/a PR   => B enqueued
        C lock /r/a PR   => C enqueued
        D lock /r/a/x PR => D enqueued
        E lock /r/a EX   => E enqueued
        F lock /r/a/x EX => F enqueued
        G lock /r PR     => G enqueued
        A unlock /r      => B granted, C granted, D granted, G granted
        """
    )


def test_unlock_takes_the_newest_grant_on_the_very_node():
    play(
        """
        A lock /r/a PR        => A granted
        A lock /r/b PR        => A granted
        A lock /r/a CR        => A granted
        A unlock /r/c
        A unlock /r
        A unlock /r/a
        B lock /r/a CW nowait => B busy
        A unlock /r/a
        B lock /r/a CW nowait => B granted
        B lock /r/b CW nowait => B busy
        A unlock /s           => A closed
        B lock /r/b CW nowait => B granted
        """
    )


def test_a_node_of_another_tree_while_waiting_in_this_one():
    play(
        """
        A lock /r EX   => A granted
        B lock /r/a EX => B enqueued
        B unlock /r
        B unlock /r/a/b
        A unlock /r    => B granted
        B unlock /s/a  => B closed
        """
    )


def test_nodes_exist_only_as_long_as_they_are_needed():
    it = play(
        """
        A lock /r/a/b/c EX => A granted
        B lock /r/a/b EX   => B enqueued
        C lock /r/x/y NL   => C granted
        A unlock /r/a/b/c  => B granted
        """
    )
    root = root_of(it)
    assert set(root.children) == {b"a", b"x"}
    assert not root.children[b"a"].children[b"b"].children
    it.run("B disconnect\n C disconnect")
    assert not root.children
    assert not root.waiting
    assert not root.held_within
    assert not root.queued_within


def test_a_deep_path():
    deep = "/r" + "/x" * 254
    play(
        f"""
        A lock {deep} EX     => A granted
        B lock /r EX         => B enqueued
        C lock {deep}/y EX   => C enqueued
        A unlock {deep}      => B granted
        B disconnect         => C granted
        """
    )


def test_modes_out_of_range_end_only_that_connection():
    """Wire F-4."""
    table = play("A lock /r/a EX => A granted").table
    for mode in (-1, 6, 2**40):
        for name in (b"/r/a/b", b"/other"):
            (effect,) = table.lock("B", Request(name, mode), Instant(0.0, 0))
            assert isinstance(effect, Closed)
    assert [queue.name for queue in table.snapshot().resources] == [b"/r"]
