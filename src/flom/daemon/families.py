"""Who runs within whose lock, as clients prove it (docs/reference/extension.md, "Nesting")."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.daemon.connection import Connection

# Nobody counts more ancestors than this, so that a chain of connections costs the others nothing.
MOST_ANCESTORS = 64


class Families:
    """The live connections by the session that each has named last."""

    __slots__ = ("_by_session",)

    def __init__(self) -> None:
        self._by_session: dict[str, Connection] = {}

    def introduce(self, connection: "Connection", session: str, within: tuple[str, ...]) -> None:
        """Take the session of a client, "" if it names none, and those it runs within.

        A session that is alive already is not taken a second time.
        """
        self.leave(connection)
        connection.within = within
        if session and session not in self._by_session:
            self._by_session[session] = connection
            connection.session = session

    def leave(self, connection: "Connection") -> None:
        """Forget the session of a connection."""
        if connection.session:
            del self._by_session[connection.session]
            connection.session = ""

    def ancestors(self, connection: "Connection") -> "tuple[Connection, ...]":
        """The live connections that this one runs within, the nearest first."""
        found: dict[Connection, None] = {connection: None}
        for descendant in (queue := [connection]):
            for session in reversed(descendant.within):
                ancestor = self._by_session.get(session)
                if ancestor is not None and ancestor not in found:
                    if len(found) > MOST_ANCESTORS:
                        break
                    found[ancestor] = None
                    queue.append(ancestor)
        return tuple(found)[1:]
