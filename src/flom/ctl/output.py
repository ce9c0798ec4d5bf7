"""What reaches the terminal: text without control characters, tables, JSON.

On a terminal tables have colours and fit its width; elsewhere they are plain and complete.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Row = dict[str, object]

_GAP = "  "
# What a shortened cell keeps at least, in columns of the terminal.
_LEAST = 8


def visible(value: object) -> str:
    """A text of a stranger as one printable line: other characters are written as in Python."""
    text = str(value)
    if text.isprintable() and "\\" not in text:
        return text
    return printable(text.replace("\\", "\\\\"))


def printable(text: str) -> str:
    """The same for a text that says itself what is a backslash of its own: a message."""
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    if "\udc80" <= char <= "\udcff":  # a byte that is no UTF-8
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")


def duration(seconds: object) -> str:
    """A time span for people, "" for none: `12s`, `3m12s`, `2h05m`, `3d04h`."""
    if not isinstance(seconds, int | float):
        return ""
    if 0 <= seconds < 10:
        return f"{seconds:.1f}s"
    whole = max(int(seconds), 0)
    minutes, rest = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    if whole < 60:
        return f"{whole}s"
    if hours == 0:
        return f"{minutes}m{rest:02}s"
    if hours < 24:
        return f"{hours}h{minutes_left:02}m"
    return f"{hours // 24}d{hours % 24:02}h"


class Column:
    """A column of a table: its title, whether its cells stand right, what gives way.

    On a terminal that is too narrow, cells that may be `cut` are shortened first, then those that
    may `fold` get several lines, then columns that can be `spared` are left out, the last one
    first. `style` is how `rich` calls a colour.
    """

    __slots__ = ("cut", "fold", "right", "spared", "style", "title")

    def __init__(
        self,
        title: str,
        *,
        right: bool = False,
        cut: bool = False,
        fold: bool = False,
        spared: bool = False,
        style: str = "",
    ) -> None:
        self.title = title
        self.right = right
        self.cut = cut
        self.fold = fold
        self.spared = spared
        self.style = style


class Grid:
    """A table: columns, and rows of cells that are `visible` already."""

    __slots__ = ("columns", "rows")

    def __init__(self, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
        self.columns = columns
        self.rows = [list(row) for row in rows]

    def plain(self) -> str:
        """Its lines for pipes and files: nothing cut, no colour."""
        from rich.cells import cell_len

        widths = self._widths()
        lines = []
        for row in [[column.title for column in self.columns], *self.rows]:
            cells = []
            for column, cell, width in zip(self.columns, row, widths, strict=True):
                space = " " * (width - cell_len(cell))
                cells.append(space + cell if column.right else cell + space)
            lines.append(_GAP.join(cells).rstrip() + "\n")
        return "".join(lines)

    def table(self, width: int) -> "Table":
        """The same for a terminal of this width."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, padding=(0, len(_GAP), 0, 0), header_style="bold")
        sizes = self._fitted(width)
        for column, size in zip(self.columns, sizes, strict=True):
            if not size:
                continue
            table.add_column(
                column.title,
                justify="right" if column.right else "left",
                style=column.style,
                width=size,
                no_wrap=column.cut,
                overflow="ellipsis" if column.cut else "fold",
            )
        for row in self.rows:
            table.add_row(*(Text(cell) for cell, size in zip(row, sizes, strict=True) if size))
        return table

    def _widths(self) -> list[int]:
        from rich.cells import cell_len

        widths = [len(column.title) for column in self.columns]
        for row in self.rows:
            for place, cell in enumerate(row):
                widths[place] = max(widths[place], cell_len(cell))
        return widths

    def _fitted(self, width: int) -> list[int]:
        """The widths, reduced until the line fits, the widest one first; 0: left out."""
        widths = self._widths()
        excess = sum(widths) + len(_GAP) * len(widths) - width
        for kind in ("cut", "fold"):
            places = [place for place, it in enumerate(self.columns) if getattr(it, kind)]
            while excess > 0 and places:
                widest = max(places, key=lambda place: widths[place])
                if widths[widest] <= _LEAST:
                    break
                widths[widest] -= 1
                excess -= 1
        for place in reversed(range(len(widths))):
            if excess > 0 and self.columns[place].spared:
                excess -= widths[place] + len(_GAP)
                widths[place] = 0
        return widths


class Output:
    """Where a command writes: standard output, as text or as JSON."""

    __slots__ = ("_stream", "json")

    def __init__(self, *, json: bool, stream: IO[str] | None = None) -> None:
        self.json = json
        self._stream = sys.stdout if stream is None else stream

    @property
    def terminal(self) -> bool:
        """Whether people look at it."""
        return self._stream.isatty()

    def console(self) -> "Console":
        """The terminal, with the colours it has (none when NO_COLOR is set)."""
        from rich.console import Console

        return Console(file=self._stream, highlight=False, markup=False, emoji=False)

    def value(self, value: object) -> None:
        """One JSON value on one line, at once; in ASCII, so that no terminal obeys it."""
        self._stream.write(json.dumps(value) + "\n")
        self._stream.flush()

    def text(self, text: str) -> None:
        """Lines that are `visible`, each with its line break, at once."""
        self._stream.write(text)
        self._stream.flush()

    def grid(self, grid: Grid) -> None:
        """A table."""
        if self.terminal:
            console = self.console()
            console.print(grid.table(console.width))
        else:
            self.text(grid.plain())


def warn(text: str) -> None:
    """A warning for the operator."""
    print(f"flomctl: warning: {printable(text)}", file=sys.stderr)


def tell(stream: int, text: str) -> None:
    """News of a search by multicast, of which warnings matter."""
    if stream == 2:
        warn(text)
