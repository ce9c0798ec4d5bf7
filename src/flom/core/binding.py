"""Which connections keep which resources alive, and when a resource must be looked at again."""

from .connection import Connection
from .requests import Instant
from .resource import NEVER, Resource
from .timers import Timers


class Bindings:
    """The resources of a table with their bounds and alarms (resources.md 7.2, 8.3).

    A connection is bound to the resource of its most recent lock, and to those that it has entries
    on. What nobody is bound to lives on for its retention.
    """

    __slots__ = ("_highest", "_resources", "_timers", "due")

    def __init__(self) -> None:
        self._resources: dict[bytes, Resource] = {}  # by identity: the name, or the root of a tree
        self._timers = Timers()
        self.due = NEVER  # no alarm is earlier
        self._highest = 0  # fencing token of a resource that has been forgotten

    def _bind(self, connection: Connection, resource: Resource, now: Instant) -> None:
        """Make a resource the current one of a connection."""
        previous, connection.current = connection.current, resource
        connection.spare = None
        if resource not in connection.bound:
            connection.bound[resource] = 0
            if not resource.bound:
                resource.due = NEVER
            resource.bound += 1
        if previous is not None and not connection.bound[previous]:
            self._unbind(connection, previous, now)

    def _unbind_entry(self, connection: Connection, resource: Resource, now: Instant) -> None:
        """An entry has gone: the connection may have no reason left to stay bound."""
        left = connection.bound[resource] - 1
        connection.bound[resource] = left
        if not left and connection.current is not resource:
            self._unbind(connection, resource, now)

    def _unbind(self, connection: Connection, resource: Resource, now: Instant) -> None:
        del connection.bound[resource]
        resource.bound -= 1
        if not resource.bound:
            self._arm(resource, now.monotonic + resource.retention)

    def _arm_tick(self, resource: Resource, now: Instant) -> None:
        if not resource.bound:
            return  # its alarm is the end of the retention
        when = now.monotonic + resource.next_tick(now)
        # Computed from two clocks, the same boundary comes out a little different each time.
        if not abs(when - resource.due) < 0.001:
            self._arm(resource, when)

    def _arm(self, resource: Resource, when: float) -> None:
        self._timers.arm(resource, when)
        self.due = min(self.due, when)
