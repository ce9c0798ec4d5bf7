"""Sequences: a request conflicts with those ahead when they are as many as the number in brackets.

Each holder gets a number, chosen when it is granted. Only `_S_` sequences take numbers back: on
rollback the number is queued for the next grants (resources.md 6.5, 7.3).
"""

from .requests import Instant, Request
from .resource import GRANT, WAIT, Entry, Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .names import Name
    from .queue import Claim

_LAST = 4294967295  # the number after it is 1 again; 0 is never given


class Sequence(Resource):
    """The next new number, and the numbers rolled back, first returned first given."""

    __slots__ = ("_leaving", "_next", "_returned")

    def __init__(self, name: "Name", lifespan: int, patience: float) -> None:
        super().__init__(name, lifespan, patience)
        self._next = 1
        # Two stacks make a queue: numbers arrive on one and leave from the other.
        self._returned: list[int] = []
        self._leaving: list[int] = []

    @staticmethod
    def conflicting(
        size: int, request: "Request | Claim", holders: "list[Claim]", barriers: "list[Claim]"
    ) -> "list[Claim]":
        """All of them, if they need all places."""
        ahead = holders + barriers
        return ahead if len(ahead) >= size else []

    def judge(self, request: Request, now: Instant, nested: bool = False) -> int:
        """A place that is free at rest is wanted by no waiter."""
        return GRANT if len(self.holders) < self.name.size else WAIT

    def grantable(self, now: Instant) -> Entry | None:
        """All wait for the same: the oldest is served first."""
        return self.oldest() if len(self.holders) < self.name.size else None

    def take(self, entry: Entry, now: Instant) -> bool:
        """Give a number."""
        number = self._number()
        entry.mark = number
        entry.element = str(number)
        self.holders[entry] = None
        return True

    def give_back(self, entry: Entry, rollback: bool) -> None:
        """Use the number up, or take it back."""
        del self.holders[entry]
        if rollback and self.name.transactional:
            assert isinstance(entry.mark, int)
            self._returned.append(entry.mark)

    def _number(self) -> int:
        if not self._leaving and self._returned:
            self._leaving = self._returned[::-1]
            self._returned.clear()
        if self._leaving:
            return self._leaving.pop()
        number = self._next
        self._next = following(number)
        return number


def following(number: int) -> int:
    """The number that a sequence gives after this one."""
    return number + 1 if number < _LAST else 1
