"""Blocks as Markdown."""

import re

from . import markup

NOTICE = "<!-- Made by scripts/generate; not to be edited. -->\n"


def page(title: str, blocks: list[markup.Block]) -> str:
    """A whole page."""
    return f"{NOTICE}\n# {title}\n\n" + "\n\n".join(map(_block, blocks)) + "\n"


def _block(block: markup.Block) -> str:
    match block:
        case markup.Heading(text, level):
            return "#" * (level + 1) + " " + text
        case markup.Para(text):
            return _inline(text)
        case markup.Code(text):
            return "\n".join("    " + line if line else "" for line in text.splitlines())
        case markup.Items(items):
            return "\n\n".join(_item(term, text) for term, text in items.items())
        case markup.Table(header, rows):
            lines = [header, ("---",) * len(header), *rows]
            return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _item(term: str, text: str) -> str:
    first, *others = markup.paragraphs(text)
    head = f"- {_inline(term)}\\\n  {_inline(first)}"
    return "\n\n".join([head, *("  " + _inline(other) for other in others)])


def _inline(text: str) -> str:
    return "".join(
        _fenced(piece)
        if kind == "literal"
        else f"*{piece}*"
        if kind == "variable"
        else _plain(piece)
        for kind, piece in markup.pieces(text)
    )


def _fenced(text: str) -> str:
    return f"`{text}`"


def _plain(text: str) -> str:
    return re.sub(r"([<>_\\])", r"\\\1", text)


def _cell(text: str) -> str:
    return _inline(text).replace("|", r"\|")
