"""Records on a descriptor instead of the system log; only a daemon in the foreground has them."""

import posix
from select import POLLOUT, poll

from flom.log import severity

# What a pipe takes in one piece, in bytes (PIPE_BUF).
_ROOM = 4096


class StreamLog:
    """Records as lines on a descriptor, for a daemon that a service manager runs."""

    __slots__ = ("_descriptor", "muted_until")

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        self.muted_until = 0.0

    def record(self, code: str, text: str) -> None:
        """Write one line, with the priority prefix that journald understands.

        Lost when its reader is stuck: the daemon's work does not wait for it.
        """
        line = f"<{severity(code)}>{code} {text}".encode("utf-8", "surrogateescape")
        ready = poll()
        ready.register(self._descriptor, POLLOUT)
        try:
            if ready.poll(0):
                # A pipe that is ready has room for so much.
                posix.write(self._descriptor, line[: _ROOM - 1] + b"\n")
        except OSError:
            pass  # nobody reads any more; the daemon's work goes on
