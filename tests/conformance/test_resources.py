"""Every recorded scenario of resources.json, against the lock table alone.

Format: resources.md 13. They hold for a table in which newcomers pass for ever, as in the
reference, and for the default patience.
"""

import re

import pytest
from shared import vectors

from flom.core.requests import Closed, Enqueued, Granted, Instant, Parked, Refused, Request
from flom.core.table import Table
from flom.values import MODE_NAMES

# Behaviour of the reference that an implementation may change, and does here.
DIFFERENT = {
    "set-two-grants-one-connection": "an unlock ends the newest grant, for sets as for all kinds",
    "sequence-unlock-by-waiter-closes": "an unlock by a waiter ends its waiting, for all kinds",
    "numeric-quantity-zero": "a quantity below 1 is a protocol error",
}
EPOCH = 1_700_000_000  # s; the start of all scenarios, 20 s after a full minute in every zone

REASONS = {"cannot_wait": "cant_wait"}

SCENARIOS = {scenario["name"]: scenario for scenario in vectors("resources")}


class Play:
    """One scenario on one table, with a clock that only `advance_ms` moves."""

    def __init__(self, scenario, patience):
        self.scenario = scenario
        self.table = Table(patience)
        fraction = scenario.get("clock_start_fraction_ms", 0)
        self.elapsed_us = 0
        self.start_us = EPOCH * 1_000_000 + fraction * 1000

    def now(self):
        return Instant(self.elapsed_us / 1e6, self.start_us + self.elapsed_us)

    def run(self):
        for number, step in enumerate(self.scenario["steps"]):
            effects = getattr(self, "do_" + step["op"])(step)
            self.compare(f"step {number}: {step}", effects, step["expect"])

    def name(self, step):
        return step.get("resource", self.scenario["resource"]).encode("latin-1")

    def do_lock(self, step):
        request = Request(
            self.name(step),
            MODE_NAMES.index(step["mode"]),
            step["quantity"],
            step["wait"],
            step["create"],
            step["lifespan_ms"],
        )
        return self.table.lock(step["client"], request, self.now())

    def do_unlock(self, step):
        return self.table.unlock(step["client"], self.name(step), step["rollback"], self.now())

    def do_disconnect(self, step):
        return self.table.disconnect(step["client"], self.now())

    def do_advance_ms(self, step):
        """Let time pass as a daemon does: it sleeps until the table wants to be woken."""
        effects, end = [], self.elapsed_us + step["ms"] * 1000
        while (wakeup := self.table.wakeup()) is not None and wakeup * 1e6 <= end:
            self.elapsed_us = max(self.elapsed_us + 1, round(wakeup * 1e6))
            effects += self.table.advance(self.now())
        self.elapsed_us = end
        return effects + self.table.advance(self.now())

    def compare(self, where, effects, expected):
        got, closed = split(map(self.event_of, effects))
        wanted, to_close = split(expected)
        assert [(e["client"], e["event"]) for e in got] == [
            (e["client"], e["event"]) for e in wanted
        ], where
        assert closed == to_close, where
        for one, other in zip(got, wanted, strict=True):
            assert self.same_element(one.get("element"), other), (where, one, other)

    def same_element(self, element, wanted):
        if "element_re" in wanted:
            return element is not None and re.fullmatch(wanted["element_re"], element)
        if "element_epoch_offset" in wanted:
            return element == str(EPOCH + wanted["element_epoch_offset"])
        return element == wanted.get("element")

    def event_of(self, effect):
        event = {"client": effect.client}
        match effect:
            case Granted():
                event.update(event="granted", element=effect.element)
            case Enqueued():
                event.update(event="enqueued")
            case Parked():
                event.update(event="wait_resource")
            case Refused():
                event.update(event=REASONS.get(effect.reason, effect.reason))
            case Closed():
                event.update(event="closed")
        return event


def split(events):
    """Where `closed` stands among the events of other clients is not significant."""
    events = list(events)
    closed = sorted(e["client"] for e in events if e["event"] == "closed")
    return [e for e in events if e["event"] != "closed"], closed


@pytest.mark.parametrize("patience", [-1, 60000])
@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_scenario(name, patience):
    play = Play(SCENARIOS[name], patience)
    if name in DIFFERENT:
        with pytest.raises(AssertionError):
            play.run()
    else:
        play.run()


def test_only_optional_behaviour_differs():
    assert not [name for name in DIFFERENT if SCENARIOS[name]["normative"]]


def test_all_events_are_understood():
    known = {"granted", "enqueued", "wait_resource", "busy", "cant_wait", "impossible"}
    known |= {"invalid_name", "closed"}
    seen = {e["event"] for s in SCENARIOS.values() for t in s["steps"] for e in t["expect"]}
    assert seen <= known
