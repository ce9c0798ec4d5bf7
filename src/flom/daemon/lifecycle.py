"""How long a daemon lives: lifespan, quiesce, signals, leaving nothing (daemon.md 6 to 8)."""

import time

from flom import signals, trace
from flom.core.table import Table
from flom.daemon.reactor import Reactor, WakeUp
from flom.daemon.server import Server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from flom.daemon.discovery import Discovery
    from flom.daemon.reactor import Timer
    from flom.daemon.streamlog import StreamLog
    from flom.daemon.terms import Terms
    from flom.daemon.vfs.mount import Mount
    from flom.daemon.vfs.start import Mounting
    from flom.log import SystemLog
    from flom.net.listen import Listener

# The signals that end the daemon as an immediate shutdown does. Who starts it blocks them before
# the socket listens: one that comes early waits until there is somebody to tidy up.
ENDING = (signals.SIGTERM, signals.SIGINT)
# The lifespan that a quiesce shutdown gives to the daemon, in seconds (daemon.md 1).
QUIESCE_LIFESPAN = 0.1
# A daemon nobody has reached yet waits at least this long for its starter, in seconds (F29).
FIRST_CONTACT = 1.0


class Daemon:
    """One daemon from its first to its last moment.

    `lifespan` is in milliseconds without any activity, negative = for ever. `patience` is the
    queue patience in milliseconds (design 5). `listener` is closed at the end. With a `mounting`
    the state is shown as files.
    """

    def __init__(
        self,
        listener: "Listener",
        log: "SystemLog | StreamLog",
        terms: "Terms",
        *,
        lifespan: int,
        patience: int,
        mounting: "Mounting | None" = None,
    ) -> None:
        self._log = log
        self._listener = listener
        self._reactor = Reactor()
        self._table = Table(patience, terms.limits.queue, terms.limits.resources)
        self._lifespan = lifespan / 1000 if lifespan >= 0 else None
        self._quiescing = False
        self._born = self._reactor.now
        self._started = time.time()
        self._contact_by = self._reactor.now + FIRST_CONTACT
        self._end: Timer | None = None
        self._review_due = False
        self._server = Server(
            self._reactor,
            listener,
            self._table,
            log,
            terms,
            changed=self._changed,
            shutdown=self.shut_down,
            facts=self._facts,
        )
        self._discovery = self._found_by_group()
        self._mount = None if mounting is None else self._shown_as_files(mounting)

    def _found_by_group(self) -> "Discovery | None":
        group = self._listener.discovery
        if group is None:
            return None
        from flom.daemon.discovery import Discovery  # few daemons have a group

        return Discovery(self._reactor, group, self._listener.sock, self._log, asked=self._changed)

    def _shown_as_files(self, mounting: "Mounting") -> "Mount":
        from flom.daemon.vfs.mount import Mount
        from flom.daemon.vfs.start import LONGEST

        shown = Mount(self._reactor, mounting, self._log, self._snapshot, settled=self._mounted)
        self._contact_by += LONGEST
        return shown

    def run(self) -> None:
        """Serve until the end; returns when everything has been closed and removed."""
        trace.told(trace.DAEMON, f"flom_daemon: serve {self._listener.place}", self._run)

    def _run(self) -> None:
        wake_up = WakeUp(self._reactor, self._signalled)
        signals.set_wakeup_fd(wake_up.writer)
        # The descriptor above does the work; a handler is needed for Python to catch the signal.
        for number in ENDING:
            signals.signal(number, lambda _number, _frame: None)
        signals.pthread_sigmask(signals.SIG_UNBLOCK, ENDING)
        self._log.record("FLM000I" if self._listener.is_unix else "FLM001I", self._listener.place)
        if self._listener.discovery is not None:
            self._log.record("FLM002I", self._listener.discovery.place)
        self._log.record("FLM003N", "ready")
        self._changed()
        self._reactor.run()
        if self._discovery is not None:
            self._discovery.close()
        if self._mount is not None:
            self._mount.end()
        self._server.close_all()
        if self._mount is not None:
            self._mount.close()
        self._log.record("FLM004N", "ended")
        signals.set_wakeup_fd(-1)
        wake_up.close()
        self._reactor.close()

    def _facts(self) -> dict[str, object]:
        """What the daemon tells of its own life (docs/reference/extension.md, `daemon`)."""
        return {
            "endpoint": self._listener.place,
            "started": self._started,
            "uptime": self._reactor.now - self._born,
            "lifespan": None if self._lifespan is None else round(self._lifespan * 1000),
            "patience": self._table.patience,
        }

    def shut_down(self, immediate: bool) -> None:
        """A peer asks for the end: at once, or when everybody has finished (daemon.md 7)."""
        if trace.mask & (trace.DAEMON | trace.VFS):
            trace.record(f"flom_daemon: shutdown requested, immediate={immediate:d}")
        if immediate:
            self._log.record("FLM007N", "immediate shutdown")
            self._reactor.stop()
            return
        self._log.record("FLM008N", "quiesce shutdown")
        self._quiescing = True
        self._lifespan = QUIESCE_LIFESPAN
        self._changed()

    def _signalled(self, numbers: bytes) -> None:
        for number in numbers:
            if number in ENDING:
                self._log.record("FLM007N", f"immediate shutdown by {signals.name(number)}")
                self._reactor.stop()

    def _snapshot(self) -> "Iterator[str]":
        from flom.daemon.state import State  # needed when somebody looks at the files

        return State(self._server, self._facts).snapshot()

    def _mounted(self) -> None:
        """It is known whether the state is shown as files: now the starter comes."""
        self._contact_by = self._reactor.now + FIRST_CONTACT
        self._changed()

    def _changed(self) -> None:
        # While somebody is here or something lives there is nothing to decide: most who come and
        # go cost no timer.
        live = self._server.busy or not self._table.idle
        if live and self._end is None and not self._quiescing:
            return
        # Looked at after the present event: the decision may close connections.
        if not self._review_due:
            self._review_due = True
            self._reactor.call_at(self._reactor.now, self._review)

    def _review(self) -> None:
        self._review_due = False
        if self._end is not None:
            self._end.cancel()
            self._end = None
        if self._quiescing:
            self._server.close_parked()
        if self._server.busy or not self._table.idle or self._lifespan is None:
            return
        end = self._reactor.now + self._lifespan
        if not self._server.served or self._mount is not None:
            end = max(end, self._contact_by)
        self._end = self._reactor.call_at(end, self._expire)
        if trace.mask & trace.DAEMON:
            left = end - self._reactor.now
            trace.record(f"flom_daemon: nobody is here, the end comes in {left:.3f} s")

    def _expire(self) -> None:
        self._end = None
        # Whoever connected in this very moment is served instead of being sent away: those still
        # at the door, and those taken since the end was set, by an event of this very batch.
        asked = self._discovery is not None and self._discovery.answer()
        if self._server.accept() or self._server.busy or asked:
            self._changed()
        else:
            self._reactor.stop()
