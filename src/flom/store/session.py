"""The session of a client in a store: a lease, renewed until it is lost or ended.

One thread talks to the store, which may take its time; another looks at the clock.
"""

import signal
import socket
import threading
from collections.abc import Callable
from random import random
from time import CLOCK_BOOTTIME, clock_gettime, monotonic

from flom.errors import RC_G_THREAD_NEW_ERROR, FlomError
from flom.store import etcd
from flom.store.gateway import Cancelled, Gateway, Refused, cut, drop
from flom.store.lease import LOST, Lease

# Seconds between two tries to renew, and between two looks at the clock: threads sleep by one that
# stands still while the machine sleeps.
_RETRY = 0.5
_LOOK = 1.0
# Of the time to live: how long one renewal is tried before its result is looked at.
_TRY = 1 / 6


class Session:
    """A lease of `ttl` seconds with this number, from `open` to `close`.

    grace: see lease.Lease. `on_news` is called in a thread of the session after each renewal, when
    another endpoint may be asked than before, and when the lease is lost.
    """

    def __init__(self, gateway: Gateway, number: int, ttl: int, grace: float) -> None:
        self.number = number
        self.on_news: Callable[[], object] | None = None
        self._gateway = gateway
        self._renewing = gateway.twin()
        self._ttl = ttl
        self._grace = grace
        self._lease = Lease(ttl, 0.0, grace)
        self._kept: dict[int, tuple[float, float]] = {}
        self._stopped = threading.Event()
        self._woken = threading.Event()
        self._theirs, self._ours = socket.socketpair()

    def open(self, deadline: float) -> None:
        """Get the lease, by a monotonic time; raises as `Gateway.call`, or -215."""
        sent = boot_time()
        try:
            self._gateway.call(
                etcd.GRANT, etcd.grant(self.number, self._ttl), deadline, patient=False
            )
        except Refused as refused:
            if not etcd.exists(refused.text):  # an earlier try has made it
                raise
        self._lease = Lease(self._ttl, sent, self._grace)
        for name, work in (("flom-session", self._watch), ("flom-renewal", self._renew)):
            _start_unsignalled(threading.Thread(target=work, name=name, daemon=True))

    @property
    def state(self) -> str:
        """Now: "safe", "jeopardy" or "lost"."""
        return self._lease.state(boot_time())

    @property
    def left(self) -> float:
        """Seconds until the lease is lost if nothing is heard of the store."""
        return self._lease.left(boot_time())

    @property
    def steady(self) -> float:
        """Seconds until the state changes if nothing is heard of the store."""
        return self._lease.steady(boot_time())

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
        self._woken.set()

    def lose(self) -> None:
        """The lease is gone."""
        self._lease.lose()
        cut(self._ours)
        self._tell()

    def close(self) -> None:
        """Renew no more; the lease itself stays."""
        self._stopped.set()
        self._woken.set()
        self._renewing.abort()
        self._theirs.close()
        self._ours.close()

    def forget(self) -> None:
        """In a child of fork: close what it shares with its parent, where the thread lives on."""
        self._renewing.forget()
        drop(self._theirs)
        drop(self._ours)

    def _watch(self) -> None:
        """Tell the loss in time, whatever the other thread has to wait for."""
        while not self._stopped.wait(min(self.left, _LOOK)):
            if self.state == LOST:
                self.lose()
                return

    def _renew(self) -> None:
        """Renew all leases when it is time, until the session's own is lost."""
        try:
            at = self._lease.renewal(random())
            while not self._stopped.is_set() and self.state != LOST:
                now = boot_time()
                if now >= at:
                    at = self._renew_own(now)
                    continue
                self._renew_others(now)
                due = [at, *(due for _, due in list(self._kept.values()))]
                self._woken.wait(max(min(due) - boot_time(), 0.0))
                self._woken.clear()
        finally:
            if not self._stopped.is_set():
                self.lose()
            self._renewing.close()

    def _renew_own(self, now: float) -> float:
        """Renew; returns when to do so again."""
        left = self._ask(self.number)
        if left:
            self._lease.renewed(now)
        elif left == 0:
            self.lose()
        self._tell()
        return boot_time() + _RETRY if left is None else self._lease.renewal(random())

    def _renew_others(self, now: float) -> None:
        for lease, (period, due) in list(self._kept.items()):
            if now >= due:
                self._kept[lease] = period, now + period
                if self._ask(lease) == 0:
                    del self._kept[lease]

    def _ask(self, lease: int) -> int | None:
        """The seconds a lease has after a renewal, None if the store does not answer."""
        try:
            deadline = monotonic() + self._ttl * _TRY
            return etcd.left(self._renewing.call(etcd.KEEP_ALIVE, {"ID": lease}, deadline))
        except (Refused, FlomError, Cancelled, ValueError):
            return None

    def _tell(self) -> None:
        if self.on_news is not None:
            self.on_news()


def boot_time() -> float:
    """Seconds that go on while the machine sleeps."""
    return clock_gettime(CLOCK_BOOTTIME)


def _start_unsignalled(thread: threading.Thread) -> None:
    """Start a thread that no signal is ever delivered to: they are for the main thread."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        thread.start()
    except RuntimeError as error:
        raise FlomError(RC_G_THREAD_NEW_ERROR, f"the session needs a thread: {error}") from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
