"""The vocabulary of the core: what is asked, when, and what follows from it.

Requests and instants go into `table.Table`, effects come out. All of them are plain values:
nobody changes one after it was made.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .queue import Claim

EXCLUSIVE = 5
MAX_QUANTITY = 2147483647


class Value:
    """A plain value: equal to another of its type when all fields are equal."""

    __slots__: tuple[str, ...] = ()

    def _fields(self) -> list[str]:
        return [name for part in reversed(type(self).__mro__) for name in _slots_of(part)]

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self._fields())

    __hash__ = None  # type: ignore[assignment]  # Python's word for unhashable

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields())
        return f"{type(self).__name__}({fields})"


def _slots_of(part: type) -> tuple[str, ...]:
    names: tuple[str, ...] = part.__dict__.get("__slots__", ())
    return names


class Instant(Value):
    """One moment on two clocks.

    monotonic: seconds since any origin, never goes back; patience and retention are counted on it.
    wall: microseconds since the epoch, may be set back; timestamps are made of it.
    """

    __slots__ = ("monotonic", "wall")

    def __init__(self, monotonic: float, wall: int) -> None:
        self.monotonic = monotonic
        self.wall = wall


class Request(Value):
    """One lock request (resources.md 2).

    mode: 0 NL to 5 EX. quantity: units of a numeric resource. wait: may it be queued or parked.
    create: may it bring the resource into existence. lifespan: milliseconds, counts only if this
    request creates the resource. ancestors: the clients within whose locks the asker runs; those
    who hold nothing of the resource do not count. told: what the client tells of itself, for who
    looks at the table; means nothing here. fenced: its grant shall have a fencing token.
    """

    __slots__ = (
        "ancestors", "create", "fenced", "lifespan", "mode", "name", "quantity", "told", "wait",
    )  # fmt: skip

    def __init__(
        self,
        name: bytes,
        mode: int = EXCLUSIVE,
        quantity: int = 1,
        wait: bool = True,
        create: bool = True,
        lifespan: int = 0,
        ancestors: tuple[object, ...] = (),
        told: str = "",
        fenced: bool = False,
    ) -> None:
        self.name = name
        self.mode = mode
        self.quantity = quantity
        self.wait = wait
        self.create = create
        self.lifespan = lifespan
        self.ancestors = ancestors
        self.told = told
        self.fenced = fenced


class Effect(Value):
    """Something to be told to one client. `first`: it is the first answer of its request."""

    __slots__ = ("client",)

    client: object


class Granted(Effect):
    """The client holds `name` from now on; `element` is what it was given, if anything.

    token: the fencing token, None if the request wants none. Of two grants of one resource the
    later one has the higher token.
    """

    __slots__ = ("element", "first", "name", "token")

    def __init__(
        self,
        client: object,
        name: bytes,
        element: str | None,
        first: bool,
        token: int | None = None,
    ) -> None:
        self.client = client
        self.name = name
        self.element = element
        self.first = first
        self.token = token


class Enqueued(Effect):
    """The client waits in the queue, at `position` when it entered (1 = next)."""

    __slots__ = ("first", "position")

    def __init__(self, client: object, position: int, first: bool) -> None:
        self.client = client
        self.position = position
        self.first = first


class Parked(Effect):
    """The client waits until somebody creates the resource. Always a first answer."""

    __slots__ = ()

    def __init__(self, client: object) -> None:
        self.client = client


class Refused(Effect):
    """The request is over without a lock: `reason` says why.

    "busy", "cannot_wait", "impossible", "invalid_name", "denied": rules of access forbid it, or
    "nested": it would wait for what its own ancestors hold, `holder` being the first such claim;
    "queue_full", "table_full": as many hold or wait, or there are as many resources, as there may.
    """

    __slots__ = ("first", "holder", "reason")

    def __init__(
        self, client: object, reason: str, first: bool, holder: "Claim | None" = None
    ) -> None:
        self.client = client
        self.reason = reason
        self.first = first
        self.holder = holder


class Closed(Effect):
    """The connection of the client must be ended; everything it had is already released."""

    __slots__ = ("why",)

    def __init__(self, client: object, why: str) -> None:
        self.client = client
        self.why = why
