"""The ordered queue of one resource: who is ahead of whom, and who blocks a request.

A request is granted when it conflicts with nothing ahead of it in its queue. Ahead of a request
are all holders, and every earlier waiter whose patience has run out. What "conflicts" means is
the kind's business (`conflicting` of simple.py, numeric.py, ...).

A nested request comes from within a lock that is held on the same resource. Its holder cannot
release before it is served, so whoever waits for that holder must not be ahead of it: only holders
are. If it has to wait, it does so in front of all who are not nested.

Everything here is a function of the ordered queue alone: it can be called with a queue that was
read from anywhere. The living resources (resource.py) decide by summaries; the property tests
show that they decide the same.
"""

from .kinds import resource_class
from .requests import Instant, Request, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .resource import Entry, Resource

FOR_EVER = float("inf")


class Claim(Value):
    """One holder or waiter. `since`: monotonic seconds of its grant, or of entering the queue.

    nested: it was asked for from within a lock on the same resource. asked: monotonic seconds of
    the request. told: as in the request.
    """

    __slots__ = (
        "asked", "client", "element", "mode", "name", "nested", "quantity", "since", "told",
    )  # fmt: skip

    def __init__(
        self,
        client: object,
        name: bytes,
        mode: int,
        quantity: int,
        since: float,
        element: str | None = None,
        nested: bool = False,
        asked: float | None = None,
        told: str = "",
    ) -> None:
        self.client = client
        self.name = name
        self.mode = mode
        self.quantity = quantity
        self.since = since
        self.element = element
        self.nested = nested
        self.asked = since if asked is None else asked
        self.told = told


class Queue(Value):
    """A resource as seen from outside: holders in order of grant, waiters in order.

    Nested waiters stand before the others; within both parts the order is that of arrival.
    kind, size: as in names.Name. patience: milliseconds, negative = for ever.
    """

    __slots__ = ("holders", "kind", "name", "patience", "size", "waiters")

    def __init__(
        self,
        name: bytes,
        kind: str,
        size: int,
        patience: int,
        holders: tuple[Claim, ...],
        waiters: tuple[Claim, ...],
    ) -> None:
        self.name = name
        self.kind = kind
        self.size = size
        self.patience = patience
        self.holders = holders
        self.waiters = waiters


class Snapshot(Value):
    """All resources, and the requests that wait for a creation."""

    __slots__ = ("parked", "resources")

    def __init__(self, resources: tuple[Queue, ...], parked: tuple[Claim, ...]) -> None:
        self.resources = resources
        self.parked = parked


def queue_of(resource: "Resource", patience: int) -> Queue:
    """The ordered queue of a living resource. patience: milliseconds, as in the table."""
    name = resource.name
    holders = tuple(map(claim_of, resource.holders))
    waiters = (*map(claim_of, resource.nested), *map(claim_of, resource.line))
    return Queue(name.root, name.kind, name.size, patience, holders, waiters)


def claim_of(entry: "Entry") -> Claim:
    """A holder or waiter of a living resource as a plain value."""
    return Claim(
        entry.connection.client,
        entry.name,
        entry.mode,
        entry.quantity,
        entry.since,
        entry.element,
        entry.nested,
        entry.asked,
        entry.told,
    )


def seconds_of(patience: int) -> float:
    """How many seconds a waiter lets others pass; infinite for a negative number of ms."""
    return FOR_EVER if patience < 0 else patience / 1000


def is_nested(queue: Queue, request: Request | Claim) -> bool:
    """Whether a request comes from within a lock that is held here."""
    if isinstance(request, Claim):
        return request.nested
    return any(claim.client in request.ancestors for claim in queue.holders)


def barriers(queue: Queue, request: Request | Claim, now: Instant) -> list[Claim]:
    """The waiters ahead of a request: earlier ones whose patience has run out."""
    if is_nested(queue, request):
        return []
    earlier = list(queue.waiters)
    for position, claim in enumerate(queue.waiters):
        if claim is request:
            earlier = earlier[:position]
            break
    patience = seconds_of(queue.patience)
    return [claim for claim in earlier if claim.since + patience <= now.monotonic]


def blockers(queue: Queue, request: Request | Claim, now: Instant) -> list[Claim]:
    """Everybody ahead of a request who conflicts with it, in order; nobody = it may be granted.

    request: one of `queue.waiters`, or a newcomer, who stands behind all of them. A timestamp may
    have to wait for the clock as well, which is nobody's claim.
    """
    rule = resource_class(queue.kind).conflicting
    return rule(queue.size, request, list(queue.holders), barriers(queue, request, now))
