"""The state as rows for people and programs (docs/reference/extension.md, "Rows").

Everything here makes values for JSON out of what lives in the table. Loaded when somebody asks.
"""

from flom import fields
from flom.core.requests import Instant
from flom.daemon.tally import BUCKETS
from flom.wire.tokens import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.core.explain import Explanation
    from flom.core.queue import Claim
    from flom.core.requests import Request
    from flom.core.resource import Resource
    from flom.daemon.connection import Connection
    from flom.daemon.tally import Kind, Tally

    Row = dict[str, object]


def peer(connection: "Connection", told: str) -> "Row":
    """Who a client is: as the system knows it, and as it says itself."""
    return {
        "peer": connection.peer,
        "uid": connection.uid,
        "cn": connection.peer_cn,
        **fields.told(read(told)),
    }


def claim(kind: str | None, one: "Claim", now: Instant, patience: float | None) -> "Row":
    """A holder, or somebody who waits; patience in seconds, None for a holder."""
    connection: Connection = one.client  # type: ignore[assignment]  # the server's clients
    holds = patience is None
    return {
        "id": connection.number,
        **fields.asked(kind, one),
        "element": one.element,
        **peer(connection, one.told),
        "nested": one.nested,
        "asked": _epoch(one.asked, now),
        "since": _epoch(one.since, now) if holds else None,
        "waiting": (one.since if holds else now.monotonic) - one.asked,
        "holding": now.monotonic - one.since if holds else None,
        "barrier": None if patience is None else one.since + patience <= now.monotonic,
    }


def resource(one: "Resource", now: Instant, seq: int) -> "Row":
    """A resource, without those who hold it and wait for it."""
    name = one.name
    holders = list(one.holders)
    waiters = [line.first() for line in (one.nested, one.line) if line.count]
    return {
        "id": one.number,
        "name": fields.text(name.text),
        "root": fields.text(name.root),
        "kind": name.kind,
        "created": one.created / 1e6,
        "changed": one.changed / 1e6,
        "holder_count": len(holders),
        "waiter_count": one.waiters,
        **fields.use(name, holders),
        "oldest_hold": now.monotonic - holders[0].since if holders else None,
        "oldest_wait": now.monotonic - min(e.asked for e in waiters) if waiters else None,
        "barrier": any(one.impatient(entry, now) for entry in waiters),
        "seq": seq,
    }


def explanation(
    subject: "Request | Claim", told: "Explanation", now: Instant, patience: float
) -> "Row":
    """Why somebody has to wait; subject: the newcomer's request, or `told.pending`."""
    first = told.blockers[: fields.MOST_BLOCKERS]
    pending = told.pending
    patiences = [None] * told.holding + [patience] * len(first)  # holders come first
    blockers = [claim(told.kind, one, now, how) for one, how in zip(first, patiences, strict=False)]
    since = _epoch(pending.asked, now) if pending else None
    return fields.explanation(subject, told, blockers, since)


def metrics(tally: "Tally") -> "Row":
    """The counts since the start."""
    return {
        "invalid_names": tally.invalid_names,
        "buckets": [*BUCKETS[:-1], None],
        "kinds": {name: _kind(kind) for name, kind in tally.kinds.items()},
    }


def _kind(kind: "Kind") -> "Row":
    return {
        "grants": sum(kind.wait.counts),
        "refusals": kind.refusals,
        "releases": sum(kind.hold.counts) - kind.losses - kind.taken,
        "losses": kind.losses,
        "taken": kind.taken,
        "withdrawals": kind.withdrawals,
        "wait": {"counts": kind.wait.counts, "sum": kind.wait.sum},
        "hold": {"counts": kind.hold.counts, "sum": kind.hold.sum},
    }


def _epoch(monotonic: float, now: Instant) -> float:
    # The two clocks are read one after the other: what is finer than this differs each time.
    return round(now.wall / 1e6 - (now.monotonic - monotonic), 3)
