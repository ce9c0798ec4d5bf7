"""Those who watch what happens, and how much of the daemon's time they get.

An event costs little when it happens: it is kept as it is, once for those who watch everything and
once for those who watch its resource. Somewhat later all watchers are told at once, each event put
into words a single time. What that may take is a fixed share of the daemon's time; what cannot be
told in it, or is not read by a watcher in time, is dropped, and the watcher is told how many events
it has missed. Of what nobody wants to know nothing is kept or told, however much happens.
"""

from binascii import b2a_base64
from time import thread_time

from flom import fields
from flom.core.requests import Request
from flom.daemon.events import Event, dropped, line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flom.core.requests import Instant
    from flom.core.resource import Entry, Resource
    from flom.daemon.connection import Connection
    from flom.daemon.events import Kept
    from flom.daemon.reactor import Reactor

# Events kept for those who have not been told yet.
KEPT = 4096
# Events put into words at a time, seconds between two times at least, and how many times as long
# as it took others have the daemon for themselves.
BATCH = 64
PAUSE = 0.002
SHARE = 50
# Bytes that a watcher has not taken yet, beyond which it is told nothing more.
UNREAD = 65536


class Watcher:
    """One connection that is told in answers to question `number`.

    at: how many kept events of its stream it has passed. place: which event of the stream comes
    next, those that were dropped included. seq: the number of the event it was told last, plus one.
    """

    __slots__ = ("at", "connection", "number", "place", "seq")

    def __init__(
        self, connection: "Connection", number: int, at: int, place: int, seq: int
    ) -> None:
        self.connection = connection
        self.number = number
        self.at = at
        self.place = place
        self.seq = seq


class Stream:
    """The events of one resource, or all of them, and those who watch these.

    passed: how many events have been kept and are kept no more. count: how many there were, those
    that were dropped included; the stream of all events does not need it, its events have numbers.
    """

    __slots__ = ("count", "events", "passed", "watchers")

    def __init__(self) -> None:
        self.watchers: dict[Connection, Watcher] = {}
        self.events: list[tuple[int, Kept]] = []
        self.passed = 0
        self.count = 0

    @property
    def full(self) -> bool:
        """Whether there is no room for another event."""
        return len(self.events) >= KEPT

    @property
    def behind(self) -> bool:
        """Whether somebody has not been told everything."""
        return any(one.at < self.end for one in self.watchers.values())

    @property
    def end(self) -> int:
        """How many events have been kept in all."""
        return self.passed + len(self.events)

    def keep(self, place: int, kept: "Kept") -> None:
        """Keep an event, if there is room."""
        if len(self.events) < KEPT:
            self.events.append((place, kept))

    def clear(self) -> None:
        """Forget everything that is kept."""
        self.passed = self.end
        self.events.clear()

    def tell(self) -> "list[Connection]":
        """Tell everybody who is ready the next events; returns those who cannot be told."""
        ready = [one for one in self.watchers.values() if one.connection.unread < UNREAD]
        parts: dict[tuple[int, int, int], bytes] = {}
        gone = []
        for watcher in ready:
            first = watcher.at - self.passed
            batch = self.events[first : first + BATCH]
            if not batch:
                continue
            key = first, watcher.place, watcher.seq
            if key not in parts:
                parts[key] = _in_words(batch, watcher.place, watcher.seq)
            watcher.at += len(batch)
            watcher.place = batch[-1][0] + 1
            watcher.seq = batch[-1][1][0] + 1
            connection = watcher.connection
            if not connection.send(connection.conversation.part(watcher.number, parts[key])):
                gone.append(connection)
        self._forget(ready)
        return gone

    def _forget(self, ready: list[Watcher]) -> None:
        """Drop what everybody knows; if room is short, also what only slow readers do not."""
        short = len(self.events) > KEPT * 3 // 4
        heeded = ready if short and ready else list(self.watchers.values())
        known = min((one.at for one in heeded), default=self.passed)
        if known > self.passed:
            del self.events[: known - self.passed]
            self.passed = known
            for watcher in self.watchers.values():
                watcher.at = max(watcher.at, known)


class Watchers:
    """All watchers of a daemon. seq: the number of the next event.

    full: everybody watches everything, and there is no room for another event; it is enough to
    count it (`seq`).

    `gone` is called with a connection that cannot be told any more, `fail` with all of them when
    telling fails for a fault of ours.
    """

    __slots__ = ("_armed", "_chosen", "_everything", "_fail", "_gone", "_reactor", "_rest",
                 "full", "seq")  # fmt: skip

    def __init__(
        self,
        reactor: "Reactor",
        gone: "Callable[[Connection], None]",
        fail: "Callable[[Iterable[Connection], Exception], None]",
    ) -> None:
        self._reactor = reactor
        self._gone = gone
        self._fail = fail
        self._everything = Stream()
        self._chosen: dict[bytes, Stream] = {}  # by the identity of the resource
        self._armed = False
        self._rest = 0.0  # no telling before this time of the reactor
        self.seq = 0
        self.full = False

    def add(self, connection: "Connection", number: int, root: bytes | None) -> bool:
        """Tell a connection what happens from now on; False if it is told already.

        root: of the one resource it wants to know of, None = of all.
        """
        if any(connection in stream.watchers for stream in self._streams()):
            return False
        if root is None:
            stream, place = self._everything, self.seq
        else:
            stream = self._chosen.setdefault(root, Stream())
            place = stream.count
        stream.watchers[connection] = Watcher(connection, number, stream.end, place, self.seq)
        self._judge()
        return True

    def remove(self, connection: "Connection") -> bool:
        """Tell a connection nothing more; returns whether there is anybody left."""
        for stream in self._streams():
            if stream.watchers.pop(connection, None) and not stream.watchers:
                stream.clear()
        self._chosen = {root: one for root, one in self._chosen.items() if one.watchers}
        self._judge()
        return any(stream.watchers for stream in self._streams())

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
        """Keep an event until those who want to know it have been told, if there is room."""
        seq = self.seq
        self.seq = seq + 1
        if self.full:
            return
        kept = seq, what, now.wall, resource, client, subject, waited, held, reason
        wanted = False
        if self._everything.watchers:
            wanted = True
            self._everything.keep(seq, kept)
        if self._chosen:
            stream = self._chosen.get(_root(resource, subject))
            if stream is not None:
                wanted = True
                stream.keep(stream.count, kept)
                stream.count += 1
        else:
            self.full = self._everything.full
        if wanted and not self._armed:
            self._arm()

    def _streams(self) -> "list[Stream]":
        """Those of single resources first: little happens there that would delay the others."""
        return [*self._chosen.values(), self._everything]

    def _judge(self) -> None:
        self.full = not self._chosen and self._everything.full

    def _arm(self) -> None:
        self._armed = True
        when = max(self._reactor.now + PAUSE, self._rest)
        self._reactor.call_at(when, self._tell)

    def _tell(self) -> None:
        self._armed = False
        begin = thread_time()
        try:
            gone = [one for stream in self._streams() for one in stream.tell()]
        except Exception as fault:
            everybody = [one for stream in self._streams() for one in stream.watchers]
            self._fail(everybody, fault)
            return
        self._judge()
        self._rest = self._reactor.now + SHARE * (thread_time() - begin)
        if any(stream.behind for stream in self._streams()):
            self._arm()
        for connection in gone:
            self._gone(connection)


def _root(resource: "Resource | None", subject: "Entry | Request | None") -> bytes:
    """The identity of the resource that an event concerns; b"", which is none, if there is none."""
    if resource is not None:
        return resource.name.root
    return (isinstance(subject, Request) and fields.root_of(subject.name)) or b""


def _in_words(batch: "list[tuple[int, Kept]]", place: int, seq: int) -> bytes:
    """Events as a part of an answer; before those that follow on missing ones, how many miss."""
    lines = []
    for at, kept in batch:
        event = Event(*kept)
        if at != place:
            lines.append(dropped(seq, event, at - place))
        lines.append(line(event))
        place, seq = at + 1, event.seq + 1
    return b2a_base64("".join(lines).encode(), newline=False)
