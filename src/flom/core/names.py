"""Resource names: text -> kind and parameters (resources.md 1).

The one grammar of resource names. A name is judged as a whole; newline and NUL never pass, other
than ASCII only inside hierarchical names.
"""

SIMPLE = "simple"
NUMERIC = "numeric"
SET = "set"
HIERARCHICAL = "hierarchical"
SEQUENCE = "sequence"
TIMESTAMP = "timestamp"

KINDS = (SIMPLE, NUMERIC, SET, HIERARCHICAL, SEQUENCE, TIMESTAMP)

DEFAULT = b"_RESOURCE"  # the name used when the user gives none; he may not give it himself

# Bytes of a name, and levels of a tree. A name of the reference's commands has at most 320 bytes;
# each level costs time in every decision about it.
LONGEST = 4096
DEEPEST = 256

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FORMAT_STARTS = _LETTERS + b"%#"
_FORMAT_BYTES = _FORMAT_STARTS + b".:\\0123456789"

# More units or holders than this cannot be told apart by anybody: a longer number has the same
# effect and is not worth computing.
_ENOUGH = 10**18


class Name:
    """A valid name, understood.

    text: the name itself. kind: one of KINDS. root: the identity of the resource, which is the
    name except for hierarchical ones (the first level). size: the number in brackets of numeric,
    sequence and timestamp, the number of elements of a set, else 0. parts: elements of a set,
    levels of a hierarchical name. pattern: the format of a timestamp. transactional: whether a
    sequence is a `_S_` one.
    """

    __slots__ = ("kind", "parts", "pattern", "root", "size", "text", "transactional")

    def __init__(
        self,
        text: bytes,
        kind: str,
        root: bytes,
        size: int = 0,
        parts: tuple[bytes, ...] = (),
        pattern: bytes = b"",
        transactional: bool = False,
    ) -> None:
        self.text = text
        self.kind = kind
        self.root = root
        self.size = size
        self.parts = parts
        self.pattern = pattern
        self.transactional = transactional


def parse(text: bytes) -> Name | None:
    """What a name means, or None if it is the name of nothing (resources.md 1.1)."""
    if len(text) > LONGEST:
        return None
    if _is_word(text) or text == DEFAULT:
        return Name(text, SIMPLE, text)
    if text.startswith(b"/"):
        return _hierarchical(text)
    if text.endswith(b"]"):
        return _bracketed(text)
    return _set(text)


def kind_of(text: bytes) -> str | None:
    """The kind of resource a name stands for, None if the name is not valid."""
    name = parse(text)
    return name.kind if name else None


def _is_word(text: bytes) -> bool:
    # The methods of bytes know ASCII only, whatever the locale.
    return text[:1].isalpha() and text.isalnum()


def _hierarchical(text: bytes) -> Name | None:
    levels = tuple(text.split(b"/")[1:])
    if len(levels) > DEEPEST or b"" in levels or b"\\" in text or b"\n" in text or b"\0" in text:
        return None
    return Name(text, HIERARCHICAL, b"/" + levels[0], parts=levels)


def _set(text: bytes) -> Name | None:
    elements = tuple(text.split(b"."))
    if len(elements) < 2 or not all(map(_is_word, elements)):
        return None
    return Name(text, SET, text, len(elements), elements)


def _bracketed(text: bytes) -> Name | None:
    body, _, digits = text[:-1].rpartition(b"[")
    if not digits.isdigit():
        return None
    size = _number(digits)
    if _is_word(body):
        return Name(text, NUMERIC, text, size)
    prefix, rest = body[:3], body[3:]
    if prefix in (b"_s_", b"_S_") and _is_word(rest):
        return Name(text, SEQUENCE, text, size, transactional=prefix == b"_S_")
    if prefix == b"_t_" and _is_format(rest):
        return Name(text, TIMESTAMP, text, size, pattern=rest)
    return None


def _number(digits: bytes) -> int:
    significant = digits.lstrip(b"0")
    return int(significant or b"0") if len(significant) <= 18 else _ENOUGH


def _is_format(text: bytes) -> bool:
    return text != b"" and text[0] in _FORMAT_STARTS and not text.translate(None, _FORMAT_BYTES)
