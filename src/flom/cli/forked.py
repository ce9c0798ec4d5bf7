"""The command's process by fork and exec, for what posix_spawn cannot do. Loaded only for that."""

import posix

from flom import signals, trace
from flom.errors import EXIT_NOT_EXECUTED, RC_INACTIVE_FEATURE, FlomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flom.cli.child import Start

PR_SET_PDEATHSIG = 1


def deaf(
    path: str,
    argv: "Sequence[str]",
    environ: "Mapping[str, str]",
    mask: "set[int]",
    to_default: list[int],
) -> int:
    """Start a command that finds SIGCHLD ignored; see `child.Start`."""
    return _fork(_ignore_chld, path, argv, environ, mask, to_default)


def tied(chld_ignored: bool) -> "Start":
    """What starts a command that is killed when this process dies (prctl PR_SET_PDEATHSIG).

    The kernel forgets the tie when the command executes a set-user-ID or set-group-ID program, and
    the command's own children do not have it. Raises FlomError where Python has no `ctypes`.
    """
    tie = _tie()

    def prepare() -> None:
        if chld_ignored:
            _ignore_chld()
        tie()

    return lambda *spawned: _fork(prepare, *spawned)


def _tie() -> "Callable[[], None]":
    try:
        import ctypes
    except ImportError:
        raise FlomError(
            RC_INACTIVE_FEATURE, "--kill-child needs ctypes, which this Python lacks"
        ) from None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)
    parent = posix.getpid()

    def tie() -> None:
        if prctl(PR_SET_PDEATHSIG, signals.SIGKILL, 0, 0, 0) != 0:
            number = ctypes.get_errno()
            raise OSError(number, posix.strerror(number))
        if posix.getppid() != parent:
            posix._exit(EXIT_NOT_EXECUTED)  # it died before it could be tied to

    return tie


def _ignore_chld() -> None:
    signals.signal(signals.SIGCHLD, signals.SIG_IGN)


def _fork(
    prepare: "Callable[[], None]",
    path: str,
    argv: "Sequence[str]",
    environ: "Mapping[str, str]",
    mask: "set[int]",
    to_default: list[int],
) -> int:
    reader, writer = posix.pipe2(posix.O_CLOEXEC)
    child = posix.fork()
    if child == 0:
        try:
            prepare()
            for number in to_default:
                signals.signal(number, signals.SIG_DFL)
            signals.pthread_sigmask(signals.SIG_SETMASK, mask)
            if trace.mask & trace.EXEC:
                trace.record(f"flom_exec: executing {path!r}")
            posix.execve(path, [*argv], environ)
        except OSError as error:
            posix.write(writer, str(error.errno).encode())
        finally:
            posix._exit(EXIT_NOT_EXECUTED)
    posix.close(writer)
    failure = posix.read(reader, 16)
    posix.close(reader)
    if failure:
        posix.waitpid(child, 0)
        raise OSError(int(failure), posix.strerror(int(failure)))
    return child
