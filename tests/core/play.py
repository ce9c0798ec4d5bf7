"""Conversations with a lock table, written as text.

    A lock foo PR         => A granted
    B lock foo nowait     => B busy
    wait 500
    A unlock foo rollback
    B disconnect

Words of `lock` after the name: a mode (default EX), q3, nowait, nocreate, L500, in:A,B (asked from
within locks of A and B). An element follows its `granted`. A line without `=>` expects nothing to
happen.
"""

from flom.core.requests import Closed, Enqueued, Granted, Instant, Parked, Refused, Request
from flom.core.table import Table
from flom.values import MODE_NAMES

NOON = 1_700_049_600  # s since the epoch: 2023-11-15 12:00:00 UTC


class Play:
    """One table and its clock. Time is in ms since the start; the wall clock may be moved."""

    def __init__(self, patience=60000, start=NOON):
        self.table = Table(patience)
        self.elapsed = 0
        self.start = start * 1_000_000

    @property
    def now(self):
        return Instant(self.elapsed / 1000, self.start + self.elapsed * 1000)

    def run(self, script):
        """Play lines; every line must have exactly the stated outcome."""
        for line in script.strip().split("\n"):
            action, _, outcome = line.partition("=>")
            if not action.strip():
                continue
            wanted = [part.strip() for part in outcome.split(",") if part.strip()]
            got = [text(effect) for effect in self.do(action)]
            assert got == wanted, f"{line.strip()}   got: {got}"

    def do(self, action):
        """Play one action; returns the effects."""
        who, *words = action.split()
        if who == "wait":
            return self.wait(int(words[0]))
        if words[0] == "disconnect":
            return self.table.disconnect(who, self.now)
        name = words[1].encode()
        if words[0] == "unlock":
            return self.table.unlock(who, name, "rollback" in words, self.now)
        return self.table.lock(who, request(name, words[2:]), self.now)

    def wait(self, ms):
        """Let time pass as a daemon does, which sleeps until the table wants to be woken."""
        effects, end = [], self.elapsed + ms
        while (wakeup := self.table.wakeup()) is not None and wakeup * 1000 <= end:
            self.elapsed = max(self.elapsed, wakeup * 1000)
            if self.elapsed == int(self.elapsed):
                self.elapsed = int(self.elapsed)
            moment = Instant(self.elapsed / 1000, self.start + round(self.elapsed * 1000))
            effects += self.table.advance(moment)
        self.elapsed = end
        return effects


def request(name, words):
    """A lock request from the words after its name."""
    asked = Request(name, wait="nowait" not in words, create="nocreate" not in words)
    for word in words:
        if word in MODE_NAMES:
            asked.mode = MODE_NAMES.index(word)
        elif word.startswith("in:"):
            asked.ancestors = tuple(word[3:].split(","))
        elif word[0] == "q":
            asked.quantity = int(word[1:])
        elif word[0] == "L":
            asked.lifespan = int(word[1:])
    return asked


def text(effect):
    """An effect in a few words."""
    match effect:
        case Granted():
            return " ".join(filter(None, [effect.client, "granted", effect.element]))
        case Enqueued():
            return f"{effect.client} enqueued"
        case Parked():
            return f"{effect.client} parked"
        case Refused():
            return f"{effect.client} {effect.reason}"
        case Closed():
            return f"{effect.client} closed"


def play(script, patience=60000):
    """Play a script on a fresh table; returns the play to go on with."""
    it = Play(patience)
    it.run(script)
    return it
