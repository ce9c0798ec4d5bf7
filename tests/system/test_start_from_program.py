"""A program that imports flom starts its daemon by a fresh interpreter, not by a fork."""

import os
import shutil
import signal
import stat
import sys

import pytest
from support import descriptors, stat_fields, status_of, words_of

# Locks by the words of its command line, in every thread; reports what is left of the start.
PROGRAM = """\
import os, sys, threading
from time import monotonic
from flom.cli.parse import parse
from flom.client.blocking import Lock
from flom.errors import FlomError
from flom.settings import load

{preparation}

settings = load(parse(sys.argv[1:]).given, os.environ, os.getcwd(), print)
settings.check(print)

def lock():
    lock = Lock(settings)
    try:
        lock.connect()
        lock.acquire()
        lock.release(rollback=False)
    except FlomError as error:
        print(error.rc, error.text)

threads = [threading.Thread(target=lock) for _ in range({threads})]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
try:
    print("child", os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    pass
if len(os.listdir("/proc/self/fd")) > opened:
    print("descriptors", os.listdir("/proc/self/fd"))
"""
BEFORE = "opened = len(os.listdir('/proc/self/fd'))"


def run(place, *words, preparation="", threads=1, executable=sys.executable):
    """What the program says."""
    text = PROGRAM.format(preparation=f"{preparation}\n{BEFORE}", threads=threads)
    done = place.run(*words, program=(executable, "-c", text))
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["unix", "127.0.0.1"])
def test_the_daemon_of_a_program(kind, places):
    """D-12 as far as it can hold; nothing of the program but its words, not even descriptors."""
    place = places(kind)
    preparation = "os.set_inheritable(os.open('mark', os.O_CREAT), True); os.chdir('/usr')"
    assert run(place, "-d", "-1", preparation=preparation) == ""
    daemon = place.daemon()
    status = status_of(daemon)
    assert status["Name"] == "flom"
    assert words_of(daemon)[-len(place.words) - 3 :] == ["-c", *place.words, "-d", "-1"]
    assert os.readlink(f"/proc/{daemon}/cwd") == "/"
    _, group, session, terminal = map(int, stat_fields(daemon)[1:5])
    assert group == session != daemon
    assert (session != os.getsid(0), terminal) == (True, 0)
    assert str(place.folder / "mark") not in descriptors(daemon).values()
    assert [descriptors(daemon)[number] for number in (0, 1, 2)] == ["/dev/null"] * 3
    assert place.run("-d", "0", "--", "true").returncode == 0


def test_twenty_threads_start_one_daemon(place):
    assert run(place, "-d", "-1", threads=20) == ""
    assert len(place.daemons()) == 1


@pytest.mark.parametrize(
    "preparation",
    [
        "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
        "sys.executable = ''",
        "sys.executable = '/bin/false'",
        "sys.executable = None",
        "os.closerange(0, 1)",
    ],
)
def test_odd_programs(preparation, place):
    """One that ignores its children, and those into which Python is embedded."""
    assert run(place, "-d", "-1", preparation=preparation) == ""
    assert len(place.daemons()) == 1


def script(folder, text):
    path = folder / "python3"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return f"sys.executable = {str(path)!r}"


def test_no_interpreter(place):
    preparation = "import flom.daemon.fresh as f; f.interpreter = lambda: ''"
    assert run(place, preparation=preparation).startswith(
        "-109 cannot start a daemon: this program"
    )


def test_an_interpreter_that_does_not_run_flom(place, folder):
    said = run(place, preparation=script(folder, "exit 3"))
    assert said.startswith(f"-109 cannot start a daemon: {folder}/python3 -I -S did not run flom")


def test_an_interpreter_that_hangs(place, folder):
    """The time of the lock covers the start of a daemon; the helper is not left behind."""
    said = run(
        place, "-o", "300", preparation=script(folder, f"echo $$ >{folder}/pid; exec sleep 600")
    )
    assert said == "9 the daemon did not start in time\n"
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), signal.SIGKILL)


def test_a_place_that_cannot_be_served(places):
    """The error of the interpreter that was asked is the program's."""
    place = places()
    shutil.rmtree(place.folder / "none", ignore_errors=True)
    place.words = ["-s", str(place.folder / "none" / "s")]
    said = run(place)
    assert said.startswith("-120 ") and str(place.folder) in said
