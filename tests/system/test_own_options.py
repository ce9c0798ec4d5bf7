"""Options that the reference does not have: -E, --kill-child, --quiet."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest
from support import gone, kill, state, wait_for

CODE = ["-E", "7"]


# -E, --conflict-exit-code


@pytest.mark.parametrize("words", [CODE, ["--conflict-exit-code=7"], ["--conflict-exit-code", "7"]])
def test_busy_and_late_end_with_the_given_status(any_place, words):
    any_place.hold("-d", "-1")
    busy = any_place.run("-r", "R", "-o", "0", *words, "--", "true")
    late = any_place.run("-r", "R", "-o", "50", *words, "--", "true")
    assert (busy.returncode, late.returncode) == (7, 7)
    assert busy.stderr.count("\n") == late.stderr.count("\n") == 1


def test_other_outcomes_keep_their_status(place):
    assert place.run(*CODE, "-e", "no", "-o", "0", "--", "true").returncode == 96
    assert place.run(*CODE).returncode == 97
    assert place.run(*CODE, "-r", "A[1]", "-q", "2", "--", "true").returncode == 99
    assert place.run(*CODE, "--", "sh", "-c", "exit 98").returncode == 98
    assert place.run(*CODE, "-r", "N", "-e", "no", "-o", "50", "--", "true").returncode == 7


@pytest.mark.parametrize("value", ["0", "255"])
def test_the_whole_range_of_statuses(place, value):
    place.hold("-d", "-1")
    assert place.run("-r", "R", "-o", "0", "-E", value, "--", "true").returncode == int(value)


@pytest.mark.parametrize("value", ["-1", "256", "x", ""])
def test_no_status(place, value):
    done = place.run("-E", value, "--", "true")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (99, "", 1)


def test_the_key_in_a_file_and_the_dump(place):
    place.hold("-d", "-1")
    (place.folder / ".flom").write_text("[Resource]\nConflictExitCode=5\nName=R\nTimeout=0\n")
    assert place.run("--", "true").returncode == 5
    assert place.run("-E", "98", "--", "true").returncode == 98
    shown = place.run("-V").stdout.splitlines()
    assert shown[-1] == "[Resource]/ConflictExitCode=5"
    assert "Conflict" not in place.run("-V", "-E", "98").stdout


# --quiet


def test_quiet_about_locks_that_are_not_had(place):
    place.hold("-d", "-1")
    for words, status in (
        (["-o", "0"], 98),
        (["-o", "50"], 98),
        (["-r", "Absent", "-e", "no", "-o", "0"], 96),
        (["-o", "0", "-E", "1"], 1),
    ):
        done = place.run("-r", "R", *words, "--quiet", "--", "true")
        assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


def test_quiet_about_what_is_only_a_warning(place):
    (place.folder / ".flom").write_text("no key file")
    words = ["-q", "-3", "--ignore-signal=SIGKILL", "--ignore-signal=SIGCHLD", "--", "true"]
    assert place.run(*words).stderr.count("warning") == 4
    assert place.run("--quiet", *words).stderr == ""


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["-Z"], 99),
        (["-r", "1bad", "--", "true"], 99),
        (["-d", "0", "--", "true"], 99),
        (["-r", "A[1]", "-q", "2", "--", "true"], 99),
        ([], 97),
        (["--", "/nonexistent/program"], 97),
        (["-X"], 99),
        (["--debug-feature=nope"], 1),
    ],
)
def test_quiet_never_hides_a_failure(place, words, status):
    done = place.run("--quiet", *words)
    assert (done.returncode, done.stderr.count("\n")) == (status, 1)


def test_quiet_leaves_the_output_of_verbose(place):
    assert place.run("--quiet", "-V").stdout.startswith("[Trace]/DaemonTraceFile=''\n")


# --kill-child


def start_sleeper(place, *words, **more):
    """A `flom` whose command tells its process id and would run for a long time."""
    flom = place.start(*words, "--", "sh", "-c", "echo $$; exec sleep 600", **more)
    return flom, int(flom.stdout.readline())


def test_the_command_dies_with_flom(any_place):
    for words, dies in (("--kill-child",), True), ((), False):
        flom, command = start_sleeper(any_place, *words, "-d", "-1")
        try:
            kill(flom.pid)
            assert flom.wait(60) == -signal.SIGKILL
            if dies:
                wait_for(lambda pid=command: gone(pid), "the end of the command")
            else:
                assert not gone(command)
        finally:
            kill(command)


def test_the_tie_outlasts_signals_that_flom_does_not_pass_on(place):
    flom, command = start_sleeper(place, "--kill-child")
    kill(flom.pid, signal.SIGUSR1)
    assert flom.wait(60) == -signal.SIGUSR1
    wait_for(lambda: gone(command), "the end of the command")


def test_a_stopped_flom_does_not_kill(place):
    flom, command = start_sleeper(place, "--kill-child")
    kill(flom.pid, signal.SIGSTOP)
    wait_for(lambda: state(flom.pid) == "T", "a stopped flom")
    assert not gone(command)
    kill(flom.pid, signal.SIGCONT)
    kill(flom.pid, signal.SIGTERM)
    assert flom.wait(60) == -signal.SIGTERM
    wait_for(lambda: gone(command), "the end of the command")


def test_otherwise_the_command_runs_as_ever(place):
    """C-30 to C-32 hold with the option as well."""
    for status in (0, 7, 255):
        done = place.run("--kill-child", "--", "sh", "-c", f"exit {status}")
        assert (done.returncode, done.stdout, done.stderr) == (status, "", "")
    done = place.run("--kill-child", "-r", "A.B", "--", "echo", "", "x y")
    assert done.stdout == " x y A\n"
    done = place.run("--kill-child", "--", "sh", "-c", "kill -SEGV $$")
    assert done.returncode == 139
    done = place.run("--kill-child", "--", "/nonexistent/program")
    assert (done.returncode, done.stderr.count("\n")) == (97, 1)
    script = place.folder / "script"
    script.write_text("exit 4\n")
    script.chmod(0o755)
    assert place.run("--kill-child", "--", "./script").returncode == 4


SHOW = """\
import os
lines = open("/proc/self/status").read().splitlines()
masks = {line[:6]: int(line[8:], 16) for line in lines if line[:6] in ("SigBlk", "SigIgn")}
# Two signals are the C library's own: its posix_spawn leaves them ignored.
print({name: hex(mask & ~(3 << 31)) for name, mask in masks.items()})
print(sorted(os.listdir("/proc/self/fd")), os.getpgrp() == os.getpid(), os.getcwd())
"""


@pytest.mark.parametrize("ignored", ["", "trap '' HUP CHLD PIPE;"])
def test_dispositions_mask_and_descriptors_are_the_same(place, ignored):
    script = place.folder / "show.py"
    script.write_text(SHOW)
    seen = {
        place.run(*words, "--", sys.executable, script, shell=f'{ignored} exec "$@"').stdout
        for words in ([], ["--kill-child"], ["--kill-child", "--ignore-signal=SIGTERM"])
    }
    assert len(seen) == 1
    assert "" not in seen


def test_who_dies_before_the_tie_takes_the_command_along(place):
    """The race: flom is killed between fork and prctl, so nobody would tell the command."""
    script = """
import os, signal, sys
from flom.cli import child, forked
real = os.fork
def fork():
    pid = real()
    if pid:
        os.kill(os.getpid(), signal.SIGKILL)
    while os.getppid() == parent: pass
    return 0
import posix
parent = os.getpid()
posix.fork = fork
child.run(["touch", sys.argv[1]], {"PATH": os.environ["PATH"]}, (), child.Dispositions(0), True)
"""
    source = pathlib.Path(__file__).resolve().parents[2] / "src"
    made = place.folder / "made"
    done = subprocess.run(
        [sys.executable, "-c", script, made],
        env={**os.environ, "PYTHONPATH": str(source)},
        check=False,
        stdout=subprocess.PIPE,  # open in the forked process: its end is seen
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
    assert not made.exists()


def test_the_documented_limit(place):
    """A set-user-ID program loses the tie; the help says so."""
    assert "set-user-ID" in " ".join(place.run("--help").stdout.split())
