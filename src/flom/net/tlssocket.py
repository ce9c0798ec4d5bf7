"""A stream socket with TLS on top, for who may block."""

from time import monotonic

from flom import trace
from flom.errors import FlomError
from flom.net.channel import Channel
from flom.net.sockets import MSG_PEEK, socket
from flom.net.tls import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.net.address import Address

_RECEIVE_SIZE = 4096


class TlsSocket:
    """The methods of a socket that clients use, with their meaning, over `sock` and a channel.

    Who gets one may write plain bytes to it as to a plain socket; besides OSError, reading and
    writing raise the FlomError of `Channel`. A time limit counts for the whole call, however
    slowly the peer sends. Nothing is said before the end: a bare close is one (wire.md W-50).
    """

    __slots__ = ("_ended", "_left", "_plain", "_sock", "_timeout", "channel")

    def __init__(self, sock: socket, context: Context, *, server: bool = False) -> None:
        self._sock = sock
        self._plain = b""
        self._ended = False
        self._left = False
        self._timeout: float | None = None
        self.channel = Channel(context, server=server)

    def shake_hands(self, deadline: float) -> None:
        """Do the handshake; `deadline` is a time of the monotonic clock in seconds.

        Raises FlomError as `Channel.receive`, and -405 or -406 when there is none in time or the
        peer closes; ConnectionError when it resets the connection before it has said anything.
        The socket is not closed.
        """
        channel, said = self.channel, False
        try:
            while not channel.established:
                self._flush()
                self._sock.settimeout(max(deadline - monotonic(), 0.001))
                data = self._sock.recv(_RECEIVE_SIZE)
                if not data:
                    raise channel.failed(
                        "the other side has closed the connection, it may not speak TLS"
                    )
                said = True
                self._plain += self._open(data)
            self._flush()
        except TimeoutError:
            raise channel.failed("no answer in time, the other side may not speak TLS") from None
        except OSError as error:
            if isinstance(error, ConnectionError) and not said:
                raise
            raise channel.failed(f"{error.strerror}") from None
        finally:
            self._sock.settimeout(self._timeout)
        if trace.mask & trace.TLS:
            trace.record(
                f"flom_tls: {channel.version}, subject '{channel.subject}', issuer"
                f" '{channel.issuer}'"
            )

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Plain bytes, b"" at the end; MSG_PEEK and MSG_DONTWAIT mean what they always do."""
        give_up = None if self._timeout is None else monotonic() + self._timeout
        while not self._plain and not self._ended:
            if give_up is not None:
                self._sock.settimeout(max(give_up - monotonic(), 0.001))
            data = self._sock.recv(_RECEIVE_SIZE, flags & ~MSG_PEEK)
            if data:
                self._plain = self._hear(data)
            self._ended = not data or self.channel.ended
        data = self._plain[:size]
        if not flags & MSG_PEEK:
            self._plain = self._plain[size:]
        return data

    def sendall(self, data: bytes) -> None:
        """Send one message as one record (W-44)."""
        self.channel.send(data)
        self._flush()

    def settimeout(self, seconds: float | None) -> None:
        """How long each of the other calls may take; None for ever."""
        self._timeout = seconds
        self._sock.settimeout(seconds)

    def shutdown(self, how: int) -> None:
        """End one direction or both, of the connection below."""
        self._left = True
        self._sock.shutdown(how)

    def fileno(self) -> int:
        """The descriptor."""
        return self._sock.fileno()

    def detach(self) -> int:
        """Give up the descriptor, for who goes on with `channel` in another way."""
        return self._sock.detach()

    def getpeername(self) -> "Address":
        """The address of the other side."""
        return self._sock.getpeername()  # type: ignore[no-any-return]  # as the kernel has it

    def close(self) -> None:
        """Give the descriptor back."""
        self._sock.close()

    def _hear(self, data: bytes) -> bytes:
        try:
            return self._open(data)
        except FlomError:
            if not self._left:
                raise
            # Some libraries answer a bare end with an error; it is an end all the same (W-50).
            self.channel.ended = True
            return b""

    def _open(self, data: bytes) -> bytes:
        try:
            return self.channel.receive(data)
        except FlomError:
            self._say_why()
            raise

    def _say_why(self) -> None:
        try:
            self._flush()
        except OSError:
            pass  # it does not want to know

    def _flush(self) -> None:
        data = self.channel.data_to_send()
        if data:
            self._sock.sendall(data)
