"""Watching over a command's lock, with a lock that is lost when the test wants it.

In processes of their own, because what is tested changes the process it happens in.
"""

import json
import pathlib
import signal
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "src"
RUN = """
import json, posix, socket, sys
from flom.cli import child, guard
from flom.errors import FlomError
from flom.settings import Settings

silent = posix.open("/dev/null", posix.O_RDONLY)

class Lease:
    left = steady = 2.0
    def __init__(self):
        self.states = iter(["safe", "jeopardy", "jeopardy", "safe", "safe", "lost"])
    @property
    def state(self):
        return next(self.states)

class Lock:
    # `told` lets the kernel announce news; `after` is how many looks find nothing.
    def __init__(self, after=0, told=True, wanted=1.0, store=False):
        self.after, self.told, self.wanted = after, told, wanted
        self.lease = Lease() if store else None
        self.near, self.far = socket.socketpair()
    def fileno(self):
        return self.near.fileno() if self.told else silent
    def hear(self):
        self.after -= 1
        if self.after < 0:
            raise FlomError(-130, "it is lost")
        if self.after < 5:
            self.far.send(b"x")
    def grace(self, wanted):
        return min(wanted, self.wanted)

words, lock, values, foreign = json.loads(sys.argv[1])
settings = Settings()
for key, value in values.items():
    setattr(settings, key, value)
if foreign:
    def kill(pid, number):
        raise PermissionError(1, "Operation not permitted")
    posix.kill = kill
said = []
watch = guard.Guard(Lock(**lock), settings, said.append)
dispositions = child.Dispositions(0)
ended = child.run(words, {"PATH": "/usr/bin:/bin"}, (), dispositions, False, watch)
print(json.dumps([ended.status, ended.lost, ended.acted, said]))
"""


SHORT = {"wanted": 0.3}


def run(*words, lock=None, foreign=False, before=None, **values):
    """How the command ended, whether the lock was lost and acted upon, and what was said."""
    given = json.dumps([words, lock or {}, values, foreign])
    done = subprocess.run(
        [sys.executable, "-S", "-c", RUN, given], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=60, check=False, env={"PYTHONPATH": str(SOURCE)},
        preexec_fn=before,  # there are no threads here
    )  # fmt: skip
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.parametrize("after", [0, 1, 5])
@pytest.mark.parametrize("told", [True, False])
def test_a_loss_is_seen_whenever_it_happens(told, after):
    """Before the command runs, for which nobody sends a signal; later; where none is ever sent."""
    if not told and after == 5:
        return  # one look a second
    *outcome, said = run("sleep", "1000", on_lost="kill", lock={"told": told, "after": after})
    assert outcome == [128 + 9, True, True]
    assert said == [
        "flom: it is lost (the command has been sent SIGKILL) [flom_client_unlock: ret_cod=-130]\n"
    ]


def test_there_is_no_more_time_than_the_lock_leaves():
    def deaf():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    words = ("sleep", "1000")
    *outcome, said = run(*words, before=deaf, on_lost="term", kill_after=60000, lock=SHORT)
    assert outcome == [128 + 9, True, True]
    assert "SIGKILL follows in 0.3 s" in said[0]
    assert "still runs 0.3 s after SIGTERM" in said[1]


def test_a_command_of_somebody_else_goes_on_and_it_is_said():
    *outcome, said = run("sleep", "0.1", on_lost="term", foreign=True)
    assert outcome == [0, True, True]
    assert any("belongs to somebody else" in line for line in said)


def test_a_store_in_doubt_is_told_unless_it_shall_be_quiet():
    for quiet, lines in ((False, 3), (True, 1)):
        *outcome, said = run("sleep", "1000", lock={"store": True, "after": 5}, quiet=quiet)
        assert outcome == [128 + 15, True, True]  # what becomes of it in a store by itself
        assert len(said) == lines
        assert ("in 2.0 s the lock is lost" in said[0]) is not quiet


def test_a_command_whose_lock_is_not_lost():
    assert run("sh", "-c", "exit 5", on_lost="kill", lock={"after": 9}) == [5, False, False, []]
