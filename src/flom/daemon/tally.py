"""What the daemon counts of what happens in its table, and who else is told."""

from flom.core.observer import Observer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.core.requests import Instant, Request
    from flom.core.resource import Entry, Resource
    from flom.daemon.connection import Connection
    from flom.daemon.watchers import Watchers

# Upper bounds of the histograms, in seconds.
BUCKETS = (
    0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0,
    float("inf"),
)  # fmt: skip
SHORT = BUCKETS[0]


class Histogram:
    """How often something took how long."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * len(BUCKETS)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        """Count one that took so long."""
        self.sum += seconds
        if seconds <= SHORT:
            self.counts[0] += 1
            return
        bucket = 1
        while seconds > BUCKETS[bucket]:
            bucket += 1
        self.counts[bucket] += 1


class Kind:
    """The counts of one kind of resource. Every grant is in `wait`, every end of one in `hold`."""

    __slots__ = ("hold", "losses", "refusals", "taken", "wait", "withdrawals")

    def __init__(self) -> None:
        self.wait = Histogram()
        self.hold = Histogram()
        self.losses = 0
        self.taken = 0
        self.withdrawals = 0
        self.refusals: dict[str, int] = {}


class Tally(Observer):
    """Counts since the start, the numbers of connections and resources, and the watchers.

    watchers: those who want to know each event; None if there is nobody. The first number given
    out is `first`.
    """

    __slots__ = ("_last", "invalid_names", "kinds", "watchers")

    def __init__(self, first: int) -> None:
        self._last = first - 1
        self.kinds: dict[str, Kind] = {}
        self.invalid_names = 0
        self.watchers: Watchers | None = None

    def number(self) -> int:
        """The next number (daemon.md 13)."""
        self._last += 1
        return self._last

    def connected(self, connection: "Connection", now: "Instant") -> None:
        """A client came."""
        connection.number = self.number()
        if self.watchers is not None:
            self.watchers.record("connected", now, None, connection)

    def left(self, connection: "Connection", now: "Instant") -> None:
        """A client went; nothing else is told of it after that."""
        if self.watchers is not None:
            self.watchers.record("left", now, None, connection)

    def created(self, resource: "Resource", now: "Instant") -> None:
        """A number for the resource, and its time."""
        resource.number = self.number()
        resource.created = resource.changed = now.wall
        resource.account = self._kind(resource.name.kind)
        if self.watchers is not None:
            self.watchers.record("created", now, resource)

    def forgotten(self, resource: "Resource", now: "Instant") -> None:
        """For the watchers alone."""
        if self.watchers is not None:
            self.watchers.record("forgotten", now, resource)

    def parked(self, client: object, request: "Request", now: "Instant") -> None:
        """For the watchers alone."""
        if self.watchers is not None:
            self.watchers.record("parked", now, None, client, request)

    def unparked(
        self, client: object, request: "Request", asked: float, reason: str, now: "Instant"
    ) -> None:
        """For the watchers alone: no resource, hence no kind, has been asked for."""
        if self.watchers is not None:
            waited = now.monotonic - asked
            self.watchers.record("withdrawn", now, None, client, request, waited, None, reason)

    def refused(
        self, client: object, request: "Request", kind: str, reason: str, now: "Instant"
    ) -> None:
        """Count it by its reason."""
        if kind:
            refusals = self._kind(kind).refusals
            refusals[reason] = refusals.get(reason, 0) + 1
        else:
            self.invalid_names += 1
        if self.watchers is not None:
            self.watchers.record("refused", now, None, client, request, None, None, reason)

    def enqueued(self, entry: "Entry", now: "Instant") -> None:
        """The resource has changed."""
        entry.resource.changed = now.wall
        if self.watchers is not None:
            self.watchers.record("enqueued", now, entry.resource, entry.connection.client, entry)

    def withdrawn(self, entry: "Entry", reason: str, now: "Instant") -> None:
        """Count it."""
        resource = entry.resource
        resource.changed = now.wall
        resource.account.withdrawals += 1
        if self.watchers is not None:
            waited = now.monotonic - entry.asked
            client = entry.connection.client
            self.watchers.record("withdrawn", now, resource, client, entry, waited, None, reason)

    def granted(self, entry: "Entry", now: "Instant") -> None:
        """Count it, and how long it waited."""
        resource = entry.resource
        resource.changed = now.wall
        waited = entry.since - entry.asked
        resource.account.wait.add(waited)
        watchers = self.watchers
        if watchers is not None:
            if watchers.full:
                watchers.seq += 1  # as `record` does: locks come by the ten thousand
            else:
                client = entry.connection.client
                watchers.record("granted", now, resource, client, entry, waited)

    def released(self, entry: "Entry", now: "Instant") -> None:
        """Count it, and how long it was held."""
        resource = entry.resource
        resource.changed = now.wall
        held = now.monotonic - entry.since
        resource.account.hold.add(held)
        watchers = self.watchers
        if watchers is not None:
            if watchers.full:
                watchers.seq += 1
            else:
                client = entry.connection.client
                watchers.record("released", now, resource, client, entry, None, held)

    def lost(self, entry: "Entry", taken: bool, now: "Instant") -> None:
        """Count it, and how long it was held."""
        resource = entry.resource
        resource.changed = now.wall
        held = now.monotonic - entry.since
        kind = resource.account
        kind.hold.add(held)
        if taken:
            kind.taken += 1
        else:
            kind.losses += 1
        if self.watchers is not None:
            what = "taken" if taken else "lost"
            client = entry.connection.client
            self.watchers.record(what, now, resource, client, entry, None, held)

    def _kind(self, kind: str) -> Kind:
        try:
            return self.kinds[kind]
        except KeyError:
            return self.kinds.setdefault(kind, Kind())
