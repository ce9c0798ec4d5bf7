"""Closed and broken standard streams (cli.md C-59, CF-21; section 8)."""

import itertools
import os
import signal
import subprocess

import pytest
from support import FLOM, ScriptedDaemon, environment, need, wait_for

CLOSED = [
    "".join(map(str, numbers))
    for count in range(4)
    for numbers in itertools.combinations("012", count)
]


def run_with_closed(place, closed, *words):
    """A `flom` whose descriptors in `closed` do not exist; its exit status.

    Without pipes: what is not closed goes to files, so that reading never waits for anybody.
    """
    redirections = " ".join(f"{number}>&-" for number in closed)
    return place.start(
        *words,
        shell=f'exec "$@" {redirections}',
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ).wait(60)


@pytest.mark.parametrize("closed", CLOSED, ids=lambda closed: f"closed {closed}")
@pytest.mark.parametrize("verbose", [(), ("-V",)], ids=["", "-V"])
def test_right_status_whether_or_not_a_daemon_runs(any_place, closed, verbose):
    """C-59: every combination, first with a daemon to start, then with one that runs."""
    for status in (5, 0, 6):
        words = ("-d", "-1", *verbose, "--", "sh", "-c", f"exit {status}")
        assert run_with_closed(any_place, closed, *words) == status
    assert run_with_closed(any_place, closed, "-r", "bad name", *verbose, "--", "true") == 99
    assert run_with_closed(any_place, closed, *verbose, "--", "/nonexistent/program") == 97
    assert run_with_closed(any_place, closed, "-X", *verbose) == 0
    any_place.await_no_daemon()
    assert run_with_closed(any_place, closed, "-d", "0", *verbose, "--", "true") == 99


@pytest.mark.parametrize("closed", CLOSED, ids=lambda closed: f"closed {closed}")
def test_nothing_foreign_on_the_connection(place, closed):
    """C-59: the dump of -V, warnings, traces never go where the daemon listens."""
    daemon = ScriptedDaemon(place.path)
    words = ("-V", "--ignore-signal", "SIGKILL", "-r", "set.a", "--", "/nonexistent/program")
    try:
        for count, trace in enumerate(("0", "0xffffffff"), 1):
            process = place.start(
                *words,
                shell='exec "$@" ' + " ".join(f"{number}>&-" for number in closed),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={"FLOM_TRACE_MASK": trace},
            )
            assert process.wait(60) == 97
            request, unlock = daemon.messages(count)
            assert request.startswith(b'<msg level="3" verb="1" step="8"')
            assert unlock.startswith(b'<msg level="3" verb="2" step="8"')
            assert request.endswith(b"</msg>")
            assert unlock.endswith(b"</msg>")
    finally:
        daemon.close()


@pytest.mark.parametrize("closed", CLOSED, ids=lambda closed: f"closed {closed}")
def test_the_command_sees_what_flom_was_given(place, closed):
    """CF-21: closed streams are closed, or the null device."""
    listing = place.folder / "listing"
    script = 'for n in 0 1 2; do readlink /proc/$$/fd/$n || echo closed; done >"$1"'
    words = ("-d", "-1", "--", "sh", "-c", f"({script}) 2>/dev/null", "sh", listing)
    assert run_with_closed(place, closed, *words) == 0
    seen = listing.read_text().split()
    assert set(seen) <= {"/dev/null", "closed"}


def test_a_full_or_broken_output_changes_nothing(place):
    """cli.md 8: what cannot be written is lost, the command runs."""
    need(os.path.exists("/dev/full"), "needs /dev/full")
    with open("/dev/full", "w") as full:
        process = place.start(
            "-V", "-d", "-1", "--", "sh", "-c", "exit 4", stdout=full, stderr=full
        )
        assert process.wait(30) == 4


@pytest.mark.parametrize(("ignored", "status"), [(False, -signal.SIGPIPE), (True, 4)])
def test_nobody_reads_the_output(place, ignored, status):
    """As any command: SIGPIPE, unless the caller ignores it."""
    reader, writer = os.pipe()
    os.close(reader)
    disposition = signal.SIG_IGN if ignored else signal.SIG_DFL
    process = place.start(
        *("-V", "-d", "-1", "--", "sh", "-c", "exit 4"),
        stdout=writer,
        preexec_fn=lambda: signal.signal(signal.SIGPIPE, disposition),
    )
    os.close(writer)
    assert process.wait(30) == status


def test_nobody_reads_the_diagnostics(place):
    """Its stderr is a broken pipe: the status is still told."""
    reader, writer = os.pipe()
    os.close(reader)
    process = place.start("-d", "0", "--", "true", stderr=writer)
    os.close(writer)
    assert process.wait(30) == 99


def test_stdin_belongs_to_the_command(place):
    """cli.md 11: flom never reads it."""
    process = place.start("-d", "-1", "--", "cat", stdin=subprocess.PIPE)
    assert process.communicate("for the command\n", timeout=30)[0] == "for the command\n"


def test_nothing_of_our_own_is_said(any_place):
    """C-26: not with a daemon to start, not with one that runs."""
    for _ in range(2):
        done = any_place.run("-d", "-1", "--", "true")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_pipeline_ends_with_its_command(place):
    """The daemon that it started reads and writes nothing of it."""
    words = [FLOM, *place.words, "-d", "-1", "--", "cat"]
    first = subprocess.Popen(
        ["sh", "-c", '"$@" | cat', "sh", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(place.folder),
    )
    place.processes.append(first)
    assert first.communicate(b"through\n", timeout=60)[0] == b"through\n"
    wait_for(place.daemons, "the daemon that has stayed")
