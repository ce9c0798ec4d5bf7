"""What would become of a request if it came now: the recipe's own rule, asked without entering."""

from flom.core.explain import Explanation
from flom.core.kinds import resource_class
from flom.core.names import NUMERIC, SEQUENCE, TIMESTAMP, Name
from flom.core.queue import Queue, blockers
from flom.core.requests import Instant, Request
from flom.core.timestamp import Ticks
from flom.store.elements import unused
from flom.store.records import View
from flom.store.resources import Resource
from flom.store.rows import entry_of

_ANY_TIME = Instant(0.0, 0)


def judge(
    name: Name, view: View, wanted: Request, within: tuple[str, ...], wall: int
) -> Explanation:
    """Whether a newcomer's request would be granted.

    within: the sessions of the locks that it comes from. wall: microseconds since the epoch.
    """
    kind = name.kind
    if not resource_class(kind).acceptable(wanted) or not _has_format(name):
        return Explanation(kind, "invalid_value")
    resource = Resource(name, view)
    if resource.queue is None and not wanted.create:
        return Explanation(kind, "no_resource")
    queue = resource.queue or Queue(name.root, kind, name.size, 0, (), ())
    count = len(queue.waiters)
    if (kind == NUMERIC and wanted.quantity > name.size) or _is_empty(name):
        return Explanation(kind, "impossible", waiters=count)
    kin = [one for one in queue.holders if entry_of(one).session in within]
    mine = Request(
        wanted.name, wanted.mode, wanted.quantity, create=wanted.create,
        ancestors=tuple(one.client for one in kin),
    )  # fmt: skip
    ahead = blockers(queue, mine, _ANY_TIME)
    if not ahead:
        why = "clock" if unused(name, view.state, wall) else None
        return Explanation(kind, why, waiters=count)
    in_vain = resource_class(kind).conflicting(queue.size, mine, kin, []) if kin else []
    holders = set(map(id, queue.holders))
    holding = sum(id(one) in holders for one in ahead)
    return Explanation(kind, "nested" if in_vain else "conflict", ahead, holding, waiters=count)


def _has_format(name: Name) -> bool:
    try:
        if name.kind == TIMESTAMP:
            Ticks(name.pattern.decode("ascii"))
    except ValueError:
        return False
    return True


def _is_empty(name: Name) -> bool:
    """Whether nobody can ever hold it."""
    return not name.size and name.kind in (SEQUENCE, TIMESTAMP)
