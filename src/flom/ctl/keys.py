"""Keys pressed while something is shown."""

import os
import sys
import termios
import tty
from select import select
from types import TracebackType
from typing import Any


class Keys:
    """Standard input, read key by key where it is a terminal; `with` puts it back as it was."""

    def __init__(self) -> None:
        self._before: list[Any] | None = None

    def __enter__(self) -> "Keys":
        if sys.stdin.isatty():
            self._before = termios.tcgetattr(0)
            tty.setcbreak(0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            termios.tcsetattr(0, termios.TCSADRAIN, self._before)

    def wait(self, seconds: float) -> str:
        """The first key pressed within this time, "" for none."""
        watched = [] if self._before is None else [0]
        ready, _, _ = select(watched, [], [], max(seconds, 0))
        return os.read(0, 1).decode("latin-1") if ready else ""
