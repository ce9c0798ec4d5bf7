"""Who leaves the table, and who is served because of that."""

from .binding import Bindings
from .connection import Connection
from .descent import forget, in_the_way, watch
from .observer import Observer
from .parking import Parking
from .requests import Closed, Effect, Granted, Instant, Refused
from .resource import GRANT, Entry, Resource

TOO_LONG = "the timestamp does not fit into an answer"


def granted(entry: Entry, first: bool, now: Instant) -> Granted:
    """What a new holder is told; first: as the first answer to its request."""
    token = entry.resource.fence(now) if entry.request.fenced else None
    return Granted(entry.connection.client, entry.name, entry.element, first, token)


class Departures(Bindings):
    """The clients of a table: how they give up what they have, and what that does for others."""

    __slots__ = ("_connections", "_observer", "_parked")

    def __init__(self) -> None:
        super().__init__()
        self._connections: dict[object, Connection] = {}
        self._parked = Parking()
        self._observer = Observer()

    def _withdraw(
        self, connection: Connection, reason: str, now: Instant, effects: list[Effect]
    ) -> None:
        """Remove the pending request of a connection, silently."""
        self._unpark(connection, reason, now)
        entry = connection.pending
        if entry is not None:
            gone = self._leave(connection, entry, reason, now)
            self._unbind_entry(connection, entry.resource, now)
            self._walk(gone, now, effects)

    def _end(self, connection: Connection, why: str, now: Instant, effects: list[Effect]) -> None:
        """Close a connection."""
        effects.append(Closed(connection.client, why))
        self._walk(self._remove(connection, now), now, effects)

    def _unpark(self, connection: Connection, reason: str, now: Instant) -> None:
        left = self._parked.leave(connection)
        if left is not None:
            self._observer.unparked(connection.client, *left, reason, now)

    def _remove(
        self, connection: Connection, now: Instant, taken: bool = False
    ) -> list[tuple[Resource, list[Entry]]]:
        """Release everything of a connection; returns what has gone from where."""
        del self._connections[connection.client]
        connection.spare = None  # what refers to each other waits for the garbage collector
        if connection.parked is not None:
            self._unpark(connection, "left", now)
        gone: dict[Resource, list[Entry]] = {}
        for entry in connection.grants():
            entry.resource.give_back(entry, True)
            self._observer.lost(entry, taken, now)
            gone.setdefault(entry.resource, []).append(entry)
        if connection.pending is not None:
            for resource, entries in self._leave(connection, connection.pending, "left", now):
                gone.setdefault(resource, []).extend(entries)
        for resource in list(connection.bound):
            self._unbind(connection, resource, now)
        return list(gone.items())

    def _leave(
        self, connection: Connection, entry: Entry, reason: str, now: Instant
    ) -> list[tuple[Resource, list[Entry]]]:
        """Take a waiter out of its queue: a departure for the others only if it blocked them."""
        connection.pending = None
        resource = entry.resource
        resource.leave(entry)
        forget(entry)
        self._observer.withdrawn(entry, reason, now)
        return [(resource, [entry])] if resource.impatient(entry, now) else []

    def _walk(
        self, work: list[tuple[Resource, list[Entry]]], now: Instant, effects: list[Effect]
    ) -> None:
        """Serve whom the departures leave unblocked.

        A served waiter that cannot be answered departs as well: the work may grow on the way.
        """
        for resource, gone in work:
            work.extend(self._served(resource.promote(gone, now), now, effects))
            if resource.ticks:
                self._arm_tick(resource, now)

    def _served(
        self, entries: list[Entry], now: Instant, effects: list[Effect]
    ) -> list[tuple[Resource, list[Entry]]]:
        """Former waiters hold what they asked for, or depart; returns what has gone from where."""
        gone = []
        for entry in entries:
            connection = entry.connection
            connection.pending = None
            forget(entry)
            if entry.held:
                connection.hold(entry)
                self._observer.granted(entry, now)
                effects.append(granted(entry, False, now))
            else:
                self._observer.withdrawn(entry, "refused", now)
                effects.append(Closed(connection.client, TOO_LONG))
                gone.extend(self._remove(connection, now))
        for entry in entries:
            if entry.connection.heirs:
                self._tell_heirs(entry, now, effects)
        return gone

    def _tell_heirs(self, grant: Entry, now: Instant, effects: list[Effect]) -> None:
        """Somebody got a lock: waiters from within its locks are nested now, or wait in vain."""
        resource = grant.resource
        for entry in list(grant.connection.heirs):
            if not entry.waiting or entry.resource is not resource:
                continue
            heir, request = entry.connection, entry.request
            if claim := in_the_way(resource, request, entry.ancestors):
                self._withdraw(heir, "refused", now, effects)
                effects.append(Refused(heir.client, "nested", False, claim))
            elif not entry.nested:
                free = resource.judge(request, now, True) == GRANT
                resource.leave(entry)
                heir.pending = nested = Entry(heir, resource, request, entry.since, True)
                nested.asked = entry.asked
                resource.enter(nested)
                watch(nested, forget(entry))
                if free:
                    resource.serve(nested, now)
                    self._walk(self._served([nested], now, effects), now, effects)
