"""Rules of access: reading one, and the decision of all of them.

The first rule that fits decides; if none fits, the request is refused. How a rule is written:

    allow|deny lock PATTERN [MODES] to WHO...
    allow|deny force PATTERN to WHO...
    allow|deny shutdown to WHO...
    allow|deny * to WHO...
"""

from flom.access.patterns import Pattern
from flom.core.names import SET, parse
from flom.errors import ConfigError
from flom.values import MODAL_KINDS, MODE_NAMES, TEXT_RULES, bad, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LOCK, FORCE, SHUTDOWN = "lock", "force", "shutdown"
EVERYTHING = "*"
EXCLUSIVE = 5

_SYNTAX = (
    "a rule is: allow or deny, then 'lock PATTERN [MODES]', 'force PATTERN', 'shutdown' or '*',"
    " then 'to' and whom: cn:PATTERN, id:PATTERN, uid:USER or *"
)


class Peer:
    """Who asks: what is known of the other end of a connection.

    cn: common name of its certificate, verified; "" without TLS. peerid: the machine id it claims,
    which proves nothing unless ids are checked against certificates. uid: the user id that the
    kernel tells of the process at a UNIX socket, else None.
    """

    __slots__ = ("cn", "peerid", "uid")

    def __init__(self, cn: str = "", peerid: str = "", uid: int | None = None) -> None:
        self.cn = cn
        self.peerid = peerid
        self.uid = uid

    def __str__(self) -> str:
        known = [f"cn {quoted(self.cn)}"] if self.cn else []
        known += [] if self.uid is None else [f"uid {self.uid}"]
        known += [f"id {quoted(self.peerid)}"] if self.peerid else []
        return ", ".join(known)


class Rule:
    """One rule, as it stands in the configuration under `name`. Raises ConfigError if it is none.

    `users` finds the number of a user's name; `missing` are the names that it does not know.
    """

    __slots__ = ("_action", "_modes", "_pattern", "_who", "allows", "missing", "name")

    def __init__(self, name: str, text: str, users: "Callable[[str], int | None]") -> None:
        self.name = name
        self.missing: list[str] = []
        words = _split(text)
        where = next((n for n, word in enumerate(words) if word == ("to", False)), None)
        if where is None or len(words) < 4 or where < 2 or where == len(words) - 1:
            raise bad(_SYNTAX)
        verdict, action = words[0][0], words[1][0]
        if verdict not in ("allow", "deny"):
            raise bad(f"{quoted(verdict)} is neither allow nor deny; {_SYNTAX}")
        self.allows = verdict == "allow"
        self._action = action
        self._pattern, self._modes = _what(action, words[2:where])
        self._who = [self._subject(word, users) for word, _ in words[where + 1 :]]

    def fits(self, action: str, peer: Peer, resource: str, mode: int) -> bool:
        """Whether this rule decides over the request."""
        if self._action not in (action, EVERYTHING):
            return False
        if mode not in self._modes and action == LOCK:
            return False
        if self._pattern is not None and not self._pattern.matches(resource):
            return False
        return any(subject(peer) for subject in self._who)

    def _subject(self, word: str, users: "Callable[[str], int | None]") -> "Callable[[Peer], bool]":
        if word == EVERYTHING:
            return lambda _: True
        kind, colon, value = word.partition(":")
        if not colon or not value or kind not in ("cn", "id", "uid"):
            raise bad(f"{quoted(word)} is nobody: write cn:PATTERN, id:PATTERN, uid:USER or *")
        if kind == "uid":
            uid = int(value) if value.isascii() and value.isdigit() else users(value)
            if uid is None:
                self.missing.append(value)
            return lambda peer: peer.uid is not None and peer.uid == uid
        pattern = _pattern(value)
        if kind == "cn":
            return lambda peer: peer.cn != "" and pattern.matches(peer.cn)
        return lambda peer: peer.peerid != "" and pattern.matches(peer.peerid)


class Policy:
    """All rules, in their order; see `rules.Rule` for `users`."""

    __slots__ = ("_rules",)

    def __init__(
        self, rules: "Iterable[tuple[str, str]]", users: "Callable[[str], int | None]"
    ) -> None:
        self._rules = [Rule(name, text, users) for name, text in rules]

    def refusal(self, action: str, peer: Peer, resource: str = "", mode: int = EXCLUSIVE) -> str:
        """Why the request is refused, "" if it is allowed."""
        for rule in self._rules:
            if rule.fits(action, peer, resource, mode):
                return "" if rule.allows else f"by rule {quoted(rule.name)}"
        return "no rule allows it"

    def missing(self) -> list[tuple[str, str]]:
        """Rules, by their names, that speak of users who do not exist, and those users."""
        return [(rule.name, user) for rule in self._rules for user in rule.missing]


def resource_of(name: bytes, mode: int) -> tuple[str, int] | None:
    """What patterns see of a resource, and the mode that counts; None for the lock of nothing.

    The name stands as it was requested, without the brackets of numeric resources, sequences and
    timestamps. Kinds that know no modes are locked EX.
    """
    found = parse(name)
    if found is None or not 0 <= mode <= EXCLUSIVE:
        return None
    if found.kind not in MODAL_KINDS:
        mode = EXCLUSIVE
        if found.kind != SET:
            name = name.rpartition(b"[")[0]
    return name.decode("utf-8", "surrogateescape"), mode


def _what(action: str, words: list[tuple[str, bool]]) -> tuple[Pattern | None, frozenset[int]]:
    """The pattern and the modes of a rule."""
    every = frozenset(range(len(MODE_NAMES)))
    if action in (SHUTDOWN, EVERYTHING):
        if words:
            raise bad(f"{quoted(words[0][0])} does not belong after {quoted(action)}; {_SYNTAX}")
        return None, every
    if action not in (LOCK, FORCE):
        raise bad(f"{quoted(action)} is nothing that can be allowed; {_SYNTAX}")
    if not words:
        raise bad(f"a pattern is missing after {quoted(action)}: '**' stands for all resources")
    if len(words) > (2 if action == LOCK else 1):
        raise bad(f"{quoted(words[-1][0])} is too much before 'to'; {_SYNTAX}")
    text, in_quotes = words[0]
    if not in_quotes and _modes(text) is not None:
        raise bad(
            f"{quoted(text)} is a mode where a pattern belongs: write '** {text}' for all"
            f' resources, or "{text}" if a resource has this name'
        )
    if len(words) == 1:
        return _pattern(text), every
    modes = _modes(words[1][0])
    if modes is None:
        raise bad(f"{quoted(words[1][0])} are no modes: write some of {','.join(MODE_NAMES)}")
    return _pattern(text), modes


def _modes(text: str) -> frozenset[int] | None:
    """The numbers of modes with commas between them, None if there is anything else."""
    try:
        return frozenset(int(TEXT_RULES["mode"](word, "")) for word in text.split(","))
    except ConfigError:
        return None


def _pattern(text: str) -> Pattern:
    try:
        return Pattern(text)
    except ValueError as error:
        raise bad(f"{quoted(text)} is no pattern: {error}") from None


def _split(text: str) -> list[tuple[str, bool]]:
    """The words of a rule, and whether quotes are in them; inside quotes blanks are ordinary.

    A comma after a word is dropped, so that lists may have them.
    """
    found: list[tuple[str, bool]] = []
    word, quotes = "", 0
    for char in text + " ":
        if char == '"':
            quotes += 1
        elif char.isspace() and quotes % 2 == 0:
            if word or quotes:
                found.append((word if quotes else word.rstrip(","), quotes > 0))
            word, quotes = "", 0
        else:
            word += char
    if quotes:
        raise bad("a quotation mark has no partner")
    return [pair for pair in found if pair[0]]
