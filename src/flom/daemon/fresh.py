"""Starting a daemon from a program: by a fresh interpreter, never by a fork of the program.

A program may have threads, whose locks a fork would copy in any state, and much memory. So it
spawns an interpreter of its own kind that runs this package, and that one makes the listening
socket and forks the daemon as the `flom` command does (`launch.fork`). Who is asked and what came
of it travel over a pair of connected sockets; the daemon listens before the answer is sent.
"""

import marshal
import posix
import sys
from time import monotonic

from flom import signals
from flom.daemon.lifecycle import ENDING
from flom.errors import RC_FORK_ERROR, RC_NETWORK_TIMEOUT, FlomError
from flom.net.address import TcpEndpoint
from flom.net.listen import Taken
from flom.net.sockets import AF_UNIX, SOCK_SEQPACKET, socket, socketpair
from flom.net.unix import UnixEndpoint
from flom.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from flom.daemon.launch import Warn
    from flom.net.discovery import GroupEndpoint

    Endpoint = UnixEndpoint | TcpEndpoint | GroupEndpoint

# Tells `flom.start` what the interpreter is there for.
OPTION = "flom-starts-daemon"
# Seconds that a start may take if there is no limit.
LONGEST = 30.0
# More than a question or an answer has: paths and names are limited.
_LARGEST = 100_000
# What makes an endpoint, by the name of its class.
_FIELDS = {
    "UnixEndpoint": ("path", "private"),
    "TcpEndpoint": ("host", "port", "interface"),
    "GroupEndpoint": ("group", "port", "interface"),
}
_UNCATCHABLE = {signals.SIGKILL, signals.SIGSTOP}


def start(
    endpoint: "Endpoint", settings: Settings, deadline: float, warn: "Warn | None" = None
) -> str:
    """Have a daemon started at `endpoint`; when this returns, connections are accepted.

    `deadline` is a time of the monotonic clock. Returns the place where the daemon listens, and
    tells `warn` what does not work all the same. Raises like `launch.fork`, FlomError -109 too
    when there is no interpreter to be run, and 9 when it does not answer in time.
    """
    ours, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
    helper = 0
    try:
        ours.send(_question(endpoint, settings, deadline))
        helper = _spawn(theirs)
        theirs.close()
        return _result(ours, deadline, warn)
    finally:
        theirs.close()
        ours.close()
        if helper:
            _collect(helper)


def answer() -> "NoReturn":
    """The fresh interpreter: start the daemon that descriptor 0 asks for, tell, and end."""
    from flom import trace
    from flom.daemon import launch

    status = 1
    try:
        channel = socket(fileno=posix.dup(0))
        name, fields, values, deadline = marshal.loads(channel.recv(_LARGEST))
        settings = Settings()
        for attr, value in values.items():
            setattr(settings, attr, value)
        trace.start(_text_environment())
        warnings: list[str] = []
        try:
            place = launch.fork(_endpoint(name, fields), settings, deadline, warnings.append)
        except FlomError as error:
            result = "", error.rc, error.text, isinstance(error, Taken), warnings
        else:
            result = place, 0, "", False, warnings
        channel.send(marshal.dumps(result))
        status = 0
    finally:
        posix._exit(status)


def interpreter() -> str:
    """The program that runs Python modules here; "" if there is none.

    Where Python is embedded or frozen into another program, `sys.executable` is that program or
    nothing at all: then the interpreter that belongs to the library is looked for, then one of
    the same version on the path.
    """
    import os

    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    folders = [f"{sys.exec_prefix}/bin", f"{sys.base_exec_prefix}/bin", *os.get_exec_path()]
    own = [sys.executable] if _is_named_python(sys.executable) else []
    for path in (*own, *(f"{folder}/{name}" for folder in folders if folder)):
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return ""


def _is_named_python(path: str | None) -> bool:
    return (path or "").rpartition("/")[2].startswith(("python", "pypy"))


def _spawn(channel: socket) -> int:
    import os

    path = interpreter()
    main = f"{__file__.rpartition('/daemon/')[0]}/__main__.py"
    if not path or not os.path.isfile(main):
        raise FlomError(
            RC_FORK_ERROR,
            "cannot start a daemon: this program has no Python interpreter that could run it"
            " (start one beforehand, with flomctl daemon or flom -d -1)",
        )
    argv = [path, "-I", "-S", "-X", OPTION, main, *map(str, getattr(sys, "argv", ()))]
    try:
        return posix.posix_spawn(
            path,
            [word.replace("\0", " ") for word in argv],
            os.environ,
            # Nobody but this process gets the descriptor, whatever other threads start meanwhile.
            file_actions=[
                (posix.POSIX_SPAWN_DUP2, channel.fileno(), 0),
                (posix.POSIX_SPAWN_OPEN, 1, "/dev/null", posix.O_WRONLY, 0),
            ],
            setsigmask=ENDING,
            setsigdef=signals.valid_signals() - _UNCATCHABLE,
        )
    except OSError as error:
        raise FlomError(RC_FORK_ERROR, f"cannot start a daemon: {path}: {error.strerror}") from None


def _question(endpoint: "Endpoint", settings: Settings, deadline: float) -> bytes:
    name = type(endpoint).__name__
    fields = {field: getattr(endpoint, field) for field in _FIELDS[name]}
    values = {attr: getattr(settings, attr) for attr in Settings.__slots__}
    return marshal.dumps((name, fields, values, deadline))


def _endpoint(name: str, fields: dict[str, object]) -> "Endpoint":
    classes: dict[str, type] = {"UnixEndpoint": UnixEndpoint, "TcpEndpoint": TcpEndpoint}
    if name not in classes:
        from flom.net.discovery import GroupEndpoint

        classes[name] = GroupEndpoint
    endpoint: "Endpoint" = classes[name](**fields)
    return endpoint


def _result(channel: socket, deadline: float, warn: "Warn | None") -> str:
    channel.settimeout(min(max(deadline - monotonic(), 0.001), LONGEST))
    try:
        data = channel.recv(_LARGEST)
    except TimeoutError:
        raise FlomError(RC_NETWORK_TIMEOUT, "the daemon did not start in time") from None
    except ConnectionError:
        data = b""  # the question was not even read
    if not data:
        raise FlomError(
            RC_FORK_ERROR,
            f"cannot start a daemon: {interpreter()} -I -S did not run flom (check that it is"
            " Python 3.11 or newer)",
        )
    place, rc, text, taken, warnings = marshal.loads(data)
    if warn is not None:
        for warning in warnings:
            warn(warning)
    if rc:
        raise (Taken if taken else FlomError)(rc, text)
    return str(place)


def _collect(helper: int) -> None:
    """Leave no zombie to the program: it has answered and ends, or is no longer waited for."""
    try:
        if posix.waitpid(helper, posix.WNOHANG)[0] == 0:
            posix.kill(helper, signals.SIGKILL)
            posix.waitpid(helper, 0)
    except (ChildProcessError, ProcessLookupError):
        pass  # the program ignores SIGCHLD, or waits for all its children itself


def _text_environment() -> dict[str, str]:
    return {
        name.decode("utf-8", "surrogateescape"): value.decode("utf-8", "surrogateescape")
        for name, value in posix.environ.items()
    }
