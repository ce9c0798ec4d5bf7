"""What `flom` shows of a long wait: on a terminal, in a log, of an old daemon; when it does not."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time

import pytest
from certificates import options
from hosts import network
from support import BOUND, FLOM, PROLOG, environment, kill, message, state, wait_for

# The command with another idea of what a long wait is.
CODE = """\
import sys
from flom.cli.main import main
from flom.start import environment
main(sys.argv[2:], None, environment(), patience=float(sys.argv[1]))
"""
SOON = "0.05"
NEVER = "1000"

# What a shell with job control does: the command gets a process group of its own.
LEADER = """\
import os, signal, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
pid = os.fork()
if pid == 0:
    os.setpgid(0, 0)
    if sys.argv[1] == "foreground":
        os.tcsetpgrp(0, os.getpgrp())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    with open(sys.argv[2], "w") as file:
        file.write(f"{os.getpid()}\\n")
    os.execv(sys.argv[3], sys.argv[3:])
_, status = os.waitpid(pid, 0)
os._exit(os.waitstatus_to_exitcode(status) & 255)
"""


def program(patience):
    """The words that start a `flom` for which a wait of so many seconds is long."""
    return [sys.executable, "-c", CODE, patience]


class Terminal:
    """A command on a pseudo terminal; `said` is what it wrote so far."""

    def __init__(self, folder, argv, columns=200, where="foreground", **env):
        note = folder / f"pid{time.monotonic_ns()}"
        words = [sys.executable, "-c", LEADER, where, str(note), *map(str, argv)]
        env = environment(folder, **{"TERM": "xterm", "LC_ALL": "C.UTF-8", **env})
        self.said = ""
        self.leader, self.master = pty.fork()
        if self.leader == 0:
            self._resize(0, columns)
            os.chdir(folder)
            os.execve(words[0], words, env)
        self.pid = int(wait_for(lambda: note.exists() and note.read_text().strip(), "a command"))

    @staticmethod
    def _resize(descriptor, columns):
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))

    def resize(self, columns):
        """The window is another now; the system tells the foreground."""
        self._resize(self.master, columns)

    def type(self, text):
        """Keys."""
        os.write(self.master, text.encode())

    def read(self):
        """Takes what has been written; False at the end."""
        ready, _, _ = select.select([self.master], [], [], 0)
        if ready:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return False
            self.said += data.decode()
        return True

    def await_shown(self, part):
        """Returns the last line of the screen as soon as it has this part."""

        def found():
            self.read()
            return self.line if part in self.line else None

        return wait_for(found, f"{part!r} on the screen")

    def await_said(self, part, count=1):
        """Returns when the part has been written so many times."""
        wait_for(lambda: self.read() and self.said.count(part) >= count, f"{count} of {part!r}")

    @property
    def screen(self):
        """The lines that are to be seen."""
        lines = []
        for text in self.said.split("\n"):
            line, column = "", 0
            for char in text.replace("\x1b[K", "\0"):
                if char == "\r":
                    column = 0
                elif char == "\0":
                    line = line[:column]
                else:
                    line = line[:column] + char + line[column + 1 :]
                    column += 1
            lines.append(line)
        return lines

    @property
    def line(self):
        """The line of the cursor."""
        return self.screen[-1]

    def end(self):
        """The exit status, negative modulo 256 for a signal, when everything has been read."""
        wait_for(lambda: not self.read(), "the end of the command")
        _, status = os.waitpid(self.leader, 0)
        self.leader = 0
        return os.waitstatus_to_exitcode(status)

    def close(self):
        """Ends what is left."""
        if self.leader:
            for pid in (self.pid, self.leader):
                kill(pid)
            os.waitpid(self.leader, 0)
        os.close(self.master)


@pytest.fixture
def terminals(folder):
    """Makes terminals: `terminals(argv, ...)`."""
    with contextlib.ExitStack() as stack:

        def make(argv, **more):
            return stack.enter_context(contextlib.closing(Terminal(folder, argv, **more)))

        yield make


def release(holder):
    holder.communicate("\n", timeout=BOUND)


def flom(place, *words, patience=SOON):
    return [*program(patience), *place.words, "-r", "R", *words, "--", "echo", "got"]


def test_the_line_comes_changes_and_goes(any_place, terminals):
    first = any_place.hold("-d", "-1", env={"LOGNAME": "carlo"})
    second = any_place.wait()
    terminal = terminals(flom(any_place, "-V"))
    line = terminal.await_shown("held by")
    assert f"held by carlo@{os.uname().nodename} (pid {first.pid}" in line
    assert "; place 2 in the queue" in line
    release(first)
    line = terminal.await_shown(f"(pid {second.pid}")
    assert "; next in the queue" in line
    release(second)
    assert terminal.end() == 0
    *dump, last, empty = terminal.screen
    assert (last, empty) == ("got", "")
    assert all(text.startswith("[") for text in dump)


def test_over_tls(place, terminals, certificates):
    words = options(certificates)
    holder = place.hold("-d", "-1", *words)
    terminal = terminals(flom(place, *words))
    terminal.await_said(f"(pid {holder.pid}", 3)
    release(holder)
    assert terminal.end() == 0
    assert terminal.screen == ["got", ""]


def test_the_command_itself_after_two_seconds(place, terminals):
    holder = place.hold("-d", "-1")
    terminal = terminals([FLOM, *place.words, "-r", "R", "-o", "600000", "echo", "got"])
    line = terminal.await_shown(f"held by {os.uname().nodename} (pid {holder.pid}, sh -c echo")
    assert line.startswith("flom: waiting for R: ")
    assert "gives up in 9 min" in line
    release(holder)
    assert terminal.end() == 0
    assert terminal.screen == ["got", ""]


def test_a_plain_command_does_it_too(place, terminals):
    """It goes another way until it has to wait (cli/plain.py)."""
    holder = place.hold("-d", "-1")
    terminal = terminals([FLOM, *place.words, "-r", "R", "--", "echo", "got"])
    terminal.await_shown(f"held by {os.uname().nodename} (pid {holder.pid}, sh -c echo")
    release(holder)
    assert terminal.end() == 0
    assert terminal.screen == ["got", ""]


@pytest.mark.parametrize(
    ("words", "patience"), [((), NEVER), (("--quiet",), SOON), (("--quiet", "--progress"), SOON)]
)
def test_nothing_of_a_short_wait_and_nothing_when_quiet(place, terminals, words, patience):
    holder = place.hold("-d", "-1")
    silent = terminals(flom(place, *words, patience=patience))
    other = terminals(flom(place, "--progress"))
    other.await_said("waiting for R: ", 2)
    release(holder)
    assert (silent.end(), silent.said) == (0, "got\r\n")


@pytest.mark.parametrize("key", ["\x03", "\x1c"])
def test_nothing_stays_of_an_interrupted_wait(place, terminals, key):
    holder = place.hold("-d", "-1")
    terminal = terminals(flom(place))
    terminal.await_shown("waiting for R: held")
    terminal.type(key)
    number = signal.SIGINT if key == "\x03" else signal.SIGQUIT
    assert terminal.end() == 256 - number
    assert terminal.line == ""
    release(holder)


def test_nothing_stays_of_a_refusal(place, terminals):
    holder = place.hold("-d", "-1")
    terminal = terminals(flom(place, "-o", "1500"))
    terminal.await_shown("gives up in 1 s")
    assert terminal.end() == 98
    assert [line[:28] for line in terminal.screen] == ["flom: 'R' could not be locke", ""]
    release(holder)


def test_a_stopped_wait_leaves_the_terminal_to_others(place, terminals):
    holder = place.hold("-d", "-1")
    terminal = terminals(flom(place))
    terminal.await_shown("waiting for R: held")
    terminal.type("\x1a")
    wait_for(lambda: terminal.read() and state(terminal.pid) == "T", "a stopped flom")
    wait_for(lambda: terminal.read() and terminal.line == "", "an empty line")
    kill(terminal.pid, signal.SIGCONT)
    terminal.await_shown("waiting for R: held")
    release(holder)
    assert terminal.end() == 0
    assert terminal.line == ""


def test_a_narrow_window_and_one_that_changes(place, terminals):
    holder = place.hold("-d", "-1")
    terminal = terminals(flom(place), columns=40)
    assert len(terminal.await_shown("waiting for R: held")) < 40
    terminal.resize(20)
    terminal.await_said("\rflom: waiting fo...\x1b[K")
    terminal.resize(200)
    terminal.await_shown("; next in the queue")
    release(holder)
    assert terminal.end() == 0
    assert "got" in terminal.screen


def test_what_others_call_themselves_is_harmless(place, terminals):
    name, script = "/a\x1b]0;x\x07b", ["sh", "-c", "echo held; read line", "\x1b[2J\n\t"]
    red = {"LOGNAME": "\x1b[31mred"}
    holder = place.start("-r", name, "-d", "-1", "--", *script, stdin=subprocess.PIPE, env=red)
    assert holder.stdout.readline() == "held\n"
    argv = [*program(SOON), *place.words, "-r", name, "--", "true"]
    terminal = terminals(argv)
    line = terminal.await_shown("next in the queue")
    assert line.isprintable()
    assert "\\x1b[31mred" in line
    release(holder)
    assert terminal.end() == 0
    assert "\x1b" not in terminal.said.replace("\x1b[K", "")


def test_plain_lines_for_a_log_and_for_a_dumb_terminal(place, terminals):
    """One for each situation, and again at growing intervals."""
    first = place.hold("-d", "-1")
    second = place.wait()
    log = place.folder / "log"
    with open(log, "w") as file:
        waiter = place.start(
            "-r", "R", "--progress", "--", "true", program=program(SOON), stderr=file
        )
    dumb = terminals(flom(place), TERM="dumb")
    for holder, count in ((first, 3), (second, 1)):
        mark = f"(pid {holder.pid},"
        wait_for(lambda mark=mark, n=count: log.read_text().count(mark) >= n, "lines in the log")
        dumb.await_said(f"(pid {holder.pid}")
        release(holder)
    assert (waiter.wait(BOUND), dumb.end()) == (0, 0)
    for text in (log.read_text(), dumb.said.replace("\r\n", "\n").removesuffix("got\n")):
        lines = text.splitlines()
        assert text.endswith("\n")
        assert all(line.startswith("flom: waiting for R: ") for line in lines)
        held = [line for line in lines if f"(pid {first.pid}" in line]
        assert held == lines[: len(held)]
        assert len(held) < 20  # as often as it was looked after, it would be far more


# Scripted daemons


class Daemon:
    """Has everybody wait, announcing the extension or not; remembers what each said."""

    def __init__(self, path, rc, ext):
        self.path = str(path)
        self.said = []
        self._peers = []
        self._answer = message(1, 16, f'<session peerid=""/><answer rc="{rc}"/>').replace(
            b'step="16"', b'step="16"' + ext
        )
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                self.said.append(b"")
                self._peers.append(peer)
                threading.Thread(
                    target=self._serve, args=(peer, len(self.said) - 1), daemon=True
                ).start()

    def _serve(self, peer, number):
        with contextlib.suppress(OSError):
            while data := peer.recv(4096):
                if not self.said[number]:
                    peer.sendall(self._answer)
                self.said[number] += data
            peer.close()

    def grant(self):
        """Everybody gets the lock."""
        for peer in self._peers:
            peer.sendall(message(1, 24, '<answer rc="0"/>'))

    def close(self):
        """Ends the daemon."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def only_lock_and_unlock(said):
    """Whether a client has said no more than the reference's verbs."""
    parts = [part for part in said.split(PROLOG.encode()) if part]
    return [part.split(b'verb="')[1][:1] for part in parts] == [b"1", b"2"]


@pytest.mark.parametrize(
    ("rc", "text"),
    [(1, "flom: waiting for R at {} ("), (2, "flom: waiting until somebody creates R (")],
)
def test_an_old_daemon_is_asked_nothing(place, terminals, rc, text):
    with contextlib.closing(Daemon(place.path, rc, b"")) as daemon:
        terminal = terminals(flom(place))
        terminal.await_said(text.format(place.path), 2)
        daemon.grant()
        assert terminal.end() == 0
        assert terminal.screen == ["got", ""]
        wait_for(lambda: only_lock_and_unlock(daemon.said[0]), "lock and unlock alone")


def test_nobody_is_asked_for_what_nobody_sees(place, terminals):
    """Neither for standard error in a file nor in the background of a terminal."""
    with contextlib.closing(Daemon(place.path, 1, b' ext="flom"')) as daemon:
        hidden = place.start("-r", "R", "--", "true", program=program(SOON))
        wait_for(lambda: len(daemon.said) == 1, "the first client")
        background = terminals(flom(place), where="background")
        wait_for(lambda: len(daemon.said) == 2, "the second client")
        ignoring = terminals(["/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh", *flom(place)])
        wait_for(lambda: len(daemon.said) == 3, "the third client")
        visible = terminals(flom(place))
        # A question that is not answered shows, after a while, what is known without it.
        visible.await_said(f"waiting for R at {place.path} (")
        assert daemon.said[3].count(b'verb="6"') == 1
        daemon.grant()
        assert hidden.communicate(timeout=BOUND) == ("", "")
        assert [one.end() for one in (background, ignoring, visible)] == [0, 0, 0]
        assert background.said == ignoring.said == "got\r\n"
        wait_for(lambda: all(map(only_lock_and_unlock, daemon.said[:3])), "lock and unlock alone")


# Before there is a connection


def test_connecting_that_takes_long(place, terminals):
    """The signal that shows it does not disturb the connecting; this daemon accepts nobody."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(place.path))
        listener.listen(0)
        listener.settimeout(BOUND)
        filler = stack.enter_context(socket.socket(socket.AF_UNIX))
        filler.connect(str(place.path))
        terminal = terminals(flom(place))
        terminal.await_said(f"flom: connecting to {place.path} (", 2)
        stack.enter_context(listener.accept()[0])
        peer = stack.enter_context(listener.accept()[0])
        terminal.await_shown(f"flom: waiting for an answer of the daemon at {place.path} (")
        peer.settimeout(BOUND)
        assert peer.recv(4096)
        peer.sendall(message(1, 16, '<session peerid=""/><answer rc="0"/>'))
        terminal.await_said("got")
        assert b'verb="2"' in peer.recv(4096)
        peer.close()
        assert terminal.end() == 0
        assert terminal.screen == ["got", ""]


def test_searching_that_takes_long(folder):
    group = ("-A", "239.255.43.21", "-d", "0", "-D", "1", "-I", "300")
    with network(folder) as made:
        host, _ = made.pair()
        host.sh(f"ip route add 224.0.0.0/4 dev {host.interface}")
        done = host.run(*program(SOON), "--progress", *group, "true")
        quiet = host.run(*program(SOON), *group, "true")
    first, *others = done.stderr.splitlines()
    assert first == "flom: looking for a daemon on 239.255.43.21/28015 (0 s)"
    assert others == quiet.stderr.splitlines()
    assert done.returncode == quiet.returncode == 99


def test_a_timer_of_the_caller_is_left_alone(place):
    """`alarm` before exec bounds a command in many scripts."""
    holder = place.hold("-d", "-1")
    alarm = "import os, signal, sys; signal.alarm(1); os.execv(sys.argv[1], sys.argv[1:])"
    waiter = place.start(
        "-r", "R", "--progress", "true", program=[sys.executable, "-c", alarm, *program(SOON)]
    )
    waiter.communicate(timeout=BOUND)
    assert waiter.returncode == -signal.SIGALRM
    release(holder)


def test_the_disposition_of_the_alarm_stays_as_it_was(place):
    code = "import signal; print(signal.getsignal(signal.SIGALRM).name)"
    for shell, name in (('exec "$@"', "SIG_DFL"), ("trap '' ALRM; exec \"$@\"", "SIG_IGN")):
        done = place.run("--progress", "--", sys.executable, "-c", code, shell=shell)
        assert (done.stdout, done.stderr) == (f"{name}\n", "")
