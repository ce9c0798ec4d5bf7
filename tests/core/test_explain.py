"""What would become of a request that nobody makes; that it comes true: tests/property."""

from flom.core.requests import Instant, Request
from flom.core.table import Table

NOW = Instant(0.0, 0)


def reason(table, name, **parameters):
    return table.explain(Request(name, **parameters), NOW).reason


def test_the_limits_of_the_daemon():
    table = Table(0, longest=2, most=1)
    assert reason(table, b"R") is None
    for client in (1, 2):
        table.lock(client, Request(b"R"), NOW)
    assert reason(table, b"R") == "queue_full"
    assert reason(table, b"R", mode=0) == "queue_full"
    assert reason(table, b"R", wait=False) == "conflict"
    assert reason(table, b"S") == "table_full"
    assert reason(table, b"S", create=False) == "no_resource"


def test_from_within_a_lock():
    table = Table(0)
    table.lock(1, Request(b"R", mode=3), NOW)
    table.lock(2, Request(b"R"), NOW)
    assert reason(table, b"R", mode=3) == "conflict"
    assert reason(table, b"R", mode=3, ancestors=(1,)) is None
    assert reason(table, b"R", ancestors=(1,)) == "nested"
    assert reason(table, b"R", ancestors=(2,)) == "conflict"
