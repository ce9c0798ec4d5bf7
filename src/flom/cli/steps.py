"""What the command asks of its surroundings, one class a step; values only.

Steps that few runs take live with the code that carries them out: `Trace`, `Check`, `Debug`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.cli.check import Check, Report
    from flom.cli.child import Ended
    from flom.cli.debug import Debug
    from flom.cli.tracing import Trace
    from flom.errors import FlomError
    from flom.settings import Settings


class Say:
    """Write `text`, complete with its line end, to standard output (1) or error (2)."""

    __slots__ = ("stream", "text")

    def __init__(self, stream: int, text: str) -> None:
        self.stream = stream
        self.text = text


class Connect:
    """Reach the daemon for a lock with these settings; result None or FlomError.

    `argv` is the command that will run under the lock.
    """

    __slots__ = ("argv", "settings")

    def __init__(self, settings: "Settings", argv: list[str]) -> None:
        self.settings = settings
        self.argv = argv


class Acquire:
    """Wait for the lock; result Held or FlomError."""

    __slots__ = ()


class Held:
    """The lock is held: `element` is what it gave, `sessions` what FLOM_SESSION shall be.

    `token` is the fencing token, None if there is none.
    """

    __slots__ = ("element", "sessions", "token")

    def __init__(
        self, element: str | None = None, sessions: str = "", token: int | None = None
    ) -> None:
        self.element = element
        self.sessions = sessions
        self.token = token


class Execute:
    """Run the command, as the settings say; result Ended or FlomError.

    ignored: signals that `flom` itself ignores meanwhile.
    """

    __slots__ = ("argv", "environ", "ignored", "settings")

    def __init__(
        self,
        argv: list[str],
        environ: dict[str, str],
        ignored: tuple[int, ...],
        settings: "Settings",
    ) -> None:
        self.argv = argv
        self.environ = environ
        self.ignored = ignored
        self.settings = settings


class Release:
    """Give the lock back; result None or FlomError."""

    __slots__ = ("rollback",)

    def __init__(self, rollback: bool) -> None:
        self.rollback = rollback


class Stop:
    """Ask the daemon to end; result None, a remark (text) or FlomError."""

    __slots__ = ("immediate", "settings")

    def __init__(self, settings: "Settings", immediate: bool) -> None:
        self.settings = settings
        self.immediate = immediate


class End:
    """The last step: end with `status`, or by `signal` when it is not 0."""

    __slots__ = ("signal", "status")

    def __init__(self, status: int, signal: int = 0) -> None:
        self.status = status
        self.signal = signal


if TYPE_CHECKING:
    Rare = Trace | Check | Debug
    Step = Say | Connect | Acquire | Execute | Release | Stop | End | Rare
    Result = None | str | Held | Ended | Report | FlomError
