"""Trees: two requests conflict when one path leads through the other and their modes clash.

No element is given; a release gives nothing back. A node exists as long as there is an entry on
it or below it (resources.md 6.4).
"""

from .modes import CONFLICTS, NESTED, RIVALS, UNIT, clash, is_mode
from .requests import Instant, Request
from .resource import GRANT, NEVER, WAIT, Entry, Line, Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .names import Name
    from .queue import Claim


class Node:
    """One level of a path, with what must be known to decide without looking around.

    held, held_within: holders on the node; on it or below it. queued_within: waiters on it or
    below it. All three are packed counters (modes.py). lines: the waiters on the node by row.
    lines_within: those on it or below it. waiting: the children with waiters on or below them.
    """

    __slots__ = (
        "children",
        "held",
        "held_within",
        "label",
        "lines",
        "lines_within",
        "parent",
        "queued_within",
        "waiting",
    )

    def __init__(self, label: bytes, parent: "Node | None") -> None:
        self.label = label
        self.parent = parent
        self.held = 0
        self.held_within = 0
        self.queued_within = 0
        self.children: dict[bytes, Node] = {}
        self.lines: dict[int, Line] = {}
        self.lines_within: dict[int, Line] = {}
        self.waiting: dict[bytes, Node] = {}

    def upwards(self) -> "Iterator[Node]":
        """The node, its parent, and so on up to the root."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent


class Hierarchical(Resource):
    """One tree. Decisions look at the nodes of the path, walks at the waiting parts below it."""

    __slots__ = ("_root",)

    def __init__(self, name: "Name", lifespan: int, patience: float) -> None:
        super().__init__(name, lifespan, patience)
        self._root = Node(name.parts[0], None)

    @staticmethod
    def acceptable(request: Request) -> bool:
        """A mode is one of six (F-8)."""
        return is_mode(request.mode)

    @staticmethod
    def conflicting(
        size: int, request: "Request | Claim", holders: "list[Claim]", barriers: "list[Claim]"
    ) -> "list[Claim]":
        """Those on the path of the request or below it whose mode clashes."""
        return [
            claim
            for claim in holders + barriers
            if clash(claim.mode, request.mode) and _on_one_path(claim.name, request.name)
        ]

    def judge(self, request: Request, now: Instant, nested: bool = False) -> int:
        """A newcomer waits for holders, and for impatient waiters, on its path and below it."""
        node, complete = self._find(request.name)
        row = request.mode + NESTED if nested else request.mode
        free = self._is_free(node, complete, row, NEVER, now)
        return GRANT if free else WAIT

    def take(self, entry: Entry, now: Instant) -> bool:
        """Count the new holder on every node of its path."""
        node = entry.mark = self._reach(entry.name)
        unit = UNIT[entry.mode]
        node.held += unit
        for each in node.upwards():
            each.held_within += unit
        self.holders[entry] = None
        return True

    def give_back(self, entry: Entry, rollback: bool) -> None:
        """Forget the holder, and the nodes that existed for it alone."""
        node = _node_of(entry)
        unit = UNIT[entry.mode]
        node.held -= unit
        for each in node.upwards():
            each.held_within -= unit
        _prune(node)
        del self.holders[entry]

    def enter(self, entry: Entry) -> None:
        """Queue on the node, and be seen from every node above."""
        super().enter(entry)
        node = entry.mark = self._reach(entry.name)
        _line(node.lines, entry.row).append(entry)
        unit = UNIT[entry.mode]
        for each in node.upwards():
            if not each.queued_within and each.parent is not None:
                each.parent.waiting[each.label] = each
            each.queued_within += unit
            _line(each.lines_within, entry.row).append(entry)

    def leave(self, entry: Entry) -> None:
        """Undo `enter`."""
        super().leave(entry)
        node = _node_of(entry)
        node.lines[entry.row].discard(entry)
        unit = UNIT[entry.mode]
        for each in node.upwards():
            each.queued_within -= unit
            each.lines_within[entry.row].discard(entry)
            if not each.queued_within and each.parent is not None:
                del each.parent.waiting[each.label]
        _prune(node)

    def promote(self, gone: list[Entry], now: Instant) -> list[Entry]:
        """Walk those whom the departed blocked, oldest first.

        Of one row on one node only the oldest counts: what blocks it blocks the others as well.
        """
        served: list[Entry] = []
        if not self.waiters:
            return served
        from heapq import heapify, heappop, heappush  # rare: not worth its time at the start

        candidates = [(entry.order, entry) for entry in self._candidates(gone)]
        heapify(candidates)
        while candidates:
            entry = heappop(candidates)[1]
            node = _node_of(entry)
            if not self._is_free(node, True, entry.row, entry.order, now):
                continue
            self.serve(entry, now)
            served.append(entry)
            line = node.lines[entry.row]
            if line.count:
                heappush(candidates, (line.first().order, line.first()))
        return served

    def _candidates(self, gone: list[Entry]) -> "Iterable[Entry]":
        """The oldest of each row on each node, among the waiters that conflict with the gone."""
        found: dict[Entry, None] = {}
        for departed in gone:
            node = _node_of(departed)
            rivals = RIVALS[departed.mode]
            held_above = 0
            for each in node.upwards():
                held_above |= each.held
                found.update(dict.fromkeys(_firsts(each, rivals)))
            found.update(dict.fromkeys(_search_below(node, rivals, held_above)))
        return found

    def _is_free(self, node: Node, complete: bool, row: int, order: float, now: Instant) -> bool:
        """Whether nothing ahead conflicts with a waiter of a row on a node.

        complete: False if the path goes on below `node`, where no node exists yet. order: its
        place in the queue.
        """
        conflicts = CONFLICTS[row]
        if complete and node.held_within & conflicts:
            return False
        for each in node.upwards():
            if each.held & conflicts or self._barred(each.lines, row, order, now):
                return False
        return not (complete and self._barred(node.lines_within, row, order, now))

    def _barred(self, lines: dict[int, Line], row: int, order: float, now: Instant) -> bool:
        """Whether an impatient waiter before `order` in these lines conflicts with the row."""
        for rival in RIVALS[row] if lines else ():
            line = lines.get(rival)
            if line is not None and line.count:
                entry = line.first()
                if entry.order < order and self.impatient(entry, now):
                    return True
        return False

    def _find(self, name: bytes) -> tuple[Node, bool]:
        """The deepest existing node on a path, and whether the path ends there."""
        node = self._root
        for label in name.split(b"/")[2:]:
            child = node.children.get(label)
            if child is None:
                return node, False
            node = child
        return node, True

    def _reach(self, name: bytes) -> Node:
        """The node of a path, made if missing."""
        node = self._root
        for label in name.split(b"/")[2:]:
            child = node.children.get(label)
            if child is None:
                child = node.children[label] = Node(label, node)
            node = child
        return node


def _on_one_path(one: bytes, other: bytes) -> bool:
    return one == other or one.startswith(other + b"/") or other.startswith(one + b"/")


def _node_of(entry: Entry) -> Node:
    assert isinstance(entry.mark, Node)
    return entry.mark


def _line(lines: dict[int, Line], row: int) -> Line:
    line = lines.get(row)
    if line is None:
        line = lines[row] = Line()
    return line


def _prune(node: Node) -> None:
    """Forget a node that nothing needs, and then the nodes above it."""
    while node.parent is not None and not node.held_within and not node.queued_within:
        del node.parent.children[node.label]
        node = node.parent


def _firsts(node: Node, rows: "Iterable[int]") -> list[Entry]:
    """The oldest waiter on a node for each of some rows."""
    lines = [node.lines[row] for row in rows if row in node.lines]
    return [line.first() for line in lines if line.count]


def _waited_for(node: Node, rows: "Iterable[int]", held: int) -> list[int]:
    """Those rows that somebody on or below a node stands in and that `held` does not rule out."""
    lines = node.lines_within
    return [row for row in rows if row in lines and lines[row].count and not held & CONFLICTS[row]]


def _search_below(top: Node, rows: "Iterable[int]", held: int) -> "Iterator[Entry]":
    """The oldest waiter of each row on each node below `top`, as far as `held` lets them be.

    held: what is held on the path down to `top`. Only nodes that are waited for are visited.
    """
    stack = [(top, _waited_for(top, rows, held), held)]
    while stack:
        node, wanted, held = stack.pop()
        for child in node.waiting.values() if wanted else ():
            held_there = held | child.held
            wanted_there = _waited_for(child, wanted, held_there)
            if wanted_there:
                yield from _firsts(child, wanted_there)
                stack.append((child, wanted_there, held_there))
