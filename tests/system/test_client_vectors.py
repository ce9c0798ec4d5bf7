"""The recorded dialogues of the reference, with our command as the client.

Either with our daemon, the recorder of wire.json between them, or with a scripted daemon. The
commands that run under the locks are those recorded, but for `sleep`, which ends when the
recording says so instead of when the time has passed.
"""

import copy
import os
import shlex

import pytest
from shared import vectors
from system import test_wire_vectors as wire
from system.replay import (
    HEAD,
    TRANSPORTS,
    Ahead,
    Command,
    Daemon,
    Proxy,
    Server,
    demand,
    retried,
    scratch,
    surroundings,
    unlock_text,
)

MANAGED = f'{HEAD}<msg level="3" verb="5" step="16"'
SLEEP = """#!/bin/sh
: <"$GATE"
"""


def spoken_by_commands():
    chosen = wire.plain_scenarios().values()
    return {
        s["name"]: ruled(s) for s in chosen if all(c["kind"] == "reference" for c in s["clients"])
    }


def spoken_by_a_scripted_daemon():
    return {s["name"]: ruled(s) for s in vectors("wire") if s.get("server") == "script"}


def ruled(scenario):
    scenario = copy.deepcopy(scenario)
    change = RULINGS.get(scenario["name"])
    if change:
        change(scenario)
    return scenario


def nothing_runs_without_a_lock(scenario):
    """wire.md F-6, F-7, W-19: a refusal after waiting is no grant."""
    scenario["clients"][0] |= {"exit": 99, "stdout": ""}


def a_lost_daemon_is_told(scenario):
    """cli.md CF-7: the lock may have been given to somebody else while the command ran."""
    scenario["clients"][0] |= {"exit": 99}


def unknown_element_is_ignored(scenario):
    """wire.md W-69 (design, "unknown element with attributes"): an ordinary grant."""
    scenario["clients"][0] |= {"exit": 0}
    scenario["steps"].insert(-1, {"dir": "c2s", "text": unlock_text("abc")})


RULINGS = {
    "incubator-impossible-reference-fault": nothing_runs_without_a_lock,
    "management-shutdown-immediate": a_lost_daemon_is_told,
    "client-rejects-unknown-element-with-attribute": unknown_element_is_ignored,
}


class Client:
    """One recorded client: our command, in a folder of its own, and the gate of its `sleep`."""

    def __init__(self, folder, recorded, endpoint):
        self.recorded = recorded
        folder = folder / f"client{recorded['conn']}"
        folder.mkdir()
        self._gate = folder / "gate"
        self._opened = None
        os.mkfifo(self._gate)
        (folder / "bin").mkdir()
        (folder / "bin" / "sleep").write_text(SLEEP)
        (folder / "bin" / "sleep").chmod(0o755)
        env = surroundings(folder) | {"GATE": os.fspath(self._gate)}
        env["PATH"] = f"{folder / 'bin'}:{env['PATH']}"
        words = [*shlex.split(recorded["options"]), *endpoint.options, "-d", "0", "--"]
        words += shlex.split(recorded.get("command", ""))
        self.command = Command(folder, words, env)

    def end_sleep(self):
        """The command's `sleep` ends, now or as soon as it begins."""
        if self._opened is None:
            self._opened = os.open(self._gate, os.O_RDWR)

    def demand(self):
        """The command has ended as recorded."""
        self.command.demand(self.recorded["exit"], self.recorded.get("stdout", ""))

    def close(self):
        """Nothing of it runs on, not even a `sleep` whose `flom` was killed."""
        self.command.__exit__()
        self.end_sleep()
        self._gate.unlink()
        os.close(self._opened)


class Play:
    """One scenario between our commands and our daemon."""

    def __init__(self, folder, scenario, proxy):
        self._folder = folder
        self._scenario = scenario
        self._proxy = proxy
        self._recorded = {client["conn"]: client for client in scenario["clients"]}
        self._clients = {}
        self._said = {}

    def run(self, pace):
        """Lets every step happen, in its order, and looks at what happened."""
        for step in self._scenario["steps"]:
            pace.before(step)
            self._cause(step)
            pace.after(step)
        for client in self._clients.values():
            client.end_sleep()
            client.demand()
        for conn in self._clients:
            self._compare(conn)

    def _cause(self, step):
        conn = step.get("conn", 1)
        if conn not in self._clients:
            self._clients[conn] = Client(self._folder, self._recorded[conn], self._proxy.endpoint)
        client = self._clients[conn]
        if step.get("dir") == "c2s" and 'verb="2"' in step["text"]:
            client.end_sleep()
        if step.get("close") == "client" and self._recorded[conn]["exit"] == -9:
            client.command.process.kill()
        self._said.setdefault(conn, []).append(step)
        self._proxy.wait_for(conn, len(self._said[conn]))
        if step.get("close") == "client":
            self._proxy.wait_for_end(conn)

    def _compare(self, conn):
        # Our daemon answers a shutdown if the client knows how to read that.
        said = [one for one in self._proxy.said(conn) if not one[1].startswith(MANAGED)]
        recorded = self._said[conn]
        where = f"{self._scenario['name']}, connection {conn}"
        for step, (what, text) in zip(recorded, said, strict=False):
            if (what == "close") != ("close" in step) or step.get("dir", what) != what:
                raise AssertionError(f"{where}: {what} {text!r} instead of {step}")
            demand(step.get("text", step.get("close")), text, f"{where}, {what}")
        if len(said) != len(recorded):
            raise AssertionError(f"{where}: also {said[len(recorded) :]}")

    def close(self):
        """Nothing runs on."""
        for client in self._clients.values():
            client.close()


def play_with_daemon(case):
    name, transport = case
    scenario = spoken_by_commands()[name]
    # Whether the daemon closes by itself shows only if the client does not do it first.
    held = {s.get("conn", 1) for s in scenario["steps"] if s.get("close") == "server"}
    with scratch() as folder, Daemon(folder, transport) as daemon:
        with Proxy(folder, daemon, held) as proxy:
            pace = wire.Pace(scenario)
            play = Play(folder, scenario, proxy)
            try:
                play.run(pace)
            except AssertionError:
                pace.excuse()
                raise
            finally:
                play.close()
        if scenario.get("daemon_exits"):
            daemon.demand_end()


def play_with_script(case):
    name, transport = case
    scenario = spoken_by_a_scripted_daemon()[name]
    with scratch() as folder, Server(transport, folder) as server:
        (recorded,) = scenario["clients"]
        client = Client(folder, recorded | {"conn": 1}, server.endpoint)
        try:
            with server.accept() as peer:
                answer(peer, scenario["steps"], name)
            client.demand()
        finally:
            client.close()


def answer(peer, steps, where):
    for position, step in enumerate(steps):
        if step.get("dir") == "c2s":
            demand(step["text"], peer.message(), where)
        elif step.get("dir") == "s2c":
            following = steps[position + 1 :]
            joined = [s["text"] for s in following[:1] if s.get("joined_with_previous")]
            if not step.get("joined_with_previous"):
                peer.send(step["text"], *joined)
        elif step["close"] == "client":
            peer.demand_end()


@pytest.fixture(scope="module")
def outcomes(request):
    def play(case):
        if case[0] in spoken_by_a_scripted_daemon():
            return play_with_script(case)
        return retried(play_with_daemon, case)

    with Ahead(request, play) as ahead:
        yield ahead


def cases(scenarios):
    return [(name, transport) for name in scenarios for transport in TRANSPORTS]


@pytest.mark.parametrize("case", cases(spoken_by_commands()), ids="-".join)
def test_command_and_daemon_say_what_was_recorded(outcomes, case):
    outcomes.outcome(case)


@pytest.mark.parametrize("case", cases(spoken_by_a_scripted_daemon()), ids="-".join)
def test_the_command_answers_a_scripted_daemon_as_recorded(outcomes, case):
    outcomes.outcome(case)


def test_every_scenario_is_played_by_somebody():
    names = {s["name"] for s in vectors("wire") if wire.is_stream(s)}
    assert names == wire.plain_scenarios().keys() | spoken_by_a_scripted_daemon().keys()
    assert spoken_by_commands().keys() <= names
    assert RULINGS.keys() <= names
