"""Simple resources: two requests conflict when their modes may not be held together.

No element is given; a release gives nothing back (resources.md 4, 6.1).
"""

from .modes import CONFLICTS, EX, RIVALS, UNIT, clash
from .requests import Instant, Request
from .resource import GRANT, NEVER, WAIT, Entry, Line, Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .names import Name
    from .queue import Claim


class Simple(Resource):
    """Holders and waiters are counted by mode; the waiters of each row stand in a line too."""

    __slots__ = ("_held", "_lines", "_queued")

    def __init__(self, name: "Name", lifespan: int, patience: float) -> None:
        super().__init__(name, lifespan, patience)
        self._held = 0
        self._queued = 0
        self._lines: dict[int, Line] = {}

    @staticmethod
    def acceptable(request: Request) -> bool:
        """A mode is one of six (F-8)."""
        return 0 <= request.mode <= EX

    @staticmethod
    def conflicting(
        size: int, request: "Request | Claim", holders: "list[Claim]", barriers: "list[Claim]"
    ) -> "list[Claim]":
        """Those whose mode clashes with the mode asked for."""
        return [claim for claim in holders + barriers if clash(claim.mode, request.mode)]

    def judge(self, request: Request, now: Instant, nested: bool = False) -> int:
        """A newcomer waits for conflicting holders and impatient conflicting waiters."""
        conflicts = CONFLICTS[request.mode]
        if self._held & conflicts:
            return WAIT
        if nested or not self._queued & conflicts:
            return GRANT
        if self._barred(request.mode, NEVER, now):
            return WAIT
        return GRANT

    def grantable(self, now: Instant) -> Entry | None:
        """Of one row only the oldest waiter counts: what blocks it blocks the others as well."""
        best = None
        for row, line in self._lines.items():
            if not line.count or self._held & CONFLICTS[row]:
                continue
            entry = line.first()
            if best is not None and best.order < entry.order:
                continue
            if not self._barred(row, entry.order, now):
                best = entry
        return best

    def take(self, entry: Entry, now: Instant) -> bool:
        """Count the new holder."""
        self._held += UNIT[entry.mode]
        self.holders[entry] = None
        return True

    def give_back(self, entry: Entry, rollback: bool) -> None:
        """Forget the holder."""
        self._held -= UNIT[entry.mode]
        del self.holders[entry]

    def enter(self, entry: Entry) -> None:
        """Queue, also among those of the same row."""
        super().enter(entry)
        self._queued += UNIT[entry.mode]
        line = self._lines.get(entry.row)
        if line is None:
            line = self._lines[entry.row] = Line()
        line.append(entry)

    def leave(self, entry: Entry) -> None:
        """Leave both lines."""
        super().leave(entry)
        self._queued -= UNIT[entry.mode]
        self._lines[entry.row].discard(entry)

    def _barred(self, row: int, order: float, now: Instant) -> bool:
        """Whether an impatient waiter before `order` conflicts with a waiter of the row."""
        for rival in RIVALS[row]:
            line = self._lines.get(rival)
            if line is not None and line.count:
                entry = line.first()
                if entry.order < order and self.impatient(entry, now):
                    return True
        return False
