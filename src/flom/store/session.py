"""The session of a client in a store: a lease, renewed by a thread until it is lost or ended."""

import signal
import socket
import threading
from collections.abc import Callable
from random import random
from time import CLOCK_BOOTTIME, clock_gettime, monotonic

from flom.errors import FlomError
from flom.store import etcd
from flom.store.gateway import Cancelled, Gateway, Refused, cut, drop
from flom.store.lease import LOST, SAFE, Lease

# Seconds between two tries to renew, and between two looks at the clock: threads sleep by a clock
# that stands still while the machine sleeps.
_RETRY = 0.5
_LOOK = 1.0
# Of the time to live: how long one renewal is tried before its result is looked at.
_TRY = 1 / 6


class Session:
    """A lease of `ttl` seconds with this number, from `open` to `close`.

    grace: see lease.Lease. `on_change` is called in the session's thread with each new state,
    "jeopardy", "safe" again, or "lost", which is the last; None: nobody wants to know. `on_move`
    is called there when another endpoint is asked than before.
    """

    def __init__(self, gateway: Gateway, number: int, ttl: int, grace: float) -> None:
        self.number = number
        self.on_change: Callable[[str], object] | None = None
        self.on_move: Callable[[], object] | None = None
        self._gateway = gateway
        self._renewing = gateway.twin()
        self._ttl = ttl
        self._grace = grace
        self._lease = Lease(ttl, 0.0, grace)
        self._told = SAFE
        self._retry_at = 0.0
        self._kept: dict[int, tuple[float, float]] = {}
        self._stopped = threading.Event()
        self._theirs, self._ours = socket.socketpair()

    def open(self, deadline: float) -> None:
        """Get the lease, by a monotonic time; raises as `Gateway.call`."""
        sent = boot_time()
        try:
            self._gateway.call(
                etcd.GRANT, etcd.grant(self.number, self._ttl), deadline, patient=False
            )
        except Refused as refused:
            if not etcd.exists(refused.text):  # an earlier try has made it
                raise
        self._lease = Lease(self._ttl, sent, self._grace)
        _start_unsignalled(threading.Thread(target=self._run, name="flom-session", daemon=True))

    @property
    def state(self) -> str:
        """Now: "safe", "jeopardy" or "lost"."""
        return self._lease.state(boot_time())

    @property
    def left(self) -> float:
        """Seconds until the lease is lost if nothing is heard of the store."""
        return self._lease.left(boot_time())

    @property
    def reserved(self) -> float:
        """Seconds until the store may give away what is held, if it was not heard of again."""
        return self._lease.reserved(boot_time())

    def fileno(self) -> int:
        """A descriptor whose other end is closed when the lease is lost."""
        return self._theirs.fileno()

    def keep(self, lease: int, period: float) -> None:
        """Renew another lease every so many seconds as well."""
        self._kept[lease] = period, boot_time() + period

    def lose(self) -> None:
        """The lease is gone."""
        self._lease.lose()
        self._tell(LOST)

    def close(self) -> None:
        """Renew no more; the lease itself stays."""
        self._stopped.set()
        self._renewing.abort()
        self._theirs.close()
        self._ours.close()

    def forget(self) -> None:
        """In a child of fork: close what it shares with its parent, where the thread lives on."""
        self._renewing.forget()
        drop(self._theirs)
        drop(self._ours)

    def _run(self) -> None:
        try:
            jitter = random()
            while not self._stopped.is_set():
                now = boot_time()
                self._tell(self._lease.state(now))
                if self._told == LOST:
                    return
                if now >= self._lease.renewal(jitter) and now >= self._retry_at:
                    self._renew(now)
                    jitter = random()
                    continue
                self._renew_others(now)
                due = [self._lease.change(now), max(self._lease.renewal(jitter), self._retry_at)]
                self._stopped.wait(min(max(min(due) - now, 0.0), _LOOK))
        finally:
            if not self._stopped.is_set():
                self.lose()
            self._renewing.close()

    def _renew(self, now: float) -> None:
        limit = min(self._ttl * _TRY, self._lease.left(now))
        left = self._ask(self.number, limit)
        if left is None:
            self._retry_at = boot_time() + _RETRY
        elif left:
            self._lease.renewed(now)
        else:
            self._lease.lose()
        if self.on_move is not None:
            self.on_move()

    def _renew_others(self, now: float) -> None:
        for lease, (period, due) in list(self._kept.items()):
            if now >= due:
                self._kept[lease] = period, now + period
                if self._ask(lease, self._ttl * _TRY) == 0:
                    del self._kept[lease]

    def _ask(self, lease: int, seconds: float) -> int | None:
        """The seconds a lease has after a renewal, None if the store does not answer."""
        try:
            deadline = monotonic() + seconds
            return etcd.left(self._renewing.call(etcd.KEEP_ALIVE, {"ID": lease}, deadline))
        except (Refused, FlomError, Cancelled):
            return None

    def _tell(self, state: str) -> None:
        if state == self._told:
            return
        self._told = state
        if state == LOST:
            cut(self._ours)
        if self.on_change is not None:
            self.on_change(state)


def boot_time() -> float:
    """Seconds that go on while the machine sleeps."""
    return clock_gettime(CLOCK_BOOTTIME)


def _start_unsignalled(thread: threading.Thread) -> None:
    """Start a thread that no signal is ever delivered to: they are for the main thread."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
