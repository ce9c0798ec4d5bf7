from hypothesis import given, settings
from hypothesis import strategies as st

from flom.core.names import parse
from flom.core.resource import NEVER
from flom.core.simple import Simple
from flom.core.timers import Timers


def resource():
    return Simple(parse(b"x"), 0, 0.0)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.one_of(st.integers(0, 30), st.none()), st.integers(0, 3)),
        max_size=60,
    )
)
def test_alarms_are_those_last_asked_for(steps):
    """Arm (or call off) one of four alarms, then let time pass: against a dict of alarms."""
    timers, resources, alarms, now = Timers(), [resource() for _ in range(4)], {}, 0
    for which, when, passing in steps:
        if when is None:
            resources[which].due = NEVER
            alarms.pop(which, None)
        else:
            timers.arm(resources[which], now + when)
            alarms[which] = now + when
        assert timers.next() == min(alarms.values(), default=NEVER)
        now += passing
        due = sorted(n for n, alarm in alarms.items() if alarm <= now)
        assert sorted(map(resources.index, timers.ripe(now))) == due
        for number in due:
            del alarms[number]
        assert timers.next() == min(alarms.values(), default=NEVER)


def test_oldest_alarm_first():
    timers, one, two = Timers(), resource(), resource()
    timers.arm(one, 2.0)
    timers.arm(two, 1.0)
    assert timers.ripe(5.0) == [two, one]


def test_putting_off_an_alarm_again_and_again_takes_no_memory():
    timers, one = Timers(), resource()
    for number in range(10000):
        timers.arm(one, 2.0 + number)
    assert len(timers._heap) == 1
    assert timers.next() == 10001.0
    assert len(timers._heap) == 1


def test_replaced_entries_are_not_put_back():
    timers, one = Timers(), resource()
    timers.arm(one, 5.0)
    timers.arm(one, 3.0)
    assert timers.ripe(3.0) == [one]
    timers.arm(one, 10.0)
    assert timers.ripe(5.0) == []
    assert len(timers._heap) == 1
