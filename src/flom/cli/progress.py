"""What is said to somebody who waits for a lock: the texts, made of what is known, without I/O."""

import sys

from flom.cli.messages import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    Row = dict[str, object]

# Columns that a command, then a user or host, and a name may have when space is short.
_SHORTER = (40, 20, 10)
_OWNER = 40
_NAME = 24
# What a daemon says may be anything: a number above this is none.
_LARGEST = 1e12
_ELLIPSIS = "..."


class News:
    """What there is to say, in ever fewer words; `key` tells one situation from another."""

    __slots__ = ("key", "texts")

    def __init__(self, key: "Hashable", texts: tuple[str, ...]) -> None:
        self.key = key
        self.texts = texts


def searching(place: str, waited: float, left: float | None) -> News:
    """No daemon of the multicast group has answered so far; times in seconds, as below."""
    return _simply(f"looking for a daemon on {_clean(place)}", waited, left)


def connecting(place: str, waited: float, left: float | None) -> News:
    """There is no connection so far."""
    return _simply(f"connecting to {_clean(place)}", waited, left)


def unanswered(place: str, waited: float, left: float | None) -> News:
    """The daemon has said nothing so far."""
    return _simply(f"waiting for an answer of the daemon at {_clean(place)}", waited, left)


def waiting(
    name: str, place: str, waited: float, left: float | None, *, parked: bool = False
) -> News:
    """The lock is not free, and the daemon does not tell more."""
    if parked:
        return _simply(f"waiting until somebody creates {_clean(name)}", waited, left)
    return _simply(f"waiting for {_clean(name)} at {_clean(place)}", waited, left)


def explained(name: str, row: "Row", waited: float, left: float | None, age: float) -> News | None:
    """What a daemon's row `explain` says, `age` seconds ago; None if it gives no reason."""
    reason = row.get("reason")
    if reason == "no_resource":
        return waiting(name, "", waited, left, parked=True)
    blockers = [claim for claim in _listed(row.get("blockers")) if isinstance(claim, dict)]
    position = _position(row.get("place"))
    if reason == "clock":
        return _simply(f"waiting for the next tick of {_clean(name)}{position}", waited, left)
    if reason != "conflict" or not blockers:
        return None
    key = (*(_number(claim.get("id")) for claim in blockers), position)
    more = (_number(row.get("blocker_count")) or len(blockers)) - 1
    others = f", and {more:.0f} more" if more > 0 else ""
    return News(key, tuple(_blocked(_clean(name), blockers[0], age, others + position, left)))


def fitted(news: News, width: int) -> str:
    """The fullest text that has at most `width` columns, cut if there is none."""
    for text in news.texts:
        if columns(text) <= width:
            return text
    return cut(news.texts[-1], width)


def columns(text: str) -> int:
    """How many columns of a terminal a printable text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(char) in ("Mn", "Me") else 2 if east_asian_width(char) in "WF" else 1
        for char in text
    )


def cut(text: str, width: int) -> str:
    """`text` in at most `width` columns, with dots where something is missing."""
    if columns(text) <= width:
        return text
    end = _ELLIPSIS[: max(width, 0)]
    room = width - len(end)
    size = 0
    for position, char in enumerate(text):
        size += columns(char)
        if size > room:
            return text[:position].rstrip() + end
    return text


def duration(seconds: float) -> str:
    """A time for people, whose last part is not worth telling: `3 s`, `5 min`, `2 h 5 min`."""
    whole = int(seconds)
    for size, unit, part, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit} {rest} {small}" if rest else f"{whole // size} {unit}"
    return f"{whole // 60} min" if whole >= 60 else f"{whole} s"


def _simply(what: str, waited: float, left: float | None) -> News:
    text = f"{what} ({duration(waited)})"
    return News(what, (f"flom: {text}{_limit(left)}", f"flom: {text}"))


def _blocked(name: str, claim: "Row", age: float, rest: str, left: float | None) -> "Iterator[str]":
    """The sentence about the first who is in the way, in ever fewer words."""
    holds = claim.get("since") is not None
    owner = _owner(claim)
    time = _number(claim.get("holding" if holds else "waiting"))
    lasting = "" if time is None else f" for {duration(time + age)}"

    def sentence(name: str, details: str, limit: str = _limit(left)) -> str:
        if holds:
            what = f"held by {owner}{details}{lasting}"
        else:
            what = f"behind {owner}{details}, who has waited{lasting}"
        return f"flom: waiting for {name}: {what}{rest}{limit}"

    number = _number(claim.get("pid"))
    pid = "" if number is None else f"pid {number:.0f}"
    command = _clean(claim.get("command"))
    if command:
        lead = f"{pid}, " if pid else ""
        yield sentence(name, f" ({lead}{command})")
        for size in _SHORTER:
            yield sentence(name, f" ({lead}{cut(command, size)})")
    bracket = f" ({pid})" if pid else ""
    short = cut(name, _NAME)
    yield sentence(name, bracket)
    yield sentence(short, bracket)
    yield sentence(short, "")
    yield sentence(short, "", "")


def _owner(claim: "Row") -> str:
    """Who a claim belongs to: as he says, else as the daemon knows."""
    names = [cut(_clean(claim.get(key)), _OWNER) for key in ("user", "host")]
    told = "@".join(name for name in names if name)
    if told:
        return told
    uid = _number(claim.get("uid"))
    if uid is not None:
        return f"user id {uid:.0f}"
    return (
        cut(_clean(claim.get("cn")) or _clean(claim.get("peer")).strip("/"), _OWNER) or "somebody"
    )


def _position(place: object) -> str:
    number = _number(place)
    if not number:
        return ""
    return "; next in the queue" if number == 1 else f"; place {number:.0f} in the queue"


def _limit(left: float | None) -> str:
    return "" if left is None else f"; gives up in {duration(max(left, 0))}"


def _listed(value: object) -> "list[object]":
    return value if isinstance(value, list) else []


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and 0 <= value < _LARGEST:
        return value
    return None


def _clean(value: object) -> str:
    """A text that others have chosen, harmless and as the terminal's encoding has it."""
    if not isinstance(value, str):
        return ""
    encoding = sys.getfilesystemencoding()
    return visible(value).encode(encoding, "backslashreplace").decode(encoding)
