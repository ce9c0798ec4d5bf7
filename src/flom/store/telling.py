"""What happens to the locks in a store, told as a daemon tells it (extension.md, "events").

What happened is seen in what is written and removed. That a request has gone does not say why: a
holder that has gone is `released`, be it that it gave the lock back, was lost or lost it.
"""

from collections.abc import Iterator
from time import time_ns

from flom import fields
from flom.core.names import Name, parse
from flom.store.operations import Change, Item
from flom.store.reader import Forgotten, Reader
from flom.store.records import Entry, Place, Request, View, after, root_of
from flom.store.resources import Resource
from flom.store.rows import Row, claimant, held, waited


def events(reader: Reader, root: bytes | None) -> Iterator[Row]:
    """The events from now on, without end; root: of this resource alone."""
    prefix = reader.target.prefix
    place = None if root is None else Place(prefix, root)
    key = f"{prefix}/" if place is None else place.key
    end = after(key)
    read = reader.read(key, end)
    while True:
        teller = Teller(prefix, read.items)
        revision = read.revision
        try:
            for change in reader.changes(key, end, revision):
                revision = change.revision
                row = teller.tell(change, _wall())
                if row is not None:
                    yield row
        except Forgotten:
            read = reader.read(key, end)
            missed = read.revision - revision
            time = _wall() / 1e6
            yield {"seq": read.revision, "event": "dropped", "time": time, "count": missed}


class Teller:
    """Makes events of changes; it knows what stood in the store before, `items` at first."""

    def __init__(self, prefix: str, items: tuple[Item, ...]) -> None:
        self._prefix = prefix
        self._items = {item.key: item for item in items}

    def tell(self, change: Change, wall: int) -> Row | None:
        """The event that a change is, None if it is none; wall: microseconds since the epoch."""
        before = self._items.pop(change.key, None)
        root = root_of(self._prefix, change.key)
        name = None if root is None else parse(root)
        if name is None:
            return None
        if change.item is not None:
            self._items[change.key] = change.item
        place = Place(self._prefix, name.root)
        state = self._items.get(place.state)
        if change.key == place.state:
            told = self._of_state(change.item, before)
            state = state or before
        else:
            told = self._of_request(name, place, change.item, before, wall)
        if told is None:
            return None
        known = {"claim": None, "waited": None, "held": None, "reason": None}
        return {
            "seq": change.revision,
            "time": wall / 1e6,
            "resource": state.created if state else None,
            "name": fields.text(name.root),
            "kind": name.kind,
            **known,
            **told,
        }

    def _of_state(self, item: Item | None, before: Item | None) -> Row | None:
        if item is None:
            return {"event": "forgotten"} if before else None
        return {"event": "created"} if item.created == item.modified else None

    def _of_request(
        self, name: Name, place: Place, item: Item | None, before: Item | None, wall: int
    ) -> Row | None:
        entry, earlier = _entry(place, item), _entry(place, before)
        if entry is None:
            return None if earlier is None else _ended(name.kind, earlier, wall)
        claim = {"claim": claimant(name.kind, entry)}
        granted = entry.request.grant is not None
        if earlier is None or (granted and earlier.request.grant is None):
            if granted:
                return {"event": "granted", **claim, "waited": waited(entry, wall)}
            return {"event": "enqueued" if self._exists(name, place) else "parked", **claim}
        return None

    def _exists(self, name: Name, place: Place) -> bool:
        if place.state in self._items:
            return True
        items = [item for key, item in self._items.items() if place.key <= key < place.end]
        return Resource(name, View(place, 0, tuple(items))).queue is not None


def _ended(kind: str, entry: Entry, wall: int) -> Row:
    claim = claimant(kind, entry)
    if entry.request.grant is None:
        return {
            "event": "withdrawn", "claim": claim, "waited": waited(entry, wall), "reason": "left"
        }  # fmt: skip
    return {"event": "released", "claim": claim, "held": held(entry, wall)}


def _entry(place: Place, item: Item | None) -> Entry | None:
    """The request in an item, None for anything else."""
    if item is None:
        return None
    session = item.key.removeprefix(place.queue)
    try:
        return Entry(session, Request.read(item.value), item.created, item.modified)
    except ValueError:
        return None


def _wall() -> int:
    return time_ns() // 1000
