"""`flomctl events` and `flomctl top`: what they say adds up, and fits a real terminal."""

import json
import re
import signal
import subprocess
import uuid

import pytest
from operators import CTL, GRANTED, ask, ctl, gather, start_daemon, telling, told
from state_rows import HOSTILE, validate
from support import BOUND, FLOMCTL, environment, need_program, wait_for

from flom.ctl.streams import totals


def watch(place, *words):
    """A `flomctl events` that watches already."""
    before = told(place, "ping")["daemon"]["onlookers"]
    watcher = place.start("events", *words, program=CTL)
    wait_for(lambda: told(place, "ping")["daemon"]["onlookers"] > before, "a watcher")
    return watcher


def stopped(watcher):
    """What it has printed, line by line."""
    watcher.send_signal(signal.SIGINT)
    out, complaint = watcher.communicate(timeout=BOUND)
    assert (watcher.returncode, complaint) == (0, "")
    return out.splitlines()


def history(place):
    """Grants at once and after a wait, refusals, releases, losses, withdrawals, a broken lock."""
    first, second, third, fourth = (place.peer() for _ in range(4))
    assert first.lock() == GRANTED
    assert second.lock(wait=0) == 4
    assert third.lock() == 1
    assert fourth.lock() == 1
    fourth.close()
    first.unlock()
    assert third.answer() == GRANTED
    third.close()
    assert first.lock("n[3]", quantity=2) == GRANTED
    assert second.lock("n[3]", quantity=4) == 6
    assert second.lock("other") == GRANTED
    ctl(place, "release", "other", "--force")
    assert second.answer() is None
    first.close()


def test_histograms_add_up_with_the_events(place):
    """Every count and every sum of `metrics` can be found in the log of events."""
    start_daemon(place)
    everything, one = watch(place, "--json"), watch(place, "R")
    history(place)
    wait_for(lambda: told(place, "ping")["daemon"]["holders"] == 0, "the end of the locks")
    end = place.peer()  # its events come last
    assert end.lock("end") == GRANTED
    metrics = told(place, "metrics")["metrics"]
    rows = []
    for line in everything.stdout:
        rows.append(json.loads(line))
        validate(rows[-1], "events")
        if rows[-1]["event"] == "granted" and rows[-1]["name"] == "end":
            break
    stopped(everything)
    assert [row["seq"] for row in rows] == list(range(rows[0]["seq"], rows[-1]["seq"] + 1))

    def of(kind, *names):
        return [row for row in rows if row["event"] in names and row["kind"] == kind]

    for kind, tally in metrics["kinds"].items():
        waited = [row["waited"] for row in of(kind, "granted")]
        held = [row["held"] for row in of(kind, "released", "lost", "taken")]
        assert (tally["grants"], tally["withdrawals"]) == (
            len(waited), len(of(kind, "withdrawn")),
        )  # fmt: skip
        assert (tally["releases"], tally["losses"], tally["taken"]) == tuple(
            len(of(kind, name)) for name in ("released", "lost", "taken")
        )
        assert sum(tally["refusals"].values()) == len(of(kind, "refused"))
        for times, histogram in ((waited, tally["wait"]), (held, tally["hold"])):
            assert histogram["counts"] == spread(times, metrics["buckets"])
            assert histogram["sum"] == pytest.approx(sum(times), abs=0.001)
    assert totals(metrics) == {"grants": 5, "releases": 4, "refusals": 2}
    lines = stopped(one)
    assert lines
    assert all(re.search(r"^\S+ \S+ \w+ +R( |$)", line) for line in lines), lines


def spread(times, bounds):
    """How many of the times belong to each bucket."""
    counts = [0] * len(bounds)
    for time in times:
        counts[next(at for at, end in enumerate(bounds) if end is None or time <= end)] += 1
    return counts


def test_the_end_of_the_daemon_ends_the_stream(place):
    start_daemon(place)
    watcher = watch(place)
    ctl(place, "shutdown")
    _, complaint = watcher.communicate(timeout=BOUND)
    assert watcher.returncode == 99
    assert "closed the connection" in complaint


def test_a_reader_that_goes_away(place):
    """No complaint, no traceback, and the status a shell shows for it."""
    start_daemon(place)
    watcher = watch(place)
    watcher.stdout.close()
    place.peer().lock()
    assert watcher.wait(BOUND) == 141
    assert watcher.stderr.read() == ""


# A real terminal


class Screen:
    """A terminal of `tmux` that runs one command."""

    def __init__(self, folder, command, width, height, env):
        self._name = f"flom{uuid.uuid4().hex}"
        self._env = env
        # tmux itself does not always know the status.
        script = """trap : INT; "$@"; echo "status $?"; exec sleep 600"""
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height),
            "-c", str(folder), "sh", "-c", script, "sh", *map(str, command),
        )  # fmt: skip

    def _tmux(self, *words):
        done = subprocess.run(
            ["tmux", "-L", self._name, *words], capture_output=True, text=True, check=False,
            timeout=BOUND, env=self._env,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def text(self, *words):
        """What can be seen; with -e the colours as well."""
        return self._tmux("capture-pane", "-p", "-S", "-", *words)

    def press(self, key):
        self._tmux("send-keys", key)

    def resize(self, width, height):
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    @property
    def status(self):
        """The exit status of the command, "" while it runs."""
        found = re.search(r"^status (\d+)$", self.text(), re.MULTILINE)
        return found[1] if found else ""

    def close(self):
        subprocess.run(["tmux", "-L", self._name, "kill-server"], check=False, timeout=BOUND)


@pytest.fixture
def screen(folder):
    need_program("tmux")
    made = []

    def start(place, *words, width=80, height=24, **env):
        command = [FLOMCTL, *place.words, *words]
        env = {**environment(folder), "TERM": "screen-256color", "LC_ALL": "C.UTF-8", **env}
        kept = {key: env[key] for key in env if key not in ("TMUX", "COLUMNS", "LINES")}
        made.append(Screen(folder, command, width, height, kept))
        return made[-1]

    yield start
    for each in made:
        each.close()


def test_top_in_a_terminal(place, screen):
    """Keeps itself up to date, fits whatever the window becomes, ends by q."""
    gather(place)
    shown = screen(place, "top", "--interval", "50", width=80, height=10)
    text = wait_for(lambda: "backup" in shown.text() and shown.text(), "the busiest resource")
    assert "resources more" in text
    assert re.search(r"^backup +simple +EX +1 +7 ", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 80
    shown.resize(120, 40)
    wait_for(lambda: "evil4" in shown.text() and "more" not in shown.text(), "all resources")
    assert place.peer().lock("backup") == 1
    wait_for(lambda: re.search(r"^backup +simple +EX +1 +8 ", shown.text(), re.M), "one more")
    shown.press("q")
    wait_for(lambda: shown.status, "the end")
    assert shown.status == "0"


def test_top_ends_by_an_interrupt(place, screen):
    start_daemon(place)
    shown = screen(place, "top")
    wait_for(lambda: "0 resources" in shown.text(), "the first look")
    shown.press("C-c")
    wait_for(lambda: shown.status, "the end")
    assert shown.status == "0"


@pytest.mark.parametrize("width", [80, 120])
def test_tables_in_a_terminal(place, screen, width):
    """They fit, with colours unless those are not wanted; a hostile client is only shown."""
    start_daemon(place)
    peer = place.peer()
    assert ask(peer, "R", telling(HOSTILE)) == GRANTED
    shown = screen(place, "show", "R", width=width)
    wait_for(lambda: shown.status, "the end")
    text = shown.text()
    assert "R: simple, 1 holder, 0 waiters" in text
    assert r"./evil\x1b" in text
    assert "…" in text
    assert "\x1b[" in shown.text("-e")
    plain = screen(place, "show", "R", width=width, NO_COLOR="1")
    wait_for(lambda: plain.status, "the end")
    assert not re.search(r"\x1b\[(3[0-8]|4[0-8]|9\d)", plain.text("-e"))
    assert plain.text().split("FOR")[0] == text.split("FOR")[0]
