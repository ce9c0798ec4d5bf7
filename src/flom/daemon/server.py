"""What clients say to the daemon: messages of the wire as requests to the core.

The one half of what knows both; the other, from effects to messages, is answers.py (design 3).
"""

from flom import trace
from flom.core.requests import Closed, Request
from flom.core.table import Table
from flom.daemon.answers import DECISIONS, story
from flom.daemon.connection import Connection
from flom.daemon.door import NEVER
from flom.daemon.hearing import Hearing
from flom.errors import (
    OWN_RC_ACCESS_DENIED,
    RC_LOCK_WAIT_RESOURCE,
    RC_OK,
)
from flom.wire.messages import Lock, Unlock
from flom.wire.rare import Shutdown
from flom.wire.server import NEW
from flom.wire.tokens import FLOM, ONLOOKER, read, sessions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from flom.core.requests import Effect
    from flom.daemon.reactor import Reactor
    from flom.daemon.streamlog import StreamLog
    from flom.daemon.terms import Terms
    from flom.log import SystemLog
    from flom.net.listen import Listener
    from flom.wire.rare import Ask


class Server(Hearing):
    """Serves connections on one listener with one lock table.

    `changed` is called when somebody came, left or began to wait for a creation, and when a
    resource may have ended: whatever decides over the daemon's life looks again then;
    `shutdown` with True (immediate) or False (quiesce) when a peer asks for it. `facts` tells what
    is known of the daemon's life (rows.py).
    """

    def __init__(
        self,
        reactor: "Reactor",
        listener: "Listener",
        table: Table,
        log: "SystemLog | StreamLog",
        terms: "Terms",
        *,
        changed: "Callable[[], None]",
        shutdown: "Callable[[bool], None]",
        facts: "Callable[[], dict[str, object]]",
    ) -> None:
        super().__init__(reactor, listener, table, log, terms, changed)
        self._shutdown = shutdown
        self._facts = facts
        self.gate = terms.gate

    def _serve(self, connection: Connection, messages: "tuple[Lock | Unlock, ...]") -> None:
        """What a busy client says, by the shortest way."""
        table, conversation, now = self.table, connection.conversation, self.instant()
        request, grant = connection.request, conversation.grant
        if (
            grant
            and request is not None
            and _once_more(messages, connection.latest)
            and table.renew(connection, request, now)
        ):
            self._grant_again(connection, grant)
            return
        for message in messages:
            if type(message) is Unlock:
                effects = table.unlock(connection, message.name, message.rollback, now)
                if effects:
                    self._unlocked(connection, message, effects)
            elif message is connection.latest:
                assert connection.request is not None  # they come together
                request, grant = connection.request, conversation.grant
                if grant and table.lock_again(connection, request, now):
                    self._grant_again(connection, grant)
                else:
                    conversation.repeat()
                    self._apply(table.lock(connection, request, now))
            else:
                conversation.accept(message)
                self._lock(connection, message)  # type: ignore[arg-type]  # no third type comes
            if connection.closing:
                return

    def _grant_again(self, connection: Connection, grant: bytes) -> None:
        if not connection.send(grant):
            self._dead.append(connection)

    def _handle(self, connection: Connection, message: "Lock | Unlock | Shutdown | Ask") -> None:
        if isinstance(message, Lock):
            self._lock(connection, message)
        elif isinstance(message, Unlock):
            self._unlock(connection, message)
        elif isinstance(message, Shutdown):
            self._manage(connection, message)
        else:
            self._ask(connection, message)

    def _lock(self, connection: Connection, message: Lock) -> None:
        connection.latest = None
        if message.peerid != connection.peerid:
            self._log_peer(connection, message.peerid, Lock)
        guard = self._guard
        if (
            guard is not None
            and connection.conversation.state is NEW
            and not guard.admits(connection, message.peerid)
        ):
            self.close(connection)
            return
        if message.ext != connection.ext:
            self._introduce(connection, message.ext)
        if connection.about and self._looks_on(connection, message):
            return
        if connection.surplus:
            self._turn_away(connection)
            return
        request = Request(
            message.name or b"",
            message.mode,
            message.quantity,
            message.wait,
            message.create,
            message.lifespan,
            self.ancestors(connection),
            message.ext,
            bool(connection.about),
        )
        if trace.mask & DECISIONS:
            story().request(connection, request)
        if self.gate is not None and not self.gate.admits_lock(connection, request):
            self._deny(connection, request)
            return
        if not connection.within:
            connection.latest, connection.request = message, request
        self._apply(self.table.lock(connection, request, self.instant()))

    def ancestors(self, connection: Connection) -> tuple[Connection, ...]:
        """The clients within whose locks this one runs."""
        return self._families.ancestors(connection) if connection.within else ()

    def _deny(self, connection: Connection, request: Request) -> None:
        # An old peer knows no code for this.
        if not connection.conversation.understands:
            self.close(connection)
            return
        self._apply(self.table.deny(connection, request, self.instant()))

    def _turn_away(self, connection: Connection) -> None:
        """Refuse the lock of one connection too many."""
        if not connection.conversation.understands:
            self.close(connection)
            return
        self._answer(connection, *self._full(connection, connection.surplus))
        self._dismiss(connection)

    def _introduce(self, connection: Connection, ext: str) -> None:
        connection.ext = ext
        about = read(ext)
        if about.get(FLOM) != "":
            about = {}  # whoever does not announce it would not understand the answers
        connection.about = about
        session = "".join(sessions(about.get("session", ""))[-1:])
        self._families.introduce(connection, session, sessions(about.get("within", "")))

    def _unlock(self, connection: Connection, message: Unlock) -> None:
        name, rollback = message.name, message.rollback
        if trace.mask & DECISIONS:
            story().unlock(connection, name, rollback)
        effects = self.table.unlock(connection, name, rollback, self.instant())
        self._unlocked(connection, message, effects)

    def _unlocked(self, connection: Connection, message: Unlock, effects: "list[Effect]") -> None:
        for effect in effects:
            if isinstance(effect, Closed) and effect.client is connection:
                what = f"{effect.why}: {message.name!r}"
                self._log.record("FLM009W", f"from {connection.peer}: {what}")
        self._apply(effects)

    def _manage(self, connection: Connection, message: Shutdown) -> None:
        self._log_peer(connection, message.peerid, Shutdown)
        if self._guard is not None and not self._guard.admits(connection, message.peerid):
            self.close(connection)
            return
        allowed = self.gate is None or self.gate.admits_shutdown(connection)
        # Closing at once tells every peer that its request was accepted (wire.md W-61).
        answer = connection.conversation.managed(RC_OK if allowed else OWN_RC_ACCESS_DENIED)
        if answer:
            connection.send(answer)
        self.close(connection)
        if allowed:
            self._shutdown(message.immediate)

    def _looks_on(self, connection: Connection, message: Lock) -> bool:
        """Whether a client asks for the lock that means that it wants none (W-65)."""
        first = connection.conversation.state is NEW
        if message.name != ONLOOKER or not first or message.create or message.mode:
            self.stop_looking_on(connection)
            return False
        connection.onlooker = True
        self.onlookers += 1
        self._answer(connection, RC_LOCK_WAIT_RESOURCE)
        self._changed()
        return True

    def _ask(self, connection: Connection, message: "Ask") -> None:
        if self._desk is None:
            from flom.daemon.questions import Desk  # few daemons are asked

            self._desk = Desk(self, self._facts, self._log)
        if not self._desk.ask(connection, message):
            self._dead.append(connection)

    def take_away(self, connection: Connection, notice: bytes) -> None:
        """An operator ends a client; notice: the text of what it is told, in base64."""
        effects = self.table.disconnect(connection, self.instant(), taken=True)
        if connection.conversation.extended:
            connection.send(connection.conversation.notice(notice))
            self._dismiss(connection)
        else:
            self._dead.append(connection)  # an old client learns it from the end of the connection
        self._apply(effects)

    def _log_peer(
        self, connection: Connection, peerid: str | None, message: "type[Lock] | type[Shutdown]"
    ) -> None:
        if peerid is not None:
            # The first one counts: it is the one that was compared with the certificate.
            if connection.peerid is None:
                connection.peerid = peerid
            self._log.record("FLM015I", f"peer {peerid}, verb {message.verb}, step {message.step}")

    def _wake(self) -> None:
        self._alarm = None
        self._armed = NEVER
        self._apply(self.table.advance(self.instant()))
        self._settle()
        self._changed()


def _once_more(messages: "tuple[Lock | Unlock, ...]", latest: Lock | None) -> bool:
    """Whether a client unlocks what its latest lock was of, and asks for that again."""
    if len(messages) != 2 or messages[1] is not latest:
        return False
    return type(messages[0]) is Unlock and messages[0].name == latest.name
