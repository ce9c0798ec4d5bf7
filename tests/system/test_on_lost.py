"""What becomes of a command when its lock is lost while it runs: `--on-lost`, `--kill-after`."""

import os
import signal
import time

import pytest
from operators import start_daemon, told
from support import BOUND, state, wait_for

ENDS = {"term": -15, "kill": -9}
WAYS = ("kill", "-X", "release")
# Each says who it is; the first one never ends by itself, the second one with its input.
STAYS = ("sh", "-c", "echo $$; exec sleep 1000")
READS = ("sh", "-c", "echo $$; exec cat")


def running(place, *options, command=STAYS, **more):
    """A `flom` whose command runs, and the command's process."""
    holder = place.start("-r", "R", *options, "--", *command, stdin=-1, **more)
    return holder, int(holder.stdout.readline())


def lose(place, way):
    """End the lock of whoever holds R."""
    if way == "release":
        assert told(place, "release", "R", "--force")
    elif way == "-X":
        place.shut_down()
    else:
        os.kill(place.daemon(), signal.SIGKILL)


def ended(holder):
    """Status and lines on standard error, once it has ended by itself."""
    _, errors = holder.communicate(timeout=BOUND)
    return holder.returncode, errors.splitlines()


@pytest.fixture
def daemon(any_place):
    """A place of each kind with a daemon."""
    start_daemon(any_place)
    return any_place


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("policy", ENDS)
def test_the_command_is_ended_at_once(place, policy, way):
    start_daemon(place)
    holder, child = running(place, "--on-lost", policy)
    lose(place, way)
    status, (line,) = ended(holder)
    assert status == 95
    assert f"SIG{policy.upper()}" in line
    assert ("taken" if way == "release" else "went away") in line
    assert "flom_client_unlock: ret_cod=" in line
    assert state(child) == ""


@pytest.mark.parametrize("policy", ENDS)
def test_over_tcp_as_well(places, policy):
    for kind in ("127.0.0.1", "tls"):
        place = places(kind)
        assert place.run("-d", "-1", "--", "true").returncode == 0
        holder, child = running(place, "--on-lost", policy)
        lose(place, "kill")
        status, lines = ended(holder)
        assert (status, len(lines), state(child)) == (95, 1, "")


@pytest.mark.parametrize("way", WAYS)
def test_a_stopped_command_may_go_on_or_be_ended(place, way):
    for number, outcome in ((signal.SIGCONT, b"late"), (signal.SIGKILL, b"")):
        daemon = start_daemon(place)
        holder, child = running(place, "--on-lost", "stop", command=READS)
        lose(place, way)
        wait_for(lambda child=child: state(child) == "T", "a stopped command")
        line = holder.stderr.readline()
        assert f"'kill -CONT {child}'" in line
        assert holder.poll() is None
        os.kill(child, number)
        out, errors = holder.communicate("late", timeout=BOUND)
        assert (holder.returncode, out.encode(), errors) == (95, outcome, "")
        if way == "release":
            place.shut_down()
        daemon.wait(BOUND)


def test_a_warning_comes_at_once_and_the_command_goes_on(daemon):
    holder, _ = running(daemon, "--on-lost", "warn", command=READS)
    lose(daemon, "kill")
    assert "(the command goes on)" in holder.stderr.readline()
    out, errors = holder.communicate("late", timeout=BOUND)
    assert (holder.returncode, out, errors) == (99, "late", "")


def test_without_the_option_it_is_told_at_the_end(daemon):
    holder, _ = running(daemon, command=READS)
    lose(daemon, "kill")
    out, errors = holder.communicate("late", timeout=BOUND)
    assert (holder.returncode, out, errors.count("\n")) == (99, "late", 1)
    assert "ret_cod=-130" in errors


def test_who_ignores_sigterm_is_killed(place):
    """Not before its time; nor is a command whose words a file gives."""
    start_daemon(place)
    (place.folder / "f").write_text("[Client]\nOnLost=term\nKillAfter=700\n")
    stubborn = ("sh", "-c", "trap '' TERM; echo $$; while :; do sleep 0.01; done")
    holder, child = running(place, "-c", place.folder / "f", command=stubborn)
    begun = time.monotonic()
    lose(place, "kill")
    status, (first, second) = ended(holder)
    assert time.monotonic() - begun >= 0.7
    assert (status, state(child)) == (95, "")
    assert "SIGKILL follows in 0.7 s" in first
    assert "still runs 0.7 s after SIGTERM" in second


def test_a_command_may_use_the_time_to_tidy_up(place):
    start_daemon(place)
    tidy = ("sh", "-c", "trap 'echo tidy; exit 3' TERM; echo $$; while :; do sleep 0.01; done")
    holder, _ = running(place, "--on-lost", "term", command=tidy)
    lose(place, "kill")
    out, errors = holder.communicate(timeout=BOUND)
    assert (holder.returncode, out, errors.count("\n")) == (95, "tidy\n", 1)


def test_a_command_that_is_stopped_is_ended_too(place):
    start_daemon(place)
    holder, child = running(place, "--on-lost", "term")
    os.kill(child, signal.SIGSTOP)
    lose(place, "kill")
    status, lines = ended(holder)
    assert (status, len(lines)) == (95, 1)


@pytest.mark.parametrize("policy", ["term", "kill", "stop", "warn"])
def test_a_command_that_ends_at_the_same_moment(place, policy):
    """By the lock's end, or by its own: whichever is seen first is told, and only that."""
    for _ in range(10):
        daemon = start_daemon(place)
        script = f"echo $$; read line; kill -9 {daemon.pid}; exit 3"
        holder, child = running(place, "--on-lost", policy, command=("sh", "-c", script))
        holder.stdin.write("\n")
        holder.stdin.flush()
        # One that has been stopped in time is let go on.
        wait_for(lambda child=child: state(child) in ("", "T"), "the command's end, or stop")
        if policy == "stop" and state(child) == "T":
            os.kill(child, signal.SIGCONT)
        status, lines = ended(holder)
        assert len(lines) == 1, lines
        assert status in ((99,) if policy == "warn" else (95, 99))
        daemon.wait(BOUND)


def test_nothing_else_changes(daemon):
    """Status, signals, streams; a signal that means nothing is none."""
    for policy in ("term", "kill", "stop", "warn"):
        done = daemon.run("-r", "R", "--on-lost", policy, "--", "sh", "-c", "exit 7")
        assert (done.returncode, done.stdout, done.stderr) == (7, "", "")
    trap = ("sh", "-c", "trap 'echo trapped; exit 5' TERM; echo $$; while :; do sleep 0.01; done")
    holder, _ = running(daemon, "--on-lost", "kill", command=trap)
    holder.send_signal(signal.SIGIO)
    holder.send_signal(signal.SIGTERM)
    out, errors = holder.communicate(timeout=BOUND)
    assert (holder.returncode, out, errors) == (5, "trapped\n", "")


@pytest.mark.parametrize("words", [("--on-lost", "die"), ("--kill-after", "-1")])
def test_what_cannot_be_understood(place, words):
    done = place.run(*words, "--", "true")
    assert (done.returncode, done.stdout) == (99, "")
    assert words[0] in done.stderr
