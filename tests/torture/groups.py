"""A holder and those who wait for it, ended together by one signal or one key.

That is what happens to `flom ... | flom ...` in a terminal, to a job that a service manager ends,
and to a script that runs into the limit of `timeout`. Nobody of them may stay in the queue, and
whoever comes after them is served.
"""

import fcntl
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import tempfile
import termios

from support import BOUND, UnixPlace, asleep, descriptors, started_in, wait_for

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
WAITERS = (1, 3, 10)
TIMES = 20
MEMBER = '"$@" -r R -- sh -c "echo held >&2; exec sleep 1000"'


class Group:
    """So many commands for one lock, in a process group of their own, and somebody after them.

    With a terminal the group is the one that its keys reach.
    """

    def __init__(self, place, waiters, terminal):
        self._place = place
        self._terminal, slave = pty.openpty() if terminal else (None, None)
        options = {"start_new_session": True}
        if terminal:
            options |= {"stdin": slave, "stdout": slave, "stderr": slave}
            options["preexec_fn"] = lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        # In a pipeline all run at once, and none in the background.
        pipeline = " | ".join([MEMBER] * (waiters + 1))
        self._shell = place.start("-d", "-1", shell=pipeline, **options)
        if terminal:
            os.close(slave)
        wait_for(lambda: len(self._resting()) == waiters + 1, "the group, holding and waiting")
        self._next = place.wait()

    def _members(self):
        return started_in(self._place.folder) - self._place.listeners()

    def _resting(self):
        return [
            pid
            for pid in self._members()
            if asleep(pid) and any("socket:" in target for target in descriptors(pid).values())
        ]

    def end(self, number):
        """The signal, or the key for it; then the next one holds the lock, and nobody else."""
        if self._terminal is None:
            os.killpg(self._shell.pid, number)
        else:
            os.write(self._terminal, {signal.SIGINT: b"\x03", signal.SIGQUIT: b"\x1c"}[number])
        assert self._next.stdout.readline() == "held\n"
        wait_for(lambda: len(self._members()) == 1, "the end of the group")
        self._next.communicate("\n", timeout=BOUND)
        assert self._next.returncode == 0
        wait_for(lambda: not self._place.busy(), "a free lock")
        if self._terminal is not None:
            os.close(self._terminal)
        else:
            self._shell.communicate(timeout=BOUND)
        self._shell.wait(BOUND)


def main():
    """All sizes and signals, as often as it takes to believe it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="flom-"))
    place = UnixPlace(folder / "s", folder)
    try:
        for waiters in WAITERS:
            for number in SIGNALS:
                for _ in range(TIMES // len(SIGNALS)):
                    Group(place, waiters, terminal=False).end(number)
            for _ in range(TIMES):
                Group(place, waiters, terminal=True).end(signal.SIGINT)
            print(f"1 holder and {waiters} waiters ended {TIMES} times by a signal and {TIMES}"
                  " times by Ctrl-C: the next one was served", flush=True)  # fmt: skip
    except subprocess.TimeoutExpired as late:
        print(f"nobody was served: {late}")
        return 1
    finally:
        place.clear()
        shutil.rmtree(folder)
    return 0
