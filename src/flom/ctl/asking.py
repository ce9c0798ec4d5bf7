"""The daemon as the commands see it: questions in, rows out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flom.client.questions import Questions, named
from flom.ctl.output import Row, tell
from flom.ctl.rows import TIMEOUT

if TYPE_CHECKING:
    from flom.ctl.commands import Call


class Daemon:
    """A daemon that tells its state."""

    __slots__ = ("_questions",)

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    def ask(self, what: str, name: bytes | None = None, **words: str) -> Iterator[Row]:
        """The rows of an answer; `words` are the attributes of the question, `name` apart."""
        return self._questions.ask(what, _words(name, words))

    def watch(self, what: str, name: bytes | None = None) -> Iterator[Row]:
        """The same for an answer without end, whose rows may be long in coming."""
        return self._questions.ask(what, _words(name, {}), patient=True)


def _words(name: bytes | None, words: dict[str, str]) -> dict[str, str]:
    return words if name is None else {"name": named(name), **words}


@contextmanager
def connected(call: "Call") -> Iterator[Daemon]:
    """The daemon of the call's settings, for the time of a block; raises as `Questions`."""
    questions = Questions(call.settings, call.number(TIMEOUT) / 1000, tell)
    try:
        yield Daemon(questions)
    finally:
        questions.close()
