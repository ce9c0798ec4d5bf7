"""What the command writes to the system log (cli.md 15), and a host without an id (C-58)."""

import re

import pytest
from room import NO_MACHINE_ID, SYSTEM_LOG, records, room, system_log
from support import ScriptedDaemon, wait_for

STAMP = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"


@pytest.fixture
def logged(place, folder):
    """A place whose commands run in a room with a system log, and that log."""
    with system_log(folder) as log, room(folder, SYSTEM_LOG) as apart:
        yield lambda *words, **more: place.run(*words, shell=apart.shell(), **more), log


def with_code(log, code):
    return [text for text in records(log) if f" {code} " in text]


def test_the_daemons_id_in_an_answer(logged):
    """FLM016I with id, verb and step; facility user, level info, no process id."""
    run, log = logged
    identity = run("--unique-id").stdout.strip()
    assert run("--", "true").returncode == 0
    (text,) = with_code(log, "FLM016I")
    assert re.fullmatch(
        rf"<14>{STAMP} flom: FLM016I serving peer {identity}, verb 1, step 16", text
    )


def test_a_refusal_is_no_grant_but_an_answer(logged):
    run, log = logged
    assert run("-e", "no", "-o", "0", "--", "true").returncode == 96
    assert len(with_code(log, "FLM016I")) == 1


def test_a_shutdown_that_is_not_confirmed(logged, place):
    """FLM020N: a daemon that reads the request and does not close."""
    run, log = logged
    daemon = ScriptedDaemon(place.path)
    assert run("-x").returncode == 0
    (text,) = with_code(log, "FLM020N")
    assert re.fullmatch(rf"<13>{STAMP} flom: FLM020N rc 9: .*", text)
    daemon.close()


def test_a_shutdown_that_is_confirmed_is_no_news(logged):
    run, log = logged
    assert run("-d", "-1", "--", "true").returncode == 0
    assert run("-X").returncode == 0
    assert with_code(log, "FLM020N") == []


def test_a_system_log_that_nobody_reads_delays_nobody(logged, place):
    run, _ = logged
    for _ in range(20):  # more than its queue holds
        assert run("--", "true").returncode == 0


def test_the_socket_of_the_log_is_not_for_the_command(logged):
    run, _ = logged
    done = run("--", "sh", "-c", "ls -l /proc/self/fd")
    assert "socket:" not in done.stdout


def test_c58_without_a_machine_id(place, folder):
    """Locks work; only what needs the id fails, with a line that says what to do."""
    with room(folder, NO_MACHINE_ID) as apart:
        shell = apart.shell()
        done = place.run("-d", "-1", "--", "sh", "-c", "exit 3", shell=shell)
        assert (done.returncode, done.stderr) == (3, "")
        done = place.run("--unique-id", shell=shell)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (99, "", 1)
        assert place.run("-X", shell=shell).returncode == 0
    wait_for(lambda: not place.listeners(), "the daemon's end")


def test_a_state_that_cannot_be_shown(logged, folder):
    """FLM120W and the same words on stderr: in the room there is no /dev/fuse."""
    run, log = logged
    done = run("-m", folder, "--", "true")
    assert done.returncode == 0
    (text,) = with_code(log, "FLM120W")
    reason = done.stderr.removeprefix("flom: warning: ").rstrip()
    assert re.fullmatch(rf"<28>{STAMP} flom\[\d+\]: FLM120W {re.escape(reason)}", text)
    assert "no /dev/fuse (load the kernel module fuse)" in reason
