"""Clients that wait for the creation of a resource (resources.md 8.2)."""

from .queue import Claim
from .requests import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .connection import Connection


class Parking:
    """The parked requests by the resource they wait for, in order of arrival."""

    __slots__ = ("_lots",)

    def __init__(self) -> None:
        self._lots: dict[bytes, dict[Connection, tuple[Request, float]]] = {}

    def __bool__(self) -> bool:
        return bool(self._lots)

    def park(self, connection: "Connection", root: bytes, request: Request, since: float) -> None:
        """Let a connection wait for `root`."""
        connection.parked = root
        self._lots.setdefault(root, {})[connection] = request, since

    def leave(self, connection: "Connection") -> tuple[Request, float] | None:
        """Let a connection wait no more; what it waited for and since when, if it did."""
        root, connection.parked = connection.parked, None
        if root is None:
            return None
        lot = self._lots[root]
        left = lot.pop(connection)
        if not lot:
            del self._lots[root]
        return left

    def wake(self, root: bytes) -> "list[tuple[Connection, Request, float]]":
        """Empty the lot of a resource that exists now; whoever waited, for what and since when."""
        lot = self._lots.pop(root, {})
        for connection in lot:
            connection.parked = None
        return [(connection, request, since) for connection, (request, since) in lot.items()]

    def clients(self) -> list[object]:
        """Everybody who waits."""
        return [connection.client for lot in self._lots.values() for connection in lot]

    def claims(self) -> tuple[Claim, ...]:
        """What they wait for, as plain values."""
        return tuple(
            Claim(
                connection.client,
                request.name,
                request.mode,
                request.quantity,
                since,
                told=request.told,
            )
            for lot in self._lots.values()
            for connection, (request, since) in lot.items()
        )
