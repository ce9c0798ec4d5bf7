"""The recorded decisions of the lock table, asked for and told over sockets.

Over a socket the order of events at *different* clients cannot be seen; tests/conformance compares
it on the table itself. In return this shows steps, names and numbers as they travel, the closing
of connections, and that time really passes.
"""

import re
import time

import pytest
from shared import vectors
from system.replay import (
    TRANSPORTS,
    Ahead,
    Daemon,
    TooLate,
    demand,
    first_answer,
    later_answer,
    lock_text,
    retried,
    scratch,
    unlock_text,
)

MODES = ("NL", "CR", "CW", "PR", "PW", "EX")
CODES = {
    "granted": 0,
    "enqueued": 1,
    "wait_resource": 2,
    "busy": 4,
    "cant_wait": 5,
    "impossible": 6,
    "invalid_name": -14,
}
# Milliseconds by which steps may be late: the scenarios keep 400 ms from every limit.
SLACK = 300

SCENARIOS = {scenario["name"]: scenario for scenario in vectors("resources")}
# Each on one transport, all transports in turn.
CASES = [(name, TRANSPORTS[i % len(TRANSPORTS)]) for i, name in enumerate(SCENARIOS)]


def wire_requires_a_quantity(steps):
    """wire.md W-15: a quantity below 1 is refused by closing, not granted."""
    steps[-1] = steps[-1] | {"expect": [{"client": "B", "event": "closed"}]}


def waiter_may_unlock(steps):
    """wire.md 8, W-31: what an unlock of a waiter does is the same for all kinds."""
    assert steps[2]["expect"] == [{"client": "B", "event": "closed"}]
    steps[2] = steps[2] | {"expect": []}


def unlock_ends_the_newest_grant(steps):
    """design, "second lock on one connection": sets are no exception, so b is free before a."""
    for position, element in (4, "b"), (7, "a"):
        (event,) = steps[position]["expect"]
        steps[position] = steps[position] | {"expect": [event | {"element": element}]}


# Corner behaviours of the reference (not normative) where we do what another document asks for.
RULINGS = {
    "numeric-quantity-zero": wire_requires_a_quantity,
    "sequence-unlock-by-waiter-closes": waiter_may_unlock,
    "set-two-grants-one-connection": unlock_ends_the_newest_grant,
}


class Time:
    """When a scenario's steps are due, and whether they came in time.

    A scenario that says where in a second it starts counts ticks of the wall clock.
    """

    def __init__(self, scenario):
        self._due = 0
        self._matters = any(step["op"] == "advance_ms" for step in scenario["steps"])
        fraction = scenario.get("clock_start_fraction_ms")
        self._tick = None if fraction is None else tick_of(scenario["resource"])
        if fraction is not None:
            time.sleep((fraction - wall_ms()) % 1000 / 1000)
            self._start = wall_ms() // 1000 * 1000 + fraction
        else:
            self._start = wall_ms()
        self._monotonic = time.monotonic()

    @property
    def second(self):
        """The second of the epoch in which the scenario has started."""
        return self._start // 1000

    def advance(self, milliseconds):
        """Returns when this time has passed since the last step was due."""
        self._due += milliseconds
        time.sleep(max(self._monotonic + self._due / 1000 - time.monotonic(), 0))

    def check(self):
        """Raises TooLate if it is too late for the present step to mean what was recorded."""
        late = time.monotonic() - self._monotonic - self._due / 1000
        if self._tick is None:
            if self._matters and late * 1000 > SLACK:
                raise TooLate
            return
        due = self._start + self._due if self._tick < 60000 else self._start
        if wall_ms() // self._tick != due // self._tick:
            raise TooLate


def wall_ms():
    return time.time_ns() // 1_000_000


def tick_of(name):
    """The grain of time of a timestamp resource in milliseconds, as far as recorded."""
    if "#f" in name and "#ff" not in name:
        return 100
    return 1000 if re.search("%[sST]", name) else 60000


class Client:
    """One connection of a scenario."""

    def __init__(self, peer):
        self.peer = peer
        self._answered = True

    def lock(self, name, step):
        self._answered = False
        text = lock_text(
            name,
            mode=MODES.index(step["mode"]),
            wait=step["wait"],
            quantity=step["quantity"],
            create=step["create"],
            lifespan=step["lifespan_ms"],
        )
        self.peer.send(text)

    def demand(self, event, second, where):
        """The daemon tells this event next, and with the right step (wire.md W-17, W-36)."""
        if event["event"] == "closed":
            self.peer.demand_end()
            return
        text = self.peer.message()
        rc = CODES[event["event"]]
        element = element_in(text)
        if not self._answered:
            expected = first_answer(rc, element, "@PEERID@")
        else:
            expected = later_answer(rc, element, 24 if rc in (0, 1) else 32)
        self._answered = True
        demand(expected, text, where)
        if not re.fullmatch(element_pattern(event, second), element or ""):
            raise AssertionError(f"{where}: element {element!r} instead of {event}")


def element_in(text):
    found = re.search(' element="([^"]*)"', text)
    return found and found[1]


def element_pattern(event, second):
    if "element_re" in event:
        return event["element_re"]
    if "element_epoch_offset" in event:
        return str(second + event["element_epoch_offset"])
    return re.escape(event.get("element", ""))


class Stage:
    """One scenario, one daemon, scripted clients."""

    def __init__(self, daemon, scenario):
        self._daemon = daemon
        self._scenario = scenario
        self._clients = {}
        self._time = Time(scenario)

    def play(self, steps):
        for number, step in enumerate(steps):
            try:
                self._do(step)
                self._demand(step["expect"], f"{self._scenario['name']}, step {number}")
            except AssertionError:
                self._time.check()
                raise
            self._time.check()

    def _do(self, step):
        operation = step["op"]
        name = step.get("resource", self._scenario["resource"])
        if operation == "advance_ms":
            self._time.advance(step["ms"])
        elif operation == "lock":
            self._client(step["client"]).lock(name, step)
        elif operation == "unlock":
            self._client(step["client"]).peer.send(unlock_text(name, step["rollback"]))
        else:
            self._clients.pop(step["client"]).peer.leave()

    def _client(self, letter):
        if letter not in self._clients:
            self._clients[letter] = Client(self._daemon.connect())
        return self._clients[letter]

    def _demand(self, events, where):
        """Exactly these events are told."""
        for event in events:
            self._clients[event["client"]].demand(event, self._time.second, where)
            if event["event"] == "closed":
                self._clients.pop(event["client"]).peer.close()
        self._daemon.settle()
        for letter, client in self._clients.items():
            client.peer.demand_nothing()
            if client.peer.has_ended():
                raise AssertionError(f"{where}: {letter} was closed")

    def close(self):
        for client in self._clients.values():
            client.peer.close()


def play(case):
    name, transport = case
    scenario = SCENARIOS[name]
    steps = list(scenario["steps"])
    if name in RULINGS:
        RULINGS[name](steps)
    with scratch() as folder, Daemon(folder, transport) as daemon:
        stage = Stage(daemon, scenario)
        try:
            stage.play(steps)
        finally:
            stage.close()


@pytest.fixture(scope="module")
def outcomes(request):
    with Ahead(request, lambda case: retried(play, case)) as ahead:
        yield ahead


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_the_daemon_decides_as_recorded(outcomes, case):
    outcomes.outcome(case)


def test_rulings_are_about_what_may_differ():
    assert not any(SCENARIOS[name]["normative"] for name in RULINGS)
