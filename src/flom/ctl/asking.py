"""Who keeps the locks, as the commands see it: questions in, rows out."""

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Protocol

from flom.client.questions import Questions, named
from flom.ctl.output import Row, tell
from flom.ctl.rows import TIMEOUT

if TYPE_CHECKING:
    from flom.ctl.commands import Call


class Keeper(Protocol):
    """A daemon or a store."""

    def ask(self, what: str, name: bytes | None = None, **words: str) -> Iterator[Row]:
        """The rows of an answer; `words` are the attributes of the question, `name` apart."""

    def watch(self, what: str, name: bytes | None = None) -> Iterator[Row]:
        """The same for an answer without end, whose rows may be long in coming."""

    def endpoints(self) -> list[Row] | None:
        """What each endpoint of a store says of itself; None for a daemon."""

    def close(self) -> None:
        """Leave it."""


class Daemon:
    """A daemon that tells its state; made, and raises, as `Questions`."""

    __slots__ = ("_questions",)

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    def ask(self, what: str, name: bytes | None = None, **words: str) -> Iterator[Row]:
        """See Keeper."""
        return self._questions.ask(what, _words(name, words))

    def watch(self, what: str, name: bytes | None = None) -> Iterator[Row]:
        """See Keeper."""
        return self._questions.ask(what, _words(name, {}), patient=True)

    def endpoints(self) -> None:
        """See Keeper."""

    def close(self) -> None:
        """See Keeper."""
        self._questions.close()


def _words(name: bytes | None, words: dict[str, str]) -> dict[str, str]:
    return words if name is None else {"name": named(name), **words}


def connected(call: "Call") -> "closing[Keeper]":
    """The keeper of the locks by the call's settings, for the time of a `with` block.

    Raises as `Questions` or `flom.store.state.Onlooker`, in the block as well.
    """
    settings, limit = call.settings, call.number(TIMEOUT) / 1000
    if settings.store_url is None:
        return closing(Daemon(Questions(settings, limit, tell)))
    from flom.store.state import Onlooker

    return closing(Onlooker(settings, limit))
