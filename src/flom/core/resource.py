"""What all kinds of resource have in common: entries, the line of waiters, the walk.

A kind (simple.py, numeric.py, ...) keeps summaries of its holders and waiters, so that a decision
costs the same whatever their number. It derives from `Resource` and says:

* `conflicting`: who of those ahead conflicts with a request, by enumeration;
* `judge`: the same for a newcomer, by summaries;
* `grantable`: which waiter is served next in a walk, by summaries;
* `take` and `give_back`: what a holder gets and leaves behind.
"""

from .modes import NESTED
from .requests import Instant, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .connection import Connection
    from .names import Name
    from .queue import Claim

GRANT, WAIT, IMPOSSIBLE = range(3)  # verdicts

NEVER = float("inf")

_IN_FRONT = 1 << 62  # more than there will ever be arrivals

_LONGEST = 10**15  # ms; a longer lifespan is for ever, and must not overflow a float


class Entry:
    """One request on its way: a waiter, then a holder, then gone. Never a waiter again."""

    __slots__ = (
        "ancestors",
        "asked",
        "connection",
        "element",
        "held",
        "mark",
        "mode",
        "name",
        "nested",
        "older",
        "order",
        "quantity",
        "request",
        "resource",
        "row",
        "since",
        "told",
        "waiting",
    )

    held: bool  # after a walk: whether it was granted; False = it cannot be answered
    mark: object  # whatever the kind wants to remember
    older: "Entry | None"  # the grant before this one, same connection and name
    order: int  # place in the queue, set when it enters; the smaller the further in front
    ancestors: "tuple[Connection, ...]"  # of a waiter: within whose locks it was asked for
    nested: bool  # asked for from within a lock on the same resource
    row: int  # of modes.py
    asked: float  # monotonic seconds; `since` is the grant of a holder, or entering the queue
    told: str  # Request.told

    def __init__(
        self,
        connection: "Connection",
        resource: "Resource",
        request: Request,
        since: float,
        nested: bool = False,
    ) -> None:
        self.connection = connection
        self.resource = resource
        self.request = request
        self.name = request.name
        self.mode = request.mode
        self.quantity = request.quantity
        self.since = self.asked = since
        self.told = request.told
        self.element: str | None = None
        self.waiting = False
        self.ancestors: tuple[Connection, ...] = ()
        self.nested = nested
        self.row = request.mode + NESTED if nested else request.mode


class Line:
    """Waiters in order of arrival; whoever stopped waiting is skipped, and swept out in time.

    Every operation is O(1), amortised: an entry is skipped or swept at most once for each two
    departures. An ordered dict would not do: finding its first key after many deletions at the
    front is not O(1).
    """

    __slots__ = ("_entries", "_head", "count")

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._head = 0
        self.count = 0

    def append(self, entry: Entry) -> None:
        """Put a waiter at the end."""
        self._entries.append(entry)
        self.count += 1

    def discard(self, entry: Entry) -> None:
        """Forget an entry of this line that is not `waiting` any more."""
        self.count -= 1
        if not self.count:
            self._entries.clear()
            self._head = 0
        elif len(self._entries) > 2 * self.count + 32:
            self._entries = list(self)
            self._head = 0

    def first(self) -> Entry:
        """The oldest waiter. There must be one."""
        entries = self._entries
        head = self._head
        while not entries[head].waiting:
            head += 1
        self._head = head
        return entries[head]

    def __iter__(self) -> "Iterator[Entry]":
        return (entry for entry in self._entries[self._head :] if entry.waiting)


class Resource:
    """One living resource.

    holders: in order of grant. nested, line: the waiters, nested ones and the others behind them;
    waiters: their number. bound: how many connections keep it alive. retention: seconds it lives
    on without any.
    due: monotonic time at which the table must look at it again; timer: when the table's clock
    will look, which may be earlier. token: the highest fencing token so far. account, number,
    created, changed: for the observer of the table, who sets them; the latter are microseconds
    since the epoch.
    """

    __slots__ = (
        "_arrivals",
        "account",
        "bound",
        "changed",
        "created",
        "due",
        "holders",
        "line",
        "name",
        "nested",
        "number",
        "patience",
        "retention",
        "timer",
        "token",
        "waiters",
    )

    account: "Any"  # the core does not look at it

    ticks = False  # whether grants depend on the clock

    def __init__(self, name: "Name", lifespan: int, patience: float) -> None:
        self.name = name
        self.retention = retention_of(lifespan)
        self.patience = patience
        self.holders: dict[Entry, None] = {}
        self.nested = Line()
        self.line = Line()
        self.waiters = 0
        self.bound = 0
        self.due = NEVER
        self.timer = NEVER
        self.token = 0
        self.number = self.created = self.changed = 0
        self._arrivals = 0

    @staticmethod
    def acceptable(request: Request) -> bool:
        """Whether the numbers in a request are allowed at all (R-18)."""
        return True

    @staticmethod
    def conflicting(
        size: int,
        request: "Request | Claim",
        holders: "list[Claim]",
        barriers: "list[Claim]",
    ) -> "list[Claim]":
        """Those among the holders and waiters ahead who conflict with the request."""
        raise NotImplementedError

    def judge(self, request: Request, now: Instant, nested: bool = False) -> int:
        """The verdict on a newcomer: GRANT, WAIT or IMPOSSIBLE."""
        raise NotImplementedError

    def grantable(self, now: Instant) -> Entry | None:
        """The oldest waiter that conflicts with nothing ahead of it."""
        raise NotImplementedError

    def take(self, entry: Entry, now: Instant) -> bool:
        """Make an entry a holder and give it its element; False if it cannot be answered."""
        self.holders[entry] = None
        return True

    def give_back(self, entry: Entry, rollback: bool) -> None:
        """Let a holder go. rollback: its number, if any, was not used."""
        del self.holders[entry]

    def enter(self, entry: Entry) -> None:
        """Put an entry at the end of the queue, or of the nested ones in front."""
        entry.waiting = True
        self.waiters += 1
        self._arrivals += 1
        if entry.nested:
            entry.order = self._arrivals - _IN_FRONT
            self.nested.append(entry)
        else:
            entry.order = self._arrivals
            self.line.append(entry)

    def leave(self, entry: Entry) -> None:
        """Take a waiter out of the queue."""
        entry.waiting = False
        self.waiters -= 1
        if entry.nested:
            self.nested.discard(entry)
        else:
            self.line.discard(entry)

    def oldest(self) -> Entry:
        """The waiter in front of all. There must be one."""
        return (self.nested if self.nested.count else self.line).first()

    def impatient(self, entry: Entry, now: Instant) -> bool:
        """Whether the patience of a waiter has run out, so that nobody may pass it any more."""
        return entry.since + self.patience <= now.monotonic

    def promote(self, gone: list[Entry], now: Instant) -> list[Entry]:
        """Walk the queue once from the oldest to the youngest and serve whom nothing blocks.

        gone: the holders and impatient waiters whose departure is the reason. Returns the served
        ones in order; those with `held` False could not be answered and are out of the queue.
        """
        served = []
        while self.waiters:
            entry = self.grantable(now)
            if entry is None:
                break
            self.serve(entry, now)
            served.append(entry)
        return served

    def next_tick(self, now: Instant) -> float:
        """Seconds until the clock may make a waiter grantable. Asked only of kinds with `ticks`."""
        return NEVER

    def fence(self, now: Instant) -> int:
        """The fencing token of a grant (design, ruling "fencing token")."""
        self.token = token = max(self.token + 1, now.wall)
        return token

    def serve(self, entry: Entry, now: Instant) -> None:
        """Turn a waiter into a holder."""
        self.leave(entry)
        entry.since = now.monotonic
        entry.held = self.take(entry, now)


def retention_of(lifespan: int) -> float:
    """Seconds a resource outlives its last connection; lifespan in ms (resources.md 8.3)."""
    return (min(lifespan, _LONGEST) if lifespan > 0 else 1000) / 1000 + 1.0
