"""What becomes of a command whose lock is lost: which signals it is sent, and when.

Pure: times are arguments, in seconds of one clock. Loaded only where somebody watches.
"""

from flom.signals import SIGCONT, SIGKILL, SIGSTOP, SIGTERM

_WARN = "warn"
# What `--on-lost` says -> the signals at once. A stopped command cannot act on SIGTERM.
_AT_ONCE = {
    "term": (SIGTERM, SIGCONT),
    "kill": (SIGKILL,),
    "stop": (SIGSTOP,),
    _WARN: (),
}


class Loss:
    """The end of a lock under a running command. policy: a word of `--on-lost`."""

    __slots__ = ("_kill_at", "_policy", "begun")

    def __init__(self, policy: str) -> None:
        self._policy = policy
        self._kill_at: float | None = None
        self.begun = False

    def begin(self, now: float, grace: float) -> tuple[int, ...]:
        """The lock is lost now; returns what the command is sent at once, the first time.

        grace: seconds that the command has after a SIGTERM, before it gets a SIGKILL.
        """
        if self.begun:
            return ()
        self.begun = True
        if self._policy == "term":
            self._kill_at = now + grace
        return _AT_ONCE[self._policy]

    def due(self, now: float) -> tuple[int, ...]:
        """What the command is sent now because it still runs; each of it once."""
        if self._kill_at is None or now < self._kill_at:
            return ()
        self._kill_at = None
        return (SIGKILL,)

    def pause(self, now: float) -> float | None:
        """Seconds until something will be due, None if nothing will."""
        return None if self._kill_at is None else max(self._kill_at - now, 0.0)

    @property
    def acted(self) -> bool:
        """Whether the command has been ended or stopped for it."""
        return self.begun and self._policy != _WARN
