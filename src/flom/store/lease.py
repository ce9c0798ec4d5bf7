"""How sure a client may be that the store still counts its lease; times are arguments.

All times are seconds of one clock that goes on while the machine sleeps (CLOCK_BOOTTIME). What
counts is when a renewal was *sent*: the store begins to count later than that, never earlier.
"""

SAFE, JEOPARDY, LOST = "safe", "jeopardy", "lost"

# How far the clocks of two machines may run apart: of the time to live, and at least in seconds.
_DRIFT, _LEAST = 0.02, 0.25
# Of the time to live: when a renewal is due, by how much that varies, when it is overdue, and
# before when a lease is never given up, however long its holder takes to end.
_RENEWAL, _JITTER, _OVERDUE, _EARLIEST = 1 / 3, 0.1, 1 / 2, 0.55


class Lease:
    """A lease of `ttl` seconds, asked for at `now`.

    grace: seconds that whoever holds something takes to let it go once he is told of the loss.
    SAFE until the last renewal that was acknowledged is half of `ttl` old, then JEOPARDY, and LOST
    early enough that the grace, and what clocks may differ by, pass before the store gives the
    lock away; or when the store says that the lease is gone. LOST is final.
    """

    __slots__ = ("_lost", "_sent", "_sure", "lifetime", "ttl")

    def __init__(self, ttl: float, now: float, grace: float = 0.0) -> None:
        self.ttl = ttl
        self._sure = ttl - max(ttl * _DRIFT, _LEAST)
        self.lifetime = max(self._sure - grace, ttl * _EARLIEST)
        self._sent = now
        self._lost = False

    def renewed(self, sent: float) -> None:
        """A renewal that was sent at `sent` has been acknowledged."""
        if not self._lost:
            self._sent = max(self._sent, sent)

    def lose(self) -> None:
        """The store says that the lease is gone."""
        self._lost = True

    def state(self, now: float) -> str:
        """SAFE, JEOPARDY or LOST at `now`."""
        age = now - self._sent
        if self._lost or age >= self.lifetime:
            self._lost = True
            return LOST
        return JEOPARDY if age >= self.ttl * _OVERDUE else SAFE

    def left(self, now: float) -> float:
        """Seconds until it is LOST if no renewal is acknowledged; 0.0 when it is."""
        return 0.0 if self._lost else max(self._sent + self.lifetime - now, 0.0)

    def steady(self, now: float) -> float:
        """Seconds until the state changes if no renewal is acknowledged; 0.0 when it is LOST."""
        overdue = self._sent + self.ttl * _OVERDUE - now
        return self.left(now) if self._lost or overdue <= 0 else overdue

    def reserved(self, now: float) -> float:
        """Seconds until the store may give away what the lease keeps, lost or not.

        It may have done so before if it was the store that said that the lease is gone.
        """
        return max(self._sent + self._sure - now, 0.0)

    def renewal(self, jitter: float) -> float:
        """When to renew next; `jitter` from 0 to 1 keeps many clients from asking at once."""
        return self._sent + self.ttl * _RENEWAL * (1 - _JITTER * jitter)
