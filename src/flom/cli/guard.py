"""Watching over the lock of a running command, for `--on-lost`. Loaded only for that.

No thread and no handler: the kernel announces news on the connection by a blocked SIGIO, which is
waited for together with the other signals (child.py).
"""

import fcntl
import posix
from time import CLOCK_BOOTTIME, clock_gettime

from flom import signals, trace
from flom.cli import messages
from flom.cli.loss import Loss
from flom.errors import FlomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from signal import struct_siginfo
    from typing import Protocol

    from flom.settings import Settings

    class Lease(Protocol):
        """Whatever keeps a lock as long as it is renewed."""

        @property
        def state(self) -> str:
            """Now: "safe", "jeopardy" or "lost"."""

        @property
        def left(self) -> float:
            """Seconds until the lock is lost if the store is not heard of."""

        @property
        def steady(self) -> float:
            """Seconds until the state changes then."""

    class Lock(Protocol):
        """A lock that is held, at a daemon or in a store."""

        def hear(self) -> None:
            """Learn what has happened to the lock; raises FlomError when it is lost."""

        def fileno(self) -> int:
            """A descriptor with news when something has happened to it."""

        @property
        def lease(self) -> "Lease | None":
            """What keeps a lock in a store, None for one at a daemon."""

        def grace(self, wanted: float) -> float:
            """How many of the seconds wanted there are until somebody else may have the lock."""


# Seconds between two looks without any news: signals may be lost where a kernel sends none for
# sockets, and a timer stands still while the machine sleeps.
_LOOK = 1.0


class Guard:
    """Whoever tells a running command that its lock is lost.

    say: called with lines for standard error.
    """

    __slots__ = ("_grace", "_in_doubt", "_lock", "_policy", "_say", "_settings", "loss")

    def __init__(self, lock: "Lock", settings: "Settings", say: "Callable[[str], object]") -> None:
        self._lock = lock
        self._settings = settings
        self._policy = settings.on_lost or "term"  # that of a store
        self._grace = 0.0
        self._in_doubt = False
        self._say = say
        self.loss = Loss(self._policy)

    def arm(self) -> None:
        """Have news announced by SIGIO, which must be blocked by now."""
        descriptor = self._lock.fileno()
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETOWN, posix.getpid())
            flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
            fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | fcntl.FASYNC)
        except OSError:
            pass  # then it is looked at once a second

    def wait(self, child: int, awaited: "Sequence[int]") -> "struct_siginfo":
        """The next of the signals awaited; meanwhile the child, not waited for yet, is guarded."""
        expected = [*awaited, signals.SIGIO]
        while True:
            now = clock_gettime(CLOCK_BOOTTIME)
            self._look(child, now)
            info = signals.sigtimedwait(expected, self._pause(now))
            # Stopped and continued after the time is over, Python 3.11 returns what is no signal.
            if info is not None and info.si_signo in awaited:
                return info

    def _pause(self, now: float) -> float:
        """Seconds until the next look."""
        if self.loss.begun:
            pause = self.loss.pause(now)
            return _LOOK if pause is None else min(pause, _LOOK)
        lease = self._lock.lease
        return _LOOK if lease is None else min(lease.steady, _LOOK)

    def _look(self, child: int, now: float) -> None:
        if self.loss.begun:
            if numbers := self.loss.due(now):
                self._say(messages.outlived(self._grace))
                self._send(child, numbers)
            return
        try:
            self._lock.hear()
            self._doubt(self._lock.lease)
        except FlomError as error:
            self._grace = self._lock.grace(self._settings.kill_after / 1000)
            self._send(child, self.loss.begin(now, self._grace))
            self._say(messages.lost_meanwhile(error, self._policy, child, self._grace))

    def _doubt(self, lease: "Lease | None") -> None:
        """Tell that the store answers no more, or again."""
        in_doubt = lease is not None and lease.state != "safe"
        if lease is None or in_doubt is self._in_doubt or self._settings.quiet:
            return
        self._in_doubt = in_doubt
        self._say(messages.in_jeopardy(lease.left) if in_doubt else messages.out_of_jeopardy())

    def _send(self, child: int, numbers: "Sequence[int]") -> None:
        try:
            for number in numbers:
                posix.kill(child, number)
                if trace.mask & trace.EXEC:
                    trace.record(f"flom_exec: process {child} is sent {signals.name(number)}")
        except PermissionError:
            self._say(messages.not_reached(child))
