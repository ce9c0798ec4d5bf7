"""Rows of answers as text for people."""

import pwd
from collections.abc import Iterable
from datetime import datetime
from functools import cache

from flom.ctl.output import Column, Grid, Row, duration, visible

# Why nothing is granted although nobody is in the way.
_REASONS = {
    "conflict": "others hold or await it",
    "clock": "its clock has to move on first",
    "nested": "this runs within a lock of it and would wait for its end for ever",
    "impossible": "there is not so much of it",
    "no_resource": "nobody uses the resource, and the request does not create it",
    "invalid_name": "this is not the name of a resource",
    "queue_full": "as many hold or await it as the daemon allows",
    "table_full": "there are as many resources as the daemon allows",
    "invalid_value": "mode, quantity or format cannot be used",
}


def resources(rows: Iterable[Row]) -> Grid:
    """One line a resource, in the order of the rows."""
    columns = (
        Column("RESOURCE", fold=True, style="bold"),
        Column("KIND", spared=True),
        Column("MODE", spared=True),
        Column("HOLDERS", right=True, style="green"),
        Column("WAITERS", right=True, style="yellow"),
        Column("HELD", right=True, spared=True),
        Column("WAITED", right=True, spared=True),
    )
    return Grid(columns, map(_resource, rows))


def _resource(row: Row) -> tuple[str, ...]:
    return (
        visible(row["name"]),
        visible(row["kind"]),
        held(row),
        str(row["holder_count"]),
        str(row["waiter_count"]),
        duration(row.get("oldest_hold")),
        duration(row.get("oldest_wait")),
    )


def busiest(rows: Iterable[Row]) -> list[Row]:
    """The resources with most waiters first, then most holders, then by name."""
    return sorted(rows, key=_busyness)


def _busyness(row: Row) -> tuple[int, int, str]:
    waiters, holders = row["waiter_count"], row["holder_count"]
    assert isinstance(waiters, int) and isinstance(holders, int)
    return -waiters, -holders, str(row["name"])


def held(row: Row) -> str:
    """What is taken of a resource: `EX`, `CR, 3 PR`, or `2/8` of a number of things."""
    for part in ("quantity", "elements"):
        share = row.get(part)
        if isinstance(share, dict):
            return f"{share['used']}/{share['total']}"
    modes = row.get("modes")
    if not isinstance(modes, dict):
        return ""
    return ", ".join(
        visible(mode) if count == 1 else f"{count} {visible(mode)}" for mode, count in modes.items()
    )


def summary(row: Row) -> str:
    """One line about a resource."""
    return (
        f"{visible(row['name'])}: {visible(row['kind'])}, "
        f"{counted(row['holder_count'], 'holder')}, {counted(row['waiter_count'], 'waiter')}\n"
    )


def awaited(resource: str, row: Row) -> str:
    """One line about a resource that some wait for, and nobody has created."""
    waiting = counted(len(claims(row["parked"])), "request")
    return f"nobody uses {visible(resource)}; until somebody creates it, {waiting} will wait\n"


def counted(number: object, what: str) -> str:
    """`1 waiter`, `2 waiters`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def queue(row: Row) -> Grid:
    """One line a claim: who holds, then who waits in the order of the queue."""
    rows = [_claim("held", claim) for claim in claims(row["holders"])]
    rows += [_claim(str(place), claim) for place, claim in enumerate(claims(row["waiters"]), 1)]
    return _claims("PLACE", rows)


def parked(row: Row) -> Grid:
    """One line a request that waits for the creation of its resource."""
    return _claims("STATE", [_claim("waits", claim) for claim in claims(row["parked"])])


def blockers(row: Row) -> Grid:
    """One line a claim that stands in the way."""
    return _claims("STATE", [_claim(_state(claim), claim) for claim in claims(row["blockers"])])


def broken(rows: Iterable[Row]) -> Grid:
    """One line a claim that was broken."""
    return _claims("STATE", [_claim("broken", claim) for claim in rows])


def claims(value: object) -> list[Row]:
    """A field of a row that is a list of claims."""
    return value if isinstance(value, list) else []


def _claims(first: str, rows: list[tuple[str, ...]]) -> Grid:
    columns = (
        Column(first, style="cyan"),
        Column("ID", right=True),
        Column("MODE", spared=True),
        Column("FOR", right=True, spared=True),
        Column("OWNER", cut=True, style="bold"),
        Column("PID", right=True, spared=True),
        Column("COMMAND", cut=True, spared=True),
    )
    return Grid(columns, rows)


def _state(claim: Row) -> str:
    return "held" if claim.get("since") is not None else "waits"


def _claim(place: str, claim: Row) -> tuple[str, ...]:
    times = [claim.get(name) for name in ("holding", "waiting")]
    return (
        place,
        str(claim["id"]),
        taken(claim),
        duration(next((time for time in times if time is not None), None)),
        owner(claim),
        _text(claim.get("pid")),
        _text(claim.get("command")),
    )


def taken(claim: Row) -> str:
    """What a claim takes: its mode, quantity or element."""
    element, quantity = claim.get("element"), claim.get("quantity")
    if element is not None:
        return visible(element)
    if quantity is not None:
        return visible(quantity)
    return _text(claim.get("mode"))


def owner(claim: Row) -> str:
    """Who a claim belongs to, as he says; what the daemon knows itself stands in brackets.

    Only daemons of this host know user ids, so that its user database has the names.
    """
    names = [_text(claim.get(name)) for name in ("user", "host")]
    told = "@".join(name for name in names if name)
    uid, name, peer = claim.get("uid"), claim.get("cn"), _text(claim.get("peer"))
    if isinstance(uid, int):
        login = "" if claim.get("user") else _login(uid)
        known = f"{login}, uid {uid}" if login else f"uid {uid}"
    else:
        known = _text(name) if name else peer
    if not told:
        return known
    return f"{told} [{known}]" if known else told


@cache
def _login(uid: int) -> str:
    try:
        return visible(pwd.getpwuid(uid).pw_name)
    except (KeyError, OverflowError):
        return ""


def explanation(row: Row) -> str:
    """One line: would it be granted, and if not, why."""
    wanted = row["mode"] or (f"{row['quantity']}" if row["quantity"] else "a lock")
    what = f"{visible(wanted)} of {visible(row['name'])}"
    if row["granted"]:
        return f"{what} would be granted now\n"
    if row["blocker_count"] and row["reason"] == "conflict":
        return f"{what} would have to wait behind {counted(row['blocker_count'], 'claim')}\n"
    reason = str(row["reason"])
    return f"{what} would not be granted now: {_REASONS.get(reason, visible(reason))}\n"


def answer(row: Row | None, seconds: float) -> str:
    """How a daemon answered: in which time, and who it is unless it does not tell."""
    took = f"answers in {seconds * 1000:.1f} ms"
    if row is None:
        return f"{took}; this daemon tells nothing of its state"
    parts = []
    if row["pid"] is not None:
        parts = [
            f"version {visible(row['version'])}",
            f"pid {row['pid']} on {visible(row['host'])}",
        ]
    return f"{took}; {', '.join([*parts, *_counts(row)])}"


def endpoints(rows: Iterable[Row]) -> Grid:
    """One line an endpoint of a store: what it says of itself."""
    columns = (
        Column("ENDPOINT", fold=True, style="bold"),
        Column("VERSION", spared=True),
        Column("ROLE", style="green"),
        Column("PROBLEM", fold=True, style="yellow"),
    )
    return Grid(columns, map(_endpoint, rows))


def _endpoint(row: Row) -> tuple[str, ...]:
    role = {True: "leader", False: "follower", None: "no leader"}[row["leader"]]  # type: ignore[index]  # one of these
    return (
        visible(row["endpoint"]),
        _text(row["version"]),
        role if row["alive"] else "",
        _text(row["problem"]),
    )


def _counts(row: Row) -> list[str]:
    """What is known of how long a daemon lives and how much there is in it."""
    parts = [f"up {duration(row['uptime'])}"] if row["uptime"] is not None else []
    names = ("connections", "resources", "holders", "waiters")
    known = [name for name in names if row[name] is not None]
    return parts + [counted(row[name], name.removesuffix("s")) for name in known]


def event(row: Row) -> str:
    """One line: time, what happened, to which resource, whom, how long it took, why."""
    parts = [moment(row["time"]), f"{visible(row['event']):9}", _text(row.get("name"))]
    claim = row.get("claim")
    if isinstance(claim, dict):
        parts += [taken(claim), f"id {claim['id']}", owner(claim)]
        if claim.get("pid") is not None:
            parts.append(f"pid {claim['pid']}")
    parts += [f"{name} {duration(row[name])}" for name in ("waited", "held") if _has(row, name)]
    parts += [f"{name} {visible(row[name])}" for name in ("reason", "count") if _has(row, name)]
    return " ".join(part for part in parts if part).rstrip() + "\n"


def headline(look: Row) -> str:
    """One line above the resources that `top` shows."""
    daemon, rates = look["daemon"], look["rates"]
    assert isinstance(daemon, dict)
    parts = [
        moment(look["time"])[11:19],
        *_counts(daemon),
    ]
    if isinstance(rates, dict):
        parts.append(f"{rates['grants']:.1f} grants/s")
        parts.append(f"{rates['refusals']:.1f} refusals/s")
    return ", ".join(parts) + "\n"


def moment(seconds: object) -> str:
    """A time of the epoch as local time, to the millisecond."""
    if not isinstance(seconds, int | float):
        return ""
    return datetime.fromtimestamp(seconds).isoformat(sep=" ", timespec="milliseconds")


def _has(row: Row, name: str) -> bool:
    return row.get(name) is not None


def _text(value: object) -> str:
    return "" if value is None else visible(value)
