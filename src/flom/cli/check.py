"""`flom --check`: what a command would do, and whether it would work. Loaded only for that.

Nothing is run, started, made or locked; a daemon that runs already is asked whether it answers.
"""

import posix
from _stat import S_ISREG, S_ISSOCK

from flom.cli.child import candidates
from flom.cli.debug import FEATURES
from flom.client.probe import check_request, probe
from flom.client.session import endpoint_of
from flom.core.names import parse
from flom.errors import EXIT_CANNOT_WAIT, EXIT_NOT_EXECUTED, FlomError
from flom.net.address import TcpEndpoint, resolve
from flom.net.sockets import SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from flom.net.unix import NobodyListens, UnixEndpoint
from flom.values import MODAL_KINDS, quoted, raw, resource_kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flom.net.discovery import GroupEndpoint
    from flom.settings import Settings

_MODES = (
    "in null mode (NL)", "for concurrent reading (CR)", "for concurrent writing (CW)",
    "for protected reading (PR)", "for protected writing (PW)", "exclusively (EX)",
)  # fmt: skip
_ELEMENTS = ("set", "sequence", "timestamp")


class Report:
    """What was found: `text` in lines, and how many of them tell of a problem."""

    __slots__ = ("problems", "text")

    def __init__(self) -> None:
        self.text = ""
        self.problems = 0

    def fine(self, topic: str, text: str) -> None:
        """A step that would work."""
        self.text += f"ok       {topic}: {text}\n"

    def problem(self, topic: str, text: str) -> None:
        """A step that would not."""
        self.text += f"problem  {topic}: {text}\n"
        self.problems += 1


class Check:
    """Look at what `flom` with these settings and this command would do; result Report."""

    __slots__ = ("argv", "environ", "settings")

    def __init__(self, settings: "Settings", argv: list[str], environ: "Mapping[str, str]") -> None:
        self.settings = settings
        self.argv = argv
        self.environ = environ

    def carry_out(self, say: "Callable[[str], None]") -> Report:
        """Look, in the order of the work (cli.md 1)."""
        report, settings = Report(), self.settings
        files = "".join(f"{path}, then " for path in settings.files)
        report.fine("configuration", f"from {files}the command line")
        if settings.debug_feature is not None:
            _debug_feature(report, settings.debug_feature)
        elif settings.immediate_exit or settings.quiesce_exit:
            if _tls(report, settings):
                _shutdown(report, settings)
        else:
            if settings.store_url is not None:
                from flom.cli.check_store import look_at

                look_at(report, settings)
            elif _tls(report, settings):
                _daemon(report, settings)
            _lock(report, settings)
            _command(report, settings, self.argv, self.environ)
        if not report.problems:
            report.text += "This command would work.\n"
        return report


def _debug_feature(report: Report, name: str) -> None:
    if name.lower() in FEATURES:
        report.fine("debug feature", f"{name} would run, instead of a command")
    else:
        report.problem("debug feature", f"{quoted(name)} is not one of {', '.join(FEATURES)}")


def _tls(report: Report, settings: "Settings") -> bool:
    """Whether there is anything to connect with."""
    if not settings.tls:
        return True
    from flom.cli.check_tls import Unusable, verdict

    try:
        report.fine("TLS", verdict(settings))
    except Unusable as problem:
        report.problem("TLS", str(problem))
        return False
    return True


def _shutdown(report: Report, settings: "Settings") -> None:
    when = "at once" if settings.immediate_exit else "when nobody holds or waits any more"
    try:
        probe(settings)
    except FlomError as error:
        report.problem("daemon", failure(error))
    else:
        report.fine("daemon", f"the one at {_place(settings)} would be asked to end {when}")


def _daemon(report: Report, settings: "Settings") -> None:
    try:
        probe(settings)
    except NobodyListens as error:
        if settings.daemon_lifespan == 0:
            report.problem("daemon", f"-d 0 starts none, and {failure(error)}")
        else:
            _start(report, settings)
    except FlomError as error:
        report.problem("daemon", failure(error))
    else:
        report.fine("daemon", f"one answers at {_place(settings)}; none would be started")


def _start(report: Report, settings: "Settings") -> None:
    endpoint, lifespan = endpoint_of(settings), settings.daemon_lifespan
    if isinstance(endpoint, UnixEndpoint):
        hindrance = _unix_hindrance(endpoint)
    elif isinstance(endpoint, TcpEndpoint):
        hindrance = _tcp_hindrance(endpoint)
    else:
        hindrance = _group_hindrance(endpoint)
    if hindrance:
        report.problem(
            "daemon", f"none runs at {_place(settings)}, and none could be started: {hindrance}"
        )
        return
    life = "stay for ever" if lifespan < 0 else f"end after {lifespan} ms without work"
    report.fine("daemon", f"none runs at {_place(settings)}; one would be started and {life}")


def _place(settings: "Settings") -> str:
    endpoint = endpoint_of(settings)
    if isinstance(endpoint, TcpEndpoint):
        interface = f" through {endpoint.interface}" if endpoint.interface else ""
        return f"the network address {endpoint}{interface}"
    if isinstance(endpoint, UnixEndpoint):
        default = " (your default one)" if endpoint.private else ""
        return f"the local socket {quoted(endpoint.path)}{default}"
    interface = f" through {endpoint.interface}" if endpoint.interface else ""
    return f"a place told in the multicast group {endpoint}{interface}"


def _unix_hindrance(endpoint: UnixEndpoint) -> str:
    """Why no daemon could listen at a path where nobody does; "" if nothing speaks against it."""
    folder = endpoint.path.rpartition("/")[0] or "/"
    if not posix.access(folder, posix.W_OK | posix.X_OK):
        return f"{quoted(folder)} is not a directory you may write to"
    try:
        if not S_ISSOCK(posix.lstat(endpoint.path).st_mode):
            return f"{quoted(endpoint.path)} exists and is not a socket"
    except FileNotFoundError:
        pass
    lock = endpoint.path + ".lock"
    try:
        status = posix.lstat(lock)
    except FileNotFoundError:
        return ""
    if not S_ISREG(status.st_mode) or not posix.access(lock, posix.R_OK | posix.W_OK):
        return f"the lock file {quoted(lock)} is not one you may write to"
    if endpoint.private and status.st_uid != posix.geteuid():
        return f"the lock file {quoted(lock)} belongs to somebody else"
    return ""


def _tcp_hindrance(endpoint: TcpEndpoint) -> str:
    try:
        found = resolve(endpoint, passive=True)
    except FlomError as error:
        return error.text
    reason = "there is no address"
    for candidate in found:
        sock = socket(candidate.family, SOCK_STREAM)
        try:
            sock.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            sock.bind(candidate.address)
        except OSError as error:
            reason = f"cannot listen on {candidate} ({error.strerror})"
        else:
            return ""
        finally:
            sock.close()
    return reason


def _group_hindrance(endpoint: "GroupEndpoint") -> str:
    from flom.net.discovery import answering, resolve_group

    try:
        groups = resolve_group(endpoint)
        answering(groups, groups[0].family).close()
    except FlomError as error:
        return error.text
    return ""


def _lock(report: Report, settings: "Settings") -> None:
    name = parse(raw(settings.resource_name))
    assert name is not None  # the settings hold valid names only
    quantity = settings.resource_quantity
    who = f"the {name.kind} resource {quoted(settings.resource_name)}"
    if name.kind == "numeric":
        wish = f"{quantity} of {who}"
    elif name.kind in MODAL_KINDS:
        wish = f"{who} {_MODES[settings.lock_mode]}"
    else:
        wish = f"one element of {who}"
    try:
        if settings.store_url is None:
            check_request(settings)
    except FlomError as error:
        report.problem("lock", f"{wish}: {failure(error)}")
        return
    if name.kind not in MODAL_KINDS and name.size < quantity:
        report.problem("lock", f"{wish}: it has only {name.size}")
        return
    report.fine("lock", f"{wish}, {_creation(settings)}; {_patience(settings)}")


def _creation(settings: "Settings") -> str:
    if settings.resource_create:
        return "created if nobody uses it"
    if settings.resource_timeout == 0:
        return f"which must exist already (else exit status {EXIT_CANNOT_WAIT})"
    return "once somebody has created it"


def _patience(settings: "Settings") -> str:
    timeout, status = settings.resource_timeout, settings.conflict_exit_code
    if timeout < 0:
        return "it is waited for without limit"
    if timeout == 0:
        return f"it is not waited for (exit status {status} if it is busy)"
    return f"it is waited for at most {timeout} ms (then exit status {status})"


def _command(
    report: Report, settings: "Settings", argv: list[str], environ: "Mapping[str, str]"
) -> None:
    if not argv:
        report.problem("command", f"none is given (exit status {EXIT_NOT_EXECUTED})")
        return
    for path in candidates(argv[0], environ):
        if _is_program(path):
            more = ", with the element as last argument"
            element = more if resource_kind(settings.resource_name) in _ELEMENTS else ""
            report.fine("command", f"{quoted(argv[0])} is {quoted(path)}{element}")
            return
    where = "no program is there" if "/" in argv[0] else "it is not found along PATH"
    report.problem("command", f"{quoted(argv[0])}: {where} (exit status {EXIT_NOT_EXECUTED})")


def _is_program(path: str) -> bool:
    try:
        return S_ISREG(posix.stat(path).st_mode) and posix.access(path, posix.X_OK)
    except OSError:
        return False


def failure(error: FlomError) -> str:
    """What went wrong, as the lines of the report tell it."""
    advice = f" ({error.advice})" if error.advice else ""
    return f"{error.text}{advice} [ret_cod={error.rc}]"
