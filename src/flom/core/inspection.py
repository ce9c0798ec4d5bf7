"""What is known of a table, for those who only look."""

from .departures import Departures
from .explain import Explanation, explain, explain_pending
from .names import parse
from .queue import FOR_EVER, Claim, Queue, Snapshot, queue_of
from .requests import Instant, Request
from .resource import Resource


class Inspection(Departures):
    """A table that answers questions; nothing changes by them. See Table for the parameters."""

    __slots__ = ("_longest", "_most", "patience")

    def __init__(
        self, patience: int = 60000, longest: float = FOR_EVER, most: float = FOR_EVER
    ) -> None:
        super().__init__()
        self.patience = patience
        self._longest = longest
        self._most = most

    def parked(self) -> list[object]:
        """The clients that wait for a creation."""
        return self._parked.clients()

    @property
    def idle(self) -> bool:
        """Whether no resource is alive and nobody waits for a creation."""
        return not self._resources and not self._parked

    def snapshot(self) -> Snapshot:
        """Everything, as plain values, oldest resource first."""
        resources = (queue_of(resource, self.patience) for resource in self._resources.values())
        return Snapshot(tuple(resources), self._parked.claims())

    def resources(self) -> list[Resource]:
        """Those that live now, oldest first."""
        return list(self._resources.values())

    def find(self, name: bytes) -> Resource | None:
        """The living resource that a name belongs to."""
        known = parse(name)
        return None if known is None else self._resources.get(known.root)

    def queue(self, resource: Resource) -> Queue:
        """A living resource as plain values."""
        return queue_of(resource, self.patience)

    def waiting_for_creation(self) -> tuple[Claim, ...]:
        """The parked requests, as plain values."""
        return self._parked.claims()

    def explain(self, request: Request, now: Instant) -> Explanation:
        """Would this request of a newcomer be granted? What is overdue must be done (`due`)."""
        return explain(self._resources, self.patience, self._most, self._longest, request, now)

    def explain_pending(self, client: object, now: Instant) -> Explanation | None:
        """Why does a client have to wait? None if it does not."""
        connection = self._connections.get(client)
        if connection is None:
            return None
        if connection.parked is not None:
            claim = next(one for one in self._parked.claims() if one.client is client)
            name = parse(claim.name)
            return Explanation(name.kind if name else None, "no_resource", pending=claim)
        return explain_pending(connection, self.patience, now)
