"""Rows as text: complete and plain for pipes, fitting and coloured on terminals, never obeyed."""

import io
import pathlib
import re

import pytest
from state_rows import (
    DAEMON,
    HOSTILE,
    METRICS,
    QUEUE,
    RESOURCES,
    STATE,
    claim,
    resource,
    validate,
    waiting,
)

from flom.ctl import views
from flom.ctl.output import Output, duration, visible

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "flomctl"
EVENT = {
    "seq": 1, "event": "granted", "time": 1700000000.25, "resource": 3, "name": "backup",
    "kind": "simple", "claim": claim(2), "waited": 1.5, "held": None, "reason": None,
}  # fmt: skip
LOOK = {"time": 1700000000.0, "daemon": DAEMON, "resources": RESOURCES, "rates": None}
EXPLAINED = {
    "name": "backup", "kind": "simple", "mode": "EX", "quantity": None, "granted": False,
    "reason": "conflict", "blockers": [claim(2), waiting(7, 3.0)], "blocker_count": 2,
    "waiters": 1, "place": None, "since": None,
}  # fmt: skip


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TZ", "UTC")


def test_the_rows_are_of_the_form_that_daemons_have():
    validate(RESOURCES, "ls")
    validate(QUEUE, "show")
    validate(EXPLAINED, "explain")
    validate(EVENT, "events")
    validate(LOOK, "top")
    validate(METRICS, "metrics", STATE)


def shown(grid, width=None):
    """A table as a terminal of this width gets it; None: as a pipe does."""
    stream = io.StringIO() if width is None else Screen()
    Output(json=False, stream=stream).grid(grid)
    return stream.getvalue()


GRIDS = {
    "ls": lambda: views.resources(RESOURCES),
    "show": lambda: views.queue(QUEUE),
    "explain": lambda: views.blockers(EXPLAINED),
    "release": lambda: views.broken([claim(2)]),
}


@pytest.mark.parametrize("width", [80, 120, None])
@pytest.mark.parametrize("what", GRIDS)
def test_tables(what, width, monkeypatch):
    """Compared with files that people have looked at; a missing one is written, and fails."""
    if width is not None:
        monkeypatch.setenv("COLUMNS", str(width))
    text = re.sub(r"\x1b\[[\d;]*m", "", shown(GRIDS[what](), width))
    text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    path = GOLDEN / f"{what}-{width or 'pipe'}.txt"
    if not path.exists():
        path.write_text(text)
        pytest.fail(f"{path} was missing: look at what is in it now")
    assert text == path.read_text()


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120])
@pytest.mark.parametrize("what", GRIDS)
def test_no_line_is_longer_than_the_terminal(what, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    lines = re.sub(r"\x1b\[[\d;]*m", "", shown(GRIDS[what](), width)).splitlines()
    assert max(map(len, lines)) <= width
    titles = {column.title for column in GRIDS[what]().columns}
    assert set(lines[0].split()) <= titles  # whole words, not letters below each other


def test_a_pipe_gets_everything_and_nothing_else():
    text = shown(views.queue(QUEUE))
    assert visible(HOSTILE) in text
    assert "\x1b" not in text
    assert not re.search(r"[ \t]$", text, re.MULTILINE)


def test_colours_are_for_terminals_that_want_them(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    grid = views.resources(RESOURCES)
    assert re.search(r"\x1b\[[\d;]*3\dm", shown(grid, 80))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[\d;]*3\dm", shown(grid, 80))
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in shown(grid)


# Texts of strangers


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain é 漢", "plain é 漢"),
        ("a\x1b[2Jb\n\r\t\0\x7f", r"a\x1b[2Jb\n\r\t\x00\x7f"),
        ("\x9b\u202e\u200b\u2028\U000e0041", r"\x9b\u202e\u200b\u2028\U000e0041"),
        ("\udc80\udcff\ud800", r"\x80\xff\ud800"),
        (r"\x1b", r"\\x1b"),
    ],
)
def test_what_cannot_be_printed_is_spelled_out(text, seen):
    assert visible(text) == seen


def test_no_text_of_a_client_reaches_the_terminal_as_it_is(monkeypatch):
    """Every text of a claim and of a resource, in every view, at every width."""
    texts = ("name", "element", "peer", "cn", "user", "host", "command", "mode")
    bad = waiting(5, 1.0, **dict.fromkeys(texts, HOSTILE), uid=None)
    row = resource(HOSTILE, HOSTILE, modes={HOSTILE: 1})
    told = {**EVENT, "claim": bad, "name": HOSTILE, "reason": HOSTILE, "event": HOSTILE}
    full = {**row, "holders": [bad], "waiters": [bad]}
    monkeypatch.setenv("COLUMNS", "200")
    said = [
        views.event(told), views.summary(row), views.headline(LOOK),
        views.explanation({**EXPLAINED, "name": HOSTILE, "mode": HOSTILE}),
        views.explanation({**EXPLAINED, "blocker_count": 0, "reason": HOSTILE}),
        views.answer({**DAEMON, "version": HOSTILE, "host": HOSTILE}, 0.1),
    ]  # fmt: skip
    for grid in (views.resources([row]), views.queue(full), views.broken([bad])):
        said += [shown(grid), re.sub(r"\x1b\[[\d;]*m", "", shown(grid, 200))]
    for text in said:
        assert text.replace("\n", "").isprintable(), text


def test_what_looks_like_markup_is_text(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    text = shown(views.resources([resource("[red]x[/red]:smile:")]), 200)
    assert "[red]x[/red]:smile:" in text


def test_json_is_ascii():
    stream = io.StringIO()
    Output(json=True, stream=stream).value({"name": HOSTILE + "é"})
    assert stream.getvalue().isascii()
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().strip().isprintable()


# Lines


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""), (-0.5, "0s"), (0, "0.0s"), (9.94, "9.9s"), (10, "10s"), (59.9, "59s"),
        (60, "1m00s"), (3599, "59m59s"), (3600, "1h00m"), (86399, "23h59m"), (86400, "1d00h"),
    ],
)  # fmt: skip
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_events_are_lines(monkeypatch):
    time = views.moment(EVENT["time"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.250", time)
    assert views.event(EVENT) == (
        f"{time} granted   backup EX id 2 carlo@web1 [uid 1000] pid 4002 waited 1.5s\n"
    )
    dropped = {"seq": 4, "event": "dropped", "time": EVENT["time"], "count": 12}
    assert views.event(dropped) == f"{time} dropped   count 12\n"
    lost = {**EVENT, "event": "lost", "waited": None, "held": 61.0}
    assert views.event(lost).endswith("pid 4002 held 1m01s\n")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({}, "EX of backup would have to wait behind 2 claims\n"),
        ({"granted": True, "blockers": [], "blocker_count": 0},
         "EX of backup would be granted now\n"),
        ({"blockers": [], "blocker_count": 0, "reason": "impossible", "name": "n[2]",
          "mode": None, "quantity": 3},
         "3 of n[2] would not be granted now: there is not so much of it\n"),
    ],
)  # fmt: skip
def test_explanations(change, text):
    row = {**EXPLAINED, **change}
    validate(row, "explain")
    assert views.explanation(row) == text


def test_the_busiest_come_first():
    rows = [resource("b"), resource("a"), resource("c", holders=2), resource("d", waiters=1)]
    assert [row["name"] for row in views.busiest(rows)] == ["d", "c", "a", "b"]


def test_who_owns_a_claim():
    assert views.owner(claim(2, uid=0)) == "carlo@web1 [uid 0]"
    assert views.owner(claim(2, user=None, uid=0)) == "web1 [root, uid 0]"
    assert views.owner(claim(2, user=None, host=None, uid=4294967294)) == "uid 4294967294"
    assert views.owner(claim(2, uid=None, cn="abc")) == "carlo@web1 [abc]"
    assert views.owner(claim(2, uid=None, peer="::1/4", host=None)) == "carlo [::1/4]"
