"""When the table must look at a resource again, whatever else happens."""

from .resource import NEVER, Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Timers:
    """Alarms of resources, one at a time each.

    An alarm that is called off or put off stays in the heap until its time and is then ignored
    or put back: a busy resource becomes idle and busy again thousands of times a second.
    """

    __slots__ = ("_heap", "_number", "_pop", "_push")

    _push: "Callable[[list[tuple[float, int, Resource]], tuple[float, int, Resource]], None]"
    _pop: "Callable[[list[tuple[float, int, Resource]]], tuple[float, int, Resource]]"

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Resource]] = []
        self._number = 0  # makes entries of equal time comparable

    def arm(self, resource: Resource, when: float) -> None:
        """Ask for `resource` at monotonic time `when`, instead of any time asked for before."""
        resource.due = when
        if when >= resource.timer:
            return
        resource.timer = when
        if not self._number:
            self._load()
        self._number += 1
        self._push(self._heap, (when, self._number, resource))

    def _load(self) -> None:
        # On first use: an extension module is not worth loading while a daemon starts.
        from _heapq import heappop, heappush

        self._push = heappush
        self._pop = heappop

    def ripe(self, now: float) -> list[Resource]:
        """The resources whose time has come, oldest alarm first; their alarms are over."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            resource = self._take_first()
            if resource is None:
                continue
            if resource.due <= now:
                resource.due = NEVER
                found.append(resource)
            else:
                self._put_back(resource)
        return found

    def next(self) -> float:
        """The time of the next alarm."""
        while self._heap:
            when, _, resource = self._heap[0]
            if when == resource.timer == resource.due:
                return when
            stale = self._take_first()
            if stale is not None:
                self._put_back(stale)
        return NEVER

    def _take_first(self) -> Resource | None:
        """Remove the first entry; its resource, unless an earlier entry has replaced this one."""
        when, _, resource = self._pop(self._heap)
        if when != resource.timer:
            return None
        resource.timer = NEVER
        return resource

    def _put_back(self, resource: Resource) -> None:
        if resource.due < NEVER:
            self.arm(resource, resource.due)
