"""Shell-style patterns: `*`, `**`, `?` and `[...]`.

A name is matched in one pass: the time grows with its length alone, whatever a peer sends. All
places of the pattern that the name may have reached so far are the bits of one number.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# `[a-z]`: in no other order do people agree.
_RANGES = ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789")


class Pattern:
    """One pattern; raises ValueError, with words for people, if it is none.

    `*` stands for any characters but `/`, `**` for any at all, `?` for one character but `/`,
    `[abc]` and `[a-z]` for one of those, `[!abc]` for one but those and `/`. After a `/`, a `**`
    that fills the rest up to the next `/` or the end stands for no level at all as well, without
    its `/`: `/a/**` is `/a` and everything below.
    """

    __slots__ = ("_begin", "_deep", "_final", "_loops", "_other", "_skips", "_steps", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        tokens = _tokens(text)
        mentioned = {"/"}.union(*(chars for kind, chars in tokens if kind in ("one", "other")))
        self._steps = {char: _places(tokens, char) for char in mentioned}
        self._other = _places(tokens, "")
        self._deep = _bits(kind == "**" for kind, _ in tokens)
        self._loops = self._deep | _bits(kind == "*" for kind, _ in tokens)
        self._skips = _bits(kind == "level" for kind, _ in tokens)
        self._begin = self._closure(1)
        self._final = 1 << len(tokens)

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"

    def matches(self, name: str) -> bool:
        """Whether the pattern stands for the whole of `name`."""
        steps, other, loops, deep = self._steps, self._other, self._loops, self._deep
        places = self._begin
        for char in name:
            stay = places & (deep if char == "/" else loops)
            places = self._closure(stay | (places & steps.get(char, other)) << 1)
            if not places:
                return False
        return bool(places & self._final)

    def _closure(self, places: int) -> int:
        """Add what can be reached without a character: past loops, then past a `/**`."""
        places |= (places & self._loops) << 1
        return places | (places & self._skips) << 2


def _tokens(text: str) -> list[tuple[str, frozenset[str]]]:
    """The parts of a pattern: kind and characters.

    "one" of the characters, "other" than they, "*", "**", or "level": the `/` of a `/**`.
    """
    found: list[tuple[str, frozenset[str]]] = []
    place = 0
    while place < len(text):
        char = text[place]
        if text.startswith("/**", place) and text[place + 3 : place + 4] in ("", "/"):
            # A second one directly after the first adds nothing.
            if [kind for kind, _ in found[-2:]] != ["level", "**"]:
                found += [("level", frozenset("/")), ("**", frozenset())]
            place += 3
        elif char == "*":
            end = place
            while text[end : end + 1] == "*":
                end += 1
            found.append(("**" if end - place > 1 else "*", frozenset()))
            place = end
        elif char == "?":
            found.append(("other", frozenset("/")))
            place += 1
        elif char == "[":
            token, place = _class(text, place)
            found.append(token)
        else:
            found.append(("one", frozenset(char)))
            place += 1
    return found


def _class(text: str, begin: int) -> tuple[tuple[str, frozenset[str]], int]:
    """The `[...]` that begins at `begin`, and where it ends."""
    place = begin + 1
    negated = text.startswith("!", place)
    place += negated
    end = text.find("]", place + 1)  # one that comes first is a member
    if end < 0:
        raise ValueError("'[' without ']'")
    members = text[place:end]
    if "/" in members:
        raise ValueError("'/' cannot stand between '[' and ']'")
    chars = frozenset(_members(members))
    return (("other", chars | {"/"}) if negated else ("one", chars)), end + 1


def _members(members: str) -> str:
    found = ""
    while members:
        first, last = members[0], members[2:3]
        if members[1:2] == "-" and last:
            whole = next((each for each in _RANGES if first in each and last in each), "")
            if first > last or not whole:
                raise ValueError(
                    f"'{first}-{last}' is no range: it goes from one letter or digit to a later one"
                )
            found += whole[whole.index(first) : whole.index(last) + 1]
            members = members[3:]
        else:
            found += first
            members = members[1:]
    return found


def _places(tokens: list[tuple[str, frozenset[str]]], char: str) -> int:
    """Where in the pattern `char` is one step on; "" is any that is not mentioned."""
    return _bits((char in chars) is (kind != "other") for kind, chars in tokens)


def _bits(flags: "Iterable[bool]") -> int:
    return sum(1 << place for place, flag in enumerate(flags) if flag)
