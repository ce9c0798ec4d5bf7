"""Asking on the connection of a lock that waits why it does (docs/reference/extension.md).

Loaded by who shows it to somebody.
"""

from flom.wire.messages import END_OF_ANSWER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.wire.client import ClientConversation

    Row = dict[str, object]

# Bytes of an answer; a daemon of ours needs a small part of it.
_LARGEST = 1 << 20


class Why:
    """The question, asked any number of times, and the newest answer; without a socket."""

    __slots__ = ("_conversation", "_number", "_out", "_text")

    def __init__(self, conversation: "ClientConversation") -> None:
        self._conversation = conversation
        self._number = 0
        self._out = b""
        self._text = b""

    def ask(self) -> None:
        """Ask once more, unless the last question has not been answered yet."""
        if not self._number:
            self._number, self._out = self._conversation.ask("explain", {})

    def data_to_send(self) -> bytes:
        """The question's bytes, once."""
        data, self._out = self._out, b""
        return data

    def answer(self) -> "Row | None":
        """The row of an answer that has come to its end since the last call.

        None if there is none: not yet, or the daemon had nothing to say, or nonsense.
        """
        told, self._conversation.told = self._conversation.told, []
        row = None
        for part in told:
            if not self._number or part.number != self._number:
                continue
            if part.step == END_OF_ANSWER:
                row = _row(self._text)
                self._number, self._text = 0, b""
            elif len(self._text) < _LARGEST:
                self._text += part.data
        return row


def _row(text: bytes) -> "Row | None":
    import json

    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
