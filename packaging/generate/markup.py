"""A page as data: blocks that `roff` and `markdown` write down in their own ways.

Texts hold two marks: `` `literal` `` for what is typed as it stands, `*NAME*` for what is
replaced by something.
"""

import re
from dataclasses import dataclass

_MARK = re.compile(r"(`[^`]*`|\*[^*\s][^*]*\*)")
_OPTION = re.compile(r"(?<![\w`/-])(--?[A-Za-z][\w-]*)")


@dataclass(frozen=True)
class Heading:
    """The title of a section (level 1) or of a part of it (level 2)."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Para:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Code:
    """Lines shown as they are."""

    text: str


@dataclass(frozen=True)
class Items:
    """Terms, each with the text that explains it: paragraphs with blank lines between them."""

    items: dict[str, str]


@dataclass(frozen=True)
class Table:
    """Rows of cells. In a man page a row is an item: the first cell, then the others."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Para | Code | Items | Table


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, each on one line."""
    return [" ".join(part.split()) for part in text.strip().split("\n\n")]


def paras(text: str) -> list[Block]:
    """The paragraphs of a text as blocks."""
    return [Para(part) for part in paragraphs(text)]


def pieces(text: str) -> list[tuple[str, str]]:
    """`text` in pieces: kind ("plain", "literal", "variable") and text without its marks."""
    found = []
    for piece in _MARK.split(text):
        if piece.startswith("`"):
            found.append(("literal", piece[1:-1]))
        elif len(piece) > 2 and piece.startswith("*"):
            found.append(("variable", piece[1:-1]))
        elif piece:
            found.append(("plain", piece))
    return found


def with_marks(text: str) -> str:
    """A text of the option table with its options marked as literal."""
    return _OPTION.sub(r"`\1`", text)


def as_sentence(text: str) -> str:
    """An explanation of the option table as a sentence: capital, marks, full stop."""
    return with_marks(text[0].upper() + text[1:]) + "."
