"""The recorded dialogues of the reference with our daemon, over every kind of stream.

Each is played twice: by scripted clients here, and by real commands in test_client_vectors.py.
"""

import copy
import time

import pytest
from shared import vectors
from system.replay import (
    PATIENCE,
    TRANSPORTS,
    Ahead,
    Daemon,
    TooLate,
    demand,
    first_answer,
    later_answer,
    retried,
    scratch,
)

# Scenarios on other transports than a plain stream: test_discovery_vectors.py and
# test_tls_vectors.py play those.
ELSEWHERE = ("udp", "tls")
# Scenarios that tell how much time has to pass between their steps; all others tell an order.
TIMED = {"idle-lifespan"}
# No two steps of a scenario are longer apart than this, in seconds, when the machine keeps up;
# from 2 s on a resource that nobody uses is forgotten.
KEEPS_UP = 1.5
# Must begin early in a second and answer the second client before the next one.
WITHIN_A_SECOND = {"timestamp-enqueue-grant"}


def is_stream(scenario):
    return scenario["transport"] in TRANSPORTS


def plain_scenarios():
    """Those with a daemon, on plain streams, changed by what the design rules."""
    chosen = [s for s in vectors("wire") if is_stream(s) and "server" not in s]
    return {s["name"]: ruled(s) for s in chosen}


def ruled(scenario):
    """What we do instead of the reference where it is at fault or free to differ."""
    scenario = copy.deepcopy(scenario)
    change = RULINGS.get(scenario["name"])
    if change:
        change(scenario["steps"])
    return scenario


def late_refusal_is_step_32(steps):
    """wire.md W-17, F-6: a refusal after waiting is no grant, so there is nothing to unlock."""
    at = next(i for i, step in enumerate(steps) if 'rc="6"' in step.get("text", ""))
    steps[at]["text"] = later_answer(6, step=32)
    del steps[at + 1]


def unknown_element_is_ignored(steps):
    """wire.md W-69 (design, "unknown element with attributes"): an ordinary grant."""
    steps[-1:] = [{"dir": "s2c", "text": first_answer(0, peerid="@PEERID@")}, {"close": "client"}]


def nothing_is_said_to_a_closed_connection(steps):
    """cli.md CF-7: who finds the daemon gone sends no unlock into the void."""
    assert steps[-1]["dir"] == "c2s"
    del steps[-1]


def management_is_closed_at_once(steps):
    """wire.md W-61: the close tells the sender that the daemon will end."""
    at = next(i for i, step in enumerate(steps) if "<shutdown" in step.get("text", ""))
    conn = steps[at]["conn"]
    steps[:] = [s for s in steps if not ("close" in s and s["conn"] == conn)]
    steps.insert(at + 1, {"conn": conn, "close": "server", "t_ms": steps[at]["t_ms"]})


RULINGS = {
    "incubator-impossible-reference-fault": late_refusal_is_step_32,
    "script-unknown-element-with-attribute": unknown_element_is_ignored,
    "management-shutdown-immediate": nothing_is_said_to_a_closed_connection,
    "management-shutdown-quiesce": management_is_closed_at_once,
    # design, "second lock on one connection": an independent holder, as in the reference
    "script-second-lock-while-holding": None,
}


class Pace:
    """Makes sure that a scenario is played at a speed at which it means what was recorded."""

    def __init__(self, scenario):
        name = scenario["name"]
        self._timed = name in TIMED
        self._second = None
        if name in WITHIN_A_SECOND:
            time.sleep((1.05 - time.time() % 1) % 1)
            self._second = int(time.time())
        self._last = time.monotonic()
        self._recorded = 0

    def before(self, step):
        """Lets the recorded time pass where the scenario is about time."""
        recorded = step.get("t_ms", 0)
        if self._timed:
            time.sleep((recorded - self._recorded) / 1000)
            self._last = time.monotonic()
        self._recorded = recorded

    def after(self, step):
        """Raises TooLate if the step came too late."""
        self.excuse(float("inf"))
        self._last = time.monotonic()
        if 'rc="1"' in step.get("text", "") and self._second not in (None, int(time.time())):
            raise TooLate

    def excuse(self, limit=PATIENCE):
        """Raises TooLate if a failure is no wonder; one that took all patience is a failure."""
        if KEEPS_UP < time.monotonic() - self._last < limit:
            raise TooLate


def is_action(step, previous):
    """Whether a client begins something. Unlock and close are one action of the client."""
    if "close" in step:
        follows = previous.get("dir") == "c2s" and previous.get("conn") == step.get("conn")
        return step["close"] == "client" and not follows
    return step["dir"] == "c2s"


class Stage:
    """One scenario, one daemon, scripted clients."""

    def __init__(self, daemon, scenario):
        self._daemon = daemon
        self._name = scenario["name"]
        self._peers = {}
        self._immediate = False

    def play(self, steps, pace):
        """All steps, in their order."""
        previous = {}
        for step in steps:
            pace.before(step)
            if is_action(step, previous):
                self._demand_silence()  # nothing came too early
            self._do(step)
            pace.after(step)
            previous = step
        self._demand_silence()

    def _do(self, step):
        conn = step.get("conn", 1)
        if conn not in self._peers:
            self._peers[conn] = self._daemon.connect()
        peer = self._peers[conn]
        if "close" in step:
            if step["close"] == "client":
                peer.half_close()
            peer.demand_end()
        elif step["dir"] == "c2s":
            peer.send(step["text"])
            self._immediate = 'immediate="1"' in step["text"]
        else:
            demand(step["text"], peer.message(), f"{self._name}, connection {conn}")

    def _demand_silence(self):
        if self._daemon.process.poll() is not None or self._immediate:
            return
        self._daemon.settle()
        for peer in self._peers.values():
            peer.demand_nothing()

    def close(self):
        for peer in self._peers.values():
            peer.close()


def play(case):
    name, transport = case
    scenario = plain_scenarios()[name]
    with scratch() as folder, Daemon(folder, transport) as daemon:
        pace = Pace(scenario)
        stage = Stage(daemon, scenario)
        try:
            stage.play(scenario["steps"], pace)
        except AssertionError:
            pace.excuse()
            raise
        finally:
            stage.close()
        if scenario.get("daemon_exits"):
            daemon.demand_end()


@pytest.fixture(scope="module")
def outcomes(request):
    with Ahead(request, lambda case: retried(play, case)) as ahead:
        yield ahead


CASES = [(name, transport) for name in plain_scenarios() for transport in TRANSPORTS]


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_the_daemon_says_what_was_recorded(outcomes, case):
    outcomes.outcome(case)


def test_no_scenario_is_left_out():
    others = [s for s in vectors("wire") if not is_stream(s)]
    assert all(s["transport"].startswith(ELSEWHERE) for s in others)


def test_every_scenario_with_legal_alternatives_has_a_ruling():
    named = {s["name"] for s in vectors("wire") if is_stream(s) and "server" not in s}
    free = {
        s["name"]
        for s in vectors("wire")
        if s["name"] in named and (s.get("reference_fault") or s.get("reference_specific"))
    }
    assert free <= RULINGS.keys() <= named
