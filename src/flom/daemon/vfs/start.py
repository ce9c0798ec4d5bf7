"""Starting the process of the file system, and learning whether it could mount."""

import posix
import posixpath
from time import monotonic

from flom import signals
from flom.daemon.fresh import interpreter
from flom.net.sockets import AF_UNIX, SOCK_STREAM, socketpair

# What the process says on its line to the daemon, see line.py.
READY = b"!"
ASK = b"?"
# What the process tells its starter when it has mounted; anything else is the reason why not.
MOUNTED = "mounted"
# Seconds that mounting may take if there is no limit.
LONGEST = 10.0
_UNCATCHABLE = {signals.SIGKILL, signals.SIGSTOP}


class Mounting:
    """The two ends of the line between a daemon and the process that shows its state.

    `daemons_end` is for the daemon, however it comes into being. `directory` is an absolute
    path.
    """

    __slots__ = ("_theirs", "daemons_end", "directory")

    def __init__(self, directory: str) -> None:
        self.directory = posixpath.realpath(directory)  # as the system names what is mounted
        self.daemons_end, self._theirs = socketpair(AF_UNIX, SOCK_STREAM)

    def close(self) -> None:
        """Give both ends up: a process at the other end ends, too."""
        self.daemons_end.close()
        self._theirs.close()

    def mount(self, deadline: float) -> str:
        """Start the process; returns "" once the files are there, else a line that says why not.

        What takes longer than until `deadline` (monotonic seconds) may come to be all the same.
        """
        result = self._mount(deadline)
        if result == MOUNTED:
            return ""
        return f"the state is not shown in '{self.directory}', but locks work: {result}"

    def _mount(self, deadline: float) -> str:
        reader, writer = posix.pipe2(posix.O_CLOEXEC)
        try:
            process = _spawn(self.directory, self._theirs.fileno(), writer)
        except OSError as error:
            posix.close(reader)
            return f"no process for it can be started: {error.strerror}"
        finally:
            posix.close(writer)
            self._theirs.close()
        result = _read(reader, min(deadline, monotonic() + LONGEST))
        posix.close(reader)
        _collect(process)
        return result


def _spawn(directory: str, line: int, result: int) -> int:
    main = f"{__file__.rpartition('/')[0]}/__main__.py"
    path = interpreter()
    return posix.posix_spawn(
        path,
        [path, "-I", main, directory],
        posix.environ,
        file_actions=[
            (posix.POSIX_SPAWN_DUP2, line, 0),
            (posix.POSIX_SPAWN_DUP2, result, 1),
            (posix.POSIX_SPAWN_OPEN, 2, "/dev/null", posix.O_WRONLY, 0),
        ],
        setsigmask=(),
        setsigdef=signals.valid_signals() - _UNCATCHABLE,
    )


def _read(reader: int, deadline: float) -> str:
    import select

    poll = select.poll()
    poll.register(reader, select.POLLIN)
    if not poll.poll(max(deadline - monotonic(), 0) * 1000):
        return "it has not been mounted in time, but may be yet"
    text = posix.read(reader, 2000).decode("utf-8", "replace")
    return text or "its process ended at once"


def _collect(process: int) -> None:
    """The one we started ends after its first step; the one that goes on is its child."""
    try:
        posix.waitpid(process, 0)
    except ChildProcessError:
        pass  # SIGCHLD is ignored
