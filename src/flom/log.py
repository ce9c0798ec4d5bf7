"""Records of the system log, written to its socket directly (daemon.md 12, cli.md 15).

The command and the daemon both log; a datagram of our own costs neither of them a library. A
machine without a system log, or with one that is stuck, never delays or fails a lock.
"""

import posix
from time import localtime, monotonic, strftime, time

from flom.net.sockets import AF_UNIX, SOCK_DGRAM, socket

USER = 1 << 3
DAEMON = 3 << 3
_SEVERITIES = {"E": 3, "W": 4, "N": 5, "I": 6}
# Logged one step above their letter, as operators of the reference know them.
_NOTICES = ("FLM000I", "FLM001I", "FLM002I")
_PATH = "/dev/log"
# Seconds for which a missing system log is not looked for again: a lock pays nothing for it.
_RETRY = 10.0


def severity(code: str) -> int:
    """The syslog severity of a record: the last letter of its code, with three exceptions."""
    return 5 if code in _NOTICES else _SEVERITIES[code[-1]]


class SystemLog:
    """Where records go: the system log, as `flom` (command) or `flom[PID]` (daemon).

    Records are worth making only after `muted_until` (monotonic seconds): nobody listens before.
    """

    __slots__ = ("_facility", "_ident", "_path", "_second", "_sock", "_stamp", "muted_until")

    def __init__(self, facility: int, *, pid: bool, path: str = _PATH) -> None:
        self._facility = facility
        self._ident = f"flom[{posix.getpid()}]" if pid else "flom"
        self._path = path
        self._second = 0
        self._stamp = ""
        self._sock: socket | None = None
        self.muted_until = 0.0

    def record(self, code: str, text: str) -> None:
        """Write one record; `code` is FLMnnnX. Lost in silence when nobody listens."""
        if self.muted_until and monotonic() < self.muted_until:
            return
        now = int(time())
        if now != self._second:  # a busy daemon writes many records in a second
            self._second = now
            self._stamp = strftime("%b %e %H:%M:%S", localtime(now))
        line = f"<{self._facility | severity(code)}>{self._stamp} {self._ident}: {code} {text}"
        data = line.encode("utf-8", "surrogateescape")
        # A second try reaches a system log that was restarted since the last record.
        delivered = self._send(data) or self._send(data)
        self.muted_until = 0.0 if delivered else monotonic() + _RETRY

    def _send(self, data: bytes) -> bool:
        try:
            if self._sock is None:
                self._sock = socket(AF_UNIX, SOCK_DGRAM)
                self._sock.setblocking(False)
                self._sock.connect(self._path)
            self._sock.send(data)
        except BlockingIOError:
            return True  # full: this record is lost, the log itself is well
        except OSError:
            self.close()
            return False
        return True

    def close(self) -> None:
        """Give the descriptor back."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None
