"""All resources: find, create, wait for creation, lock, unlock, disconnect, forget.

The rules are in resources.md 3, 7 and 8. Whatever cannot be decided by the queue of one resource
is decided here; what follows for whom is returned as a list of effects, in order.
"""

from .binding import Bindings
from .connection import Connection
from .descent import forget, is_in_vain, kin_of, request_of, watch
from .kinds import resource_class
from .names import Name, parse
from .parking import Parking
from .queue import Snapshot, queue_of, seconds_of
from .requests import Closed, Effect, Enqueued, Granted, Instant, Parked, Refused, Request
from .resource import GRANT, IMPOSSIBLE, NEVER, Entry, Resource

_NO_LOCK = "unlock without a lock"
_OTHER_NAME = "unlock of another resource"
_BAD_NUMBER = "mode or quantity out of range"
_BAD_NAME = "invalid resource name"
_BAD_FORMAT = "unusable timestamp format"
_CANNOT_WAIT = "the resource does not exist"
_TOO_LONG = "the timestamp does not fit into an answer"


class Table(Bindings):
    """The lock table.

    patience: how many milliseconds a waiter lets others pass; 0 = nobody passes (strictly fair),
    negative = newcomers pass for ever.

    A client is any hashable value that stands for one connection. Times must not go backwards on
    the monotonic clock. `due` is never later than `wakeup()` and costs nothing to look at. Every
    method first does what is overdue, so results do not depend on how promptly `advance` is
    called; and none blocks or raises, whatever a client asks.
    """

    __slots__ = ("_connections", "_parked", "_patience")

    def __init__(self, patience: int = 60000) -> None:
        super().__init__()
        self._patience = patience
        self._connections: dict[object, Connection] = {}
        self._parked = Parking()

    def lock(self, client: object, request: Request, now: Instant) -> list[Effect]:
        """A client asks for a lock; a request of it that is still pending is replaced (W-35)."""
        effects: list[Effect] = []
        if now.monotonic >= self.due and self._overdue(client, now, effects):
            return effects
        connection = self._connections.get(client)
        if connection is None:
            connection = self._connections[client] = Connection(client)
        elif connection.pending is not None or connection.parked is not None:
            self._withdraw(connection, now, effects)
        resource = self._resources.get(request.name)
        if resource is None:
            self._lock_by_meaning(connection, request, now, effects)
        else:
            self._decide(connection, resource, request, True, now, effects)
        return effects

    def unlock(self, client: object, name: bytes, rollback: bool, now: Instant) -> list[Effect]:
        """A client ends its newest grant on `name`, or else its waiting there (resources.md 7.1).

        A name it holds nothing of is ignored if the client is bound to that resource; otherwise
        the client is closed.
        """
        effects: list[Effect] = []
        if now.monotonic >= self.due and self._overdue(client, now, effects):
            return effects
        connection = self._connections.get(client)
        if connection is None:
            effects.append(Closed(client, _NO_LOCK))
            return effects
        entry = connection.held.get(name)
        if entry is not None:
            resource = entry.resource
            connection.drop(entry)
            resource.give_back(entry, rollback)
            self._unbind_entry(connection, resource, now)
            if resource.waiters:
                self._walk([(resource, [entry])], now, effects)
        elif connection.pending is not None and connection.pending.name == name:
            self._withdraw(connection, now, effects)
        elif not self._is_bound(connection, name):
            why = _OTHER_NAME if connection.bound else _NO_LOCK
            self._end(connection, why, now, effects)
        return effects

    def disconnect(self, client: object, now: Instant) -> list[Effect]:
        """A client has gone; everything it had is released (R-50). Unknown clients are fine."""
        effects: list[Effect] = []
        if now.monotonic >= self.due:
            effects = self.advance(now)
        connection = self._connections.get(client)
        if connection is not None:
            self._walk(self._remove(connection, now), now, effects)
        return effects

    def advance(self, now: Instant) -> list[Effect]:
        """Do what is due: forget resources after their retention, serve the waiters of a tick.

        Patience that runs out needs no action: it lets nobody in.
        """
        effects: list[Effect] = []
        ticking = []
        for resource in self._timers.ripe(now.monotonic):
            if resource.bound:
                ticking.append((resource, list[Entry]()))
            else:
                del self._resources[resource.name.root]
        self._walk(ticking, now, effects)
        self.due = self._timers.next()
        return effects

    def wakeup(self) -> float | None:
        """The monotonic time at which `advance` must be called, None = there is no need."""
        self.due = self._timers.next()
        return None if self.due == NEVER else self.due

    def parked(self) -> list[object]:
        """The clients that wait for a creation."""
        return self._parked.clients()

    @property
    def idle(self) -> bool:
        """Whether no resource is alive and nobody waits for a creation."""
        return not self._resources and not self._parked

    def snapshot(self) -> Snapshot:
        """Everything, as plain values, oldest resource first."""
        resources = (queue_of(resource, self._patience) for resource in self._resources.values())
        return Snapshot(tuple(resources), self._parked.claims())

    def _overdue(self, client: object, now: Instant, effects: list[Effect]) -> bool:
        """Do what is overdue; True if that closed the very client who is asking for something."""
        known = client in self._connections
        effects.extend(self.advance(now))
        return known and client not in self._connections

    # Deciding a request.

    def _lock_by_meaning(
        self, connection: Connection, request: Request, now: Instant, effects: list[Effect]
    ) -> None:
        """The name is not that of a living resource: a node of a tree, something new, nonsense."""
        name = parse(request.name)
        if name is None:
            effects.append(Refused(connection.client, "invalid_name", True))
            self._end(connection, _BAD_NAME, now, effects)
            return
        resource = self._resources.get(name.root)
        if resource is not None:
            self._decide(connection, resource, request, True, now, effects)
        elif not resource_class(name.kind).acceptable(request):
            self._end(connection, _BAD_NUMBER, now, effects)
        elif request.create:
            self._create(connection, name, request, now, effects)
        elif request.wait:
            self._park(connection, name.root, request, now)
            effects.append(Parked(connection.client))
        else:
            effects.append(Refused(connection.client, "cannot_wait", True))
            self._end(connection, _CANNOT_WAIT, now, effects)

    def _create(
        self,
        connection: Connection,
        name: Name,
        request: Request,
        now: Instant,
        effects: list[Effect],
    ) -> None:
        try:
            kind = resource_class(name.kind)
            resource = kind(name, request.lifespan, seconds_of(self._patience))
        except ValueError:
            self._end(connection, _BAD_FORMAT, now, effects)
            return
        self._resources[name.root] = resource
        self._decide(connection, resource, request, True, now, effects)
        for other, waiting in self._parked.wake(name.root):
            self._decide(other, resource, waiting, False, now, effects)

    def _park(self, connection: Connection, root: bytes, request: Request, now: Instant) -> None:
        previous, connection.current = connection.current, None
        if previous is not None and not connection.bound[previous]:
            self._unbind(connection, previous, now)
        self._parked.park(connection, root, request, now.monotonic)

    def _decide(
        self,
        connection: Connection,
        resource: Resource,
        request: Request,
        first: bool,
        now: Instant,
        effects: list[Effect],
    ) -> None:
        """Step 3 of resources.md 3.2."""
        if connection.current is not resource:
            self._bind(connection, resource, now)
        if not resource.acceptable(request):
            self._end(connection, _BAD_NUMBER, now, effects)
            return
        ancestors = self._living(request.ancestors, connection) if request.ancestors else ()
        kin = kin_of(ancestors, resource) if ancestors else []
        entry = Entry(connection, resource, request, now.monotonic, bool(kin))
        verdict = resource.judge(request, now, entry.nested)
        if verdict == GRANT:
            if resource.take(entry, now):
                connection.bound[resource] += 1
                connection.hold(entry)
                effects.append(Granted(connection.client, entry.name, entry.element, first))
                if connection.heirs:
                    self._tell_heirs(entry, now, effects)
            else:
                self._end(connection, _TOO_LONG, now, effects)
        elif verdict == IMPOSSIBLE:
            effects.append(Refused(connection.client, "impossible", first))
        elif request.wait and is_in_vain(resource, request, kin):
            effects.append(Refused(connection.client, "nested", first))
        else:
            if resource.ticks:
                # The wall clock may have been set since the alarm was computed.
                self._walk([(resource, [])], now, effects)  # older waiters first
            if request.wait:
                watch(entry, ancestors)
                self._enqueue(entry, first, now, effects)
            else:
                effects.append(Refused(connection.client, "busy", first))

    def _enqueue(self, entry: Entry, first: bool, now: Instant, effects: list[Effect]) -> None:
        connection, resource = entry.connection, entry.resource
        resource.enter(entry)
        connection.pending = entry
        connection.bound[resource] += 1
        position = resource.nested.count if entry.nested else resource.waiters
        effects.append(Enqueued(connection.client, position, first))
        if resource.ticks:
            self._arm_tick(resource, now)

    def _living(
        self, clients: tuple[object, ...], connection: Connection
    ) -> tuple[Connection, ...]:
        found = (self._connections.get(client) for client in dict.fromkeys(clients))
        return tuple(one for one in found if one is not None and one is not connection)

    def _tell_heirs(self, grant: Entry, now: Instant, effects: list[Effect]) -> None:
        """Somebody got a lock: waiters from within its locks are nested now, or wait in vain."""
        resource = grant.resource
        for entry in list(grant.connection.heirs):
            if not entry.waiting or entry.resource is not resource:
                continue
            heir, request = entry.connection, request_of(entry)
            if is_in_vain(resource, request, kin_of(entry.ancestors, resource)):
                self._withdraw(heir, now, effects)
                effects.append(Refused(heir.client, "nested", False))
            elif not entry.nested:
                free = resource.judge(request, now, True) == GRANT
                resource.leave(entry)
                heir.pending = nested = Entry(heir, resource, request, entry.since, True)
                resource.enter(nested)
                watch(nested, forget(entry))
                if free:
                    resource.serve(nested, now)
                    self._walk(self._served([nested], now, effects), now, effects)

    # Departures and what they make possible.

    def _withdraw(self, connection: Connection, now: Instant, effects: list[Effect]) -> None:
        """Remove the pending request of a connection, silently."""
        self._parked.leave(connection)
        entry = connection.pending
        if entry is not None:
            gone = self._leave(connection, entry, now)
            self._unbind_entry(connection, entry.resource, now)
            self._walk(gone, now, effects)

    def _end(self, connection: Connection, why: str, now: Instant, effects: list[Effect]) -> None:
        """Close a connection."""
        effects.append(Closed(connection.client, why))
        self._walk(self._remove(connection, now), now, effects)

    def _remove(self, connection: Connection, now: Instant) -> list[tuple[Resource, list[Entry]]]:
        """Release everything of a connection; returns what has gone from where."""
        del self._connections[connection.client]
        self._parked.leave(connection)
        gone: dict[Resource, list[Entry]] = {}
        for entry in connection.grants():
            entry.resource.give_back(entry, True)
            gone.setdefault(entry.resource, []).append(entry)
        if connection.pending is not None:
            for resource, entries in self._leave(connection, connection.pending, now):
                gone.setdefault(resource, []).extend(entries)
        for resource in list(connection.bound):
            self._unbind(connection, resource, now)
        return list(gone.items())

    def _leave(
        self, connection: Connection, entry: Entry, now: Instant
    ) -> list[tuple[Resource, list[Entry]]]:
        """Take a waiter out of its queue: a departure for the others only if it blocked them."""
        connection.pending = None
        resource = entry.resource
        resource.leave(entry)
        forget(entry)
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
                effects.append(Granted(connection.client, entry.name, entry.element, False))
            else:
                effects.append(Closed(connection.client, _TOO_LONG))
                gone.extend(self._remove(connection, now))
        for entry in entries:
            if entry.connection.heirs:
                self._tell_heirs(entry, now, effects)
        return gone

    def _is_bound(self, connection: Connection, text: bytes) -> bool:
        name = parse(text)
        return name is not None and self._resources.get(name.root) in connection.bound
