"""What stands in the store: keys, and the text of requests and of what outlives them.

Below the prefix each resource has a folder of its own, named like the resource (a tree: its root)
with `%` for special characters. In it are `q/SESSION`, a request, and `state`. A request is written
once when it enters and once more when it is granted, so that its creation revision is its place in
the queue and its modification revision, once granted, the fencing token. It lives as long as the
lease of its session; the state has a lease of its own, which all who use the resource renew.
"""

import json
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from flom.store.operations import Item

_QUEUE = "q/"
_STATE = "state"


class Place:
    """Where the keys of one resource are; root: its identity, see names.Name."""

    __slots__ = ("end", "key", "queue", "queue_end", "state")

    def __init__(self, prefix: str, root: bytes) -> None:
        folder = f"{prefix}/{quote(root, safe='')}"
        self.key = folder + "/"
        self.end = after(self.key)
        self.queue = self.key + _QUEUE
        self.queue_end = after(self.queue)
        self.state = self.key + _STATE

    def request(self, session: str) -> str:
        """The key of a request."""
        return self.queue + session


def after(prefix: str) -> str:
    """The first key behind all that begin with a prefix, whose last character is ASCII."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def root_of(prefix: str, key: str) -> bytes | None:
    """The identity of the resource that a key belongs to; None for a key that is none of ours."""
    folder, _, rest = key.removeprefix(prefix + "/").partition("/")
    ours = rest == _STATE or rest.startswith(_QUEUE)
    return unquote_to_bytes(folder) if ours and key.startswith(prefix + "/") else None


class Grant:
    """What a holder has. at: microseconds since the epoch by its own clock.

    element: what a set, sequence or timestamp gave. position: of the element in a set, else 0.
    """

    __slots__ = ("at", "element", "position")

    def __init__(self, at: int, element: str | None = None, position: int = 0) -> None:
        self.at = at
        self.element = element
        self.position = position


class Request:
    """A request as it stands in the queue.

    create: whether it makes the resource if that does not exist. within: the sessions of the locks
    that its client runs in. asked: microseconds since the epoch by the client's clock. told: what
    the client tells of itself, by the keys of docs/reference/extension.md. nested: it waits from
    within a lock on the same resource. grant: None as long as it waits.
    """

    __slots__ = ("asked", "create", "grant", "mode", "name", "nested", "quantity", "told", "within")

    def __init__(
        self,
        name: bytes,
        mode: int,
        quantity: int,
        create: bool,
        asked: int,
        within: tuple[str, ...] = (),
        told: dict[str, str] | None = None,
        grant: Grant | None = None,
        nested: bool = False,
    ) -> None:
        self.name = name
        self.mode = mode
        self.quantity = quantity
        self.create = create
        self.asked = asked
        self.within = within
        self.told = told or {}
        self.nested = nested
        self.grant = grant

    def changed(self, nested: bool, grant: Grant | None = None) -> "Request":
        """The same request, as one that is nested, or a holder."""
        return Request(
            self.name, self.mode, self.quantity, self.create, self.asked, self.within, self.told,
            grant, nested,
        )  # fmt: skip

    def write(self) -> str:
        """The text of the record."""
        row: dict[str, Any] = {
            "name": self.name.decode("utf-8", "surrogateescape"),
            "mode": self.mode,
            "quantity": self.quantity,
            "create": self.create,
            "asked": self.asked,
            "within": self.within,
            "told": self.told,
            "nested": self.nested,
        }
        if self.grant is not None:
            grant = self.grant
            row["granted"] = grant.at
            row["element"] = grant.element
            row["position"] = grant.position
        return json.dumps(row)

    @classmethod
    def read(cls, text: str) -> "Request":
        """The record with this text; ValueError for what is none."""
        try:
            row = json.loads(text)
            grant = None
            if "granted" in row:
                element = row["element"]
                grant = Grant(
                    int(row["granted"]),
                    None if element is None else str(element),
                    int(row["position"]),
                )
            return cls(
                str(row["name"]).encode("utf-8", "surrogateescape"),
                int(row["mode"]),
                int(row["quantity"]),
                bool(row["create"]),
                int(row["asked"]),
                tuple(map(str, row["within"])),
                {str(key): str(value) for key, value in row["told"].items()},
                grant,
                bool(row["nested"]),
            )
        except (ValueError, LookupError, TypeError, AttributeError):
            raise ValueError(f"{text[:80]!r} is no request") from None


class State:
    """What outlives the requests for a resource, until nobody has used it for its idle lifespan.

    period: seconds between two renewals of its lease. cursor: of a set. following: the number that
    a sequence gives next. returned: the numbers to be given again, in order; out: those of a
    transactional sequence that are held, by session. last: the tick of the last timestamp.
    """

    __slots__ = ("cursor", "following", "last", "out", "period", "returned")

    def __init__(
        self,
        period: float,
        cursor: int = 0,
        following: int = 1,
        returned: tuple[int, ...] = (),
        out: dict[str, int] | None = None,
        last: int | None = None,
    ) -> None:
        self.period = period
        self.cursor = cursor
        self.following = following
        self.returned = returned
        self.out = out or {}
        self.last = last

    def copy(self) -> "State":
        """An independent one with the same values."""
        return State(
            self.period, self.cursor, self.following, self.returned, dict(self.out), self.last
        )

    def write(self) -> str:
        """The text of the record."""
        return json.dumps({key: getattr(self, key) for key in sorted(self.__slots__)})

    @classmethod
    def read(cls, text: str) -> "State":
        """The record with this text; ValueError for what is none."""
        try:
            row = json.loads(text)
            last = row["last"]
            return cls(
                float(row["period"]),
                int(row["cursor"]),
                int(row["following"]),
                tuple(map(int, row["returned"])),
                {str(key): int(number) for key, number in row["out"].items()},
                None if last is None else int(last),
            )
        except (ValueError, LookupError, TypeError, AttributeError):
            raise ValueError(f"{text[:80]!r} is no state") from None


class Entry:
    """A request in the store. session: whose it is; created, modified: its revisions."""

    __slots__ = ("created", "modified", "request", "session")

    def __init__(self, session: str, request: Request, created: int, modified: int) -> None:
        self.session = session
        self.request = request
        self.created = created
        self.modified = modified


class View:
    """A resource as it was read at `revision`.

    entries: all requests, in order of creation. state: None if there is none, then `created`,
    `modified` and `lease`, which are those of its key, are 0.
    """

    __slots__ = ("created", "entries", "lease", "modified", "revision", "state")

    def __init__(self, place: Place, revision: int, items: "tuple[Item, ...]") -> None:
        self.revision = revision
        self.state: State | None = None
        self.created = self.modified = self.lease = 0
        entries = []
        for item in items:
            if item.key == place.state:
                self.state = State.read(item.value)
                self.created, self.modified, self.lease = item.created, item.modified, item.lease
            elif item.key.startswith(place.queue):
                session = item.key.removeprefix(place.queue)
                request = Request.read(item.value)
                entries.append(Entry(session, request, item.created, item.modified))
        self.entries = tuple(sorted(entries, key=lambda entry: entry.created))

    def find(self, session: str) -> Entry | None:
        """The request of a session, None if it does not stand there."""
        return next((entry for entry in self.entries if entry.session == session), None)
