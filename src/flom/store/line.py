"""The queue of a resource as the core wants it, made of what was read from the store.

Order is that of creation, with one exception: who waits for somebody to create the resource
(`create=no`) stands right behind the request that did, in order of arrival (resources.md 8.2).
Nested requests stand before the others (core/queue.py). Others see that a request is one when it
says so: once it has to wait, and then for ever, so that none moves back behind who waits for it.
"""

from flom.core.names import Name
from flom.core.queue import Claim, Queue
from flom.store.records import Entry, View

_FAIR = 0  # patience of a queue in the store, in ms


class Line:
    """The order among those who use a resource, as `mine`, who looks at it, has to see it.

    exists: whether there is a resource at all; otherwise all who have entered wait for its
    creation. holders: in order of grant. waiters: as in core.queue.Queue.
    """

    __slots__ = ("exists", "holders", "nested", "waiters")

    def __init__(self, view: View, mine: Entry | None = None) -> None:
        entries = view.entries
        self.exists = view.state is not None or any(map(_uses, entries))
        holding = [entry for entry in entries if entry.request.grant is not None]
        self.holders = sorted(holding, key=lambda entry: entry.modified)
        waiting = [entry for entry in entries if entry.request.grant is None]
        waiting = waiting if self.exists else []
        waiting.sort(key=lambda entry: _order(entry, view.created))
        nested = [entry for entry in waiting if entry.request.nested]
        if mine in waiting and mine not in nested and self._holds_around(mine):
            nested.append(mine)
        self.nested = nested
        self.waiters = nested + [entry for entry in waiting if entry not in nested]

    def queue(self, name: Name) -> Queue:
        """The queue, for `core.queue.blockers`; the client of a claim is its entry here."""
        return Queue(
            name.root, name.kind, name.size, _FAIR,
            tuple(_claim(entry, False) for entry in self.holders),
            tuple(_claim(entry, entry in self.nested) for entry in self.waiters),
        )  # fmt: skip

    def _holds_around(self, entry: Entry) -> bool:
        """Whether one of the locks that a request comes from within is held here."""
        return any(holder.session in entry.request.within for holder in self.holders)


def _claim(entry: Entry, nested: bool) -> Claim:
    """An entry as the core sees it: patience is over at once, so no time matters."""
    request = entry.request
    element = request.grant.element if request.grant else None
    return Claim(entry, request.name, request.mode, request.quantity, 0.0, element, nested)


def _uses(entry: Entry) -> bool:
    return entry.request.create or entry.request.grant is not None


def _order(entry: Entry, created: int) -> tuple[int, int]:
    """Where a waiter stands: who was there before the resource follows who created it."""
    if not entry.request.create and entry.created < created:
        return created, entry.created
    return entry.created, 0
