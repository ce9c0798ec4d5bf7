"""What an operation costs does not depend on how many others there are.

Cost is counted in bytecode instructions executed inside flom.core, so that the result is the same
on every machine. Each case is measured among few and among many.
"""

import sys

import pytest

from flom.core.requests import Granted, Instant, Request
from flom.core.table import Table

FEW, MANY = 40, 2000
NOW = Instant(1.0, 0)


def steps(action):
    """The number of instructions of flom.core that `action` executes."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        if event == "call":
            if "/flom/core/" not in frame.f_code.co_filename:
                return None
            frame.f_trace_opcodes = True
            frame.f_trace_lines = False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


class Crowd:
    """A table with `n` others on it; a case adds to it and then acts 20 times."""

    def __init__(self, n, patience=-1):
        self.n, self.table = n, Table(patience)

    def lock(self, client, name, mode=5, quantity=1, ancestors=()):
        request = Request(name, mode, quantity, ancestors=ancestors)
        return self.table.lock(client, request, NOW)

    def unlock(self, client, name):
        return self.table.unlock(client, name, False, NOW)

    def leave(self, client):
        return self.table.disconnect(client, NOW)


def other_resources(crowd):
    for n in range(crowd.n):
        crowd.lock(n, b"r%d" % n)
    for _ in range(20):
        crowd.lock("A", b"foo")
        crowd.unlock("A", b"foo")
        crowd.leave("A")
        yield


def other_locks_of_the_connection(crowd):
    for n in range(crowd.n):
        crowd.lock("A", b"r%d" % n)
        crowd.lock("A", b"foo", 1)
    for n in range(20):
        crowd.unlock("A", b"r%d" % n)
        crowd.unlock("A", b"foo")
        crowd.lock("A", b"foo", 1)
        yield


def handing_on(name):
    def case(crowd):
        for n in range(crowd.n):
            crowd.lock(n, name)
        for n in range(20):
            crowd.unlock(n, name)
            yield

    case.__name__ = f"handing_on_{name.decode()}"
    return case


def reader_leaves_many_writers_waiting(crowd):
    crowd.lock("A", b"foo", 3)
    for n in range(crowd.n):
        crowd.lock(n, b"foo", 5 - n % 2)
    for _ in range(20):
        crowd.lock("B", b"foo", 3)
        crowd.unlock("B", b"foo")
        yield


def reader_at_the_barrier(crowd):
    crowd.lock("A", b"foo", 3)
    for n in range(crowd.n):
        crowd.lock(n, b"foo", 5 - n % 2)
    for _ in range(20):
        crowd.lock("B", b"foo", 3)
        crowd.leave("B")
        yield


def waiters_leave(crowd):
    crowd.lock("A", b"foo")
    for n in range(crowd.n):
        crowd.lock(n, b"foo", 3 + n % 3)
    for n in range(20):
        crowd.leave(crowd.n - 5 - n)
        yield


def many_large_wishes(crowd):
    """Nobody fits into what is released, or only the last one does."""
    crowd.lock("A", b"n[9000]", quantity=8000)
    crowd.lock("B", b"n[9000]", quantity=900)
    for n in range(crowd.n):
        crowd.lock(n, b"n[9000]", quantity=1001 + n * 7 % 5000)
    for n in range(20):
        crowd.lock("C", b"n[9000]", quantity=50)
        crowd.lock(f"small {n}", b"n[9000]", quantity=101)
        crowd.unlock("C", b"n[9000]")
        crowd.unlock(f"small {n}", b"n[9000]")
        yield


def other_nodes(crowd):
    """Each with a holder and a waiter of its own."""
    for n in range(crowd.n):
        crowd.lock(n, b"/r/x/n%d" % n)
        crowd.lock(-1 - n, b"/r/x/n%d" % n)
    for _ in range(20):
        crowd.lock("A", b"/r/x/mine")
        crowd.unlock("A", b"/r/x/mine")
        yield


def node_with_many_writers(crowd):
    for n in range(crowd.n):
        crowd.lock(n, b"/r/x/y")
    for n in range(20):
        crowd.lock("A", b"/r", 1)
        crowd.unlock(n, b"/r/x/y")
        crowd.unlock("A", b"/r")
        yield


def readers_above_many_blocked_nodes(crowd):
    """While another reader stays, the release above changes nothing below."""
    crowd.lock("A", b"/r", 3)
    for n in range(crowd.n):
        crowd.lock(n, b"/r/n%d" % n)
    for _ in range(20):
        crowd.lock("B", b"/r", 3)
        crowd.unlock("B", b"/r")
        crowd.lock("B", b"/r", 1)
        crowd.unlock("B", b"/r")
        yield


def readers_above_a_node_that_blocks_many(crowd):
    crowd.lock("A", b"/r/x", 3)
    for n in range(crowd.n):
        crowd.lock(n, b"/r/x/n%d" % n)
    for _ in range(20):
        crowd.lock("B", b"/r", 3)
        crowd.unlock("B", b"/r")
        yield


def nested_among_many(name, among_nested):
    """Within a lock that many wait for, or that many run in: served, and left again."""

    def case(crowd):
        crowd.lock("A", name, 1)
        crowd.lock("H", name, 3, 7000)
        for n in range(crowd.n):
            crowd.lock(n, name, 4, 8000, ("A",) if among_nested else ())
        for _ in range(20):
            assert isinstance(crowd.lock("B", name, 1, 1, ("A",))[0], Granted)
            crowd.leave("B")
            crowd.lock("C", name, 4, 8500, ("A",))
            crowd.leave("C")
            crowd.leave("H")
            crowd.lock("H", name, 3, 7000)
            yield

    case.__name__ = f"nested_among_{'nested' if among_nested else 'others'}_{name.decode()}"
    return case


CASES = [
    *(nested_among_many(n, nested) for n in [b"foo", b"n[9000]", b"/r/x"] for nested in (0, 1)),
    other_resources,
    other_locks_of_the_connection,
    *map(handing_on, [b"foo", b"n[1]", b"a.b", b"_S_q[2]", b"/r/x"]),
    reader_leaves_many_writers_waiting,
    reader_at_the_barrier,
    waiters_leave,
    many_large_wishes,
    other_nodes,
    node_with_many_writers,
    readers_above_many_blocked_nodes,
    readers_above_a_node_that_blocks_many,
]


def cost(case, n, patience):
    """Instructions for the 20 actions of a case."""
    running = case(Crowd(n, patience))
    next(running)
    return steps(lambda: [None for _ in running])


@pytest.mark.parametrize("patience", [-1, 0])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_cost_does_not_grow_with_the_number_of_others(case, patience):
    few, many = cost(case, FEW, patience), cost(case, MANY, patience)
    assert few > 500
    assert many < 2 * few, (few, many)


def test_a_crowd_that_comes_and_goes_costs_the_same_for_each():
    """Amortised: sweeping out those who left is paid for by their number."""

    def churn(n):
        crowd = Crowd(n)
        crowd.lock("A", b"foo")
        crowd.lock("stays", b"foo")

        def act():
            for client in range(n):
                crowd.lock(client, b"foo", 3 + client % 3)
            for client in range(n):
                crowd.leave(client * 7 % n if n % 7 else client)

        return steps(act) / n

    assert churn(2000) < 2 * churn(100)
