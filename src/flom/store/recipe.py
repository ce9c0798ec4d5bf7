"""How a lock is had and given back in a store: pure, operations out, answers in.

The request enters its resource's queue and reads it in one step. `core.queue.blockers` decides on
that queue whether it is granted; if not, it waits for the end of the nearest who is in its way, and
reads again. The grant demands that the request still stands, unchanged, and that the state of the
resource is the one that was read; so does everything that gives a number back. The revision of the
grant is the fencing token.

Who was decided upon is never passed by somebody new, so what is ahead of a request only shrinks,
and a decision stays right until it is carried out. Nested requests alone stand in front of others:
their grant demands that nothing at all has changed since it was decided, and it touches the state,
which undoes every other decision made meanwhile.
"""

from collections.abc import Callable, Generator
from typing import Any, NamedTuple

from flom.core.kinds import resource_class
from flom.core.names import NUMERIC, SEQUENCE, TIMESTAMP, Name
from flom.core.queue import Claim, Queue, blockers
from flom.core.requests import Instant
from flom.core.resource import retention_of
from flom.errors import (
    OWN_RC_LOCK_NESTED,
    RC_LOCK_BUSY,
    RC_LOCK_CANT_WAIT,
    RC_LOCK_IMPOSSIBLE,
    RC_RECV_ERROR,
    FlomError,
    describe,
)
from flom.store.elements import give_back, take, unused
from flom.store.line import Line
from flom.store.operations import (
    Compare,
    Delete,
    Keep,
    NewLease,
    Operation,
    Put,
    Read,
    Revoke,
    Txn,
    Wait,
)
from flom.store.records import Entry, Place, Request, State, View

Steps = Generator[Operation, Any, Any]

# Renewals in the time to live of a lease.
RENEWALS = 3

_MODAL = ("simple", "hierarchical")
_SIZED = (SEQUENCE, TIMESTAMP)
_ANY_TIME = Instant(0.0, 0)  # no patience, so no time matters


class Ask(NamedTuple):
    """A lock as it is asked for.

    session: the name of the request, unique; lease: the lease it lives under; ttl: its seconds.
    wait: whether it may be queued. lifespan: of the resource, in ms, if this request creates it.
    wall: the time of day in microseconds since the epoch.
    """

    place: Place
    name: Name
    session: str
    lease: int
    ttl: int
    request: Request
    wait: bool
    lifespan: int
    wall: Callable[[], int]


class Held(NamedTuple):
    """A grant. token: its revision. state, lease: of the resource, as the grant has left them."""

    token: int
    element: str | None
    state: State
    lease: int


class Busy(FlomError):
    """Somebody else holds the resource; `holders` is what each of them tells of itself."""

    def __init__(self, holders: tuple[dict[str, str], ...]) -> None:
        super().__init__(RC_LOCK_BUSY, describe(RC_LOCK_BUSY))
        self.holders = holders

    def __reduce__(self) -> tuple[object, ...]:
        return Busy, (self.holders,)


def acquire(ask: Ask) -> Generator[Operation, Any, Held]:
    """Have a lock; whoever gives up must revoke the lease.

    Raises FlomError: 4, 5, 6, -606 for a refusal, -126 when the request has vanished.
    """
    view = yield from _enter(ask)
    kept = 0
    while True:
        if view.lease != kept and view.lease:
            assert view.state is not None
            kept = view.lease
            if not (yield Keep(kept, min(view.state.period, ask.ttl / RENEWALS))):
                view = yield from _look(ask)
                continue
        entry = view.find(ask.session)
        if entry is None:
            raise FlomError(RC_RECV_ERROR, "the request was removed from the store while it waited")
        if entry.request.grant is not None:
            return Held(entry.modified, entry.request.grant.element, _state(ask, view), view.lease)
        line = Line(view, entry)
        wait = decide(ask, view, line, entry)
        if wait is not None and entry in line.nested and not entry.request.nested:
            view = yield from _say_nested(ask, entry)
            continue
        if wait is not None:
            yield wait
            view = yield from _look(ask)
            continue
        granted = yield from _grant(ask, view, entry, entry in line.nested)
        if isinstance(granted, Held):
            return granted
        view = granted


def decide(ask: Ask, view: View, line: Line, entry: Entry) -> Wait | None:
    """What a request has to wait for, None if it can be granted; raises as `acquire`."""
    name = ask.name
    if not line.exists:
        if not ask.wait:
            raise FlomError(RC_LOCK_CANT_WAIT, describe(RC_LOCK_CANT_WAIT))
        return Wait(ask.place.state, "", view.revision, puts=True)
    if name.kind == NUMERIC and entry.request.quantity > name.size:
        raise FlomError(RC_LOCK_IMPOSSIBLE, describe(RC_LOCK_IMPOSSIBLE))
    queue = line.queue(name)
    mine = next(claim for claim in queue.waiters if claim.client is entry)
    ahead = blockers(queue, mine, _ANY_TIME)
    never = name.size == 0 and name.kind in _SIZED
    pause = unused(name, view.state, ask.wall())
    if not ahead and not never and not pause:
        return None
    if not ask.wait:
        raise Busy(tuple(holder.request.told for holder in line.holders))
    _refuse_vain(queue, mine)
    if ahead:
        return _behind(ask, view, _entry(ahead[-1]))
    return Wait("", "", view.revision, puts=False, seconds=pause or None)


def release(ask: Ask, held: Held, rollback: bool) -> Generator[Operation, Any, bool]:
    """Give a lock back; False if it had been lost. rollback: its number was not used."""
    if ask.name.transactional:
        state, modified, lease = held.state, held.token, held.lease
        while True:
            put = Put(ask.place.state, give_back(state, ask.session, rollback).write(), lease)
            read = yield _changing(
                ask,
                held.token,
                modified,
                (Delete(_key(ask)), put) if lease else (Delete(_key(ask)),),
            )
            if read.done:
                break
            view = _view(ask, read)
            entry = view.find(ask.session)
            if entry is None or entry.modified != held.token:
                # Done by a try whose answer was lost, or the lease has ended, as revoking tells.
                break
            state, modified, lease = _state(ask, view), view.modified, view.lease
    alive: bool = yield Revoke(ask.lease)
    return alive


def _enter(ask: Ask) -> Generator[Operation, Any, View]:
    """Put the request into the queue and read it; create the resource if that is to be done."""
    place, state = ask.place, ask.place.state
    absent = Compare(_key(ask), "VERSION", "EQUAL", 0)
    put = Put(_key(ask), ask.request.write(), ask.lease)
    spare = 0
    while True:
        there = (Compare(state, "VERSION", "GREATER", 0),) if ask.request.create else ()
        view = _view(ask, (yield Txn((absent, *there), (put,), place.key, place.end)))
        if view.find(ask.session) is not None:
            break
        if not spare:
            spare = yield NewLease(_lifetime(ask))
        missing = Compare(state, "VERSION", "EQUAL", 0)
        first = Put(state, _fresh(ask).write(), spare)
        view = _view(ask, (yield Txn((absent, missing), (first, put), place.key, place.end)))
        if view.find(ask.session) is not None:
            break
    if spare and view.lease != spare:
        yield Revoke(spare)
    return view


def _say_nested(ask: Ask, entry: Entry) -> Generator[Operation, Any, View]:
    """Let others see that a request that has to wait stands in front of them."""
    text = entry.request.changed(nested=True).write()
    same = Compare(_key(ask), "MOD", "EQUAL", entry.modified)
    place = ask.place
    put = Put(_key(ask), text, ask.lease)
    return _view(ask, (yield Txn((same,), (put,), place.key, place.end)))


def _grant(
    ask: Ask, view: View, entry: Entry, nested: bool
) -> Generator[Operation, Any, "Held | View"]:
    """Carry a decision out; the new view if something has changed since it was made."""
    state, lease = view.state or _fresh(ask), view.lease
    if not lease:
        lease = yield NewLease(_lifetime(ask))
    grant, changed = take(ask.name, view, state, ask.session, ask.wall())
    request = entry.request.changed(nested, grant)
    writes = [Put(_key(ask), request.write(), ask.lease)]
    if changed is not view.state or nested:
        writes.append(Put(ask.place.state, changed.write(), lease))
    place = ask.place
    still = Compare(place.queue, "MOD", "LESS", view.revision + 1, place.queue_end)
    read = yield _changing(
        ask, entry.modified, view.modified, tuple(writes), (still,) if nested else ()
    )
    if read.done:
        return Held(read.revision, grant.element, changed, lease)
    return _view(ask, read)


def _changing(
    ask: Ask,
    own: int,
    state: int,
    writes: "tuple[Put | Delete, ...]",
    more: tuple[Compare, ...] = (),
) -> Txn:
    """Write if our request and the state are still those of these revisions, else read."""
    place = ask.place
    compares = (
        Compare(_key(ask), "MOD", "EQUAL", own),
        Compare(place.state, "MOD", "EQUAL", state),
        *more,
    )
    return Txn(compares, writes, place.key, place.end, always=False)


def _behind(ask: Ask, view: View, nearest: Entry) -> Wait:
    """The change that can let a request have its turn, and no other; nearest: of who is ahead.

    Where modes decide, all who are ahead must have gone, so the nearest one will do. Where units
    are counted any of the holders may go; but as long as somebody waits ahead he needs them first.
    """
    key = ask.place.request(nearest.session)
    if ask.name.kind in _MODAL:
        return Wait(key, "", view.revision, puts=False)
    if nearest.request.grant is None:
        return Wait(key, "", view.revision, puts=True)
    return Wait(ask.place.queue, ask.place.queue_end, view.revision, puts=False)


def _refuse_vain(queue: Queue, mine: Claim) -> None:
    """Refuse to wait for what the locks hold that this runs within (core/descent.py)."""
    within = _entry(mine).request.within
    kin = [holder for holder in queue.holders if _entry(holder).session in within]
    rule = resource_class(queue.kind).conflicting
    in_the_way = rule(queue.size, mine, kin, []) if kin else []
    if in_the_way:
        told = _entry(in_the_way[0]).request.told
        owner = f" of process {told['pid']}" if "pid" in told else ""
        name = in_the_way[0].name.decode("utf-8", "backslashreplace")
        raise FlomError(
            OWN_RC_LOCK_NESTED,
            f"this runs within the lock{owner} on {name!r} and would wait for its end for ever",
        )


def _look(ask: Ask) -> Generator[Operation, Any, View]:
    return _view(ask, (yield Txn((), (), ask.place.key, ask.place.end)))


def _view(ask: Ask, read: Read) -> View:
    return View(ask.place, read.revision, read.items)


def _key(ask: Ask) -> str:
    return ask.place.request(ask.session)


def _state(ask: Ask, view: View) -> State:
    return view.state or _fresh(ask)


def _fresh(ask: Ask) -> State:
    """The state of a resource that this request creates."""
    return State(ask.ttl / RENEWALS)


def _lifetime(ask: Ask) -> int:
    """Seconds for which the state outlives its last renewal.

    What the design wants of it after the last user has gone, and a session's time for users who
    die without a word.
    """
    return ask.ttl - int(-retention_of(ask.lifespan) // 1)


def _entry(claim: Claim) -> Entry:
    assert isinstance(claim.client, Entry)
    return claim.client
