"""Requests in a store as rows for people and programs (docs/reference/extension.md, "Rows")."""

from typing import Any

from flom.core.names import NUMERIC, Name
from flom.core.queue import Claim, blockers
from flom.core.requests import Instant
from flom.store.elements import unused
from flom.store.line import Line
from flom.store.records import Entry, View
from flom.values import MODAL_KINDS, MODE_NAMES

Row = dict[str, Any]

MOST_BLOCKERS = 100
_MICRO = 1e6
_ANY_TIME = Instant(0.0, 0)  # there is no patience, so no time matters
_MOST_DIGITS = 18


def claim(kind: str, entry: Entry, nested: bool, wall: int) -> Row:
    """A holder, or somebody who waits, at `wall` (microseconds since the epoch) by our clock.

    All other times in it are those of its own clock.
    """
    request, told = entry.request, entry.request.told
    since = None if request.grant is None else request.grant.at
    return {
        "id": entry.created,
        "name": request.name.decode("utf-8", "surrogateescape"),
        "mode": _mode(kind, request.mode),
        "quantity": request.quantity if kind == NUMERIC else None,
        "element": None if request.grant is None else request.grant.element,
        "peer": None,
        "uid": None,
        "cn": None,
        "user": told.get("user"),
        "host": told.get("host"),
        "pid": _number(told.get("pid")),
        "command": told.get("command"),
        "timeout": _number(told.get("timeout")),
        "nested": nested,
        "asked": request.asked / _MICRO,
        "since": None if since is None else since / _MICRO,
        "waiting": max((wall if since is None else since) - request.asked, 0) / _MICRO,
        "holding": None if since is None else max(wall - since, 0) / _MICRO,
        "barrier": None if since is not None else True,
    }


def explanation(name: Name, view: View, session: str, wall: int) -> Row | None:
    """Why the request of a session has to wait; None if it does not wait there."""
    entry = view.find(session)
    if entry is None or entry.request.grant is not None:
        return None
    line = Line(view)
    queue = line.queue(name)
    mine = next((one for one in queue.waiters if one.client is entry), None)
    ahead = blockers(queue, mine, _ANY_TIME) if mine else []
    reason = "conflict" if ahead else "clock" if unused(name, view.state, wall) else None
    return {
        "name": entry.request.name.decode("utf-8", "surrogateescape"),
        "mode": _mode(name.kind, entry.request.mode),
        "quantity": entry.request.quantity if name.kind == NUMERIC else None,
        "kind": name.kind,
        "granted": False,
        "reason": reason if line.exists else "no_resource",
        "blockers": [_claim(name.kind, one, wall) for one in ahead[:MOST_BLOCKERS]],
        "blocker_count": len(ahead),
        "waiters": len(queue.waiters),
        "place": queue.waiters.index(mine) + 1 if mine else 0,
        "since": entry.request.asked / _MICRO,
    }


def _claim(kind: str, one: Claim, wall: int) -> Row:
    assert isinstance(one.client, Entry)
    return claim(kind, one.client, one.nested, wall)


def _mode(kind: str, mode: int) -> str | None:
    return MODE_NAMES[mode] if kind in MODAL_KINDS and 0 <= mode < len(MODE_NAMES) else None


def _number(text: str | None) -> int | None:
    fits = text is not None and text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if text is not None and fits else None
