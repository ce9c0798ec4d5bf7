"""Requests in a store as rows for people and programs (docs/reference/extension.md, "Rows").

What a store cannot know is None. Times are what clients have written by their own clocks; `wall` is
the present time by ours, in microseconds since the epoch.
"""

from flom import fields
from flom.core.explain import Explanation
from flom.core.names import Name
from flom.core.queue import Claim, blockers
from flom.core.requests import Instant
from flom.store.elements import unused
from flom.store.line import Line
from flom.store.records import Entry, View

Row = dict[str, object]

_MICRO = 1e6
_ANY_TIME = Instant(0.0, 0)  # there is no patience, so no time matters


def claim(kind: str | None, entry: Entry, wall: int, *, queued: bool = True) -> Row:
    """A holder, or somebody who waits; queued: not for the creation of the resource."""
    grant = entry.request.grant
    return {
        **claimant(kind, entry),
        "asked": entry.request.asked / _MICRO,
        "since": None if grant is None else grant.at / _MICRO,
        "waiting": waited(entry, wall),
        "holding": held(entry, wall),
        "barrier": None if grant is not None else queued,
    }


def claimant(kind: str | None, entry: Entry) -> Row:
    """Who holds or waits; his number is the revision at which he entered the queue."""
    request = entry.request
    return {
        "id": entry.created,
        **fields.asked(kind, request),
        "element": None if request.grant is None else request.grant.element,
        "peer": None,
        "uid": None,
        "cn": None,
        **fields.told(request.told),
        "nested": request.nested,
    }


def waited(entry: Entry, wall: int) -> float:
    """For how long it has waited, or did wait, in seconds."""
    grant = entry.request.grant
    return _between(entry.request.asked, wall if grant is None else grant.at)


def held(entry: Entry, wall: int) -> float | None:
    """For how long it holds, in seconds; None if it waits."""
    grant = entry.request.grant
    return None if grant is None else _between(grant.at, wall)


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
    why = Explanation(
        name.kind, reason if line.exists else "no_resource", ahead, waiters=len(queue.waiters)
    )
    row = fields.explanation(entry.request, why, first(name.kind, ahead, wall))
    place = queue.waiters.index(mine) + 1 if mine else 0
    return {**row, "granted": False, "place": place, "since": entry.request.asked / _MICRO}


def first(kind: str, ahead: list[Claim], wall: int) -> list[Row]:
    """As many of those who are ahead of a request as are told."""
    return [claim(kind, entry_of(one), wall) for one in ahead[: fields.MOST_BLOCKERS]]


def entry_of(one: Claim) -> Entry:
    """The request that a claim was made of."""
    assert isinstance(one.client, Entry)
    return one.client


def _between(begin: int, end: int) -> float:
    """Seconds; clocks of several machines may differ."""
    return max(end - begin, 0) / _MICRO
