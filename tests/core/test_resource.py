from hypothesis import given, settings
from hypothesis import strategies as st

from flom.core.requests import Request
from flom.core.resource import Entry, Line, retention_of


def waiter():
    entry = Entry(None, None, Request(b"x"), 0.0)
    entry.waiting = True
    return entry


def discard(line, entry):
    entry.waiting = False
    line.discard(entry)


@settings(deadline=None)
@given(st.lists(st.integers(-1, 200), max_size=300))
def test_a_line_is_a_list(steps):
    """A number removes, -1 and numbers beyond the end append."""
    line, plain = Line(), []
    for number in steps:
        if 0 <= number < len(plain):
            discard(line, plain.pop(number))
        else:
            plain.append(waiter())
            line.append(plain[-1])
        assert line.count == len(plain)
        assert list(line) == plain
        assert not plain or line.first() is plain[0]


def test_a_line_does_not_keep_those_who_leave_behind_one_that_stays():
    line = Line()
    line.append(waiter())
    for _ in range(10000):
        entry = waiter()
        line.append(entry)
        discard(line, entry)
        assert len(line._entries) < 100


def test_retention():
    assert retention_of(0) == retention_of(-5) == 2.0
    assert retention_of(1) == 1.001
    assert retention_of(1000) == 2.0
    assert retention_of(3000) == 4.0
    assert retention_of(10**400) > 10**12
