"""Split a byte stream into messages (wire.md 2)."""

from flom.errors import RC_BUFFER_OVERFLOW, RC_MSG_DESERIALIZE_ERROR, ProtocolError
from flom.wire.codec import decode, recall
from flom.wire.messages import BLANKS, END

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.wire.messages import Message

# A message may hide some end tags in comments (W-2); each costs a reading from the start.
MOST_ENDS = 64

# What a document of ours can begin with; a document type is refused anyway.
_BEGINNINGS = (b"<?", b"<msg", b"<!--")


class MessageStream:
    """The bytes of one direction of a connection, as messages.

    `limit` is the largest message taken, in bytes; it may be changed between messages. After an
    error the stream is of no more use. `fresh`, `rest`: the bytes that have not been taken yet.
    """

    __slots__ = ("_ends", "_searched", "fresh", "limit", "rest")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.fresh = b""  # the latest bytes, while they may be a message seen before
        self.rest = bytearray()
        self._searched = 0  # no end of the first message begins before this
        self._ends = 0  # end tags found so far that do not end the first message

    def feed(self, data: bytes) -> None:
        """Take bytes as they arrive; white space before a message is dropped here (W-3)."""
        if not self.rest and not self.fresh:
            self.fresh = data
        else:
            self._gather()
            self.rest += data if self.rest else data.lstrip(BLANKS)

    @property
    def mid_message(self) -> bool:
        """Whether there are bytes of a message that has not been taken yet (W-8)."""
        return bool(self.rest)

    @property
    def more(self) -> bool:
        """Whether what has not been taken yet has the end of a message in it."""
        return END in self.rest or END in self.fresh

    def _gather(self) -> None:
        if self.fresh:
            self.rest += self.fresh.lstrip(BLANKS)
            self.fresh = b""

    def next_message(self) -> "Message | None":
        """The next message, None if it is not complete.

        Raises ProtocolError, as `decode` and with RC_BUFFER_OVERFLOW for a message longer than
        the limit; as early as the bytes can no longer become a message (W-51).
        """
        fresh = self.fresh
        if fresh:
            # Most often one message has arrived, and one that was seen before.
            message = recall(fresh)
            if message is not None:
                self.fresh = b""
                return message
            self._gather()
        buffer = self.rest
        if not buffer:
            return None
        if not buffer.startswith(_BEGINNINGS) and not _may_begin(bytes(buffer[:4])):
            raise ProtocolError(RC_MSG_DESERIALIZE_ERROR, "not the beginning of a message")
        while (end := buffer.find(END, self._searched) + len(END)) >= len(END):
            if end > self.limit:
                break
            message = decode(bytes(buffer[:end]))
            if message is not None:
                self._drop(end)
                return message
            self._skip_end(end)
        else:
            self._searched = max(self._searched, len(buffer) - len(END) + 1)
            if len(buffer) < self.limit:
                return None
        raise ProtocolError(RC_BUFFER_OVERFLOW, f"a message longer than {self.limit} bytes")

    def _drop(self, end: int) -> None:
        buffer = self.rest
        while end < len(buffer) and buffer[end] in BLANKS:
            end += 1
        del buffer[:end]
        self._searched = self._ends = 0

    def _skip_end(self, end: int) -> None:
        self._searched = end
        self._ends += 1
        if self._ends == MOST_ENDS:
            raise ProtocolError(RC_MSG_DESERIALIZE_ERROR, f"{MOST_ENDS} end tags and no message")


def _may_begin(head: bytes) -> bool:
    return any(beginning.startswith(head) for beginning in _BEGINNINGS)
