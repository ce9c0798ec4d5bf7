"""Blocks as the source of a man page, in the `man` macros."""

import re
import textwrap

from . import markup

_SPECIAL = {"\\": r"\(rs", "^": r"\(ha", "~": r"\(ti", "`": r"\(ga", "'": r"\(aq"}
_FONTS = {"literal": r"\fB%s\fR", "variable": r"\fI%s\fR", "plain": "%s"}
_SENTENCE = re.compile(r"(?<=[a-z\d)\]}R>][.:?]) (?=\S)")


def page(name: str, section: int, date: str, origin: str, blocks: list[markup.Block]) -> str:
    """A whole man page; `origin` is the version it belongs to, `date` is YYYY-MM-DD."""
    manual = {1: "User Commands", 5: "File Formats"}[section]
    head = [
        '.\\" Made by scripts/generate; not to be edited.',
        f'.TH {name.upper()} {section} {date} "{origin}" "{manual}"',
    ]
    lines = head + [line for block in blocks for line in _block(block)]
    return "\n".join(_without_idle_breaks(lines)) + "\n"


def _without_idle_breaks(lines: list[str]) -> list[str]:
    """No `.PP` after a heading, which begins a paragraph itself."""
    return [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if not (line == ".PP" and before.startswith((".SH", ".SS")))
    ]


def _block(block: markup.Block) -> list[str]:
    match block:
        case markup.Heading(text, 1):
            return [f'.SH "{_plain(text.upper())}"']
        case markup.Heading(text):
            return [f'.SS "{_plain(text)}"']
        case markup.Para(text):
            return [".PP", *_lines(text)]
        case markup.Code(text):
            return [".PP", ".RS 4", ".EX", *map(_code_line, text.splitlines()), ".EE", ".RE"]
        case markup.Items(items):
            return [line for term, text in items.items() for line in _item(term, text)]
        case markup.Table(_, rows):
            return [line for row in rows for line in _item(row[0], _joined(row[1:]))]


def _joined(cells: tuple[str, ...]) -> str:
    return ": ".join([cells[0], "; ".join(cells[1:])]) if cells[1:] else cells[0]


def _item(term: str, text: str) -> list[str]:
    first, *others = markup.paragraphs(text)
    lines = [".TP", _guarded(_inline(term)), *_lines(first)]
    for other in others:
        lines += [".IP", *_lines(other)]
    return lines


def _lines(text: str) -> list[str]:
    """A paragraph: a sentence begins on a new line, and no line is long."""
    return [
        _guarded(line)
        for sentence in _SENTENCE.split(_inline(text))
        for line in textwrap.wrap(sentence, 78, break_long_words=False, break_on_hyphens=False)
    ]


def _inline(text: str) -> str:
    return "".join(
        _FONTS[kind] % (_plain(piece) if kind == "plain" else _literal(piece))
        for kind, piece in markup.pieces(text)
    )


def _plain(text: str) -> str:
    return "".join(_SPECIAL.get(char, char) for char in text)


def _literal(text: str) -> str:
    """As it stands: hyphens that can be copied, and none that the formatter puts in."""
    return r"\%" + _typed(text)


def _typed(text: str) -> str:
    return _plain(text).replace("-", r"\-")


def _code_line(line: str) -> str:
    return _guarded(_typed(line))


def _guarded(line: str) -> str:
    """A line of text, kept from being taken for a request."""
    return r"\&" + line if line.startswith((".", "'")) else line
