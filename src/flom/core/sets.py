"""Sets: a request conflicts with those ahead when they are as many as the set has elements.

Each holder gets an element of its own: the first free one from a cursor on, which moves one
step for each grant. A release frees the element (resources.md 6.3).
"""

from .requests import Instant, Request
from .resource import GRANT, WAIT, Entry, Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .names import Name
    from .queue import Claim


class Set(Resource):
    """The free positions are the bits of a number. Whoever finds one free is the oldest waiter."""

    __slots__ = ("_cursor", "_free")

    def __init__(self, name: "Name", lifespan: int, patience: float) -> None:
        super().__init__(name, lifespan, patience)
        self._free = (1 << name.size) - 1
        self._cursor = 0

    @staticmethod
    def conflicting(
        size: int, request: "Request | Claim", holders: "list[Claim]", barriers: "list[Claim]"
    ) -> "list[Claim]":
        """All of them, if they need all elements."""
        ahead = holders + barriers
        return ahead if len(ahead) >= size else []

    def judge(self, request: Request, now: Instant, nested: bool = False) -> int:
        """An element that is free at rest is wanted by no waiter."""
        return GRANT if self._free else WAIT

    def grantable(self, now: Instant) -> Entry | None:
        """All wait for the same: the oldest is served first."""
        return self.oldest() if self._free else None

    def take(self, entry: Entry, now: Instant) -> bool:
        """Give the first free element from the cursor on, and move the cursor by one."""
        position = choose(self._free, self._cursor)
        entry.mark = 1 << position
        self._free ^= entry.mark
        self._cursor = (self._cursor + 1) % self.name.size
        entry.element = self.name.parts[position].decode("ascii")
        self.holders[entry] = None
        return True

    def give_back(self, entry: Entry, rollback: bool) -> None:
        """Free the element."""
        assert isinstance(entry.mark, int)
        self._free ^= entry.mark
        del self.holders[entry]


def choose(free: int, cursor: int) -> int:
    """The position to give: the first free one from the cursor on; free: positions as bits."""
    candidates = free >> cursor << cursor or free
    return (candidates & -candidates).bit_length() - 1
