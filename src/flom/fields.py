"""Fields of the rows about locks, whoever tells them (docs/reference/extension.md, "Rows")."""

from flom.core.names import NUMERIC, Name, parse
from flom.values import MODAL_KINDS, MODE_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Protocol

    from flom.core.explain import Explanation

    Row = dict[str, object]

    class Asked(Protocol):
        """A request, a holder or a waiter."""

        @property
        def name(self) -> bytes:
            """As asked for."""

        @property
        def mode(self) -> int:
            """0 NL to 5 EX."""

        @property
        def quantity(self) -> int:
            """Units of a numeric resource."""


MOST_BLOCKERS = 100
_MOST_DIGITS = 18


def text(name: bytes) -> str:
    """A name as text; bytes that are no UTF-8 as Python writes them in file names."""
    return name.decode("utf-8", "surrogateescape")


def root_of(name: bytes) -> bytes | None:
    """The identity of the resource that a name belongs to, None if it is none."""
    known = parse(name)
    return known.root if known else None


def mode_of(kind: str | None, mode: int) -> str | None:
    """The two letters of a mode, None where there is none."""
    return MODE_NAMES[mode] if kind in MODAL_KINDS and 0 <= mode < len(MODE_NAMES) else None


def number(digits: str | None) -> int | None:
    """The number that a peer has written, None for anything else."""
    if not digits or len(digits) > _MOST_DIGITS or not digits.isascii() or not digits.isdigit():
        return None
    return int(digits)


def asked(kind: str | None, request: "Asked") -> "Row":
    """What a request asks for, as far as the kind of resource knows it."""
    return {
        "name": text(request.name),
        "mode": mode_of(kind, request.mode),
        "quantity": request.quantity if kind == NUMERIC else None,
    }


def told(tokens: "dict[str, str]") -> "Row":
    """What a client tells of itself."""
    return {
        "user": tokens.get("user"),
        "host": tokens.get("host"),
        "pid": number(tokens.get("pid")),
        "command": tokens.get("command"),
        "timeout": number(tokens.get("timeout")),
    }


def use(name: Name, holders: "Collection[Asked]") -> "Row":
    """How much of a resource its holders have."""
    counted = name.kind == NUMERIC
    shared = name.kind not in (*MODAL_KINDS, NUMERIC)
    used = sum(holder.quantity for holder in holders) if counted else len(holders)
    share = {"total": name.size, "used": used}
    modes: dict[str, int] = {}
    for holder in holders if name.kind in MODAL_KINDS else ():
        mode = MODE_NAMES[holder.mode]
        modes[mode] = modes.get(mode, 0) + 1
    return {
        "modes": modes if name.kind in MODAL_KINDS else None,
        "quantity": share if counted else None,
        "elements": share if shared else None,
    }


def explanation(
    subject: "Asked", why: "Explanation", blockers: "list[Row]", since: float | None = None
) -> "Row":
    """Why somebody has to wait. blockers: as many of them as are told; since: when he asked."""
    return {
        **asked(why.kind, subject),
        "kind": why.kind,
        "granted": why.reason is None,
        "reason": why.reason,
        "blockers": blockers,
        "blocker_count": len(why.blockers),
        "waiters": why.waiters,
        "place": why.place if why.pending else None,
        "since": since,
    }
