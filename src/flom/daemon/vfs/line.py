"""The line between a daemon and the process that shows its state: a pair of connected sockets.

The process says `READY` once it has mounted, and `ASK` when it wants to know the state. The daemon
answers with the rows of a snapshot (docs/reference/extension.md), a line of JSON each, and an
empty line. The line is no connection of a client: it is not counted, and keeps no daemon alive.
"""

import errno
import json
import os

from flom.daemon.vfs.start import ASK, READY
from flom.daemon.vfs.tree import Row
from flom.net.sockets import socket

# Seconds without a word of the daemon after which a reader gets an error.
SILENCE = 5.0
_SIZE = 65536


class Line:
    """The process's end."""

    def __init__(self, sock: socket) -> None:
        self._sock = sock
        self._sock.settimeout(SILENCE)
        self._asked = False
        self._text = bytearray()

    def fileno(self) -> int:
        """The descriptor, to be watched."""
        return self._sock.fileno()

    def ready(self) -> None:
        """Tell the daemon that its state is shown from now on."""
        self._sock.sendall(READY)

    def rows(self) -> list[Row]:
        """The rows of a snapshot. Raises OSError (EIO) when the daemon gives none.

        An answer that comes too late for its reader is thrown away: it is old news by then.
        """
        try:
            if self._asked:
                self._answer()
            self._sock.sendall(ASK)
            self._asked = True
            text = self._answer()
        except OSError:
            raise OSError(errno.EIO, os.strerror(errno.EIO)) from None
        return [json.loads(line) for line in text.splitlines() if line]

    def _answer(self) -> bytes:
        while not self._text.endswith(b"\n\n"):
            data = self._sock.recv(_SIZE)
            if not data:
                raise ConnectionResetError
            self._text += data
        text, self._text, self._asked = bytes(self._text), bytearray(), False
        return text
