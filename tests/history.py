"""What clients of a daemon saw, and whether a lock manager may have done that.

A history is a list of records on one clock. Whoever locks writes down, each *when it happened to
him*:

    ask       a request leaves; `Ask` tells what is wanted
    queued    the daemon has said that it waits
    granted   the daemon's grant was read, with the element and the fencing token if there are any
    refused   "busy" or another refusal was read
    ending    the unlock, or the end of a waiting client, is about to leave (`how`: commit,
              rollback, crash, withdraw), or the client was told that its lock is lost (lost)
    ended     the daemon has confirmed the end, so that whoever asks from now on finds nothing of it
    restart   (by nobody) the daemon died: every lock of it is forgotten

An interval from `granted` to `ending` lies inside the time in which the daemon regards the client
as holder, so two incompatible ones that overlap are a fault of the daemon, never of measurement.
The rules are written down here a second time, independent of `flom.core`.
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise

# Rows: held; columns: asked (resources.md 4).
_MODES = ("NL", "CR", "CW", "PR", "PW", "EX")
_TOGETHER = ("111111", "111110", "111000", "110100", "110000", "100000")
FOR_EVER = float("inf")


@dataclass(frozen=True)
class Ask:
    """A request: resource name, mode by name, quantity, may it wait, is it inside other locks."""

    name: str
    mode: str = "EX"
    quantity: int = 1
    wait: bool = True
    nested: bool = False


@dataclass(frozen=True)
class Record:
    """One line of a history. `number` is the request's, unique in the history."""

    at: float
    what: str
    number: int = 0
    ask: Ask | None = None
    element: str | None = None
    how: str = ""
    token: int | None = None


@dataclass(frozen=True)
class Violation:
    """A broken promise: which one, and the requests concerned."""

    promise: str
    requests: tuple[int, ...]
    text: str

    def __str__(self):
        return f"{self.promise}: {self.text}"


@dataclass
class Life:
    """One request, from `ask` to `ended`; times are infinite until they happened."""

    number: int
    ask: Ask
    asked: float
    epoch: int
    queued: float = FOR_EVER
    granted: float = FOR_EVER
    refused: float = FOR_EVER
    ending: float = FOR_EVER
    ended: float = FOR_EVER
    element: str | None = None
    how: str = ""
    token: int | None = None

    @property
    def outcome(self):
        """When the request stopped waiting, whatever way."""
        return min(self.granted, self.refused, self.ending)

    @property
    def resource(self):
        """Requests with the same one meet: the name, or the first level of a path."""
        name = self.ask.name
        return "/" + name.split("/")[1] if name.startswith("/") else name

    def __str__(self):
        return f"#{self.number} {self.ask.name} {self.ask.mode} x{self.ask.quantity}"


@dataclass
class History:
    """Records as they come; `record` may be called from several threads."""

    records: list[Record] = field(default_factory=list)
    _numbers: int = 0

    def ask(self, at, ask):
        """Note a request; returns the number for what follows."""
        self._numbers += 1
        number = self._numbers
        self.records.append(Record(at, "ask", number, ask))
        return number

    def note(self, at, what, number=0, element=None, how="", ask=None, token=None):
        """Note what happened to a request, or "restart"; `ask` if the request has its number."""
        self.records.append(Record(at, what, number, ask, element, how, token))


def lives(records):
    """The requests of a history, in order of asking."""
    found = {}
    epoch = 0
    for record in sorted(records, key=lambda record: record.at):
        if record.what == "restart":
            epoch += 1
            for life in found.values():
                if life.ended == FOR_EVER:
                    life.ending = min(life.ending, record.at)
                    life.ended = record.at
                    life.how = life.how or "restart"
        elif record.what == "ask":
            found[record.number] = Life(record.number, record.ask, record.at, epoch)
        else:
            life = found[record.number]
            if life.how == "restart" and record.what in ("granted", "queued"):
                continue  # said by the daemon that died, read afterwards
            if record.what == "granted" and life.ending < record.at:
                continue  # said to somebody who was gone when it was read
            setattr(life, record.what, min(record.at, getattr(life, record.what)))
            if record.what == "granted":
                life.element, life.token = record.element, record.token
            if life.how != "crash":  # what a command says whose flom was killed, nobody hears
                life.how = record.how or life.how
    return list(found.values())


def check(records, *, fair=False, finished=True):
    """All violations in a history.

    fair: the daemon's queue patience is 0, so that order is promised. finished: everybody who
    could end has ended, and time enough has passed for whoever could be served.
    """
    by_resource, by_name = {}, {}
    for life in lives(records):
        by_resource.setdefault((life.epoch, life.resource), []).append(life)
        by_name.setdefault(life.resource, []).append(life)
    found = []
    for group in by_name.values():
        found += _tokens(group)
    for group in by_resource.values():
        found += _exclusion(group)
        found += _elements(group)
        found += _refusals(group)
        if fair:
            found += _order(group)
        if finished:
            found += _rest(group)
    return found


def conflict(one, other):
    """Whether two requests for the same resource can never hold together."""
    name = one.ask.name
    if capacity(name) is None:
        apart = _TOGETHER[_MODES.index(one.ask.mode)][_MODES.index(other.ask.mode)] == "0"
        return apart and _related(name, other.ask.name)
    return weight(one) + weight(other) > capacity(name)


def capacity(name):
    """How many units, elements or places there are; None where modes decide."""
    if "." in name and not name.startswith(("_t_", "/")):
        return name.count(".") + 1
    counted = re.search(r"\[(\d+)\]$", name)
    return int(counted[1]) if counted and not name.startswith("/") else None


def weight(life):
    """How much of the capacity a request takes."""
    return life.ask.quantity if re.fullmatch(r"[A-Za-z]\w*\[\d+\]", life.ask.name) else 1


def _related(one, other):
    """The same simple resource, or paths of which one leads to the other."""
    return (one + "/").startswith(other + "/") or (other + "/").startswith(one + "/")


def _exclusion(group):
    holds = sorted((life for life in group if life.granted < FOR_EVER), key=lambda x: x.granted)
    total = capacity(group[0].ask.name)
    found = []
    open_holds = []
    for life in holds:
        open_holds = [other for other in open_holds if other.ending > life.granted]
        if total is None:
            found += [
                Violation("exclusion", (other.number, life.number), f"{other} and {life} at once")
                for other in open_holds
                if conflict(other, life)
            ]
        elif sum(map(weight, open_holds)) + weight(life) > total:
            numbers = tuple(other.number for other in [*open_holds, life])
            found.append(Violation("exclusion", numbers, f"more than {total} of {life.ask.name}"))
        open_holds.append(life)
    return found


def _elements(group):
    """Members of a set are held by one at a time, numbers and times are given once."""
    name = group[0].ask.name
    holds = sorted((life for life in group if life.granted < FOR_EVER), key=lambda x: x.granted)
    if capacity(name) is None or weight(group[0]) != 1 or re.fullmatch(r"[A-Za-z]\w*\[\d+\]", name):
        return []
    if not name.startswith("_"):
        return _members(name.split("."), holds)
    again = ("rollback", "crash", "lost", "restart") if name.startswith("_S_") else ()
    found = []
    previous = {}
    for life in holds:
        former = previous.get(life.element)
        if former is not None and (former.how not in again or former.ending > life.granted):
            numbers = (former.number, life.number)
            found.append(Violation("element", numbers, f"{former} and {life} got {life.element}"))
        previous[life.element] = life
    return found


def _members(members, holds):
    found = []
    for life in holds:
        same = [
            other
            for other in holds
            if other.element == life.element and other.granted <= life.granted < other.ending
        ]
        if len(same) > members.count(life.element):
            numbers = tuple(other.number for other in same)
            found.append(Violation("element", numbers, f"{life.element} held by {numbers} at once"))
    return found


def _tokens(group):
    """Who asked after another had his grant has the higher token, restarts or not; none is twice.

    Of two who asked at the same time nobody but the daemon knows who was first, unless they
    exclude each other.
    """
    granted = sorted((one for one in group if one.token is not None), key=lambda one: one.granted)
    found = []
    highest, earlier, seen = None, iter([*granted, None]), {}
    former = next(earlier)
    for life in sorted(granted, key=lambda one: one.asked):
        while former is not None and former.granted < life.asked:
            highest = former if highest is None else max(highest, former, key=lambda one: one.token)
            former = next(earlier)
        if highest is not None and highest.token >= life.token:
            numbers = (highest.number, life.number)
            found.append(Violation("token", numbers, f"{life} has no higher one than {highest}"))
        elif life.token in seen:
            numbers = (seen[life.token], life.number)
            found.append(
                Violation("token", numbers, f"{life.token} was given to both of {numbers}")
            )
        seen[life.token] = life.number
    for former, life in pairwise(granted):
        if former.token > life.token and conflict(former, life):
            numbers = (former.number, life.number)
            found.append(Violation("token", numbers, f"{life} has no higher one than {former}"))
    return found


def _refusals(group):
    """Who is told "busy" must have had somebody in the way; else a lock has leaked."""
    found = []
    for life in group:
        if life.how != "busy":
            continue
        around = [
            other
            for other in group
            if other is not life and other.asked < life.refused and other.ended > life.asked
            and other.refused > life.asked
        ]  # fmt: skip
        if not _in_the_way(life, around):
            found.append(Violation("leak", (life.number,), f"{life} is busy, and nobody is there"))
    return found


def _in_the_way(life, others):
    total = capacity(life.ask.name)
    if total is None:
        return any(conflict(other, life) for other in others)
    return sum(map(weight, others)) + weight(life) > total or life.ask.name.startswith("_t_")


def _order(group):
    """Who was known to wait before another asked is served before him, if they exclude each other.

    A grant that is read late does not deceive: of two that exclude each other the later one is
    given only after the earlier one was read and ended.
    """
    found = []
    waiters = [life for life in group if life.queued < FOR_EVER]
    for late in group:
        if late.granted == FOR_EVER or late.ask.nested:
            continue
        for early in waiters:
            if early.queued < late.asked and late.granted < early.outcome and conflict(early, late):
                numbers = (early.number, late.number)
                found.append(Violation("order", numbers, f"{late} passed {early}"))
    return found


def _rest(group):
    """At rest nobody waits for whom nobody is in the way."""
    found = []
    for life in group:
        if life.outcome < FOR_EVER:
            continue
        holders = [other for other in group if other.granted < FOR_EVER == other.ended]
        if not _in_the_way(life, holders):
            text = f"{life} waits, and nobody is in the way"
            found.append(Violation("wake-up", (life.number,), text))
    return found
