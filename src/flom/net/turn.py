"""One starter after the other on one host, for daemons without an address of their own (D-17).

A daemon that is found by multicast has no path and no fixed port that only one could have.
"""

import fcntl
import posix
from _stat import S_ISREG
from time import monotonic, sleep

from flom.net.listen import open_lock

PAUSE = 0.02  # seconds between two looks at a lock that somebody has
_FOLDER = "/tmp"


class Turn:
    """The right to start a daemon for a group; `problem` tells why it could not be had."""

    __slots__ = ("_lock", "_path", "problem")

    def __init__(self, group: str, port: int, folder: str = _FOLDER) -> None:
        self._path = f"{folder}/flom-{group}-{port}-{_network()}.lock"
        self._lock = -1
        self.problem = ""

    def take(self, deadline: float) -> None:
        """Wait until it is our turn, at most until `deadline` (monotonic seconds).

        Never raises: any user may have made the file, or hold its lock, and nobody must be able
        to keep others from starting a daemon for ever.
        """
        while not self.problem and not self._try():
            if monotonic() >= deadline:
                self.problem = f"somebody holds the lock of {self._path} for too long"
            else:
                sleep(PAUSE)

    def end(self) -> None:
        """Let the next one in; the file is removed if that is allowed."""
        if self._lock < 0:
            return
        try:
            posix.unlink(self._path)
        except OSError:
            pass  # somebody else's
        # Not by closing alone: a daemon just forked may have the descriptor for a moment.
        fcntl.flock(self._lock, fcntl.LOCK_UN)
        posix.close(self._lock)
        self._lock = -1

    def _try(self) -> bool:
        try:
            lock = open_lock(self._path, 0o666)
        except OSError as error:
            self.problem = f"cannot open {self._path} ({error.strerror})"
            return False
        try:
            status = posix.fstat(lock)
            if not S_ISREG(status.st_mode):
                self.problem = f"{self._path} is not a regular file"
            else:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Its last owner may have removed it meanwhile: then it excludes nobody.
                if posix.lstat(self._path).st_ino == status.st_ino:
                    self._lock = lock
        except OSError:
            pass  # held, or removed
        if self._lock < 0:
            posix.close(lock)
        return self._lock >= 0


def _network() -> int:
    """What tells the network of this process from those of other namespaces that share /tmp."""
    try:
        return posix.stat("/proc/self/ns/net").st_ino
    except OSError:
        return 0
