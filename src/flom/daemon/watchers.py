"""Those who watch what happens, and how much of the daemon's time they get.

An event costs little when it happens: it is kept as it is. Somewhat later all watchers are told at
once, each event put into words a single time. What that may take is a fixed share of the daemon's
time; what cannot be told in it, or is not read by a watcher in time, is dropped, and the watcher
is told how many events it has missed.
"""

import json
from binascii import b2a_base64
from json.encoder import encode_basestring_ascii as quoted
from time import thread_time

from flom.core.requests import Request
from flom.daemon import rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flom.core.requests import Instant
    from flom.core.resource import Entry, Resource
    from flom.daemon.connection import Connection
    from flom.daemon.reactor import Reactor

    # The arguments of Event.
    Kept = tuple[
        int,
        str,
        int,
        Resource | None,
        object,
        Entry | Request | None,
        float | None,
        float | None,
        str | None,
    ]

# Events kept for those who have not been told yet.
KEPT = 4096
# Events put into words at a time, seconds between two times at least, and how many times as long
# as it took others have the daemon for themselves.
BATCH = 64
PAUSE = 0.002
SHARE = 50
# Bytes that a watcher has not taken yet, beyond which it is told nothing more.
UNREAD = 65536


class Event:
    """Something that happened, made from what was kept of it."""

    __slots__ = (
        "client", "held", "reason", "resource", "seq", "subject", "time", "waited", "what",
    )  # fmt: skip

    def __init__(
        self,
        seq: int,
        what: str,
        time: int,
        resource: "Resource | None",
        client: object,
        subject: "Entry | Request | None",
        waited: float | None,
        held: float | None,
        reason: str | None,
    ) -> None:
        self.seq = seq
        self.what = what
        self.time = time
        self.resource = resource
        self.client = client
        self.subject = subject
        self.waited = waited
        self.held = held
        self.reason = reason


class Watcher:
    """One connection that is told, from event number `seq` on, in answers to question `number`.

    root: of the one resource it wants to know of, None = of all. at: how many events it has passed
    since the watchers began.
    """

    __slots__ = ("at", "connection", "number", "root", "seq")

    def __init__(
        self, connection: "Connection", number: int, root: bytes | None, at: int, seq: int
    ) -> None:
        self.connection = connection
        self.number = number
        self.root = root
        self.at = at
        self.seq = seq


class Watchers:
    """All watchers of a daemon. seq: the number of the next event.

    full: there is no room for another event; it is enough to count it (`seq`).

    `gone` is called with a connection that cannot be told any more, `fail` with all of them when
    telling fails for a fault of ours.
    """

    __slots__ = (
        "_armed", "_events", "_fail", "_gone", "_passed", "_reactor", "_rest", "_watchers",
        "full", "seq",
    )  # fmt: skip

    def __init__(
        self,
        reactor: "Reactor",
        gone: "Callable[[Connection], None]",
        fail: "Callable[[Iterable[Connection], Exception], None]",
    ) -> None:
        self._reactor = reactor
        self._gone = gone
        self._fail = fail
        self._watchers: dict[Connection, Watcher] = {}
        self._events: list[Kept] = []
        self._passed = 0  # events that are kept no more
        self._armed = False
        self._rest = 0.0  # no telling before this time of the reactor
        self.seq = 0
        self.full = False

    def add(self, connection: "Connection", number: int, root: bytes | None) -> bool:
        """Tell a connection what happens from now on; False if it is told already."""
        if connection in self._watchers:
            return False
        at = self._passed + len(self._events)
        self._watchers[connection] = Watcher(connection, number, root, at, self.seq)
        return True

    def remove(self, connection: "Connection") -> bool:
        """Tell a connection nothing more; returns whether there is anybody left."""
        self._watchers.pop(connection, None)
        return bool(self._watchers)

    def record(
        self,
        what: str,
        now: "Instant",
        resource: "Resource | None",
        client: object = None,
        subject: "Entry | Request | None" = None,
        waited: float | None = None,
        held: float | None = None,
        reason: str | None = None,
    ) -> None:
        """Keep an event until it has been told, if there is room."""
        seq = self.seq
        self.seq = seq + 1
        if self.full:
            return
        events = self._events
        events.append((seq, what, now.wall, resource, client, subject, waited, held, reason))
        self.full = len(events) >= KEPT
        if not self._armed:
            self._arm()

    def _arm(self) -> None:
        self._armed = True
        when = max(self._reactor.now + PAUSE, self._rest)
        self._reactor.call_at(when, self._tell)

    def _tell(self) -> None:
        self._armed = False
        try:
            self._tell_ready()
        except Exception as fault:
            self._fail(list(self._watchers), fault)

    def _tell_ready(self) -> None:
        """Tell everybody who is ready for it the next events."""
        begin = thread_time()
        end = self._passed + len(self._events)
        ready = [one for one in self._watchers.values() if one.connection.unread < UNREAD]
        words: dict[tuple[int, int], list[tuple[Event, str]]] = {}
        parts: dict[tuple[int, int], bytes] = {}
        for watcher in ready:
            self._tell_one(watcher, words, parts)
        self._forget(ready)
        self._rest = self._reactor.now + SHARE * (thread_time() - begin)
        if any(one.at < end for one in self._watchers.values()):
            self._arm()

    def _tell_one(
        self,
        watcher: Watcher,
        words: "dict[tuple[int, int], list[tuple[Event, str]]]",
        parts: dict[tuple[int, int], bytes],
    ) -> None:
        first = max(watcher.at - self._passed, 0)
        batch = self._events[first : first + BATCH]
        if not batch:
            return
        key = first, watcher.seq
        said = words.get(key)
        if said is None:
            said = words[key] = _in_words([Event(*kept) for kept in batch], watcher.seq)
        data = parts.get(key) if watcher.root is None else None
        if data is None:
            lines = [line for event, line in said if _concerns(event, watcher.root)]
            data = b2a_base64("".join(lines).encode(), newline=False)
            if watcher.root is None:
                parts[key] = data
        watcher.at = self._passed + first + len(batch)
        watcher.seq = batch[-1][0] + 1
        connection = watcher.connection
        if data and not connection.send(connection.conversation.part(watcher.number, data)):
            self._gone(connection)

    def _forget(self, ready: list[Watcher]) -> None:
        """Drop what everybody knows; if room is short, also what only slow readers do not."""
        short = len(self._events) > KEPT * 3 // 4
        heeded = ready if short and ready else list(self._watchers.values())
        known = min((one.at for one in heeded), default=self._passed + len(self._events))
        if known > self._passed:
            del self._events[: known - self._passed]
            self._passed = known
            self.full = len(self._events) >= KEPT


def _concerns(event: Event, root: bytes | None) -> bool:
    if root is None or event.what == "dropped":
        return True
    if event.resource is not None:
        return event.resource.name.root == root
    return isinstance(event.subject, Request) and rows.root_of(event.subject.name) == root


def _in_words(batch: list[Event], expected: int) -> list[tuple[Event, str]]:
    """Each event as a line of JSON; before those that follow on missing ones, how many miss."""
    said = []
    for event in batch:
        if event.seq != expected:
            count = event.seq - expected
            dropped = Event(expected, "dropped", event.time, None, None, None, None, None, None)
            time = _short(event.time / 1e6)
            line = f'{{"seq":{expected},"event":"dropped","time":{time},"count":{count}}}\n'
            said.append((dropped, line))
        expected = event.seq + 1
        said.append((event, _line(event)))
    return said


def _line(event: Event) -> str:
    resource, client = event.resource, event.client
    if resource is not None:
        name = resource.name
        place = f'{resource.number},"name":{quoted(rows.text(name.text))},"kind":"{name.kind}"'
    elif isinstance(event.subject, Request):
        kind = rows.kind_of(event.subject.name)
        place = f'null,"name":{quoted(rows.text(event.subject.name))},"kind":{_text(kind)}'
    else:
        place = 'null,"name":null,"kind":null'
    claim = "null" if client is None else _claim(event, client)  # type: ignore[arg-type]
    return (
        f'{{"seq":{event.seq},"event":"{event.what}","time":{_short(event.time / 1e6)},'
        f'"resource":{place},"claim":{claim},"waited":{_short(event.waited)},'
        f'"held":{_short(event.held)},"reason":{_text(event.reason)}}}\n'
    )


def _claim(event: Event, client: "Connection") -> str:
    subject = event.subject
    told, nested, element = "", "false", None
    wanted = '"name":null,"mode":null,"quantity":null'
    if subject is not None:
        kind = event.resource.name.kind if event.resource else rows.kind_of(subject.name)
        told = subject.told
        mode = rows.mode_of(kind, subject.mode)
        quantity = subject.quantity if kind == "numeric" else "null"
        wanted = (
            f'"name":{quoted(rows.text(subject.name))},"mode":{_text(mode)},"quantity":{quantity}'
        )
        if not isinstance(subject, Request):
            nested = "true" if subject.nested else "false"
            element = None if event.what in ("enqueued", "withdrawn") else subject.element
    if client.card is None or client.card[0] != told:
        text = json.dumps(rows.peer(client, told), separators=(",", ":"))
        client.card = told, text[1:-1]
    card = client.card[1]
    return f'{{"id":{client.number},{wanted},"element":{_text(element)},"nested":{nested},{card}}}'


def _text(text: str | None) -> str:
    return "null" if text is None else quoted(text)


def _short(number: float | None) -> str:
    return "null" if number is None else f"{number:.6f}"
