"""What the table knows about one client."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .resource import Entry, Resource


class Connection:
    """One client and all it has.

    current: the resource of its most recent lock. held: the newest grant for each name, with the
    older ones of the same name behind it. pending: the one request that waits in a queue.
    parked: the resource whose creation it waits for. bound: the resources it keeps alive, with
    the number of its entries there. heirs: the waiters that were asked for from within its locks.
    spare: what it gave back last on its current resource, to serve again when it asks for the same.
    """

    __slots__ = ("bound", "client", "current", "heirs", "held", "parked", "pending", "spare")

    def __init__(self, client: object) -> None:
        self.client = client
        self.current: Resource | None = None
        self.held: dict[bytes, Entry] = {}
        self.pending: Entry | None = None
        self.parked: bytes | None = None
        self.bound: dict[Resource, int] = {}
        self.heirs: dict[Entry, None] = {}
        self.spare: Entry | None = None

    def hold(self, entry: "Entry") -> None:
        """Remember a grant."""
        name = entry.name
        entry.older = self.held.get(name)
        self.held[name] = entry

    def drop(self, entry: "Entry") -> None:
        """Forget the newest grant of its name."""
        if entry.older is None:
            del self.held[entry.name]
        else:
            self.held[entry.name] = entry.older

    def grants(self) -> "list[Entry]":
        """All grants; those of one name from the oldest to the newest."""
        found: list[Entry] = []
        for newest in self.held.values():
            chain = [newest]
            while chain[-1].older is not None:
                chain.append(chain[-1].older)
            found.extend(reversed(chain))
        return found
