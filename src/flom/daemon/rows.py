"""The state as rows for people and programs (docs/reference/extension.md, "Rows").

Everything here makes values for JSON out of what lives in the table. Loaded when somebody asks.
"""

from flom.core.names import NUMERIC, parse
from flom.core.requests import Instant
from flom.daemon.tally import BUCKETS
from flom.values import MODAL_KINDS, MODE_NAMES
from flom.wire.tokens import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.core.explain import Explanation
    from flom.core.queue import Claim
    from flom.core.requests import Request
    from flom.core.resource import Entry, Resource
    from flom.daemon.connection import Connection
    from flom.daemon.tally import Kind, Tally

    Row = dict[str, object]

MOST_BLOCKERS = 100
_MOST_DIGITS = 18


def text(name: bytes) -> str:
    """A name as text; bytes that are no UTF-8 as Python writes them in file names."""
    return name.decode("utf-8", "surrogateescape")


def root_of(name: bytes) -> bytes | None:
    """The identity of the resource that a name belongs to, None if it is none."""
    known = parse(name)
    return known.root if known else None


def mode_of(kind: str | None, mode: int) -> str | None:
    """The two letters of a mode, None where there is none."""
    return MODE_NAMES[mode] if kind in MODAL_KINDS and 0 <= mode < len(MODE_NAMES) else None


def peer(connection: "Connection", told: str) -> "Row":
    """Who a client is: as the system knows it, and as it says itself."""
    tokens = read(told)
    return {
        "peer": connection.peer,
        "uid": connection.uid,
        "cn": connection.peer_cn,
        "user": tokens.get("user"),
        "host": tokens.get("host"),
        "pid": number(tokens.get("pid")),
        "command": tokens.get("command"),
        "timeout": number(tokens.get("timeout")),
    }


def asked(kind: str | None, request: "Claim | Entry | Request") -> "Row":
    """What a request asks for, as far as the kind of resource knows it."""
    return {
        "name": text(request.name),
        "mode": mode_of(kind, request.mode),
        "quantity": request.quantity if kind == NUMERIC else None,
    }


def claim(kind: str | None, one: "Claim", now: Instant, patience: float | None) -> "Row":
    """A holder, or somebody who waits; patience in seconds, None for a holder."""
    connection: Connection = one.client  # type: ignore[assignment]  # the server's clients
    holds = patience is None
    return {
        "id": connection.number,
        **asked(kind, one),
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
    counted = name.kind == NUMERIC
    shared = name.kind not in (*MODAL_KINDS, NUMERIC)
    used = sum(entry.quantity for entry in holders) if counted else len(holders)
    share = {"total": name.size, "used": used}
    modes: dict[str, int] = {}
    for entry in holders if name.kind in MODAL_KINDS else ():
        mode = MODE_NAMES[entry.mode]
        modes[mode] = modes.get(mode, 0) + 1
    return {
        "id": one.number,
        "name": text(name.text),
        "root": text(name.root),
        "kind": name.kind,
        "created": one.created / 1e6,
        "changed": one.changed / 1e6,
        "holder_count": len(holders),
        "waiter_count": one.waiters,
        "modes": modes if name.kind in MODAL_KINDS else None,
        "quantity": share if counted else None,
        "elements": share if shared else None,
        "oldest_hold": now.monotonic - holders[0].since if holders else None,
        "oldest_wait": now.monotonic - min(e.asked for e in waiters) if waiters else None,
        "barrier": any(one.impatient(entry, now) for entry in waiters),
        "seq": seq,
    }


def explanation(
    subject: "Request | Claim", told: "Explanation", now: Instant, patience: float
) -> "Row":
    """Why somebody has to wait; subject: the newcomer's request, or `told.pending`."""
    first = told.blockers[:MOST_BLOCKERS]
    pending = told.pending
    patiences = [None] * told.holding + [patience] * len(first)  # holders come first
    return {
        **asked(told.kind, subject),
        "kind": told.kind,
        "granted": told.reason is None,
        "reason": told.reason,
        "blockers": [
            claim(told.kind, one, now, how) for one, how in zip(first, patiences, strict=False)
        ],
        "blocker_count": len(told.blockers),
        "waiters": told.waiters,
        "place": told.place if pending else None,
        "since": _epoch(pending.asked, now) if pending else None,
    }


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


def number(digits: str | None) -> int | None:
    """The number that a peer has written, None for anything else."""
    if not digits or len(digits) > _MOST_DIGITS or not digits.isascii() or not digits.isdigit():
        return None
    return int(digits)
