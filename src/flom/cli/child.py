"""The command in safe hands: run it, wait for exactly it, give signals their usual meaning.

While the command runs, TERM, INT, HUP and QUIT are blocked and taken one by one with their origin
(`sigwaitinfo`): what the terminal sent to the foreground has reached the command already, what was
sent to `flom` alone is passed on. No handler runs, so nothing can happen between two instructions.
"""

import posix

from flom import signals, trace
from flom.errors import RC_EXECVP_ERROR, FlomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from flom.cli.guard import Guard

    # Path, argv, environ, signal mask, signals to default; returns the process id, raises OSError.
    Start = Callable[[str, Sequence[str], Mapping[str, str], set[int], list[int]], int]

# Signals that ask for the end of the command and reach it through us.
PASSED_ON = (signals.SIGTERM, signals.SIGINT, signals.SIGHUP, signals.SIGQUIT)
# si_code of a signal made by the kernel, as those of a terminal are.
SI_KERNEL = 0x80
# The interpreter ignores these for itself; the command gets back what the caller had.
_HIDDEN = (signals.SIGPIPE, signals.SIGXFSZ)
_DEFAULT_PATH = "/bin:/usr/bin"
# Of Linux on all its machines; `errno`, a table of all of them, costs 0.007 of a run.
ENOENT, ENOEXEC, EACCES, ENOTDIR = 2, 8, 13, 20


class Dispositions:
    """What the caller had ignored when `flom` started; the command gets exactly that.

    `hidden` is the caller's mask of ignored signals as the launcher read it (bit N-1 = signal N),
    None when there was no launcher: then SIGPIPE and SIGXFSZ count as not ignored.
    """

    __slots__ = ("chld_ignored", "to_default")

    def __init__(self, hidden: int | None) -> None:
        mask = hidden or 0
        self.to_default = [number for number in _HIDDEN if not mask >> (number - 1) & 1]
        self.chld_ignored = signals.getsignal(signals.SIGCHLD) is signals.SIG_IGN

    def claim(self) -> None:
        """Give `flom` itself the dispositions it works with.

        Without the interpreter's own handler an interrupt ends `flom` as it ends any command;
        an ignored SIGCHLD would lose the command's status (cli.md CF-3).
        """
        if signals.getsignal(signals.SIGINT) is not signals.SIG_IGN:
            signals.signal(signals.SIGINT, signals.SIG_DFL)
        if self.chld_ignored:
            signals.signal(signals.SIGCHLD, signals.SIG_DFL)

    def broken_pipe(self) -> None:
        """What a broken pipe does to a command: it dies of it, unless the caller ignores that."""
        if signals.SIGPIPE in self.to_default:
            die_by(signals.SIGPIPE)


class Ended:
    """How the command ended: `status` as a shell shows it, and the signal that `flom` shares.

    `shared_signal` is not 0 when the command died by a signal that had reached `flom` as well.
    `lost` tells whether its lock was lost meanwhile, and the user knows; `acted`, whether it was
    ended or stopped for that.
    """

    __slots__ = ("acted", "lost", "shared_signal", "status")

    def __init__(
        self, status: int, shared_signal: int = 0, lost: bool = False, acted: bool = False
    ) -> None:
        self.status = status
        self.shared_signal = shared_signal
        self.lost = lost
        self.acted = acted


def run(
    argv: "Sequence[str]",
    environ: "Mapping[str, str]",
    ignored: "Sequence[int]",
    dispositions: Dispositions,
    kill_child: bool = False,
    guard: "Guard | None" = None,
) -> Ended:
    """Run the command to its end.

    `ignored` are signals that `flom` itself, not the command, ignores meanwhile. With `kill_child`
    the command is killed when `flom` dies; `guard` acts when its lock is lost. The command gets the
    caller's descriptors, dispositions, signal mask, process group and terminal. Raises FlomError,
    its text the reason, if it cannot be executed; nothing of it has run then. The signals stay
    blocked or ignored afterwards: nothing may come between the end of the command and the unlock.
    """
    former = {number: signals.getsignal(number) for number in ignored}
    taken = [
        number
        for number in PASSED_ON
        if number not in former and signals.getsignal(number) is not signals.SIG_IGN
    ]
    blocked = [*taken, signals.SIGCHLD]
    if guard is not None:
        blocked.append(signals.SIGIO)
    mask = signals.pthread_sigmask(signals.SIG_BLOCK, blocked)
    for number in former:
        signals.signal(number, signals.SIG_IGN)
    back = [number for number, handler in former.items() if handler is not signals.SIG_IGN]
    start = _starter(dispositions, kill_child)
    child = _spawn(start, argv, environ, mask, dispositions.to_default + back)
    if guard is not None:
        guard.arm()
    if not trace.mask & trace.EXEC:
        return _wait(child, taken, guard)
    trace.record(f"flom_exec: {argv[0]!r} runs as process {child}")
    ended = _wait(child, taken, guard)
    trace.record(f"flom_exec: process {child} has ended, status {ended.status}")
    return ended


def die_by(number: int) -> None:
    """End this process by the signal, without a core file of our own beside the command's."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    signals.signal(number, signals.SIG_DFL)
    signals.pthread_sigmask(signals.SIG_UNBLOCK, [number])
    posix.kill(posix.getpid(), number)


def _wait(child: int, taken: "Sequence[int]", guard: "Guard | None") -> Ended:
    received: set[int] = set()
    awaited = [*taken, signals.SIGCHLD]
    while True:
        info = signals.sigwaitinfo(awaited) if guard is None else guard.wait(child, awaited)
        number = info.si_signo
        if number != signals.SIGCHLD:
            received.add(number)
            if info.si_code != SI_KERNEL or _only_ours(number):
                # Not waited for yet, so the number cannot belong to another process.
                posix.kill(child, number)
            continue
        pid, status = posix.waitpid(child, posix.WNOHANG)
        if pid == child:
            ended = _ended(status, received)
            if guard is not None:
                ended.lost, ended.acted = guard.loss.begun, guard.loss.acted
            return ended


def _only_ours(number: int) -> bool:
    """Whether the kernel told `flom` alone: a terminal's hang-up goes to the session's leader."""
    return number == signals.SIGHUP and posix.getsid(0) == posix.getpid()


def _ended(status: int, received: set[int]) -> Ended:
    if not posix.WIFSIGNALED(status):
        return Ended(posix.WEXITSTATUS(status))
    number = posix.WTERMSIG(status)
    return Ended(128 + number, number if number in received else 0)


def _starter(dispositions: Dispositions, kill_child: bool) -> "Start":
    """What makes the process: posix_spawn is the fastest, but cannot do everything."""
    if kill_child:
        from flom.cli.forked import tied

        return tied(dispositions.chld_ignored)
    if dispositions.chld_ignored:
        from flom.cli.forked import deaf

        return deaf
    return _posix_spawn


def _spawn(
    start: "Start",
    argv: "Sequence[str]",
    environ: "Mapping[str, str]",
    mask: "set[int]",
    to_default: list[int],
) -> int:
    """Start the program as execvp does: along PATH, scripts without `#!` by /bin/sh."""
    failure: OSError | None = None
    for path in candidates(argv[0], environ):
        if not posix.access(path, posix.F_OK):
            continue  # a look is much cheaper than a process that cannot become anything
        try:
            try:
                return start(path, argv, environ, mask, to_default)
            except OSError as error:
                if error.errno != ENOEXEC:
                    raise
            return start("/bin/sh", ["/bin/sh", path, *argv[1:]], environ, mask, to_default)
        except OSError as error:
            if trace.mask & trace.EXEC:
                trace.record(f"flom_exec: {path!r}: errno={error.errno} '{error.strerror}'")
            if error.errno not in (ENOENT, ENOTDIR, EACCES):
                raise _not_executed(error) from None
            failure = error
    raise _not_executed(failure or OSError(ENOENT, posix.strerror(ENOENT)))


def _posix_spawn(
    path: str,
    argv: "Sequence[str]",
    environ: "Mapping[str, str]",
    mask: "set[int]",
    to_default: list[int],
) -> int:
    return posix.posix_spawn(path, [*argv], environ, setsigmask=mask, setsigdef=to_default)


def candidates(program: str, environ: "Mapping[str, str]") -> "Iterator[str]":
    """Where a program is looked for, in order: the word itself if it has a `/`, else along PATH."""
    if "/" in program:
        yield program
    elif program:
        for directory in environ.get("PATH", _DEFAULT_PATH).split(":"):
            yield f"{directory}/{program}" if directory else program


def _not_executed(error: OSError) -> FlomError:
    return FlomError(RC_EXECVP_ERROR, error.strerror or str(error))
