"""Questions about the locks in a store, with the words of a daemon, answered by reading it.

docs/reference/extension.md has the words and the rows. What a daemon counts, or knows of its
connections, nobody knows of a store: it is None.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import time_ns

from flom import fields
from flom.core.explain import Explanation
from flom.core.names import Name, parse
from flom.core.requests import EXCLUSIVE, Request
from flom.errors import RC_OBJ_NOT_FOUND_ERROR, RC_PROTOCOL_ERROR, FlomError
from flom.net.address import joined
from flom.settings import Settings
from flom.store import about, etcd
from flom.store.gateway import Unreachable
from flom.store.operations import Item
from flom.store.reader import Reader
from flom.store.records import Place, View, after, root_of
from flom.store.resources import Resource
from flom.store.rows import Row, claim, entry_of, first
from flom.store.telling import events
from flom.store.verdict import judge
from flom.values import quoted

Words = dict[str, str]


class Onlooker:
    """Who looks at a store and locks nothing; `limit`: seconds for each request to it.

    Raises FlomError as `Reader`, and -28 when there is nothing to break.
    """

    def __init__(self, settings: Settings, limit: float) -> None:
        self._reader = Reader(settings, limit)
        self._prefix = self._reader.target.prefix
        self._answers: dict[str, Callable[[Words, bytes], Iterator[Row]]] = {
            "daemon": self._daemon,
            "resources": self._resources,
            "queue": self._queue,
            "explain": self._explain,
            "metrics": self._metrics,
            "break": self._break,
        }

    def close(self) -> None:
        """Leave the store."""
        self._reader.close()

    def ask(self, what: str, name: bytes | None = None, **words: str) -> Iterator[Row]:
        """The rows of an answer; `words` are the attributes of the question, `name` apart."""
        return self._answers[what](words, name or b"")

    def watch(self, what: str, name: bytes | None = None) -> Iterator[Row]:
        """The events from now on, without end, of one resource or all."""
        known = None if name is None else parse(name)
        return events(self._reader, None if known is None else known.root)

    def endpoints(self) -> list[Row]:
        """What each endpoint says of itself, or why it does not."""
        readers = self._reader.each()
        with ThreadPoolExecutor(len(readers)) as pool:
            return list(pool.map(_endpoint, readers))

    def _all(self) -> list[Resource]:
        """Every resource at one moment, in order of creation."""
        key = f"{self._prefix}/"
        read = self._reader.read(key, after(key))
        folders: dict[bytes, list[Item]] = {}
        for item in read.items:
            root = root_of(self._prefix, item.key)
            if root is not None:
                folders.setdefault(root, []).append(item)
        found = [
            Resource(name, self._view(name, read.revision, items))
            for root, items in folders.items()
            if (name := parse(root)) is not None
        ]
        return sorted(found, key=lambda one: one.number)

    def _one(self, name: Name) -> View:
        place = Place(self._prefix, name.root)
        read = self._reader.read(place.key, place.end)
        return self._view(name, read.revision, read.items)

    def _view(self, name: Name, revision: int, items: "tuple[Item, ...] | list[Item]") -> View:
        place = Place(self._prefix, name.root)
        try:
            return View(place, revision, tuple(items))
        except ValueError as error:
            failure = FlomError(
                RC_PROTOCOL_ERROR,
                f"below {quoted(place.key)} in the store stands something else than locks: {error}",
            )
            failure.advice = "is the prefix of --store that of others, or of another version?"
            raise failure from None

    def _resources(self, words: Words, name: bytes) -> Iterator[Row]:
        wall = _wall()
        for one in self._all():
            if one.queue is not None:
                yield one.row(wall)

    def _queue(self, words: Words, name: bytes) -> Iterator[Row]:
        known = parse(name)
        one = None if known is None else Resource(known, self._one(known))
        if one is not None and (one.queue is not None or one.parked):
            yield one.full_row(_wall())

    def _explain(self, words: Words, name: bytes) -> Iterator[Row]:
        wanted = Request(
            name, int(words.get("mode", EXCLUSIVE)), int(words.get("quantity", 1)),
            create=words.get("create") != "0",
        )  # fmt: skip
        wall = _wall()
        known = parse(name)
        if known is None:
            yield fields.explanation(wanted, Explanation(None, "invalid_name"), [])
            return
        why = judge(known, self._one(known), wanted, about.inherited(), wall)
        yield fields.explanation(wanted, why, first(known.kind, why.blockers, wall))

    def _break(self, words: Words, name: bytes) -> Iterator[Row]:
        known = parse(name)
        one = None if known is None else Resource(known, self._one(known))
        broken, wall = False, _wall()
        for holder in [] if one is None else one.holders:
            entry = entry_of(holder)
            number = str(entry.created)
            chosen = words.get("holder", number) == number
            if one is not None and chosen and self._reader.revoke(int(entry.session, 16)):
                broken = True
                yield {**claim(one.name.kind, entry, wall), "resource": one.number}
        if not broken:
            raise FlomError(RC_OBJ_NOT_FOUND_ERROR, "nobody holds it")

    def _daemon(self, words: Words, name: bytes) -> Iterator[Row]:
        yield {
            "version": None,
            "pid": None,
            "host": None,
            "endpoint": str(self._reader.target),
            "started": None,
            "uptime": None,
            "lifespan": None,
            "patience": 0,
            **self._gauges(),
        }

    def _metrics(self, words: Words, name: bytes) -> Iterator[Row]:
        yield {
            "started": None,
            "uptime": None,
            **self._gauges(),
            "served": None,
            "invalid_names": None,
            "buckets": [],
            "kinds": {},
        }

    def _gauges(self) -> Row:
        found = self._all()
        return {
            "connections": None,
            "onlookers": None,
            "resources": sum(one.queue is not None for one in found),
            "holders": sum(len(one.holders) for one in found),
            "waiters": sum(len(one.waiters) for one in found),
            "parked": sum(len(one.parked) for one in found),
        }


def _endpoint(reader: Reader) -> Row:
    """A row about the only endpoint that a reader asks."""
    (endpoint,) = reader.target.endpoints
    row: Row = {"endpoint": joined(*endpoint), "alive": False, "version": None, "leader": None}
    try:
        told = reader.call(etcd.STATUS, {})
    except Unreachable as error:
        return {**row, "problem": ", ".join(error.reasons.values())}
    except FlomError as error:
        return {**row, "problem": error.text}
    finally:
        reader.close()
    leader, member = told.get("leader", "0"), told["header"].get("member_id")
    return {
        **row,
        "alive": True,
        "version": told.get("version"),
        "leader": None if leader == "0" else leader == member,
        "problem": "; ".join(told.get("errors", [])) or None,
    }


def _wall() -> int:
    return time_ns() // 1000
