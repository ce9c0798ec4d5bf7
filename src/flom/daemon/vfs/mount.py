"""The daemon's side of its file system: it answers the process that serves it, until the end."""

import posix
import select

from flom import mounts, trace
from flom.daemon.reactor import READ, WRITE
from flom.daemon.vfs.start import ASK, READY
from flom.net.sockets import SHUT_WR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flom.daemon.reactor import Reactor
    from flom.daemon.streamlog import StreamLog
    from flom.daemon.vfs.start import Mounting
    from flom.log import SystemLog

# Seconds for unmounting while clients still reach the daemon, so that they find the directory
# free when it has ended; and altogether.
SOON = 0.3
LATEST = 5.0
# So many bytes of an answer are made before others are served again.
PORTION = 16384


class Mount:
    """What a daemon has to do with its file system.

    `snapshot` makes the rows, as pieces of text; they are made as the process takes them, so that
    one that stalls costs nothing. `settled` is called once it is known whether the state is shown.
    """

    __slots__ = (
        "_directory", "_log", "_output", "_reactor", "_ready", "_rows", "_settled", "_snapshot",
        "_sock",
    )  # fmt: skip

    def __init__(
        self,
        reactor: "Reactor",
        mounting: "Mounting",
        log: "StreamLog | SystemLog",
        snapshot: "Callable[[], Iterator[str]]",
        settled: "Callable[[], None]",
    ) -> None:
        self._reactor = reactor
        self._directory = mounting.directory
        self._snapshot = snapshot
        self._settled = settled
        self._log = log
        self._sock = mounting.daemons_end
        self._sock.setblocking(False)
        self._ready = False
        self._rows: Iterator[str] | None = None
        self._output = b""
        reactor.add(self._sock.fileno(), READ, self._event)

    def end(self) -> None:
        """Have it unmounted, and wait for that, but not long; `close` waits longer."""
        if self._has_ended(0):
            return
        self._record("FLM023I", self._directory)
        self._sock.shutdown(SHUT_WR)
        self._has_ended(SOON)

    def close(self) -> None:
        """The daemon has closed everything else."""
        if not self._has_ended(LATEST):
            self._record("FLM024W", f"{self._directory} is still mounted ({self._advice})")
        self._sock.close()

    def _has_ended(self, limit: float) -> bool:
        if self._sock.fileno() < 0:
            return True
        poll = select.poll()
        poll.register(self._sock.fileno(), 0)  # a hang-up is always told
        return bool(poll.poll(limit * 1000))

    def _event(self, events: int) -> None:
        try:
            if events & ~WRITE:
                self._receive()
            if self._rows is not None:
                self._answer()
        except BlockingIOError:
            self._reactor.change(self._sock.fileno(), READ | WRITE)
        except OSError:
            self._lost()

    def _receive(self) -> None:
        words = self._sock.recv(64)
        if not words:
            raise ConnectionResetError
        if READY in words and not self._ready:
            self._ready = True
            self._record("FLM022I", self._directory)
            self._settled()
        if ASK in words and self._rows is None:
            self._rows = self._snapshot()

    def _answer(self) -> None:
        """A portion, so that others are served in between: the socket is ready again at once."""
        while self._rows is not None and len(self._output) < PORTION:
            piece = next(self._rows, None)
            if piece is None:
                self._rows = None
                piece = "\n"
            self._output += piece.encode("ascii")
        self._output = self._output[self._sock.send(self._output) :]
        more = self._output or self._rows is not None
        self._reactor.change(self._sock.fileno(), READ | WRITE if more else READ)

    def _lost(self) -> None:
        """The process has ended, and the daemon has not."""
        self._reactor.remove(self._sock.fileno())
        self._sock.close()
        self._rows = None
        if not self._ready:
            # It could not mount, and has told that to who started it.
            self._settled()
            return
        self._record("FLM121W", f"nothing shows the state in {self._directory} any more")
        if mounts.is_ours(self._directory):
            self._unmount()

    def _unmount(self) -> None:
        command = [*mounts.UNMOUNT, self._directory]
        program = command[0]
        self._record("FLM023I", " ".join(command))
        try:
            process = posix.posix_spawnp(program, command, posix.environ, setsigmask=())
            watched = posix.pidfd_open(process)
        except OSError as error:
            self._record("FLM024W", f"{program}: {error.strerror} ({self._advice})")
            return

        def done(_events: int) -> None:
            self._reactor.remove(watched)
            posix.close(watched)
            status = posix.waitstatus_to_exitcode(posix.waitpid(process, 0)[1])
            if status:
                self._record("FLM024W", f"{program}: status {status} ({self._advice})")

        self._reactor.add(watched, READ, done)

    @property
    def _advice(self) -> str:
        return f"{' '.join(mounts.UNMOUNT)} '{self._directory}' frees it"

    def _record(self, code: str, text: str) -> None:
        self._log.record(code, text)
        if trace.mask & trace.VFS:
            trace.record(f"flom_vfs: {text}")
