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
    from .resource import Entry, Resource


def kin_of(ancestors: "tuple[Connection, ...]", resource: "Resource") -> "list[Entry]":
    """What the ancestors of a request hold of a resource. Costs as much as they hold at all."""
    return [
        entry
        for ancestor in ancestors
        if ancestor.bound.get(resource)
        for entry in ancestor.grants()
        if entry.resource is resource
    ]


def is_in_vain(resource: "Resource", request: Request, kin: "list[Entry]") -> bool:
    """Whether a request conflicts with what its ancestors hold, whatever the others do."""
    size = resource.name.size
    return bool(kin and resource.conflicting(size, request, list(map(claim_of, kin)), []))


def request_of(entry: "Entry") -> Request:
    """What a waiter asks for."""
    return Request(entry.name, entry.mode, entry.quantity, told=entry.told)


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
