"""Why a request would have to wait, or has to: the table's own rule, asked without locking."""

from .kinds import resource_class
from .names import Name, parse
from .queue import Claim, Queue, blockers, claim_of, queue_of, seconds_of
from .requests import Instant, Request, Value
from .resource import GRANT, IMPOSSIBLE, Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .connection import Connection


class Explanation(Value):
    """What is to be said about a request.

    kind: of its resource, None for an invalid name. reason: None if it is granted, else "conflict",
    "clock" (a timestamp waits for its next tick), "nested" (it would wait for what its own
    ancestors hold), "impossible", "no_resource", "invalid_name", "invalid_value", "queue_full" or
    "table_full". blockers: who is ahead of it and conflicts, in order, the holders first;
    holding: how many of them are holders. waiters: how many wait.
    pending: the request itself if it waits already, at `place` of the queue (1 = next, 0 = it
    waits for the creation of the resource).
    """

    __slots__ = ("blockers", "holding", "kind", "pending", "place", "reason", "waiters")

    def __init__(
        self,
        kind: str | None,
        reason: str | None,
        blockers: list[Claim] | None = None,
        holding: int = 0,
        waiters: int = 0,
        pending: Claim | None = None,
        place: int = 0,
    ) -> None:
        self.kind = kind
        self.reason = reason
        self.blockers = blockers or []
        self.holding = holding
        self.waiters = waiters
        self.pending = pending
        self.place = place


def explain(
    resources: dict[bytes, Resource],
    patience: int,
    most: float,
    longest: float,
    request: Request,
    now: Instant,
) -> Explanation:
    """What would become of a newcomer's request.

    patience: in ms. most, longest: how many resources there may be, how many claims of one.
    """
    name = parse(request.name)
    if name is None:
        return Explanation(None, "invalid_name")
    if not resource_class(name.kind).acceptable(request):
        return Explanation(name.kind, "invalid_value")
    resource = resources.get(name.root)
    if resource is None:
        told = _explain_new(name, request, now)
        full = told.reason is None and len(resources) >= most
        return Explanation(name.kind, "table_full") if full else told
    full = len(resource.holders) + resource.waiters >= longest
    ancestors = set(request.ancestors)
    kin = [one for one in resource.holders if one.connection.client in ancestors]
    verdict = resource.judge(request, now, bool(kin))
    if verdict == GRANT:
        return Explanation(name.kind, "queue_full" if full else None, waiters=resource.waiters)
    if verdict == IMPOSSIBLE:
        return Explanation(name.kind, "impossible", waiters=resource.waiters)
    queue = queue_of(resource, patience)
    ahead = blockers(queue, request, now)
    in_vain = request.wait and resource.conflicting(
        queue.size, request, list(map(claim_of, kin)), []
    )
    why = "nested" if in_vain else "queue_full" if full and request.wait else _why(ahead)
    return Explanation(name.kind, why, ahead, _holding(queue, ahead), waiters=resource.waiters)


def explain_pending(connection: "Connection", patience: int, now: Instant) -> Explanation | None:
    """Why the waiter of a connection waits, None if it has none in a queue."""
    entry = connection.pending
    if entry is None:
        return None
    resource = entry.resource
    queue = queue_of(resource, patience)
    place, claim = _find(queue, connection.client)
    ahead = blockers(queue, claim, now)
    return Explanation(
        resource.name.kind,
        _why(ahead),
        ahead,
        _holding(queue, ahead),
        resource.waiters,
        claim,
        place,
    )


def _explain_new(name: Name, request: Request, now: Instant) -> Explanation:
    """The resource would have to be created first."""
    try:
        resource = resource_class(name.kind)(name, request.lifespan, seconds_of(0))
    except ValueError:
        return Explanation(name.kind, "invalid_value")
    if not request.create:
        return Explanation(name.kind, "no_resource")
    granted = resource.judge(request, now) == GRANT
    return Explanation(name.kind, None if granted else "impossible")


def _find(queue: Queue, client: object) -> tuple[int, Claim]:
    return next(
        (place, claim) for place, claim in enumerate(queue.waiters, 1) if claim.client is client
    )


def _holding(queue: Queue, ahead: list[Claim]) -> int:
    holders = set(map(id, queue.holders))
    return sum(id(claim) in holders for claim in ahead)


def _why(ahead: list[Claim]) -> str:
    # Nobody in the way, and yet it waits: for the clock alone.
    return "conflict" if ahead else "clock"
