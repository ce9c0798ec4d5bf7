"""`--check` as a step of the conversation and as a report, without a daemon."""

import pytest
from fake_store import FakeStore

from flom.cli import check
from flom.cli.check import Check, Report
from flom.cli.command import command
from flom.cli.parse import parse
from flom.cli.steps import End, Say
from flom.errors import FlomError
from flom.net.unix import NobodyListens
from flom.settings import load
from flom.store import lock as store_lock

ENVIRON = {"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"}


def play(words, report=None):
    """The steps for these words; `report` answers the check."""
    conversation = command(words, ENVIRON, "/work")
    steps, result = [], None
    while True:
        step = conversation.send(result)
        steps.append(step)
        if isinstance(step, End):
            return steps
        result = report if isinstance(step, Check) else None


def found(*problems):
    report = Report()
    report.fine("one", "good")
    for problem in problems:
        report.problem("two", problem)
    return report


@pytest.mark.parametrize(("problems", "status"), [([], 0), (["bad"], 99), (["bad", "worse"], 99)])
def test_the_report_decides_over_the_status(problems, status):
    report = found(*problems)
    steps = play(["--check", "-s", "/s", "--", "x"], report)
    assert [type(step) for step in steps] == [Check, Say, *([Say] if problems else []), End]
    assert (steps[1].stream, steps[1].text) == (1, report.text)
    if problems:
        assert steps[2].stream == 2
        assert steps[2].text.count("\n") == 1
    assert steps[-1].status == status


@pytest.mark.parametrize("words", [["-x"], ["-X"], ["--debug-feature=nope"], []])
def test_nothing_else_is_done(words):
    steps = play(["--check", "-s", "/s", *words], found())
    assert [type(step) for step in steps] == [Check, Say, End]


@pytest.mark.parametrize("words", [["-Z"], ["-o", "x"], ["-s", "/s", "-a", "h"]])
def test_after_the_settings(words):
    steps = play(["--check", *words])
    assert Check not in [type(step) for step in steps]
    assert steps[-1].status == 99


def test_after_the_dump():
    steps = play(["--check", "-V", "-s", "/s"], found())
    assert steps[0].text.startswith("[Trace]")
    assert isinstance(steps[1], Check)


def carried_out(*words):
    """The report for some words."""
    invocation = parse(list(words))
    settings = load(invocation.given, ENVIRON, "/", lambda text: None, system_file="/none")
    settings.check(lambda text: None)
    said = []
    result = Check(settings, invocation.command, ENVIRON).carry_out(said.append)
    assert said == []
    return result


@pytest.fixture
def report(monkeypatch, tmp_path):
    """Makes the report for some words, where asking for a daemon has the given outcome."""

    def make(*words, daemon=None):
        def probe(settings):
            if daemon is not None:
                raise daemon

        monkeypatch.setattr(check, "probe", probe)
        return carried_out("-s", f"{tmp_path}/s", *words)

    return make


NOBODY = NobodyListens(-105, "nobody there")


def test_all_is_well(report):
    result = report("--", "true")
    assert result.problems == 0
    assert result.text.endswith("This command would work.\n")
    assert [line.split()[:2] for line in result.text.splitlines()[:-1]] == [
        ["ok", "configuration:"], ["ok", "daemon:"], ["ok", "lock:"], ["ok", "command:"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "daemon", "text"),
    [
        ([], None, "one answers at the local socket"),
        ([], NOBODY, "one would be started and end after 5000 ms without work"),
        (["-d", "-1"], NOBODY, "one would be started and stay for ever"),
        (["-x"], None, "would be asked to end when nobody holds or waits any more"),
        (["-X"], None, "would be asked to end at once"),
    ],
)
def test_the_daemon(report, words, daemon, text):
    result = report(*words, "--", "true", daemon=daemon)
    assert result.problems == 0
    assert text in result.text


@pytest.mark.parametrize(
    ("words", "daemon", "text"),
    [
        (["-d", "0"], NOBODY, "-d 0 starts none, and nobody there [ret_cod=-105]"),
        ([], FlomError(-13, "nonsense"), "problem  daemon: nonsense [ret_cod=-13]"),
        (["-X"], NOBODY, "nobody there [ret_cod=-105]"),
        (["-s", "/nonexistent/s"], NOBODY, "'/nonexistent' is not a directory you may write to"),
        (["-s", "/etc/passwd"], NOBODY, "'/etc/passwd' exists and is not a socket"),
    ],
)
def test_trouble_with_the_daemon(report, words, daemon, text):
    result = report(*words, "--", "true", daemon=daemon)
    assert result.problems == 1
    assert text in result.text
    assert "would work" not in result.text


def test_every_problem_is_told(report):
    result = report("-d", "0", "-r", "A[1]", "-q", "2", "--", "nope", daemon=NOBODY)
    assert result.problems == 3


def test_names_are_shown_on_one_line(report):
    result = report("-r", "/a\tb", "--", "no\nsuch")
    assert len(result.text.splitlines()) == 4


# A store (tests/fake_store.py)


@pytest.fixture
def store(monkeypatch):
    made = FakeStore()
    monkeypatch.setattr(store_lock, "Lock", made.engine)
    return made


def test_a_store_is_asked_for_a_lock_that_does_not_exist(store, tmp_path):
    (tmp_path / "pw").touch(0o600)
    words = ["--store-user", "ann", "--store-password-file", str(tmp_path / "pw")]
    report = carried_out("--store", "etcd://h1", *words, "-r", "R", "--", "true")
    assert "ok       store: etcd://h1 answers to user 'ann'\n" in report.text
    assert report.problems == 0
    (engine,) = store.engines
    assert engine.closed
    assert store.free()
    asked = engine.settings
    assert asked.resource_name.startswith("flomCheck")
    assert (asked.resource_create, asked.resource_timeout) == (False, 0)


def test_a_store_that_is_not_there(store):
    store.refusal = FlomError(-105, "nobody answers")
    report = carried_out("--store", "etcd://h1", "--", "true")
    assert "problem  store: nobody answers [ret_cod=-105]\n" in report.text
    assert report.problems == 1
    assert store.engines[0].closed


def test_a_store_takes_names_that_no_message_does(store):
    name = "/" + "x" * 600
    assert carried_out("--store", "etcd://h1", "-r", name, "--", "true").problems == 0
    assert carried_out("-s", "/s", "-r", name, "--", "true").problems
