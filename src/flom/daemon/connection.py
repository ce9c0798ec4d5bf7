"""One peer of the daemon: its socket, its conversation, and the answers it has not read yet."""

from flom.daemon.reactor import READ, WRITE
from flom.errors import FlomError
from flom.net.sockets import AF_UNIX, SHUT_WR, is_passing, peer_uid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from flom.core.requests import Request
    from flom.daemon.questions import Talk
    from flom.daemon.reactor import Reactor, Timer
    from flom.net.channel import Channel
    from flom.net.sockets import socket
    from flom.wire.messages import Lock
    from flom.wire.server import ServerConversation


# A hello of TLS fits in: whoever is sent away before everything is read learns of a reset, not of
# an end.
FIRST_PORTION = 1024


class Connection:
    """A connection as the server holds it.

    peer: where it comes from. peerid: as the peer itself said first. closing: no more requests are
    taken from it. timer: when it has to be ended, if something is expected of it. channel: its TLS,
    None without. peer_cn: the common name in the peer's certificate, None if there is none. ext,
    about: what the peer told of itself with its last lock, and the tokens in it; session, within:
    what counts of that for `Families`. number: of the daemon's one counter. onlooker: it only asks
    for the state; talk: its questions, None as long as it has asked nothing; refill: is called when
    the peer has taken what it was sent. card: what the watchers tell of it, and for which ext.
    portion: bytes of it that are read at once; behind: it has said more than was heard in a round;
    begun: when the message began whose rest is awaited, or later.
    latest: its last lock, if nothing of it has to be checked when it comes again, as `request`.
    origin: whose it is, for the limit of connections per peer; surplus: the limit that it exceeds,
    "" if none. most: bytes of answers that may wait for the peer to read. Nothing here raises: what
    fails is told by False, and the server ends the connection when it suits.
    """

    __slots__ = (
        "_most",
        "_output",
        "_reactor",
        "_uid",
        "about",
        "begun",
        "behind",
        "card",
        "channel",
        "closing",
        "conversation",
        "descriptor",
        "ext",
        "latest",
        "number",
        "onlooker",
        "origin",
        "peer",
        "peer_cn",
        "peerid",
        "portion",
        "refill",
        "request",
        "session",
        "sock",
        "surplus",
        "talk",
        "timer",
        "within",
    )

    def __init__(
        self,
        reactor: "Reactor",
        sock: "socket",
        peer: str,
        conversation: "ServerConversation",
        most: int,
    ) -> None:
        self._reactor = reactor
        self._most = most
        self._output = bytearray()
        self.sock = sock
        self.descriptor = sock.fileno()
        self.peer = peer
        self.peerid: str | None = None
        self.conversation = conversation
        self.closing = False
        self.timer: Timer | None = None
        self.channel: Channel | None = None
        self.peer_cn: str | None = None
        self.ext = ""
        self.about: dict[str, str] = {}
        self.session = ""
        self.within: tuple[str, ...] = ()
        self.number = 0
        self.onlooker = False
        self.talk: Talk | None = None
        self.refill: Callable[[], bool] | None = None
        self.card: tuple[str, str] | None = None
        self.origin: int | str | None = None
        self.surplus = ""
        self.portion = FIRST_PORTION
        self.behind = False
        self.begun = 0.0
        self.latest: Lock | None = None
        self.request: Request | None = None
        self._uid: int | None = None

    def __str__(self) -> str:
        # Peers of a UNIX socket have no address that would tell them apart.
        return f"{self.peer} fd={self.descriptor}"

    @property
    def uid(self) -> int | None:
        """The user of a peer of a UNIX socket, None if the system cannot know it."""
        if self._uid is None and self.sock.family == AF_UNIX:
            try:
                self._uid = peer_uid(self.sock)
            except OSError:
                pass  # closed meanwhile, and never asked before
        return self._uid

    @property
    def unread(self) -> int:
        """Bytes that the peer has not taken yet."""
        return len(self._output)

    @property
    def overfull(self) -> bool:
        """Whether the peer has left more unread than it may."""
        return len(self._output) > self._most

    def want_refill(self, refill: "Callable[[], bool] | None") -> bool:
        """Call this when the peer can take more, None = there is nothing more.

        False if the kernel does not watch the peer any more.
        """
        self.refill = refill
        return bool(self._output) or self.closing or self._watch(self._interest)

    def _watch(self, events: int) -> bool:
        try:
            self._reactor.change(self.descriptor, events)
        except OSError:
            return False
        return True

    @property
    def _interest(self) -> int:
        return READ if self.refill is None else READ | WRITE

    def send(self, data: bytes) -> bool:
        """Send now, or keep for later what the peer does not take.

        False if it has gone, or leaves too much unread.

        Over TLS this is one message; none, b"", sends only what TLS itself has to say.
        """
        if self.channel is not None:
            try:
                if data:
                    self.channel.send(data)
            except FlomError:
                return False
            data = self.channel.data_to_send()
            if not data:
                return True
        if self._output:
            self._output += data
            return len(self._output) <= self._most
        try:
            sent = self.sock.send(data)
        except OSError as error:
            if not is_passing(error):
                return False
            sent = 0
        if sent < len(data):
            self._output += data[sent:]
            return self._watch(READ | WRITE)
        return True

    def flush(self) -> bool:
        """Send what was kept, then more or, if we are closing, the end of stream.

        False if the peer has gone.
        """
        try:
            if self._output:
                del self._output[: self.sock.send(self._output)]
                if not self._output and not self._watch(self._interest):
                    return False
            if self.refill is not None and not self._output and not self.closing:
                return self.refill()
            if self.closing and not self._output:
                self.sock.shutdown(SHUT_WR)
        except OSError as error:
            return is_passing(error)
        return True
