"""What connections say, as messages, and how much of it is heard in each round.

One peer, whatever it sends or fails to send, costs the daemon that connection and nothing else:
not the time of the others either, of which nobody gets more in a round than for one lock.
"""

from flom import trace
from flom.daemon.answers import Answers
from flom.daemon.connection import Connection
from flom.daemon.reactor import WRITE
from flom.errors import RC_PROTOCOL_LEVEL_MISMATCH, FlomError, ProtocolError
from flom.net.sockets import is_passing
from flom.wire.messages import Lock, Unlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.wire.rare import Ask, Shutdown

# Few messages are longer, and what is no larger than this costs the interpreter least (512 bytes
# with its head).
RECEIVE_SIZE = 479
# Seconds, later than the present round is and earlier than anything else.
NEXT_ROUND = 1e-6


class Hearing(Answers):
    """The connections of a daemon, who are listened to."""

    def _serve(self, connection: Connection, messages: "tuple[Lock | Unlock, ...]") -> None:
        raise NotImplementedError

    def _handle(self, connection: Connection, message: "Lock | Unlock | Shutdown | Ask") -> None:
        raise NotImplementedError

    def _ready(self, connection: Connection, events: int) -> None:
        """Something has happened; 0: it is the turn of who is behind."""
        try:
            if events & WRITE and not connection.flush():
                self._dead.append(connection)
            if connection.behind:
                if not events:
                    self._go_on(connection)
            # A hang-up included: what was sent is read before the end is acted upon.
            elif events != WRITE:
                self._receive(connection)
            channel = connection.channel
            if channel is not None and channel.ended and not connection.behind:
                self._dead.append(connection)
        except Exception as fault:
            # A fault of ours, met while serving this peer, costs this peer only.
            self._log.record("FLM009W", f"internal error serving {connection.peer}: {fault!r}")
            self.close(connection)
        if self._dead or self.table.due < self._armed:
            self._settle()

    def _receive(self, connection: Connection) -> None:
        try:
            data = connection.sock.recv(connection.portion)
        except OSError as error:
            if is_passing(error):
                return
            data = b""
        if not data:
            self.close(connection)
            return
        if connection.closing:
            return
        if connection.channel is not None:
            data = self._open(connection, data)
            if not data:
                return
        connection.portion = RECEIVE_SIZE
        if trace.mask & trace.MESSAGE:
            trace.record(f"flom_msg_receive: {connection}: {data!r}")
        conversation = connection.conversation
        messages = () if trace.mask else conversation.usual(data)
        if messages:
            self._serve(connection, messages)
            if connection.timer is not None:
                self._watch_message(connection)
        else:
            conversation.receive(data)
            self._read(connection)

    def _open(self, connection: Connection, data: bytes) -> bytes:
        """The plain bytes behind what a peer with TLS has sent; b"" if there are none."""
        guard, channel = self._guard, connection.channel
        assert guard is not None and channel is not None  # each connection has got its channel
        try:
            return guard.open(connection, data)
        except FlomError:
            if channel.established:
                self.close(connection)
            else:
                self._dismiss(connection)  # what TLS has told it is read by it, not torn down
            return b""

    def _read(self, connection: Connection) -> bool:
        """Act upon the messages that are complete now, up to a lock; whether there was one.

        What is left after it is heard when the others have had their turn.
        """
        locked = False
        conversation = connection.conversation
        try:
            while not connection.closing and (message := conversation.next_message()) is not None:
                connection.begun = self.reactor.now
                self._handle(connection, message)
                if type(message) is Lock:
                    locked = True
                    if conversation.more:
                        self._fall_behind(connection)
                        return True
        except ProtocolError as error:
            if error.rc == RC_PROTOCOL_LEVEL_MISMATCH:
                self._log.record("FLM006W", f"from {connection.peer}: {error.text}")
            self.close(connection)
            return True
        if connection.timer is not None or conversation.mid_message:
            self._watch_message(connection)
        return locked

    def _fall_behind(self, connection: Connection) -> None:
        """The rest of what has arrived is heard in the next round, and nothing more read before."""
        connection.behind = True
        self.reactor.call_at(self.reactor.now + NEXT_ROUND, lambda: self._ready(connection, 0))

    def _go_on(self, connection: Connection) -> None:
        connection.behind = False
        if not self._read(connection):
            self._receive(connection)

    def _watch_message(self, connection: Connection) -> None:
        """A message that has begun must be complete in time (W-8)."""
        timer = connection.timer
        if connection.conversation.mid_message:
            if timer is None and not connection.closing:
                connection.begun = self.reactor.now
                self._await_message(connection, self._limits.message_time)
        elif timer is not None and not connection.closing:
            timer.cancel()
            connection.timer = None

    def _await_message(self, connection: Connection, seconds: float) -> None:
        connection.timer = self.reactor.call_at(
            self.reactor.now + seconds, lambda: self._overdue(connection)
        )

    def _overdue(self, connection: Connection) -> None:
        # One timer for all messages of a client that never pauses between two.
        left = connection.begun + self._limits.message_time - self.reactor.now
        if left > 0 or connection.behind:
            self._await_message(connection, max(left, NEXT_ROUND))
        else:
            self._expire(connection)
