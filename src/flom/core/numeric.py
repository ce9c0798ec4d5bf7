"""Numeric resources: a request conflicts with those ahead when too few units are left for it.

Those ahead are counted as if they all had their units. No element is given; a release gives the
units back (resources.md 6.2).
"""

from .requests import MAX_QUANTITY, Instant, Request
from .resource import GRANT, IMPOSSIBLE, WAIT, Entry, Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .names import Name
    from .queue import Claim

_NOBODY = MAX_QUANTITY + 1  # wanted by an empty place: more than anybody may want


class Numeric(Resource):
    """The free units are counted; the waiters stand in trees that find one who wants few."""

    __slots__ = ("_free", "_in_front", "_others")

    def __init__(self, name: "Name", lifespan: int, patience: float) -> None:
        super().__init__(name, lifespan, patience)
        self._free = name.size
        self._in_front = FirstFit()  # the nested ones
        self._others = FirstFit()

    @staticmethod
    def acceptable(request: Request) -> bool:
        """A quantity is a positive 32 bit number (F-10)."""
        return 1 <= request.quantity <= MAX_QUANTITY

    @staticmethod
    def conflicting(
        size: int, request: "Request | Claim", holders: "list[Claim]", barriers: "list[Claim]"
    ) -> "list[Claim]":
        """All of them, if together they leave too few units."""
        ahead = holders + barriers
        left = size - sum(claim.quantity for claim in ahead)
        return ahead if request.quantity > left else []

    def judge(self, request: Request, now: Instant, nested: bool = False) -> int:
        """Behind an impatient waiter there is nothing left: it waits for units itself."""
        if request.quantity > self.name.size:
            return IMPOSSIBLE
        if request.quantity > self._free:
            return WAIT
        return WAIT if not nested and self._barred(None, now) else GRANT

    def grantable(self, now: Instant) -> Entry | None:
        """The oldest who wants no more than is free, unless it would pass an impatient one."""
        entry = self._in_front.first(self._free)
        if entry is None:
            entry = self._others.first(self._free)
            if entry is not None and self._barred(entry, now):
                return None
        return entry

    def take(self, entry: Entry, now: Instant) -> bool:
        """Take the units."""
        self._free -= entry.quantity
        self.holders[entry] = None
        return True

    def give_back(self, entry: Entry, rollback: bool) -> None:
        """Return the units."""
        self._free += entry.quantity
        del self.holders[entry]

    def enter(self, entry: Entry) -> None:
        """Queue, also in a tree."""
        super().enter(entry)
        (self._in_front if entry.nested else self._others).append(entry)

    def leave(self, entry: Entry) -> None:
        """Leave queue and tree."""
        super().leave(entry)
        (self._in_front if entry.nested else self._others).discard(entry)

    def _barred(self, waiter: Entry | None, now: Instant) -> bool:
        """Whether anybody impatient is ahead of one who is not nested; None: of a newcomer.

        Those whose patience has run out are the oldest: if there are any, the first is one.
        """
        for line in self.nested, self.line:
            if line.count:
                oldest = line.first()
                if oldest is not waiter and self.impatient(oldest, now):
                    return True
        return False


class FirstFit:
    """Waiters in order of arrival; finds the oldest who wants no more than a given quantity.

    A tournament tree in an array: places are leaves, every inner node knows the least quantity
    wanted below it. Adding, removing and finding cost the logarithm of the number of waiters at
    worst; "nobody" is found at the root.
    """

    __slots__ = ("_entries", "_least", "_places")

    def __init__(self) -> None:
        self._places = 0
        self._rebuild([])

    def append(self, entry: Entry) -> None:
        """Put a waiter at the end."""
        if len(self._entries) == self._places:
            self._rebuild([waiter for waiter in self._entries if waiter is not None])
        self._place(entry)

    def discard(self, entry: Entry) -> None:
        """Remove a waiter."""
        node = entry.mark
        assert isinstance(node, int)
        least = self._least
        self._entries[node - self._places] = None
        least[node] = _NOBODY
        while node > 1:
            node >>= 1
            both = min(least[2 * node], least[2 * node + 1])
            if least[node] == both:
                return
            least[node] = both
        if least[1] == _NOBODY and len(self._entries) > 16:
            self._rebuild([])

    def first(self, quantity: int) -> Entry | None:
        """The oldest waiter who wants at most `quantity`."""
        least = self._least
        quantity = min(quantity, MAX_QUANTITY)
        if least[1] > quantity:
            return None
        node = 1
        while node < self._places:
            node *= 2
            if least[node] > quantity:
                node += 1
        return self._entries[node - self._places]

    def _place(self, entry: Entry) -> None:
        node = entry.mark = self._places + len(self._entries)
        self._entries.append(entry)
        least = self._least
        least[node] = entry.quantity
        while node > 1 and least[node >> 1] > entry.quantity:
            node >>= 1
            least[node] = entry.quantity

    def _rebuild(self, waiters: list[Entry]) -> None:
        """Close the gaps and have at least as many places free as taken."""
        self._places = 16
        while self._places < 2 * len(waiters):
            self._places *= 2
        self._least = [_NOBODY] * (2 * self._places)
        self._entries: list[Entry | None] = []
        for waiter in waiters:
            self._place(waiter)
