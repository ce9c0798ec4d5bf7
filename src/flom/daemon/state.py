"""Answers to questions about the state, piece by piece (docs/reference/extension.md, "Words").

Whoever sends the answer takes the pieces as fast as the peer reads them, so that a long one costs
the others little, and a peer that does not read costs nobody anything. Loaded when somebody asks.
"""

import json
from binascii import Error, a2b_base64

from flom import fields
from flom.core.names import kind_of
from flom.core.queue import seconds_of
from flom.core.requests import EXCLUSIVE, Request
from flom.daemon import rows
from flom.errors import (
    OWN_RC_UNKNOWN_QUESTION,
    RC_OBJ_NOT_FOUND_ERROR,
    RC_OUT_OF_RANGE,
    FlomError,
)
from flom.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flom.core.queue import Claim
    from flom.core.requests import Instant
    from flom.core.resource import Resource
    from flom.core.table import Table
    from flom.daemon.connection import Connection
    from flom.daemon.rows import Row
    from flom.daemon.server import Server
    from flom.daemon.tally import Tally

    Words = dict[str, str]


class State:
    """The state of one daemon. facts: what its life knows of it, for the row `daemon`.

    `answer` gives texts; put together they are rows of JSON, each on a line.
    """

    def __init__(self, server: "Server", facts: "Callable[[], Row]") -> None:
        self._server = server
        self._facts = facts
        self._table: Table = server.table
        self._tally: Tally = server.tally

    def answer(self, what: str, words: "Words", asker: "Connection") -> "Iterator[str]":
        """The answer to a question; raises FlomError, when its turn comes, if there is none."""
        answers: dict[str, Callable[[Words, Connection], Iterator[str]]] = {
            "daemon": self._daemon,
            "resources": self._resources,
            "queue": self._queue,
            "snapshot": self._snapshot,
            "explain": self._explain,
            "metrics": self._metrics,
        }
        if what not in answers:
            raise FlomError(OWN_RC_UNKNOWN_QUESTION, f"this daemon knows no question {what[:40]!r}")
        return answers[what](words, asker)

    def snapshot(self) -> "Iterator[str]":
        """All resources with their queues, then those who wait for a creation."""
        for resource in self._table.resources():
            yield from self._with_queue(resource)
        yield from self._parked(self._table.waiting_for_creation())

    def _daemon(self, words: "Words", asker: "Connection") -> "Iterator[str]":
        import posix

        yield line({
            "version": VERSION,
            "pid": posix.getpid(),
            "host": posix.uname().nodename,
            **self._facts(),
            **self._gauges(),
        })  # fmt: skip

    def _metrics(self, words: "Words", asker: "Connection") -> "Iterator[str]":
        facts = self._facts()
        yield line({
            "started": facts["started"],
            "uptime": facts["uptime"],
            **self._gauges(),
            "served": self._server.served,
            **rows.metrics(self._tally),
        })  # fmt: skip

    def _resources(self, words: "Words", asker: "Connection") -> "Iterator[str]":
        for resource in self._table.resources():
            if self._lives(resource):
                yield line(rows.resource(resource, self._now(), self._seq))

    def _queue(self, words: "Words", asker: "Connection") -> "Iterator[str]":
        self._now()
        name = name_in(words)
        resource = self._table.find(name)
        if resource is not None:
            yield from self._with_queue(resource)
            return
        parked = self._table.waiting_for_creation()
        if known := [one for one in parked if fields.root_of(one.name) == fields.root_of(name)]:
            yield from self._parked(known)

    def _snapshot(self, words: "Words", asker: "Connection") -> "Iterator[str]":
        return self.snapshot()

    def _explain(self, words: "Words", asker: "Connection") -> "Iterator[str]":
        now, patience = self._now(), seconds_of(self._table.patience)
        if "name" in words:
            request = Request(
                name_in(words),
                number_in(words, "mode", EXCLUSIVE),
                number_in(words, "quantity", 1),
                create=number_in(words, "create", 1) != 0,
                ancestors=self._server.ancestors(asker),
            )
            told = self._table.explain(request, now)
            yield line(rows.explanation(request, told, now, patience))
            return
        pending = self._table.explain_pending(asker, now)
        if pending is None or pending.pending is None:
            raise FlomError(RC_OBJ_NOT_FOUND_ERROR, "nothing is pending on this connection")
        yield line(rows.explanation(pending.pending, pending, now, patience))

    def _with_queue(self, resource: "Resource") -> "Iterator[str]":
        """A resource, its holders and its waiters; nothing if it has ended by now."""
        now = self._now()
        if not self._lives(resource):
            return
        queue = self._table.queue(resource)
        yield line(rows.resource(resource, now, self._seq))[:-2] + ',"holders":'
        yield from self._claims(queue.kind, queue.holders, None)
        yield ',"waiters":'
        yield from self._claims(queue.kind, queue.waiters, seconds_of(queue.patience))
        yield "}\n"

    def _parked(self, claims: "Iterable[Claim]") -> "Iterator[str]":
        yield '{"parked":'
        yield from self._claims(None, claims, seconds_of(-1))
        yield "}\n"

    def _claims(
        self, kind: str | None, claims: "Iterable[Claim]", patience: float | None
    ) -> "Iterator[str]":
        now = self._server.instant()  # one for all of them, however long the telling takes
        separator = "["
        for claim in claims:
            known = kind or kind_of(claim.name)
            yield separator + line(rows.claim(known, claim, now, patience))[:-1]
            separator = ","
        yield "[]" if separator == "[" else "]"

    def _gauges(self) -> "Row":
        resources = self._table.resources()
        return {
            "connections": len(self._server.connections),
            "onlookers": self._server.onlookers,
            "resources": len(resources),
            "holders": sum(len(resource.holders) for resource in resources),
            "waiters": sum(resource.waiters for resource in resources),
            "parked": len(self._table.parked()),
        }

    def _now(self) -> "Instant":
        """The present moment, with everything done that was due before it."""
        self._server.catch_up()
        return self._server.instant()

    @property
    def _seq(self) -> int:
        watchers = self._tally.watchers
        return 0 if watchers is None else watchers.seq

    def _lives(self, resource: "Resource") -> bool:
        return self._table.find(resource.name.text) is resource


def line(row: "Row") -> str:
    """A row as a line."""
    return json.dumps(row, separators=(",", ":")) + "\n"


def name_in(words: "Words") -> bytes:
    """The name in a question. Raises FlomError if it is missing or no base64 text."""
    try:
        return a2b_base64(words["name"].encode(), strict_mode=True)
    except (KeyError, Error):
        raise FlomError(RC_OUT_OF_RANGE, "the question needs a name, in base64") from None


def root_in(words: "Words") -> bytes:
    """The identity of the resource that is named. Raises FlomError if the name is none."""
    root = fields.root_of(name_in(words))
    if root is None:
        raise FlomError(RC_OUT_OF_RANGE, "the name is not that of a resource")
    return root


def number_in(words: "Words", key: str, default: int) -> int:
    """A number in a question. Raises FlomError if it is none."""
    if key not in words:
        return default
    number = fields.number(words[key])
    if number is None:
        raise FlomError(RC_OUT_OF_RANGE, f"{key}: {words[key][:20]!r} is not a number")
    return number
