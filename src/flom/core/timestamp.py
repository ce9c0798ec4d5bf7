"""Timestamps: a request conflicts with those ahead when they take all places, or the next tick.

Each holder gets the local time of its grant, printed by the format in the name; a release gives
nothing back. Two grants never fall into the same tick, nor into one that was passed before: after
the clock was set back, and in the hour that the end of daylight saving time repeats, nobody is
served until new ticks come, unless the format shows which of the two hours it is (resources.md
6.6).
"""

from time import localtime, strftime

from .requests import Instant, Request
from .resource import GRANT, NEVER, WAIT, Entry, Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .names import Name
    from .queue import Claim

_SECOND = 1_000_000  # ticks are counted in microseconds

# The finest conversion of a format decides, first row first.
_TICKS = (
    ("crsSTX", _SECOND),
    ("MR", 60 * _SECOND),
    ("HI", 3600 * _SECOND),
)
_ZONED = "szZ"  # conversions that tell the two hours at the end of daylight saving time apart

# What is left of the 511 bytes that a reference client reads, after the envelope of an answer
# with a 32 byte peer id (wire.md 4.3).
ROOM = 353
_ESCAPES = {"\n": 4, "\t": 3, "&": 4, "<": 3, ">": 3, '"': 5}  # bytes added by escaping in XML

_BEFORE_ALL = -(10**30)

_LOOK_AGAIN = 60.0  # s; the wall clock may be set or slewed while we sleep


class Timestamp(Resource):
    """Waiters are served in order of arrival, one a tick, newcomers behind all of them."""

    __slots__ = ("_last", "_pattern", "_ticks")

    ticks = True

    def __init__(self, name: "Name", lifespan: int, patience: float) -> None:
        super().__init__(name, lifespan, patience)
        self._pattern = name.pattern.decode("ascii")
        self._ticks = Ticks(self._pattern)
        self._last = _BEFORE_ALL  # the tick of the last grant

    @staticmethod
    def conflicting(
        size: int, request: "Request | Claim", holders: "list[Claim]", barriers: "list[Claim]"
    ) -> "list[Claim]":
        """All of them, if they need all places; else the waiters, who need the next ticks."""
        ahead = holders + barriers
        return ahead if len(ahead) >= size else barriers

    def judge(self, request: Request, now: Instant, nested: bool = False) -> int:
        """Nobody passes a waiter: the tick belongs to the oldest."""
        return GRANT if not self.waiters and self._is_open(now) else WAIT

    def grantable(self, now: Instant) -> Entry | None:
        """All wait for the same: the oldest is served first."""
        return self.oldest() if self._is_open(now) else None

    def take(self, entry: Entry, now: Instant) -> bool:
        """Give the time, unless it would not fit into an answer; that uses up no tick."""
        text = stamp(self._pattern, now.wall)
        if len(text) + sum(_ESCAPES.get(letter, 0) for letter in text) > ROOM:
            return False
        self._last = self._ticks.number(now.wall)
        entry.element = text
        self.holders[entry] = None
        return True

    def next_tick(self, now: Instant) -> float:
        """Seconds until the first tick later than the last one, or until the next look at it."""
        if not self.waiters or len(self.holders) >= self.name.size:
            return NEVER
        if self._is_open(now):
            return 0.0
        return min(self._ticks.missing(now.wall, self._last) / _SECOND, _LOOK_AGAIN)

    def _is_open(self, now: Instant) -> bool:
        """Whether there is a free place and an unused tick."""
        if len(self.holders) >= self.name.size:
            return False
        return self._ticks.number(now.wall) > self._last


class Ticks:
    """The ticks of a format; all times are microseconds since the epoch.

    Raises ValueError for a format that is unusable.
    """

    __slots__ = ("_tick", "_zoned")

    def __init__(self, pattern: str) -> None:
        tick = tick_of(pattern)
        if tick is None or len(pattern) > ROOM:
            raise ValueError(f"unusable timestamp format {pattern[:80]!r}")
        self._tick = tick
        self._zoned = any(letter in _ZONED for letter in conversions(pattern))

    def number(self, wall: int) -> int:
        """What grows from tick to tick and tells them apart.

        The instant at which the local tick began if the format shows the zone, else the number of
        the tick as shown by the local clock, which the end of daylight saving time sets back.
        """
        local = _local(wall)
        return wall - local % self._tick if self._zoned else local // self._tick

    def missing(self, wall: int, last: int) -> int:
        """Microseconds until the first tick later than `last`, which is not past at `wall`."""
        used = last - self.number(wall)  # ticks that a clock set back shows again
        missing = self._tick - _local(wall) % self._tick
        return missing + (used if self._zoned else used * self._tick)


def stamp(pattern: str, wall: int) -> str:
    """The local time in a format: first the fractions, then the conversions (resources.md 6.6)."""
    seconds, micros = divmod(wall, _SECOND)
    return strftime(_with_fractions(pattern, f"{micros:06}"), localtime(seconds))


def tick_of(pattern: str) -> int | None:
    """The length of a tick in microseconds; None if the format shows nothing as fine as an hour."""
    digits = max((count for count, _ in _fractions(pattern)[1]), default=0)
    if digits:
        return int(10 ** (6 - digits))
    shown = conversions(pattern)
    for letters, tick in _TICKS:
        if any(letter in letters for letter in shown):
            return tick
    return None


def conversions(pattern: str) -> str:
    """The letters of the plain conversions in a format: parsed, so `%%S` has none (F-12).

    Conversions with flags, width or modifier (`%10S`, `%ES`) are read but not listed.
    """
    letters = iter(_with_fractions(pattern, "000000"))
    return "".join(_conversion(letters) for letter in letters if letter == "%")


def _conversion(letters: "Iterator[str]") -> str:
    """Read what follows a `%`; the letter if nothing stands between, else nothing."""
    letter = plain = next(letters, "")
    while letter != "" and letter in "#0123456789":
        letter, plain = next(letters, ""), ""
    if letter in ("E", "O"):
        next(letters, "")
        return ""
    return plain


def _with_fractions(pattern: str, micros: str) -> str:
    head, tail = _fractions(pattern)
    return head + "".join(f".{micros[:digits]}{text}" for digits, text in tail)


def _fractions(pattern: str) -> tuple[str, list[tuple[int, str]]]:
    """The text before the first run `#f`...`#ffffff`, and each run's digits with what follows."""
    head, *parts = pattern.split("#f")
    tail = []
    for part in parts:
        more = min(len(part) - len(part.lstrip("f")), 5)
        tail.append((1 + more, part[more:]))
    return head, tail


def _local(wall: int) -> int:
    """What the local clock shows, counted like the microseconds since the epoch."""
    return wall + localtime(wall // _SECOND).tm_gmtoff * _SECOND
