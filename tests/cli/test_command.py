"""The command as a conversation: words in, steps out, without a process (cli.md 1, 10, 11)."""

import pytest

from flom.cli.child import Ended
from flom.cli.command import command
from flom.cli.steps import Acquire, Connect, End, Execute, Held, Release, Say, Stop
from flom.errors import OWN_RC_LOCK_NESTED, FlomError

ENVIRON = {"HOME": "/nonexistent", "PATH": "/bin", "FLOM_ELEMENT": "outer", "FLOM_SESSION": "x"}


def play(words, results=(), environ=ENVIRON):
    """The steps for these words; `results` answer the steps that have one, in their order."""
    answers = iter(results)
    conversation = command(words, environ, "/work")
    steps, result = [], None
    while True:
        step = conversation.send(result)
        steps.append(step)
        if isinstance(step, End):
            return steps
        result = None if isinstance(step, Say) else next(answers, None)


def run(words, *, connect=None, acquire=None, execute=None, release=None):
    return play(words, [connect, acquire or Held(), execute or Ended(0), release])


def kinds(steps):
    return [type(step) for step in steps]


def said(steps, stream):
    return "".join(step.text for step in steps if isinstance(step, Say) and step.stream == stream)


def only(steps, kind):
    (step,) = [step for step in steps if isinstance(step, kind)]
    return step


def test_a_run_that_works_says_nothing():
    """C-26."""
    steps = run(["-s", "/s", "--", "true"])
    assert kinds(steps) == [Connect, Acquire, Execute, Release, End]
    assert steps[-1].status == 0
    assert steps[-1].signal == 0


@pytest.mark.parametrize("status", [0, 1, 96, 99, 137, 255])
def test_status_is_passed_on_and_decides_over_rollback(status):
    """C-30, C-34."""
    steps = run(["-s", "/s", "--", "x"], execute=Ended(status))
    assert steps[-1].status == status
    assert only(steps, Release).rollback == (status != 0)


LOST = FlomError(-130, "it went away")


@pytest.mark.parametrize(
    ("ended", "release", "store", "status", "lines"),
    [
        (Ended(0), LOST, False, 99, 1),
        (Ended(0), LOST, True, 95, 1),
        (Ended(143, lost=True, acted=True), LOST, False, 95, 0),
        (Ended(0, lost=True, acted=True), None, False, 95, 0),
        (Ended(0, lost=True), LOST, False, 99, 0),
        (Ended(0, lost=True), LOST, True, 95, 0),
        (Ended(143, 15, lost=True, acted=True), LOST, True, 95, 0),
    ],
)
def test_a_lock_that_was_lost_is_said_once(ended, release, store, status, lines):
    """Design, ruling "exit status 95": in a store, or when the command was ended for it."""
    words = ["--store", "etcd://h"] if store else ["-s", "/s"]
    steps = run([*words, "--", "x"], execute=ended, release=release)
    assert (steps[-1].status, steps[-1].signal) == (status, 0)
    assert said(steps, 2).count("\n") == lines
    assert only(steps, Release).rollback == (ended.lost or ended.status != 0)


def test_shared_signal_ends_flom_as_well():
    steps = run(["-s", "/s", "--", "x"], execute=Ended(143, 15))
    assert steps[-1].signal == 15
    assert only(steps, Release).rollback


def test_command_that_cannot_be_executed():
    """97, with a rollback (C-30, C-34)."""
    steps = run(["-s", "/s", "--", "nope"], execute=FlomError(-106, "No such file"))
    assert steps[-1].status == 97
    assert only(steps, Release).rollback
    assert "nope" in said(steps, 2)
    assert "No such file" in said(steps, 2)


@pytest.mark.parametrize(
    ("rc", "status"),
    [(4, 98), (9, 98), (5, 96), (6, 99), (3, 99), (-126, 99), (-13, 99)],
)
def test_lock_that_is_not_had(rc, status):
    """One line on stderr, the command is not run (C-40)."""
    steps = run(["-s", "/s", "-o", "5", "--", "x"], acquire=FlomError(rc, "some reason"))
    assert steps[-1].status == status
    assert Execute not in kinds(steps)
    assert said(steps, 1) == ""
    assert said(steps, 2).count("\n") == 1
    assert said(steps, 2).startswith("flom: ")


@pytest.mark.parametrize(("limit", "status"), [((), 99), (("-o", "9000"), 98), (("-o", "0"), 99)])
def test_lock_around_the_command_that_would_be_waited_for(limit, status):
    """99, but 98 as if the time were over already: it is known that the lock will not come."""
    error = FlomError(OWN_RC_LOCK_NESTED, "some reason")
    steps = run(["-s", "/s", *limit, "--", "x"], acquire=error)
    assert steps[-1].status == status
    assert "some reason" in said(steps, 2)
    assert "FLOM_SESSION" in said(steps, 2)


@pytest.mark.parametrize(
    ("phase", "results"),
    [
        ("connect", {"connect": FlomError(-105, "nobody")}),
        ("lock", {"acquire": FlomError(-126, "closed")}),
        ("unlock", {"release": FlomError(-130, "gone")}),
    ],
)
def test_failures_carry_phase_and_code(phase, results):
    """Scripts search these words (design 5, "Text for people")."""
    steps = run(["-s", "/s", "--", "x"], **results)
    (error,) = results.values()
    assert steps[-1].status == 99
    assert f"[flom_client_{phase}: ret_cod={error.rc}]" in said(steps, 2)


def test_lost_lock_hides_the_status_of_the_command():
    """CF-7."""
    steps = run(["-s", "/s", "--", "x"], execute=Ended(7), release=FlomError(-130, "gone"))
    assert steps[-1].status == 99


def test_no_command():
    """C-42: nothing is connected."""
    steps = play(["-s", "/s"])
    assert kinds(steps) == [Say, End]
    assert steps[-1].status == 97


@pytest.mark.parametrize(("words", "immediate"), [(["-x"], False), (["-X"], True), (["-xX"], True)])
def test_shutdown(words, immediate):
    """C-49: -X wins, the command is not run, the line comes before anything is tried."""
    steps = play([*words, "-s", "/s", "--", "touch", "x"])
    assert kinds(steps) == [Say, Stop, End]
    assert only(steps, Stop).immediate == immediate
    kind = "immediate" if immediate else "quiesce"
    assert said(steps, 1) == f"Starting FLoM daemon {kind} shutdown...\n"
    assert steps[-1].status == 0


def test_shutdown_that_fails_has_a_diagnostic():
    """CF-17."""
    steps = play(["-x", "-s", "/s"], [FlomError(-2, "nobody")])
    assert steps[-1].status == 99
    assert "ret_cod=-2" in said(steps, 2)


def test_element_becomes_the_last_argument():
    """C-31, R-40."""
    steps = run(["-s", "/s", "-r", "RED.GREEN", "--", "echo", "x"], acquire=Held("RED"))
    assert only(steps, Execute).argv == ["echo", "x", "RED"]


def test_locked_element_is_said_only_when_verbose():
    """C-27."""
    words = ["-s", "/s", "-r", "RED.GREEN", "--", "echo"]
    assert said(run(words, acquire=Held("RED")), 1) == ""
    verbose = said(run(["-V", *words], acquire=Held("RED")), 1)
    assert verbose.endswith("Locked element is 'RED'\n")
    assert "Locked" not in said(run(["-V", "-s", "/s", "--", "echo"]), 1)


def test_variables_of_the_command():
    """Design 5, "Environment of the command": set or removed, never inherited."""
    steps = run(["-s", "/s", "-r", "a", "-l", "PR", "--", "x"])
    environ = only(steps, Execute).environ
    assert environ == {
        "HOME": "/nonexistent",
        "PATH": "/bin",
        "FLOM_RESOURCE": "a",
        "FLOM_LOCK_MODE": "PR",
    }
    steps = run(["-s", "/s", "-r", "RED.GREEN", "--", "x"], acquire=Held("RED"))
    environ = only(steps, Execute).environ
    assert environ["FLOM_ELEMENT"] == "RED"
    assert "FLOM_LOCK_MODE" not in environ
    steps = run(["-s", "/s", "--", "x"], acquire=Held(None, "a,b"))
    assert only(steps, Execute).environ["FLOM_SESSION"] == "a,b"
    assert "FLOM_FENCING_TOKEN" not in only(steps, Execute).environ
    steps = run(["-s", "/s", "--", "x"], acquire=Held(token=0))
    assert only(steps, Execute).environ["FLOM_FENCING_TOKEN"] == "0"


def test_dump_comes_before_checks_and_before_no_command():
    """C-25."""
    steps = play(["-V", "-s", "/s"])
    assert said(steps, 1).startswith("[Trace]/DaemonTraceFile=''\n")
    assert steps[-1].status == 97
    steps = play(["-V", "-s", "/s", "-a", "h"])
    assert "[Daemon]/UnicastAddress='h'\n" in said(steps, 1)
    assert steps[-1].status == 99


@pytest.mark.parametrize("words", [["-Z"], ["-r", "1bad"], ["-s", "/s", "-a", "h"], ["-o", "x"]])
def test_what_cannot_be_understood_starts_nothing(words):
    """C-02, C-19: exit 99, diagnostics on stderr only."""
    steps = play([*words, "--", "true"])
    assert set(kinds(steps)) == {Say, End}
    assert steps[-1].status == 99
    assert said(steps, 1) == ""
    assert said(steps, 2) != ""


def test_signals_that_cannot_be_ignored_are_warned_of_and_left_out():
    """C-46."""
    words = ["-s", "/s", "--ignore-signal=SIGKILL", "--ignore-signal=SIGTERM", "--", "x"]
    steps = run(words)
    assert only(steps, Execute).ignored == (15,)
    assert "SIGKILL" in said(steps, 2)


@pytest.mark.parametrize("option", ["--help", "-v", "--signal-list"])
def test_information_goes_to_stdout(option):
    steps = play([option, "extra", "--", "more"])
    assert kinds(steps) == [Say, End]
    assert steps[0].stream == 1
    assert steps[-1].status == 0


def test_version_comes_before_the_signal_list():
    """C-28."""
    text = said(play(["--signal-list", "-v"]), 1)
    assert text.index("FLoM") < text.index("1) SIGHUP")
