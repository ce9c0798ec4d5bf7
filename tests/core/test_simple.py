from core.play import play

from flom.core.requests import Closed, Instant, Request


def test_newcomers_pass_for_ever_with_negative_patience():
    play(
        """
        A lock foo PR => A granted
        W lock foo EX => W enqueued
        wait 10000000
        B lock foo PR => B granted
        A unlock foo
        B unlock foo => W granted
        """,
        patience=-1,
    )


def test_nobody_passes_with_patience_0():
    play(
        """
        A lock foo PR        => A granted
        W lock foo EX        => W enqueued
        B lock foo PR        => B enqueued
        C lock foo PR nowait => C busy
        D lock foo NL nowait => D granted
        A unlock foo         => W granted
        W unlock foo         => B granted
        """,
        patience=0,
    )


def test_fair_but_not_slower_than_needed():
    """Whoever is compatible with all who wait before need not wait behind them."""
    play(
        """
        A lock foo PW => A granted
        B lock foo PR => B enqueued
        C lock foo CR => C granted
        """,
        patience=0,
    )


def test_patience_runs_out_at_its_very_moment():
    play(
        """
        A lock foo PR        => A granted
        W lock foo EX        => W enqueued
        wait 59999
        B lock foo PR        => B granted
        wait 1
        C lock foo PR        => C enqueued
        D lock foo PR nowait => D busy
        E lock foo NL        => E granted
        A unlock foo
        B unlock foo         => W granted
        W unlock foo         => C granted
        """
    )


def test_starvation_ends_with_the_holders_present_when_patience_ran_out():
    """R-26: the waiter of Q7."""
    play(
        """
        A lock foo PR => A granted
        W lock foo EX => W enqueued
        wait 600
        B lock foo PR => B granted
        A unlock foo
        wait 600
        C lock foo PR => C enqueued
        D lock foo PR => D enqueued
        B unlock foo  => W granted
        W unlock foo  => C granted, D granted
        """,
        patience=1000,
    )


def test_those_already_queued_pass_a_waiter_until_its_patience_runs_out():
    play(
        """
        A lock foo EX => A granted
        B lock foo PR => B enqueued
        W lock foo EX => W enqueued
        C lock foo PR => C enqueued
        wait 1000
        A unlock foo  => B granted
        B unlock foo  => W granted
        W unlock foo  => C granted
        """,
        patience=1000,
    )
    play(
        """
        A lock foo EX => A granted
        B lock foo PR => B enqueued
        W lock foo EX => W enqueued
        C lock foo PR => C enqueued
        wait 999
        A unlock foo  => B granted, C granted
        """,
        patience=1000,
    )


def test_a_leaving_barrier_lets_those_behind_it_in():
    script = """
        A lock foo PR => A granted
        W lock foo EX => W enqueued
        wait 1000
        B lock foo PR => B enqueued
        C lock foo PR => C enqueued
        """
    play(script + "W disconnect => B granted, C granted", patience=1000)
    play(script + "W unlock foo => B granted, C granted", patience=1000)
    play(script + "W lock bar => B granted, C granted, W granted", patience=1000)
    play(script + "W unlock bar => W closed, B granted, C granted", patience=1000)


def test_a_leaving_waiter_with_patience_lets_nobody_in():
    """R-23; nobody was waiting because of it either."""
    play(
        """
        A lock foo PR => A granted
        B lock foo EX => B enqueued
        C lock foo EX => C enqueued
        B disconnect
        A unlock foo  => C granted
        """
    )


def test_a_barrier_does_not_hold_back_those_before_it():
    play(
        """
        A lock foo EX => A granted
        B lock foo PR => B enqueued
        C lock foo EX => C enqueued
        A unlock foo  => B granted
        B unlock foo  => C granted
        """,
        patience=0,
    )


def test_a_middle_barrier():
    """CW waits for PR, PW for both; CR conflicts with neither."""
    play(
        """
        A lock foo PR => A granted
        B lock foo CW => B enqueued
        C lock foo PW => C enqueued
        D lock foo CW => D enqueued
        E lock foo CR => E granted
        A unlock foo  => B granted
        B unlock foo  => C granted
        C unlock foo  => D granted
        """,
        patience=0,
    )


def test_modes_out_of_range_end_only_that_connection():
    table = play("A lock foo EX => A granted").table
    for mode in (-1, 6, 2**40):
        (effect,) = table.lock("B", Request(b"foo", mode), Instant(0.0, 0))
        assert isinstance(effect, Closed)
        (effect,) = table.lock("B", Request(b"other", mode), Instant(0.0, 0))
        assert isinstance(effect, Closed)
    assert [queue.name for queue in table.snapshot().resources] == [b"foo"]
