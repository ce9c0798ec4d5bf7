"""A flom within a flom on the same resource (docs/use-cases/nesting.md)."""

import os
import shlex
import subprocess
import sys

import pytest
from support import BOUND, FLOM, wait_for

FAIR = ("--queue-patience", "0")


def within(place, options, *command):
    """A `flom` at a place with options (a text) and its command, as text for a shell."""
    return shlex.join([FLOM, *place.words, *options.split(), "--", *command])


def holder(place, script, *options, **more):
    """A `flom` that holds and, told so by a line, runs a script; returns when it holds."""
    words = ("-r", "R", *options, "--", "sh", "-c", f"echo held; read line; {script}")
    process = place.start(*words, stdin=subprocess.PIPE, **more)
    assert process.stdout.readline() == "held\n", process.stderr.read()
    return process


def go_on(process):
    """Let a holder run its script; what it says on standard output."""
    out, err = process.communicate("\n", timeout=2 * BOUND)
    assert (process.returncode, err) == (0, "")
    return out


def finish(waiter):
    """Let somebody who waited get the lock, and release it."""
    assert waiter.stdout.readline() == "held\n"
    waiter.communicate("\n", timeout=BOUND)
    assert waiter.returncode == 0


def test_a_reader_within_a_reader_does_not_wait_for_a_waiting_writer(any_place):
    """With a strictly fair queue the reference's way would be a deadlock."""
    outer = holder(any_place, within(any_place, "-r R -l PR", "echo", "in"), "-l", "PR", *FAIR)
    writer = any_place.wait()
    reader = any_place.wait("-l", "PR")
    assert go_on(outer) == "in\n"
    finish(writer)
    finish(reader)


def test_three_levels_and_two_resources(any_place):
    """A writer waits for each; every level reads what levels around it read."""
    script = within(any_place, "-r R -l PR", "echo", "in")
    for name in ("S", "R"):
        script = within(any_place, f"-r {name} -l PR", "sh", "-c", script)
    script = within(any_place, "-r S -l PR", "sh", "-c", f"echo two; read line; {script}")
    outer = holder(any_place, script, "-l", "PR", *FAIR)
    outer.stdin.write("\n")
    outer.stdin.flush()
    assert outer.stdout.readline() == "two\n"
    writers = [any_place.wait("-r", name) for name in ("R", "S")]
    assert go_on(outer) == "in\n"
    for writer in writers:
        finish(writer)


@pytest.mark.parametrize(
    ("name", "others", "inner"),
    [
        ("/r/a", ["-r", "/r"], "-r /r/a/b -l PR"),
        ("n[3]", ["-r", "n[3]", "-q", "3"], "-r n[3] -q 2"),
    ],
)
def test_trees_and_quantities(place, name, others, inner):
    outer = holder(place, within(place, inner, "echo", "in"), "-r", name, "-l", "PR", *FAIR)
    waiter = place.wait(*others)
    assert go_on(outer) == "in\n"
    finish(waiter)


@pytest.mark.parametrize("between", ["", "-r other", "-r R -l NL"])
def test_what_would_wait_for_the_lock_around_it_is_refused_at_once(any_place, between):
    script = within(any_place, "-r R -l PW", "echo", "never")
    if between:
        script = within(any_place, between, "sh", "-c", script)
    outer = any_place.start("-r", "R", "--", "sh", "-c", script)
    out, err = outer.communicate(timeout=BOUND)
    assert (outer.returncode, out, err.count("\n")) == (99, "", 1)
    assert f"within the lock of process {outer.pid} on 'R' in mode EX" in err
    assert err.endswith("[flom_client_lock: ret_cod=-606]\n")


def test_with_a_time_limit_it_is_as_if_the_time_were_over(place):
    inner = place.run("-r", "R", "--", FLOM, *place.words, "-r", "R", "-o", "600000", "true")
    assert inner.returncode == 98
    assert "within the lock" in inner.stderr
    inner = place.run("-r", "R", "--", FLOM, *place.words, "-r", "R", "-o", "0", "true")
    assert inner.returncode == 98
    assert "already locked" in inner.stderr


def test_a_set_has_as_many_levels_as_elements(place):
    script = within(place, "-r a.b", "true")
    script = within(place, "-r a.b", "sh", "-c", f"echo $FLOM_ELEMENT; {script}; echo $?")
    outer = place.run("-r", "a.b", "--", "sh", "-c", f"echo $FLOM_ELEMENT; {script}")
    assert outer.stdout == "a\nb\n99\n"
    assert outer.stderr.count("ret_cod=-606") == 1


def test_who_outlives_the_lock_around_it_waits_like_everybody(place):
    """The background process still has FLOM_SESSION, but nobody holds that lock any more."""
    os.mkfifo(place.folder / "go")
    told = place.folder / "told"
    busy = within(place, "-r R -o 0", "true")
    child = f"read line <go; {busy}; echo $?; {within(place, '-r R', 'echo', 'in')}"
    other = place.hold("-r", "other", "-d", "-1")
    done = place.run("-r", "R", "--", "sh", "-c", f"({child}) >told 2>&1 </dev/null &")
    assert (done.returncode, done.stderr) == (0, "")
    now = place.hold("-l", "CR")
    (place.folder / "go").write_text("\n")
    wait_for(lambda: told.read_text().endswith("\n98\n"), "a request that does not wait")
    now.communicate("\n", timeout=BOUND)
    wait_for(lambda: told.read_text().endswith("\nin\n"), "the lock")
    other.communicate("\n", timeout=BOUND)


@pytest.mark.parametrize("session", ["", "x", ",,,", "0" * 15, "g" * 16, "\udcff", "0" * 16])
def test_a_session_that_is_none_is_ignored(place, session):
    script = ["sh", "-c", "printf %s $FLOM_SESSION"]
    done = place.run("-r", "R", "--", *script, env={"FLOM_SESSION": session})
    assert (done.returncode, done.stderr) == (0, "")
    *inherited, own = done.stdout.split(",")
    assert len(own) == 16
    assert inherited == ([session] if session == "0" * 16 else [])


def test_programs_take_part(place):
    """What runs within a program's lock, and a program that runs within a lock."""
    program = """if True:
        import os, subprocess, sys, flom
        client = flom.Client("unix://" + sys.argv[1])
        with client.lock("R", mode=flom.PR) as held:
            environ = {**os.environ, **held.environ()}
            print(subprocess.run(sys.argv[2:], env=environ, stderr=subprocess.PIPE).returncode)
        try:
            client.lock("S").acquire()
        except flom.Deadlock as error:
            print(error.rc, error.resource)
    """
    inner = [FLOM, *place.words, "-r", "R"]
    words = [sys.executable, "-c", program, str(place.path), *inner, "true"]
    done = place.run("-r", "S", "-l", "PR", "--", *words)
    assert (done.stdout, done.stderr) == ("99\n-606 S\n", "")
