"""What a client tells the daemon of itself (docs/reference/extension.md, "What a client tells")."""

import posix

from flom.net.unix import UnixEndpoint
from flom.wire.tokens import SESSION_DIGITS, nested, sessions, shown, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flom.net.address import TcpEndpoint
    from flom.net.discovery import GroupEndpoint
    from flom.settings import Settings

# Every run sets or removes these: an outer `flom` must not speak for an inner one.
_VARIABLES = (
    "FLOM_RESOURCE",
    "FLOM_LOCK_MODE",
    "FLOM_ELEMENT",
    "FLOM_FENCING_TOKEN",
    "FLOM_SESSION",
)


def announcement(
    settings: "Settings",
    endpoint: "UnixEndpoint | TcpEndpoint | GroupEndpoint",
    command: "Sequence[str]",
    session: str,
    environ: "Mapping[bytes, bytes]" = posix.environ,
) -> str:
    """The tokens of a lock with these settings, see `described`.

    command: what runs under the lock; it travels only over UNIX sockets and TLS.
    """
    travels = settings.tls or isinstance(endpoint, UnixEndpoint)
    return described(
        session,
        command if travels else (),
        settings.resource_timeout,
        settings.anonymous,
        environ,
    )


def described(
    session: str,
    command: "Sequence[str]" = (),
    timeout: int = -1,
    anonymous: bool = False,
    environ: "Mapping[bytes, bytes]" = posix.environ,
) -> str:
    """The tokens of a lock, the most important one first.

    session: what tells this lock from all others. timeout: in milliseconds, negative = none.
    anonymous: nothing tells who asks.
    """
    tokens = [("session", session)]
    if within := inherited(environ):
        tokens.append(("within", ",".join(within)))
    if timeout >= 0:
        tokens.append(("timeout", str(timeout)))
    if anonymous:
        return write(tokens)
    tokens.append(("pid", str(posix.getpid())))
    login = environ.get(b"LOGNAME") or environ.get(b"USER")
    if login:
        tokens.append(("user", login.decode("utf-8", "surrogateescape")))
    tokens.append(("host", posix.uname().nodename))
    if command:
        tokens.append(("command", shown(command)))
    return write(tokens)


def new_session() -> str:
    """A token that tells one lock from all others."""
    return posix.urandom(SESSION_DIGITS // 2).hex()


def inherited(environ: "Mapping[bytes, bytes]" = posix.environ) -> tuple[str, ...]:
    """The sessions of the locks that this process runs within, the innermost last."""
    text = _outer(environ)
    return sessions(text) if text else ()  # most run within none


def handed_on(session: str, environ: "Mapping[bytes, bytes]" = posix.environ) -> str:
    """What a command finds in FLOM_SESSION: the sessions that it runs within.

    session: that of its lock, "" if the daemon takes no notice of it.
    """
    return nested(session, _outer(environ))


def variables(
    resource: str, mode: str | None, element: str | None, token: int | None, sessions: str
) -> dict[str, str]:
    """What a command that runs under the lock finds in its environment (design, C-32).

    mode: two letters, None for a kind that knows none. token: the fencing token. sessions: see
    `handed_on`.
    """
    result = {"FLOM_RESOURCE": resource}
    if mode is not None:
        result["FLOM_LOCK_MODE"] = mode
    if element is not None:
        result["FLOM_ELEMENT"] = element
    if token is not None:
        result["FLOM_FENCING_TOKEN"] = str(token)
    if sessions:
        result["FLOM_SESSION"] = sessions
    return result


def environment(outer: "Mapping[str, str]", own: dict[str, str]) -> dict[str, str]:
    """What a command that runs under the lock gets: all that `flom` has got, and `own`."""
    return {key: value for key, value in outer.items() if key not in _VARIABLES} | own


def _outer(environ: "Mapping[bytes, bytes]") -> str:
    return environ.get(b"FLOM_SESSION", b"").decode("ascii", "replace")
