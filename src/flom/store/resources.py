"""A resource as it was read from a store, and its row."""

from flom import fields
from flom.core.names import Name
from flom.core.queue import Claim, Queue
from flom.store.line import Line
from flom.store.records import View
from flom.store.rows import Row, claim, entry_of, held, waited


class Resource:
    """Who holds it and waits for it. number: the revision at which it came into being.

    queue: None if there is no such resource; then all who have asked, `parked`, wait for its
    creation.
    """

    __slots__ = ("entries", "name", "number", "parked", "queue", "revision")

    def __init__(self, name: Name, view: View) -> None:
        line = Line(view)
        self.name = name
        self.entries = view.entries
        self.revision = view.revision
        self.queue: Queue | None = line.queue(name) if line.exists else None
        self.parked = () if line.exists else view.entries
        self.number = view.created or (view.entries[0].created if view.entries else 0)

    @property
    def holders(self) -> tuple[Claim, ...]:
        """In order of grant."""
        return self.queue.holders if self.queue else ()

    @property
    def waiters(self) -> tuple[Claim, ...]:
        """In order of the queue."""
        return self.queue.waiters if self.queue else ()

    def row(self, wall: int) -> Row:
        """Without those who hold it and wait for it."""
        name, holders, waiters = self.name, self.holders, self.waiters
        asked = self.entries[0].request.name if self.entries else name.root
        return {
            "id": self.number,
            "name": fields.text(asked),
            "root": fields.text(name.root),
            "kind": name.kind,
            "created": None,
            "changed": None,
            "holder_count": len(holders),
            "waiter_count": len(waiters),
            **fields.use(name, holders),
            "oldest_hold": held(entry_of(holders[0]), wall) if holders else None,
            "oldest_wait": max((waited(entry_of(one), wall) for one in waiters), default=None),
            "barrier": bool(waiters),
            "seq": self.revision + 1,
        }

    def full_row(self, wall: int) -> Row:
        """With those who hold it and wait for it, or with those who wait for its creation."""
        kind = self.name.kind
        if self.queue is None:
            return {"parked": [claim(kind, one, wall, queued=False) for one in self.parked]}
        return {
            **self.row(wall),
            "holders": [claim(kind, entry_of(one), wall) for one in self.holders],
            "waiters": [claim(kind, entry_of(one), wall) for one in self.waiters],
        }
