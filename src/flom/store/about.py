"""What a client tells those who look at the queue of itself (docs/reference/extension.md)."""

import os
from collections.abc import Sequence

from flom.settings import Settings
from flom.store.url import Target
from flom.wire.tokens import SESSION_DIGITS, nested, sessions, shown


def told(settings: Settings, target: Target, command: Sequence[str]) -> dict[str, str]:
    """Who asks, by the keys of the extension; with `--anonymous` nothing tells.

    The command is told only where others in the network cannot read it on its way.
    """
    words = {}
    if settings.resource_timeout >= 0:
        words["timeout"] = str(settings.resource_timeout)
    if settings.anonymous:
        return words
    words["pid"] = str(os.getpid())
    login = os.environ.get("LOGNAME") or os.environ.get("USER")
    if login:
        words["user"] = login
    words["host"] = os.uname().nodename
    private = (
        settings.store_ca or settings.store_certificate or all(map(_is_here, target.endpoints))
    )
    if command and private:
        words["command"] = shown(command)
    return words


def new_session() -> tuple[str, int]:
    """What tells one lock from all others, as text and as the number of its lease."""
    number = 0
    while not number:
        number = int.from_bytes(os.urandom(8)) >> 1  # numbers of leases are positive
    return f"{number:0{SESSION_DIGITS}x}", number


def inherited() -> tuple[str, ...]:
    """The sessions of the locks that this process runs within, the innermost last."""
    return sessions(os.environ.get("FLOM_SESSION", ""))


def handed_on(session: str) -> str:
    """What a command that runs under the lock of a session finds in FLOM_SESSION."""
    return nested(session, os.environ.get("FLOM_SESSION", ""))


def _is_here(endpoint: tuple[str, int]) -> bool:
    host = endpoint[0]
    return host in ("localhost", "::1") or host.startswith("127.")
