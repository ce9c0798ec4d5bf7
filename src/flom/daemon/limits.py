"""What a daemon takes at most, so that nobody can take all of it (docs/reference/limits.md)."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from flom.daemon.connection import Connection
    from flom.daemon.reactor import Reactor
    from flom.daemon.streamlog import StreamLog
    from flom.log import SystemLog
    from flom.settings import Settings

# The limits whose newcomers are told, by the long names of the options that set them.
CONNECTIONS = "max-connections"
PER_PEER = "max-connections-per-peer"
QUEUE = "max-queue"
RESOURCES = "max-resources"

# Connections beyond the limits that are kept, for as long as a message may take, to be told why
# they are refused; those beyond are closed at once.
MOST_SURPLUS = 64
# Seconds between two records of one kind.
RECORD_INTERVAL = 60.0


class Limits:
    """The numbers, as `settings` have them.

    connections: in all; per_peer: of one user of a UNIX socket, or from one address. message:
    bytes; message_time: seconds until it is complete. silence: seconds until the first message.
    queue: holders and waiters of one resource. resources: in all. unread: bytes of answers.
    """

    __slots__ = (
        "connections", "message", "message_time", "per_peer", "queue", "resources", "silence",
        "unread",
    )  # fmt: skip

    def __init__(self, settings: "Settings") -> None:
        self.connections = settings.max_connections
        self.per_peer = settings.max_connections_per_peer
        self.message = settings.max_message_size
        self.message_time = settings.message_timeout / 1000
        self.silence = settings.first_message_timeout / 1000
        self.queue = settings.max_queue
        self.resources = settings.max_resources
        self.unread = settings.max_unread

    def of(self, option: str) -> int:
        """The number behind one of the options above."""
        return {
            CONNECTIONS: self.connections,
            PER_PEER: self.per_peer,
            QUEUE: self.queue,
            RESOURCES: self.resources,
        }[option]


class Grace:
    """Connections that have `seconds` from the moment they are added; `over` is called then.

    One timer serves all: the first to come is the first whose time is over.
    """

    __slots__ = ("_armed", "_over", "_reactor", "_seconds", "_until")

    def __init__(
        self, reactor: "Reactor", seconds: float, over: "Callable[[Connection], None]"
    ) -> None:
        self._reactor = reactor
        self._seconds = seconds
        self._over = over
        self._until: dict[Connection, float] = {}
        self._armed = False

    def __len__(self) -> int:
        return len(self._until)

    def add(self, connection: "Connection") -> None:
        """Its time begins."""
        until = self._until[connection] = self._reactor.now + self._seconds
        if not self._armed:
            self._armed = True
            self._reactor.call_at(until, self._look)

    def discard(self, connection: "Connection") -> None:
        """Nothing is expected of it any more."""
        self._until.pop(connection, None)

    def _look(self) -> None:
        self._armed = False
        while self._until:
            connection, until = next(iter(self._until.items()))
            if until > self._reactor.now:
                self._armed = True
                self._reactor.call_at(until, self._look)
                return
            del self._until[connection]
            self._over(connection)


class Complaints:
    """Records of what was refused or ended because of a limit: of each kind one a minute."""

    __slots__ = ("_kept", "_log", "_next", "_reactor")

    def __init__(self, reactor: "Reactor", log: "SystemLog | StreamLog") -> None:
        self._reactor = reactor
        self._log = log
        self._next: dict[str, float] = {}
        self._kept: dict[str, int] = {}

    def add(self, kind: str, text: str) -> None:
        """It has happened; those not recorded are counted in the next record."""
        if self._reactor.now < self._next.get(kind, 0.0):
            self._kept[kind] = self._kept.get(kind, 0) + 1
            return
        self._next[kind] = self._reactor.now + RECORD_INTERVAL
        more = self._kept.pop(kind, 0)
        self._log.record("FLM130W", f"{text} ({more} more before)" if more else text)


def raise_descriptor_limit() -> None:
    """Allow this process as many descriptors as the system lets it."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        pass  # more than the kernel itself allows
