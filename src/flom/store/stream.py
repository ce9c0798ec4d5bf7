"""The objects in the answer to a watch, as they arrive: bytes in, JSON out."""

import json
from typing import Any

# In bytes: of a head and of a line about a chunk; of an object, which may tell a thousand changes.
_LONGEST = 1 << 20
_LONGEST_OBJECT = 1 << 24


class Stream:
    """The answer of a web server that does not end: a head, then one JSON object a line.

    `status` is 0 until the head has been read.
    """

    __slots__ = ("_chunked", "_data", "_left", "_text", "ended", "status")

    def __init__(self) -> None:
        self.status = 0
        self.ended = False
        self._chunked = False
        self._data = b""
        self._left: int | None = None  # bytes of the chunk, or of all; None: nobody knows yet
        self._text = b""

    def receive(self, data: bytes) -> list[dict[str, Any]]:
        """Take bytes, none: the end; returns the objects that are complete now.

        Raises ValueError for what is no such answer.
        """
        self.ended = self.ended or not data
        self._data += data
        if not self.status and not self._head():
            return []
        if self._chunked:
            self._unpack()
        else:
            self._take_plain()
        *lines, self._text = self._text.split(b"\n")
        if self.ended:
            lines.append(self._text)
        if len(self._text) > _LONGEST_OBJECT:
            raise ValueError("a line without end")
        return [_object(line) for line in lines if line.strip()]

    def _head(self) -> bool:
        head, end, rest = self._data.partition(b"\r\n\r\n")
        if not end:
            if len(head) > _LONGEST or self.ended:
                raise ValueError("no head")
            return False
        first, *fields = head.split(b"\r\n")
        words = first.split(None, 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise ValueError("no answer of a web server")
        self.status = int(words[1])
        known = {name.strip().lower(): value.strip() for name, _, value in map(_field, fields)}
        self._chunked = b"chunked" in known.get(b"transfer-encoding", b"").lower()
        if b"content-length" in known:
            self._left = int(known[b"content-length"])
        self._data = rest
        return True

    def _take_plain(self) -> None:
        self._text, piece, self._data = self._text + self._data, self._data, b""
        if self._left is not None:
            self._left -= len(piece)
            self.ended = self.ended or self._left <= 0

    def _unpack(self) -> None:
        while self._data:
            if self._left is None:
                line, end, rest = self._data.partition(b"\r\n")
                if not end:
                    if len(line) > _LONGEST:
                        raise ValueError("no size of a chunk")
                    return
                self._data = rest
                if line:  # after a chunk the line is empty
                    self._left = int(line.partition(b";")[0], 16)
                    self.ended = self.ended or not self._left
                if self.ended:
                    return
            else:
                piece = self._data[: self._left]
                self._text += piece
                self._data = self._data[len(piece) :]
                self._left = self._left - len(piece) or None


def _field(line: bytes) -> tuple[bytes, bytes, bytes]:
    return line.partition(b":")


def _object(line: bytes) -> dict[str, Any]:
    found = json.loads(line)
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found
