"""Blockers of hand-made queues: nothing but the ordered queue is needed."""

import pytest

from flom.core.modes import CR, EX, NL, PR
from flom.core.queue import Claim, Queue, barriers, blockers, seconds_of
from flom.core.requests import Instant, Request

NOW = Instant(10.0, 0)


def claim(client, since, mode=EX, quantity=1, name=b"x"):
    return Claim(client, name, mode, quantity, since)


def queue(kind, size, holders, waiters, patience=1000):
    return Queue(b"x", kind, size, patience, tuple(holders), tuple(waiters))


def names(claims):
    return "".join(claim.client for claim in claims)


def test_ahead_are_the_earlier_waiters_whose_patience_has_run_out():
    line = [claim("a", 8.0), claim("b", 9.0), claim("c", 9.001), claim("d", 9.5)]
    it = queue("simple", 0, [], line)
    assert names(barriers(it, Request(b"x"), NOW)) == "ab"
    assert names(barriers(it, line[1], NOW)) == "a"
    assert names(barriers(it, line[0], NOW)) == ""
    assert names(barriers(it, line[3], NOW)) == "ab"
    assert names(barriers(queue("simple", 0, [], line, -1), line[3], NOW)) == ""
    assert names(barriers(queue("simple", 0, [], line, 0), line[3], NOW)) == "abc"


def test_equal_claims_are_told_apart():
    line = [claim("a", 0.0), claim("a", 0.0)]
    it = queue("simple", 0, [], line)
    assert len(barriers(it, line[0], NOW)) == 0
    assert len(barriers(it, line[1], NOW)) == 1


def test_simple():
    it = queue("simple", 0, [claim("h", 0.0, PR), claim("n", 0.0, NL)], [claim("w", 0.0, EX)])
    assert names(blockers(it, it.waiters[0], NOW)) == "h"
    assert names(blockers(it, Request(b"x", PR), NOW)) == "w"
    assert names(blockers(it, Request(b"x", EX), NOW)) == "hw"
    assert names(blockers(it, Request(b"x", NL), NOW)) == ""


def test_numeric():
    it = queue("numeric", 5, [claim("h", 0.0, quantity=3)], [claim("w", 0.0, quantity=3)])
    assert names(blockers(it, it.waiters[0], NOW)) == "h"
    assert names(blockers(it, Request(b"x", quantity=1), NOW)) == "hw"
    young = queue("numeric", 5, it.holders, [claim("w", 9.9, quantity=3)])
    assert names(blockers(young, Request(b"x", quantity=2), NOW)) == ""
    assert names(blockers(young, Request(b"x", quantity=3), NOW)) == "h"


@pytest.mark.parametrize("kind", ["set", "sequence", "timestamp"])
def test_places(kind):
    it = queue(kind, 2, [claim("h", 0.0)], [])
    assert not blockers(it, Request(b"x"), NOW)
    full = queue(kind, 2, [claim("h", 0.0), claim("i", 0.0)], [claim("w", 0.0)])
    assert names(blockers(full, full.waiters[0], NOW)) == "hi"
    assert names(blockers(full, Request(b"x"), NOW)) == "hiw"


def test_timestamp_waiters_need_the_next_tick():
    it = queue("timestamp", 3, [claim("h", 0.0)], [claim("w", 0.0)])
    assert names(blockers(it, Request(b"x"), NOW)) == "w"
    assert names(blockers(it, it.waiters[0], NOW)) == ""


def test_hierarchical():
    holders = [
        claim("r", 0.0, CR, name=b"/r"),
        claim("a", 0.0, name=b"/r/a"),
        claim("c", 0.0, name=b"/r/a/b/c"),
        claim("x", 0.0, name=b"/r/ab"),
    ]
    it = queue("hierarchical", 0, holders, [claim("w", 0.0, name=b"/r/d")])
    assert names(blockers(it, Request(b"/r/a/b"), NOW)) == "rac"
    assert names(blockers(it, Request(b"/r/a/b", PR), NOW)) == "ac"
    assert names(blockers(it, Request(b"/r/d/e", PR), NOW)) == "w"
    assert names(blockers(it, Request(b"/r", PR), NOW)) == "acxw"


def test_patience_in_seconds():
    assert seconds_of(60000) == 60.0
    assert seconds_of(0) == 0.0
    assert seconds_of(-1) == float("inf")
