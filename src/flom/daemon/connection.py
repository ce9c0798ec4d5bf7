"""What the daemon knows of one peer."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.daemon.reactor import Timer
    from flom.net.sockets import socket
    from flom.wire.server import ServerConversation


class Connection:
    """One peer: its socket, its conversation, and what it has not read yet."""

    __slots__ = (
        "closing",
        "conversation",
        "descriptor",
        "output",
        "peer",
        "peerid",
        "sock",
        "timer",
    )

    def __init__(self, sock: "socket", peer: str, conversation: "ServerConversation") -> None:
        self.sock = sock
        self.descriptor = sock.fileno()
        self.peer = peer
        self.peerid: str | None = None  # as the peer itself says
        self.conversation = conversation
        self.output = b""
        self.closing = False
        self.timer: Timer | None = None

    def __str__(self) -> str:
        # Peers of a UNIX socket have no address that would tell them apart.
        return f"{self.peer} fd={self.descriptor}"
