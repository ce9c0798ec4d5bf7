"""The connections of a daemon: who comes in, who leaves, and what must be looked at when."""

import time
from errno import ECONNABORTED, EPERM, EPROTO

from flom import trace
from flom.core.requests import Instant
from flom.core.table import Table
from flom.daemon.connection import Connection
from flom.daemon.families import Families
from flom.daemon.limits import CONNECTIONS, MOST_SURPLUS, PER_PEER, Complaints, Grace
from flom.daemon.reactor import READ
from flom.daemon.tally import Tally
from flom.net.address import numeric
from flom.net.options import tune_tcp
from flom.net.sockets import AF_UNIX, accept, socket
from flom.wire.server import NEW, ServerConversation
from flom.wire.tokens import FLOM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from flom.core.requests import Effect
    from flom.daemon.questions import Desk
    from flom.daemon.reactor import Reactor, Timer
    from flom.daemon.streamlog import StreamLog
    from flom.daemon.terms import Terms
    from flom.log import SystemLog
    from flom.net.listen import Listener

# Seconds for a half closed peer to go away.
LINGER_LIMIT = 10.0
# Seconds after which newcomers are looked for although nobody has left, once nobody could come.
LISTEN_AGAIN = 1.0
NEVER = float("inf")
# How many connections are accepted before others are served again.
ACCEPT_BATCH = 64
# What accept says of one connection only, which has gone before it was taken.
_GONE = (ECONNABORTED, EPROTO, EPERM)


class Door:
    """Takes connections on one listener and ends them; `Server` says what happens between.

    connections: all. onlookers: how many of them only ask for the state. served: how many there
    have been. See Server for the parameters.
    """

    def __init__(
        self,
        reactor: "Reactor",
        listener: "Listener",
        table: Table,
        log: "SystemLog | StreamLog",
        terms: "Terms",
        changed: "Callable[[], None]",
    ) -> None:
        self.reactor = reactor
        self.table = table
        # The listening sockets have the first numbers (daemon.md 13).
        self.tally = Tally(first=2 if listener.discovery is None else 3)
        table.observe(self.tally)
        self.connections: set[Connection] = set()
        self.onlookers = 0
        self.served = 0
        self._log = log
        self._limits = limits = terms.limits
        self._complaints = Complaints(reactor, log)
        self._crowd: dict[int | str | None, int] = {}
        self._silent = Grace(reactor, limits.silence, self._end_silence)
        self._surplus = Grace(reactor, limits.message_time, self._expire)
        self._deaf = False
        self._listening_again: Timer | None = None
        self._listener = listener
        self._peerid = terms.peerid
        self._keepalive = terms.keepalive
        self._guard = terms.guard
        self._changed = changed
        self._families = Families()
        self._desk: Desk | None = None
        self._dead: list[Connection] = []
        self._alarm: Timer | None = None
        self._armed = NEVER
        self._now = Instant(reactor.now, time.time_ns() // 1000)
        reactor.add(listener.sock.fileno(), READ, self._invited)

    def _ready(self, connection: Connection, events: int) -> None:
        raise NotImplementedError

    def _apply(self, effects: "list[Effect]") -> None:
        raise NotImplementedError

    def _wake(self) -> None:
        raise NotImplementedError

    @property
    def busy(self) -> bool:
        """Whether anybody is connected who does not only look on."""
        return len(self.connections) > self.onlookers

    def accept(self, limit: int = ACCEPT_BATCH) -> int:
        """Take connections that wait at the listener, at most `limit`; how many were taken."""
        for taken in range(limit):
            try:
                sock, address = accept(self._listener.sock)
            except BlockingIOError:
                return taken
            except OSError as error:
                if error.errno in _GONE:
                    continue
                self._stop_listening(error)
                return taken
            self._welcome(sock, address)
        return limit

    def _invited(self, events: int) -> None:
        # One in each round, like a message of anybody else: most come alone, and to look in vain
        # for a second one costs as much as half a lock.
        self.accept(1)

    def _stop_listening(self, error: OSError) -> None:
        # Out of descriptors or memory: the waiting connection keeps the listener ready, so look
        # away until somebody leaves instead of spinning. Those already connected are served.
        here = len(self.connections)
        text = f"newcomers wait until one of {here} connections ends: {error.strerror}"
        self._complaints.add("accept", text)
        self._deaf = self._deaf or self._watch_door(0)
        if self._listening_again is None:
            again = self.reactor.now + LISTEN_AGAIN
            self._listening_again = self.reactor.call_at(again, self._try_again)

    def _try_again(self) -> None:
        self._listening_again = None
        self._listen_again()

    def _listen_again(self) -> None:
        if self._deaf:
            self._deaf = not self._watch_door(READ)

    def _watch_door(self, events: int) -> bool:
        try:
            self.reactor.change(self._listener.sock.fileno(), events)
        except OSError:
            return False
        return True

    def _welcome(self, sock: socket, address: object) -> None:
        try:
            sock.setblocking(False)
            peer = "localhost/"
            if sock.family != AF_UNIX:
                tune_tcp(sock, self._keepalive)
                peer = "/".join(numeric(address))  # type: ignore[arg-type]  # AF_INET and AF_INET6
            conversation = ServerConversation(self._peerid, self._limits.message, FLOM)
            connection = Connection(self.reactor, sock, peer, conversation, self._limits.unread)
            connection.origin = connection.uid if sock.family == AF_UNIX else peer.split("/")[0]
            if not self._admit(connection):
                sock.close()
                return
            if self._guard is not None:
                connection.channel = self._guard.channel(self.reactor.now)
                self._limit(connection, self._limits.message_time)
            self.reactor.add(
                connection.descriptor, READ, lambda events: self._ready(connection, events)
            )
        except OSError:
            sock.close()  # the peer has gone already
            return
        self.served += 1
        self.connections.add(connection)
        if connection.surplus:
            self._surplus.add(connection)
        else:
            self._silent.add(connection)
            self._crowd[connection.origin] = self._crowd.get(connection.origin, 0) + 1
        self.tally.connected(connection, self.instant())
        if trace.mask & (trace.CONNECTION | trace.TCP):
            trace.record(f"flom_conns: {connection} has come")
        self._changed()

    def _admit(self, connection: Connection) -> bool:
        """Look at the limits; False if there is not even room to tell a newcomer of them."""
        if len(self.connections) - len(self._surplus) >= self._limits.connections:
            connection.surplus = CONNECTIONS
        elif self._crowd.get(connection.origin, 0) >= self._limits.per_peer:
            connection.surplus = PER_PEER
        else:
            return True
        self._complain(connection, connection.surplus)
        return len(self._surplus) < MOST_SURPLUS

    def _complain(self, connection: Connection, option: str) -> None:
        text = f"refused {connection.peer}: --{option} is {self._limits.of(option)}"
        self._complaints.add(option, text)

    def _leave_crowd(self, connection: Connection) -> None:
        if connection.surplus:
            self._surplus.discard(connection)
            return
        self._silent.discard(connection)
        left = self._crowd[connection.origin] - 1
        if left:
            self._crowd[connection.origin] = left
        else:
            del self._crowd[connection.origin]

    def _end_silence(self, connection: Connection) -> None:
        if connection.conversation.state is NEW:
            self._complaints.add("silence", f"closed {connection.peer}: it has said nothing")
            self._expire(connection)

    def close(self, connection: Connection) -> None:
        """End a connection; everything its client had is released."""
        if connection not in self.connections:
            return
        if trace.mask & (trace.CONNECTION | trace.TCP):
            trace.record(f"flom_conns: {connection} leaves")
        self.connections.discard(connection)
        self._leave_crowd(connection)
        if connection.session:
            self._families.leave(connection)
        if connection.overfull:
            text = f"closed {connection.peer}: it leaves {connection.unread} bytes unread"
            self._complaints.add("unread", text)
        connection.closing = True
        if connection.timer is not None:
            connection.timer.cancel()
        self.reactor.remove(connection.descriptor)
        connection.sock.close()
        if self._deaf:
            self._listen_again()
        if connection.onlooker:
            self.stop_looking_on(connection)
        if connection.talk is not None and self._desk is not None:
            self._desk.leave(connection)
        now = self.instant()
        effects = self.table.disconnect(connection, now)
        self.tally.left(connection, now)
        if effects:
            self._apply(effects)
        self._changed()

    def close_all(self) -> None:
        """End every connection and the listener, telling nobody (an immediate end)."""
        self.reactor.remove(self._listener.sock.fileno())
        for connection in self.connections:
            self.reactor.remove(connection.descriptor)
            connection.sock.close()
        self.connections.clear()
        self._listener.close()

    def close_parked(self) -> bool:
        """End the clients that wait for a creation, if nobody else is connected.

        Only they would keep a quiescing daemon alive (wire.md W-62). Returns whether any was.
        """
        parked = self.table.parked()
        if not parked or len(parked) < len(self.connections) - self.onlookers:
            return False
        for client in parked:
            self.close(client)  # type: ignore[arg-type]  # it was ours
        self._settle()
        return True

    def _dismiss(self, connection: Connection) -> None:
        """The core has given the client up: its last answer goes out, then the end of stream."""
        if connection not in self.connections or connection.closing:
            return
        connection.closing = True
        if connection.timer is not None:
            connection.timer.cancel()
        self._limit(connection, LINGER_LIMIT)
        if not connection.flush():
            self._dead.append(connection)

    def _limit(self, connection: Connection, seconds: float) -> None:
        connection.timer = self.reactor.call_at(
            self.reactor.now + seconds, lambda: self._expire(connection)
        )

    def _expire(self, connection: Connection) -> None:
        self.close(connection)
        self._settle()

    def _settle(self) -> None:
        """What follows events: ends noticed on the way, and the next alarm."""
        while self._dead:
            self.close(self._dead.pop())
        self._arm()

    def lose(self, connection: Connection) -> None:
        """End a connection whose peer has gone, once what happens now is done."""
        self._dead.append(connection)
        self.reactor.call_at(self.reactor.now, self._settle)

    def stop_looking_on(self, connection: Connection) -> None:
        """A connection is a client like others from now on, or has ended."""
        if connection.onlooker:
            connection.onlooker = False
            self.onlookers -= 1

    def catch_up(self) -> None:
        """Do what was due before this moment."""
        now = self.instant()
        if self.table.due <= now.monotonic:
            self._apply(self.table.advance(now))

    def instant(self) -> Instant:
        """The present moment. Everything that arrived together happens at one."""
        if self._now.monotonic != self.reactor.now:
            self._now = Instant(self.reactor.now, time.time_ns() // 1000)
        return self._now

    def _arm(self) -> None:
        due = self.table.wakeup()
        if due is None or self._armed <= due:
            return  # an alarm that comes too early looks again
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self.reactor.call_at(due, self._wake)
        self._armed = due
