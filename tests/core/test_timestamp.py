import os
import time

import pytest
from core.play import NOON, Play, play
from hypothesis import given, settings
from hypothesis import strategies as st

from flom.core.requests import Instant, Request
from flom.core.timestamp import conversions, stamp, tick_of

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
BACK = 1_698_541_200  # 2023-10-29 01:00 UTC: in Berlin 03:00 becomes 02:00 again


@pytest.fixture(autouse=True)
def zone(monkeypatch):
    """Set the local time zone; UTC to begin with."""

    def to(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()

    to("UTC")
    yield to
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("pattern", "tick"),
    [
        *[(f"x#{'f' * n}y", 10 ** (6 - n)) for n in range(1, 7)],
        ("#fffffff", 1),
        ("#f#fff", 1000),
        ("%S#ff", 10_000),
        *[(f"%Y%{letter}", 1_000_000) for letter in "crsSTX"],
        *[(f"%Y%{letter}%H", 60_000_000) for letter in "MR"],
        *[(f"%p%{letter}", 3_600_000_000) for letter in "HI"],
        ("%M%S", 1_000_000),
        ("%%%S", 1_000_000),
        *[(pattern, None) for pattern in ("%Y", "abc", "%k%l", "%ES", "%OS", "%10S", "%#S", "%")],
        *[
            (pattern, None)
            for pattern in ("%%S", "%%%%S", "%E%S", "%10%S", "%#%S", "%ä", "#", "%Ef")
        ],
    ],
)
def test_tick(pattern, tick):
    assert tick_of(pattern) == tick


def test_conversions_are_parsed():
    assert conversions("%Ya%%%Sb%10T%EXc%") == "Y%S"


def test_fractions_are_cut_not_rounded():
    wall = NOON * 1_000_000 + 284_999
    assert stamp("#f", wall) == ".2"
    assert stamp("a#fffz", wall) == "a.284z"
    assert stamp("#fffffff", wall) == ".284999f"
    assert stamp("#ff#f", wall) == ".28.2"
    assert stamp("##f", wall) == "#.2"
    assert stamp("%S#ffffff", NOON * 1_000_000 + 42) == "00.000042"


def test_local_time_of_the_daemon(zone):
    zone("NPT-5:45")
    assert stamp("%Y%m%d.%T %Z%z", NOON * 1_000_000) == "20231115.17:45:00 NPT+0545"
    assert stamp("%s", NOON * 1_000_000) == str(NOON)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([*"%%%%SMHTRIXcrspYdabnt:.zf", "#f", "#ff"]), max_size=12),
    st.integers(0, 2_000_000_000),
)
def test_ticks_agree_with_what_is_printed(words, second):
    """Within a tick the text stays; the next tick prints another one."""
    pattern = "".join(words)
    tick = tick_of(pattern)
    coarsest = 3_600_000_000
    start = second * 1_000_000 // coarsest * coarsest if tick is None else second * 1_000_000
    length = tick or coarsest
    start = start // length * length
    os.environ["TZ"] = "UTC"
    time.tzset()
    assert stamp(pattern, start) == stamp(pattern, start + length - 1)
    if tick is not None:
        assert stamp(pattern, start) != stamp(pattern, start + tick)


@pytest.mark.parametrize(
    "name", ["_t_%Y[1]", "_t_%%S[1]", "_t_%10S[2]", "_t_" + "a" * 400 + "%S[1]"]
)
def test_unusable_formats_create_nothing_and_wake_nobody(name):
    it = play(
        f"""
        A lock {name} nocreate        => A parked
        B lock {name} nocreate nowait => B cannot_wait, B closed
        C lock {name}                 => C closed
        """
    )
    assert it.table.parked() == ["A"]
    assert not it.table.snapshot().resources


def test_one_grant_a_tick_at_the_very_boundary():
    it = play(
        f"""
        wait 300
        A lock _t_%s[3]        => A granted {NOON}
        B lock _t_%s[3]        => B enqueued
        C lock _t_%s[3]        => C enqueued
        D lock _t_%s[3] nowait => D busy
        wait 699
        wait 1                 => B granted {NOON + 1}
        wait 999
        """
    )
    assert it.table.wakeup() == pytest.approx(2.0)
    it.run(f"wait 1 => C granted {NOON + 2}")
    assert it.table.wakeup() is None


def test_without_a_free_place_ticks_pass():
    it = play(
        f"""
        A lock _t_%s[1]   => A granted {NOON}
        B lock _t_%s[1]   => B enqueued
        C lock _t_%s[1]   => C enqueued
        """
    )
    assert it.table.wakeup() is None
    it.run(
        f"""
        wait 5500
        A unlock _t_%s[1] => B granted {NOON + 5}
        B unlock _t_%s[1]
        wait 499
        wait 1            => C granted {NOON + 6}
        """
    )


def test_size_0_serves_nobody():
    it = play("A lock _t_%s[0] => A enqueued\n B lock _t_%s[0] nowait => B busy\n wait 3000")
    assert it.table.wakeup() is None


def test_order_is_the_same_with_every_patience():
    for patience in (-1, 0, 1000):
        play(
            f"""
            A lock _t_%s[9] => A granted {NOON}
            B lock _t_%s[9] => B enqueued
            C lock _t_%s[9] => C enqueued
            B disconnect
            wait 1000       => C granted {NOON + 1}
            """,
            patience,
        )


def test_a_clock_set_back_repeats_nothing():
    it = play("A lock _t_%T[9] => A granted 12:00:00\n B lock _t_%T[9] => B enqueued")
    it.start -= 30_000_000
    it.run(
        """
        C lock _t_%T[9] nowait => C busy
        D lock _t_%T[9]        => D enqueued
        wait 30000
        wait 999
        wait 1                 => B granted 12:00:01
        wait 1000              => D granted 12:00:02
        """
    )


def test_a_clock_set_back_repeats_no_fraction():
    """F-14: a later place within an earlier second is not later."""
    it = play("A lock _t_#f[9] => A granted .0")
    it.start -= 3_500_000
    it.run(
        """
        B lock _t_#f[9] nowait => B busy
        wait 3599
        B lock _t_#f[9] nowait => B busy
        wait 1
        B lock _t_#f[9] nowait => B granted .1
        """
    )


def test_a_clock_set_back_far_is_looked_at_now_and_then():
    it = play("A lock _t_#ffffff[9] => A granted .000000")
    it.start -= 3600_000_000
    it.run("B lock _t_#ffffff[9] => B enqueued")
    assert it.table.wakeup() == 60.0


def test_a_clock_set_forward_lets_nobody_pass():
    it = play("A lock _t_%H:%M[9] => A granted 12:00\n B lock _t_%H:%M[9] => B enqueued")
    it.start += 7_000_000_000
    it.run("C lock _t_%H:%M[9] => B granted 13:56, C enqueued")
    it.start += 60_000_000
    it.run("D lock _t_%H:%M[9] nowait => C granted 13:57, D busy")
    it = play("A lock _t_%H[9] => A granted 12\n B lock _t_%H[9] => B enqueued")
    it.start += 3600_000_000
    assert it.table.wakeup() == 60.0
    it.run("wait 60000 => B granted 13")


def test_ticks_are_those_of_the_local_clock(zone):
    """F-13: an hour begins at a quarter past, seen from UTC."""
    zone("NPT-5:45")
    play(
        """
        A lock _t_%H[9]        => A granted 17
        wait 899999
        B lock _t_%H[9] nowait => B busy
        wait 1
        B lock _t_%H[9] nowait => B granted 18
        wait 2700000
        C lock _t_%H[9] nowait => C busy
        """
    )


def test_the_repeated_hour_is_used_once(zone):
    zone(BERLIN)
    it = Play(start=BACK - 60)
    it.run(
        """
        A lock _t_%H:%M[9]     => A granted 02:59
        B lock _t_%H:%M[9]     => B enqueued
        wait 3659999
        wait 1                 => B granted 03:00
        """
    )


def test_the_repeated_hour_is_used_twice_if_the_format_tells_them_apart(zone):
    zone(BERLIN)
    it = Play(start=BACK - 60)
    it.run(
        """
        A lock _t_%H:%M:%Z[9]  => A granted 02:59:CEST
        B lock _t_%H:%M:%Z[9]  => B enqueued
        wait 59999
        wait 1                 => B granted 02:00:CET
        C lock _t_%H%z[9]      => C granted 02+0100
        """
    )
    it = Play(start=BACK - 3600)
    it.run("A lock _t_%H%z[9] => A granted 02+0200\n B lock _t_%H%z[9] => B enqueued")
    it.run("wait 3599999\n wait 1 => B granted 02+0100")


def test_a_text_that_does_not_fit_is_never_given():
    """353 bytes are left in an answer of 511."""
    for pattern in ("%c" * 14 + "a" * 17, "a" * 346 + "%S%n"):
        it = Play()
        name = f"_t_{pattern}[2]"
        (granted,) = it.do(f"A lock {name}")
        assert granted.element == stamp(pattern, NOON * 1_000_000)
        it.run(f"B lock {name.replace('%', 'a%', 1)} => B closed")
        it.run(f"C lock {name.replace('%', 'a%', 1)} => C closed")


def test_waiters_who_cannot_be_answered_are_closed_and_use_up_no_tick():
    """In September the names of the month are too long."""
    name = "_t_%S" + "%B" * 40 + "[9]"
    it = Play(start=1_693_526_399)  # 2023-08-31 23:59:59 UTC
    it.run(
        f"""
        A lock {name} => A granted 59{"August" * 40}
        B lock foo    => B granted
        B lock {name} => B enqueued
        C lock {name} => C enqueued
        D lock foo    => D enqueued
        wait 1000     => B closed, C closed, D granted
        E lock {name} => E closed
        """
    )


def test_who_is_closed_while_asking_gets_nothing():
    name = "_t_%S" + "%B" * 40 + "[9]"
    it = Play(start=1_693_526_399)
    it.run(f"A lock {name} => A granted 59{'August' * 40}\n B lock {name} => B enqueued")
    it.elapsed = 1000
    it.run("B lock foo => B closed")
    assert [claim.client for claim in it.table.snapshot().resources[0].holders] == ["A"]
    it.run("B unlock foo => B closed")


def test_many_waiters_for_one_tick_share_one_alarm():
    it = play("A lock _t_%M[9] => A granted 00")
    for number in range(500):
        jitter = number * 7919 % 50  # us between reading one clock and reading the other
        now = Instant(number / 10000, it.start + number * 100 + jitter)
        it.table.lock(number, Request(b"_t_%M[9]"), now)
    assert len(it.table._timers._heap) == 1
