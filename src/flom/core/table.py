"""All resources: find, create, wait for creation, lock, unlock, disconnect, forget.

The rules are in resources.md 3, 7 and 8. Whatever cannot be decided by the queue of one resource
is decided here; what follows for whom is returned as a list of effects, in order.
"""

from .connection import Connection
from .departures import TOO_LONG, granted
from .descent import any_holds, in_the_way, watch
from .inspection import Inspection
from .kinds import resource_class
from .names import Name, kind_of, parse
from .observer import Observer
from .queue import Claim, seconds_of
from .requests import Closed, Effect, Enqueued, Granted, Instant, Parked, Refused, Request
from .resource import GRANT, IMPOSSIBLE, NEVER, Entry, Resource

_NO_LOCK = "unlock without a lock"
_OTHER_NAME = "unlock of another resource"
_BAD_NUMBER = "mode or quantity out of range"
_BAD_NAME = "invalid resource name"
_BAD_FORMAT = "unusable timestamp format"
_CANNOT_WAIT = "the resource does not exist"


class Table(Inspection):
    """The lock table.

    patience: how many milliseconds a waiter lets others pass; 0 = nobody passes (strictly fair),
    negative = newcomers pass for ever. longest: how many may hold or wait for one resource. most:
    how many resources there may be. Who would be one more is refused.

    A client is any hashable value that stands for one connection. Times must not go backwards on
    the monotonic clock. `due` is never later than `wakeup()` and costs nothing to look at. Every
    method first does what is overdue, so results do not depend on how promptly `advance` is
    called; and none blocks or raises, whatever a client asks.
    """

    __slots__ = ()

    def observe(self, observer: Observer) -> None:
        """Tell an observer, and no other, each change from now on."""
        self._observer = observer

    def lock(self, client: object, request: Request, now: Instant) -> list[Effect]:
        """A client asks for a lock; a request of it that is still pending is replaced (W-35)."""
        if self.lock_again(client, request, now):
            return [Granted(client, request.name, None, True)]
        effects: list[Effect] = []
        if now.monotonic >= self.due and self._overdue(client, now, effects):
            return effects
        connection = self._connections.get(client)
        if connection is None:
            connection = self._connections[client] = Connection(client)
        elif connection.pending is not None or connection.parked is not None:
            self._withdraw(connection, "replaced", now, effects)
        resource = self._resources.get(request.name)
        if resource is None:
            self._lock_by_meaning(connection, request, now, effects)
        else:
            self._decide(connection, resource, request, True, now, effects)
        return effects

    def lock_again(self, client: object, request: Request, now: Instant) -> bool:
        """Grant a busy client what it gave back last, if it need not wait.

        `request` is the very one that was granted then, and wants no fencing token. What `lock`
        would do, for less: there is no new entry, and one effect that goes without saying. False if
        nothing has been done.
        """
        connection = self._connections.get(client)
        if connection is None or now.monotonic >= self.due:
            return False
        entry = connection.spare
        if entry is None or entry.request is not request or connection.pending is not None:
            return False
        if request.fenced or request.ancestors or connection.heirs:
            return False  # who runs within whose lock may have changed
        resource = entry.resource
        if len(resource.holders) + resource.waiters >= self._longest:
            return False
        if resource.judge(request, now) != GRANT:
            return False
        entry.since = entry.asked = now.monotonic
        resource.take(entry, now)
        connection.spare = None
        connection.bound[resource] += 1
        connection.hold(entry)
        self._observer.granted(entry, now)
        return True

    def renew(self, client: object, request: Request, now: Instant) -> bool:
        """A client unlocks and asks at once for the same, which nobody waits for.

        `request` is the very one that was granted, and wants no fencing token. What `unlock` and
        `lock` would do, for less: only the observer sees a difference to before. False if nothing
        has been done.
        """
        connection = self._connections.get(client)
        if connection is None or now.monotonic >= self.due:
            return False
        entry = connection.held.get(request.name)
        if entry is None or entry.request is not request or connection.pending is not None:
            return False
        resource = entry.resource
        if resource.waiters or entry.element is not None or connection.current is not resource:
            return False
        if request.fenced or request.ancestors or connection.heirs:
            return False  # who runs within whose lock may have changed
        del resource.holders[entry]  # they stand in the order of their grants
        self._observer.released(entry, now)
        entry.since = entry.asked = now.monotonic
        resource.holders[entry] = None
        self._observer.granted(entry, now)
        return True

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
            self._observer.released(entry, now)
            if connection.current is resource:
                connection.bound[resource] -= 1
                if entry.element is None:
                    connection.spare = entry
            else:
                self._unbind_entry(connection, resource, now)
            if resource.waiters:
                self._walk([(resource, [entry])], now, effects)
        elif connection.pending is not None and connection.pending.name == name:
            self._withdraw(connection, "unlocked", now, effects)
        elif not self._is_bound(connection, name):
            why = _OTHER_NAME if connection.bound else _NO_LOCK
            self._end(connection, why, now, effects)
        return effects

    def deny(self, client: object, request: Request, now: Instant) -> list[Effect]:
        """Rules forbid what a client asks for; its pending request is replaced all the same."""
        effects: list[Effect] = []
        if now.monotonic >= self.due and self._overdue(client, now, effects):
            return effects
        connection = self._connections.get(client)
        if connection is not None:
            self._withdraw(connection, "replaced", now, effects)
        self._observer.refused(client, request, kind_of(request.name) or "", "denied", now)
        effects.append(Refused(client, "denied", True))
        return effects

    def disconnect(self, client: object, now: Instant, taken: bool = False) -> list[Effect]:
        """A client has gone; everything it had is released (R-50). Unknown clients are fine.

        taken: an operator wants it so; it makes a difference to the observer alone.
        """
        effects: list[Effect] = []
        if now.monotonic >= self.due:
            effects = self.advance(now)
        connection = self._connections.get(client)
        if connection is not None and (gone := self._remove(connection, now, taken)):
            self._walk(gone, now, effects)
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
                self._highest = max(self._highest, resource.token)
                self._observer.forgotten(resource, now)
        self._walk(ticking, now, effects)
        self.due = self._timers.next()
        return effects

    def wakeup(self) -> float | None:
        """The monotonic time at which `advance` must be called, None = there is no need."""
        self.due = self._timers.next()
        return None if self.due == NEVER else self.due

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
            self._refuse(connection, request, "", "invalid_name", True, now, effects)
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
            self._observer.parked(connection.client, request, now)
            effects.append(Parked(connection.client))
        else:
            self._refuse(connection, request, name.kind, "cannot_wait", True, now, effects)
            self._end(connection, _CANNOT_WAIT, now, effects)

    def _create(
        self,
        connection: Connection,
        name: Name,
        request: Request,
        now: Instant,
        effects: list[Effect],
    ) -> None:
        if len(self._resources) >= self._most:
            self._refuse(connection, request, name.kind, "table_full", True, now, effects)
            return
        try:
            kind = resource_class(name.kind)
            resource = kind(name, request.lifespan, seconds_of(self.patience))
        except ValueError:
            self._end(connection, _BAD_FORMAT, now, effects)
            return
        # Should the clock have been set back since a resource of this name was forgotten.
        resource.token = self._highest
        self._resources[name.root] = resource
        self._observer.created(resource, now)
        self._decide(connection, resource, request, True, now, effects)
        for other, waiting, since in self._parked.wake(name.root):
            self._decide(other, resource, waiting, False, now, effects, since)

    def _park(self, connection: Connection, root: bytes, request: Request, now: Instant) -> None:
        previous, connection.current = connection.current, None
        connection.spare = None
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
        asked: float | None = None,
    ) -> None:
        """Step 3 of resources.md 3.2. asked: since when it has been parked, if it was."""
        if connection.current is not resource:
            self._bind(connection, resource, now)
        if not resource.acceptable(request):
            self._end(connection, _BAD_NUMBER, now, effects)
            return
        ancestors = self._living(request.ancestors, connection) if request.ancestors else ()
        nested = bool(ancestors) and any_holds(ancestors, resource)
        entry = Entry(connection, resource, request, now.monotonic, nested)
        if asked is not None:
            entry.asked = asked
        verdict = resource.judge(request, now, nested)
        full = len(resource.holders) + resource.waiters >= self._longest
        if verdict == GRANT and not full:
            if resource.take(entry, now):
                connection.bound[resource] += 1
                connection.hold(entry)
                self._observer.granted(entry, now)
                effects.append(granted(entry, first, now))
                if connection.heirs:
                    self._tell_heirs(entry, now, effects)
            else:
                self._end(connection, TOO_LONG, now, effects)
        elif verdict == IMPOSSIBLE:
            self._refuse(connection, request, resource.name.kind, "impossible", first, now, effects)
        elif nested and request.wait and (claim := in_the_way(resource, request, ancestors)):
            kind = resource.name.kind
            self._refuse(connection, request, kind, "nested", first, now, effects, claim)
        else:
            if resource.ticks:
                # The wall clock may have been set since the alarm was computed.
                self._walk([(resource, [])], now, effects)  # older waiters first
            if request.wait and not full:
                watch(entry, ancestors)
                self._enqueue(entry, first, now, effects)
            else:
                why = "queue_full" if request.wait or verdict == GRANT else "busy"
                self._refuse(connection, request, resource.name.kind, why, first, now, effects)

    def _refuse(
        self,
        connection: Connection,
        request: Request,
        kind: str,
        reason: str,
        first: bool,
        now: Instant,
        effects: list[Effect],
        holder: Claim | None = None,
    ) -> None:
        self._observer.refused(connection.client, request, kind, reason, now)
        effects.append(Refused(connection.client, reason, first, holder))

    def _enqueue(self, entry: Entry, first: bool, now: Instant, effects: list[Effect]) -> None:
        connection, resource = entry.connection, entry.resource
        resource.enter(entry)
        self._observer.enqueued(entry, now)
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

    def _is_bound(self, connection: Connection, text: bytes) -> bool:
        name = parse(text)
        return name is not None and self._resources.get(name.root) in connection.bound
