"""Decisions by summaries and decisions by enumeration are the same.

`judge` and the walk look at counters, `blockers` at the ordered queue: after every step of a
crowded history they must agree, for every newcomer there could be and for everybody who waits.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from flom.core.queue import blockers
from flom.core.requests import Instant, Request
from flom.core.resource import GRANT
from flom.core.table import Table

PATHS = [
    b"/r" + b"".join(b"/" + bytes([letter]) for letter in path)
    for path in [b"", b"a", b"b", b"aa", b"ab", b"ba", b"aaa", b"aab", b"aba", b"abab"]
]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["lock", "lock", "nest", "unlock", "leave", "time"]),
        st.integers(0, 1000),
        st.integers(0, 5),
        st.integers(1, 6),
    ),
    max_size=60,
)


def crowd(steps, patience, names, probes):
    table, now, clients = Table(patience), 0.0, {}
    table.lock("keeper", Request(names[0], 0), Instant(now, 0))
    (resource,) = table._resources.values()
    for number, (what, which, mode, quantity) in enumerate(steps):
        at = Instant(now, 0)
        mine = list(clients)[which % len(clients)] if clients else None
        if what == "time":
            now += which / 256
        elif what in ("lock", "nest"):
            clients[number] = names[which % len(names)]
            ancestors = ("keeper",) if what == "nest" else ()
            request = Request(clients[number], mode, quantity, ancestors=ancestors)
            table.lock(number, request, at)
        elif mine is not None and what == "leave":
            del clients[mine]
            table.disconnect(mine, at)
        elif mine is not None:
            table.unlock(mine, clients[mine], False, at)
        agree(table, resource, Instant(now, 0), probes)


def agree(table, resource, now, probes):
    (queue,) = table.snapshot().resources
    for waiter in queue.waiters:
        assert blockers(queue, waiter, now)
    for probe in probes:
        nested = Request(probe.name, probe.mode, probe.quantity, ancestors=("keeper",))
        for request, within in (probe, False), (nested, True):
            free = resource.judge(request, now, within) == GRANT
            assert free == (not blockers(queue, request, now)), (request, queue)


PATIENCE = st.sampled_from([-1, 0, 1000])


@settings(max_examples=60, deadline=None)
@given(STEPS, PATIENCE)
def test_simple(steps, patience):
    crowd(steps, patience, [b"foo"], [Request(b"foo", mode) for mode in range(6)])


@settings(max_examples=60, deadline=None)
@given(STEPS, PATIENCE)
def test_numeric(steps, patience):
    probes = [Request(b"n[6]", quantity=quantity) for quantity in range(1, 7)]
    crowd(steps, patience, [b"n[6]"], probes)


@settings(max_examples=40, deadline=None)
@given(STEPS, PATIENCE, st.sampled_from([b"a.b.c", b"_s_q[3]"]))
def test_places(steps, patience, name):
    crowd(steps, patience, [name], [Request(name)])


@settings(max_examples=100, deadline=None)
@given(STEPS, PATIENCE)
def test_hierarchical(steps, patience):
    probes = [Request(path, mode) for path in [*PATHS, b"/r/aa", b"/r/c"] for mode in range(6)]
    crowd(steps, patience, PATHS, probes)
