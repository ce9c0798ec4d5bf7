"""Who asks the daemon what, and is told as fast as it reads. Loaded when somebody asks."""

from binascii import b2a_base64

from flom import fields
from flom.daemon import rows
from flom.daemon.state import State, line, name_in, number_in, root_in
from flom.daemon.watchers import Watchers
from flom.errors import (
    OWN_RC_ACCESS_DENIED,
    OWN_RC_NOT_ALLOWED,
    RC_API_INVALID_SEQUENCE,
    RC_OBJ_NOT_FOUND_ERROR,
    RC_OK,
    RC_PROTOCOL_ERROR,
    FlomError,
    ProtocolError,
    describe,
)
from flom.net.sockets import AF_UNIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flom.daemon.connection import Connection
    from flom.daemon.rows import Row
    from flom.daemon.server import Server
    from flom.daemon.streamlog import StreamLog
    from flom.log import SystemLog
    from flom.wire.rare import Ask

    Words = dict[str, str]

# Questions that may wait on a connection for their turn.
MOST_QUESTIONS = 8
# Bytes of an answer that are made at a time, and that a message holds at most.
BATCH = 8192
_LARGEST = 32768


class Talk:
    """The questions of one connection, answered one after the other."""

    __slots__ = ("_begin", "_connection", "_number", "_pieces", "_waiting")

    def __init__(
        self, connection: "Connection", begin: "Callable[[Connection, Ask], Iterator[str] | None]"
    ) -> None:
        self._connection = connection
        self._begin = begin
        self._waiting: list[Ask] = []
        self._number = 0
        self._pieces: Iterator[str] | None = None

    def ask(self, message: "Ask") -> bool:
        """Take a question; False if the peer has gone. Raises ProtocolError if it asks too much."""
        if len(self._waiting) >= MOST_QUESTIONS:
            raise ProtocolError(RC_PROTOCOL_ERROR, "too many questions at once")
        self._waiting.append(message)
        return self._connection.refill is not None or self.go_on()

    def go_on(self) -> bool:
        """Tell some more, now that the peer has taken what it was told; False if it has gone."""
        told = 0
        while told < BATCH and (self._pieces is not None or self._waiting):
            text, end = self._next()
            told += len(text)
            if not self._send(text, end):
                return False
        more = self._pieces is not None or bool(self._waiting)
        return self._connection.want_refill(self.go_on if more else None)

    def _next(self) -> tuple[str, tuple[int, str] | None]:
        """Some text of the present answer, and how it ends if it does."""
        taken: list[str] = []
        size = 0
        try:
            if self._pieces is None:
                question = self._waiting.pop(0)
                self._number = question.number
                self._pieces = self._begin(self._connection, question)
                if self._pieces is None:
                    return "", None  # a stream, which others tell
            for piece in self._pieces:
                taken.append(piece)
                size += len(piece)
                if size >= BATCH:
                    return "".join(taken), None
            end = RC_OK, ""
        except FlomError as error:
            end = error.rc, error.text
        self._pieces = None
        return "".join(taken), end

    def _send(self, text: str, end: tuple[int, str] | None) -> bool:
        connection, number = self._connection, self._number
        conversation, data = connection.conversation, text.encode("ascii")
        for begin in range(0, len(data), _LARGEST):
            part = b2a_base64(data[begin : begin + _LARGEST], newline=False)
            if not connection.send(conversation.part(number, part)):
                return False
        return end is None or connection.send(conversation.end(number, *end))


class Desk:
    """Takes the questions of all connections of a server."""

    def __init__(
        self, server: "Server", facts: "Callable[[], Row]", log: "SystemLog | StreamLog"
    ) -> None:
        self._server = server
        self._log = log
        self.state = State(server, facts)

    def ask(self, connection: "Connection", message: "Ask") -> bool:
        """A question; False if the peer has gone. Raises ProtocolError, see Talk."""
        if connection.talk is None:
            connection.talk = Talk(connection, self._begin)
        return connection.talk.ask(message)

    def leave(self, connection: "Connection") -> None:
        """A connection that has asked is gone."""
        tally = self._server.tally
        if tally.watchers is not None and not tally.watchers.remove(connection):
            tally.watchers = None

    def _begin(self, asker: "Connection", message: "Ask") -> "Iterator[str] | None":
        what, words = message.what, message.words
        if what == "events":
            self._watch(asker, message)
            return None
        if what == "break":
            return self._break(asker, words)
        return self.state.answer(what, words, asker)

    def _watch(self, asker: "Connection", message: "Ask") -> None:
        root = root_in(message.words) if "name" in message.words else None
        tally = self._server.tally
        if tally.watchers is None:
            tally.watchers = Watchers(self._server.reactor, self._server.lose, self._fail)
        if not tally.watchers.add(asker, message.number, root):
            raise FlomError(RC_API_INVALID_SEQUENCE, "this connection watches events already")

    def _fail(self, connections: "Iterable[Connection]", fault: Exception) -> None:
        """A fault of ours, met while telling events, costs the watchers only."""
        self._log.record("FLM009W", f"internal error telling events: {fault!r}")
        for connection in connections:
            self._server.lose(connection)

    def _break(self, asker: "Connection", words: "Words") -> "Iterator[str]":
        server = self._server
        name, holder = name_in(words), number_in(words, "holder", 0)
        gate = server.gate
        if gate is None and not may_break(asker):
            raise FlomError(
                OWN_RC_NOT_ALLOWED,
                "only root and the user of the daemon may take locks away, over a local socket"
                " (rules of access in its configuration may allow it to others)",
            )
        resource = server.table.find(name)
        now = server.instant()
        holders = [] if resource is None else server.table.queue(resource).holders
        chosen = [c for c in holders if not holder or c.client.number == holder]  # type: ignore[attr-defined]  # the server's clients
        if resource is None or not chosen:
            raise FlomError(RC_OBJ_NOT_FOUND_ERROR, "nobody holds it")
        # All or nothing: in a tree the rules may differ from claim to claim.
        if gate is not None and not all(gate.admits_force(asker, claim.name) for claim in chosen):
            raise FlomError(OWN_RC_ACCESS_DENIED, describe(OWN_RC_ACCESS_DENIED))
        notice = {
            "notice": "taken",
            "name": fields.text(resource.name.text),
            "time": now.wall / 1e6,
            "by": {
                key: value
                for key, value in rows.peer(asker, asker.ext).items()
                if key in ("uid", "cn", "user", "host", "pid")
            },
        }
        told = b2a_base64(line(notice).encode("ascii"), newline=False)
        for claim in chosen:
            row = rows.claim(resource.name.kind, claim, now, None)
            yield line({**row, "resource": resource.number})
            self._log.record("FLM113N", _taken(row, asker))
            server.take_away(claim.client, told)  # type: ignore[arg-type]  # the server's clients


def may_break(asker: "Connection") -> bool:
    """Whether a peer may take the locks of others away, where no rules say who may."""
    import posix

    return asker.sock.family == AF_UNIX and asker.uid in (0, posix.getuid())


def _taken(row: "Row", operator: "Connection") -> str:
    return (
        f"{row['name']!r} taken from {row['peer']} (user {row['user']}, host {row['host']}, pid"
        f" {row['pid']}) by {operator.peer} (uid {operator.uid})"
    )
