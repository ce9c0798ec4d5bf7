"""What counts time and complaints for the limits; the limits themselves: system/test_limits.py."""

import pytest

from flom.daemon.limits import RECORD_INTERVAL, Complaints, Grace


class Clock:
    """A reactor's clock and timers, moved by hand."""

    def __init__(self):
        self.now = 100.0
        self._timers = []

    def call_at(self, when, callback):
        self._timers.append((when, callback))

    def move(self, seconds):
        """So much later, with what was due by then done."""
        self.now += seconds
        due = [timer for timer in self._timers if timer[0] <= self.now]
        self._timers = [timer for timer in self._timers if timer[0] > self.now]
        for _, callback in due:
            callback()

    def armed(self):
        return len(self._timers)


class Log(list):
    def record(self, code, text):
        self.append((code, text))


@pytest.fixture
def clock():
    return Clock()


def test_the_first_complaint_of_a_kind_is_recorded_and_the_others_are_counted(clock):
    log = Log()
    complaints = Complaints(clock, log)
    for _ in range(3):
        complaints.add("max-queue", "too many wait")
    complaints.add("max-resources", "too many resources")
    assert log == [("FLM130W", "too many wait"), ("FLM130W", "too many resources")]
    clock.move(RECORD_INTERVAL)
    complaints.add("max-queue", "too many wait")
    complaints.add("max-resources", "too many resources")
    assert log[2:] == [
        ("FLM130W", "too many wait (2 more before)"),
        ("FLM130W", "too many resources"),
    ]
    clock.move(RECORD_INTERVAL / 2)
    complaints.add("max-queue", "too many wait")
    clock.move(RECORD_INTERVAL / 2)
    complaints.add("max-queue", "too many wait")
    assert log[4:] == [("FLM130W", "too many wait (1 more before)")]


def test_time_is_over_for_each_by_itself_and_one_timer_serves_all(clock):
    over = []
    grace = Grace(clock, 10.0, over.append)
    grace.add("a")
    clock.move(4)
    grace.add("b")
    grace.add("c")
    assert clock.armed() == 1
    grace.discard("b")
    clock.move(6)
    assert over == ["a"]
    assert len(grace) == 1
    clock.move(4)
    assert over == ["a", "c"]
    assert (len(grace), clock.armed()) == (0, 0)
    grace.add("d")
    clock.move(10)
    assert over == ["a", "c", "d"]
