"""Requests from within a lock: whose locks they run in, and what follows from it.

A command that runs under a lock may ask for the same resource. The lock around it is held until the
command has ended, so the request must not wait for those who wait for that lock (queue.py), and in
vain it would wait for that lock itself.
"""

from .queue import claim_of
from .requests import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .connection import Connection
    from .queue import Claim
    from .resource import Entry, Resource


def any_holds(ancestors: "tuple[Connection, ...]", resource: "Resource") -> bool:
    """Whether one of the ancestors of a request holds something of a resource."""
    for ancestor in ancestors:
        entries = ancestor.bound.get(resource, 0)
        pending = ancestor.pending
        if entries > (pending is not None and pending.resource is resource):
            return True
    return False


def in_the_way(
    resource: "Resource", request: Request, ancestors: "tuple[Connection, ...]"
) -> "Claim | None":
    """What the ancestors of a request hold and it would wait for, whatever the others do.

    The first such claim, None if there is none. Costs as much as the ancestors hold at all.
    """
    kin = [
        claim_of(entry)
        for ancestor in ancestors
        if ancestor.bound.get(resource)
        for entry in ancestor.grants()
        if entry.resource is resource
    ]
    conflicting = resource.conflicting(resource.name.size, request, kin, []) if kin else []
    return conflicting[0] if conflicting else None


def watch(entry: "Entry", ancestors: "tuple[Connection, ...]") -> None:
    """Let the ancestors of a new waiter know of it: what they get next may concern it."""
    entry.ancestors = ancestors
    for ancestor in ancestors:
        ancestor.heirs[entry] = None


def forget(entry: "Entry") -> "tuple[Connection, ...]":
    """The opposite of `watch`, for one who waits no more; returns whom it was kept by."""
    ancestors, entry.ancestors = entry.ancestors, ()
    for ancestor in ancestors:
        del ancestor.heirs[entry]
    return ancestors
