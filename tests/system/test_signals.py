"""The command in safe hands: signals, dispositions, and whose end is waited for (cli.md 11, 12)."""

import contextlib
import fcntl
import os
import pty
import re
import resource
import signal
import subprocess
import termios

import pytest
from support import (
    FLOM,
    HELD,
    MODULE,
    ScriptedDaemon,
    asleep,
    environment,
    gone,
    kill,
    need_program,
    signal_set,
    stat_fields,
    state,
    status_of,
    wait_for,
    witness,
)

PASSED_ON = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT]
SI_USER, SI_KERNEL = 0, 0x80
LONG = "echo held; exec sleep 600"  # until somebody ends it


def names(numbers):
    return [number.name for number in numbers]


def start_witness(place, *options, status=0, **more):
    """A `flom` with a command that tells about its signals, and the pid of that command."""
    flom = place.start("-r", "R", "-d", "-1", *options, *witness(status), **more)
    line = flom.stdout.readline()
    assert line.startswith("ready"), flom.stderr.read()
    return flom, int(line.split()[1])


def end_witness(flom, command):
    os.kill(command, signal.SIGUSR2)
    return flom.wait(30)


# Signals that reach flom alone


@pytest.mark.parametrize("number", PASSED_ON, ids=names(PASSED_ON))
def test_flom_ends_by_the_signal_that_ended_the_command(any_place, number):
    """cli.md 12, C-45: passed on, the command dies of it, and so does flom; the lock is free."""
    holder = any_place.hold("-d", "-1")
    holder.send_signal(number)
    assert holder.wait(30) == -number
    assert holder.stderr.read() == ""
    assert any_place.run("-r", "R", "-o", "0", "--", "true").returncode == 0


@pytest.mark.parametrize("number", PASSED_ON, ids=names(PASSED_ON))
def test_the_lock_is_kept_until_the_command_has_ended(place, number):
    """A command that handles the signal takes its time, and gives its own status."""
    flom, command = start_witness(place, status=5)
    flom.send_signal(number)
    assert flom.stdout.readline() == f"{number.name} {SI_USER}\n"
    assert place.busy()
    waiter = place.wait(status=6)
    flom.send_signal(number)
    assert flom.stdout.readline() == f"{number.name} {SI_USER}\n"
    assert waiter.poll() is None
    assert end_witness(flom, command) == 5
    assert waiter.stdout.readline() == "held\n"
    waiter.communicate("\n", timeout=30)
    assert waiter.returncode == 6


def test_each_signal_is_passed_on_once(place):
    """Ten deliveries to flom are ten deliveries to the command."""
    flom, command = start_witness(place)
    for number in PASSED_ON * 3:
        flom.send_signal(number)
        assert flom.stdout.readline() == f"{number.name} {SI_USER}\n"
        wait_for(lambda: asleep(flom.pid) and asleep(command), "both at rest")
    end_witness(flom, command)
    assert flom.stdout.read() == ""


@pytest.mark.parametrize("number", PASSED_ON, ids=names(PASSED_ON))
def test_waiting_ends_by_the_signal_at_once(any_place, number):
    """C-45: while flom waits for the lock; the queue goes on."""
    holder = any_place.hold("-d", "-1")
    leaver = any_place.wait()
    waiter = any_place.wait(status=4)
    leaver.send_signal(number)
    assert leaver.wait(30) == -number
    assert leaver.communicate(timeout=30) == ("", "")
    holder.communicate("\n", timeout=30)
    assert waiter.stdout.readline() == "held\n"
    waiter.communicate("\n", timeout=30)
    assert waiter.returncode == 4


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGALRM])
def test_other_signals_end_flom_and_free_the_lock(any_place, number):
    """They have their default action; the lock is free at once, the command goes on."""
    holder = any_place.hold("-d", "-1")
    holder.send_signal(number)
    assert holder.wait(30) == -number
    wait_for(lambda: not any_place.busy(), "a free lock")


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGUSR1, signal.SIGTERM]
)
def test_death_of_the_command_alone(place, number):
    """C-36: a signal that did not come through flom gives 128+N."""
    done = place.run("-d", "-1", "--", "sh", "-c", f"kill -{int(number)} $$")
    assert (done.returncode, done.stderr) == (128 + number, "")


def test_a_command_that_catches_and_then_dies_otherwise(place):
    """TERM came through flom, the command killed itself by another signal."""
    script = "trap 'kill -KILL $$' TERM; echo held; read line"
    flom = place.start("-d", "-1", "--", "sh", "-c", script, stdin=subprocess.PIPE)
    assert flom.stdout.readline() == "held\n"
    flom.terminate()
    assert flom.wait(30) == 128 + signal.SIGKILL


def test_flom_leaves_no_core_file_beside_the_commands(place):
    """Dying by QUIT on the command's behalf is no crash."""

    def allow_core_files():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CORE, (2**20, resource.RLIM_INFINITY))

    holder = place.hold("-d", "-1", preexec_fn=allow_core_files)
    holder.send_signal(signal.SIGQUIT)
    _, status = os.waitpid(holder.pid, 0)
    holder.returncode = -signal.SIGQUIT
    assert os.WTERMSIG(status) == signal.SIGQUIT
    assert not os.WCOREDUMP(status)


def test_a_signal_at_any_moment_never_shows_a_traceback(place):
    """C-45: from the first instruction to the last, a death by the signal or none."""
    keeper = place.hold("-d", "-1", "-r", "other")
    for count in range(24):
        flom = place.start("-r", "R", "--", "sh", "-c", "exit 3")
        # A different moment each time: so many looks at the process.
        for _ in range(count * 12):
            state(flom.pid)
        flom.send_signal(PASSED_ON[count % 2])
        _, errors = flom.communicate(timeout=30)
        # What the interpreter says before it has read our first line is its own, and when it is
        # hit while it makes its standard streams it exits with 1.
        unborn = errors.startswith("Fatal Python error: init_")
        assert "flom" not in errors
        assert errors == "" or unborn or "KeyboardInterrupt" in errors
        assert flom.returncode in (-PASSED_ON[count % 2], 1 if unborn else 3)
    assert place.run("-r", "R", "--", "true").returncode == 0
    keeper.communicate("\n", timeout=30)


# Signals from the terminal


class Terminal:
    """A terminal of its own; what runs in it is its session and foreground group."""

    def __init__(self):
        self.master, self.slave = pty.openpty()
        attributes = termios.tcgetattr(self.slave)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(self.slave, termios.TCSANOW, attributes)
        self._text = b""

    def options(self):
        """For Popen: the child becomes leader of a session with this terminal."""
        return {
            "stdin": self.slave,
            "stdout": self.slave,
            "stderr": self.slave,
            "start_new_session": True,
            "preexec_fn": lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        }

    def type(self, text):
        os.write(self.master, text)

    def line(self):
        """The next line that appears."""
        while b"\n" not in self._text:
            self._text += os.read(self.master, 1024)
        line, _, self._text = self._text.partition(b"\n")
        return line.decode().strip()

    def rest(self):
        """What is left when nobody has the terminal open any more."""
        os.close(self.slave)
        self.slave = -1
        with contextlib.suppress(OSError):  # EIO is its end
            while data := os.read(self.master, 1024):
                self._text += data
        return self._text.decode()

    def close(self):
        for descriptor in (self.master, self.slave):
            if descriptor >= 0:
                os.close(descriptor)


@pytest.fixture
def terminal():
    made = Terminal()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("key", "number"), [(b"\x03", signal.SIGINT), (b"\x1c", signal.SIGQUIT)], ids=["^C", "^\\"]
)
def test_a_key_reaches_the_command_once(place, terminal, key, number):
    """Three times ^C are three signals, all from the terminal, none passed on by flom."""
    flom = place.start("-d", "-1", *witness(5), **terminal.options())
    command = int(terminal.line().split()[1])
    for _ in range(3):
        terminal.type(key)
        assert terminal.line() == f"{number.name} {SI_KERNEL}"
        wait_for(lambda: asleep(flom.pid) and asleep(command), "both at rest")
    assert end_witness(flom, command) == 5
    assert terminal.rest() == ""


@pytest.mark.parametrize(
    ("key", "number"), [(b"\x03", signal.SIGINT), (b"\x1c", signal.SIGQUIT)], ids=["^C", "^\\"]
)
def test_a_key_ends_both(place, terminal, key, number):
    """cli.md 12: the command dies of it, flom by the same signal, and the lock is free."""
    holder = place.start("-d", "-1", "-r", "R", "--", "sh", "-c", HELD % 0, **terminal.options())
    assert terminal.line() == "held"
    terminal.type(key)
    assert holder.wait(30) == -number
    assert place.run("-r", "R", "-o", "0", "--", "true").returncode == 0


def test_a_key_while_waiting(place, terminal):
    """^C ends a flom that waits."""
    holder = place.hold("-d", "-1")
    waiter = place.start("-r", "R", "--", "true", **terminal.options())
    place.await_queued(waiter)
    terminal.type(b"\x03")
    assert waiter.wait(30) == -signal.SIGINT
    holder.communicate("\n", timeout=30)
    assert holder.returncode == 0


def test_hang_up_of_the_terminal(place, terminal):
    """The terminal goes away: the kernel tells flom, the leader, and flom its command."""
    flom = place.start("-d", "-1", "-r", "R", "--", "sh", "-c", LONG, **terminal.options())
    assert terminal.line() == "held"
    terminal.close()
    terminal.master = terminal.slave = -1
    assert flom.wait(30) == -signal.SIGHUP
    wait_for(lambda: not place.busy(), "a free lock")


def test_the_daemon_survives_the_keys(place, terminal):
    """It was started by the command that ^C ended, in the same terminal."""
    holder = place.start("-d", "-1", "-r", "R", "--", "sh", "-c", HELD % 0, **terminal.options())
    assert terminal.line() == "held"
    daemon = place.daemon()
    terminal.type(b"\x03")
    holder.wait(30)
    terminal.close()
    terminal.master = terminal.slave = -1
    assert place.run("--", "true").returncode == 0
    assert place.daemon() == daemon


def test_the_stop_key_and_fg(place, terminal):
    """C-47: ^Z stops both, the lock stays held, and fg goes on to the command's own status."""
    script = 'set -m; "$@"; echo first $?; fg >/dev/null; echo then $?'
    shell = place.start(
        *("-d", "-1", "-r", "R", "--", "sh", "-c", HELD % 7), shell=script, **terminal.options()
    )
    assert terminal.line() == "held"
    terminal.type(b"\x1a")
    line = terminal.line()
    while not line.startswith("first"):  # the shell may report the stopped job
        line = terminal.line()
    assert line == f"first {128 + signal.SIGTSTP}"
    wait_for(lambda: _job_runs(shell.pid), "the job in the foreground")
    assert place.busy()
    terminal.type(b"\n")
    line = terminal.line()
    while not line.startswith("then"):
        line = terminal.line()
    assert line == "then 7"
    assert not place.busy()


def _job_runs(shell):
    """Whether another group than the shell's has the terminal."""
    fields = stat_fields(shell)
    return int(fields[5]) != int(fields[2])


@pytest.mark.parametrize("whom", ["the group", "flom alone"])
def test_stop_and_continue(any_place, whom):
    """C-47: lock held, status unaffected."""
    holder = any_place.hold("-d", "-1", status=7, process_group=0)
    target = -holder.pid if whom == "the group" else holder.pid
    os.kill(target, signal.SIGSTOP)
    wait_for(lambda: state(holder.pid) == "T", "a stopped flom")
    assert any_place.busy()
    os.kill(target, signal.SIGCONT)
    _, errors = holder.communicate("\n", timeout=30)
    assert (holder.returncode, errors) == (7, "")


def test_a_stopped_command(place):
    """cli.md 11: flom keeps waiting, the lock stays held."""
    flom, command = start_witness(place, status=3)
    os.kill(command, signal.SIGSTOP)
    wait_for(lambda: state(command) == "T", "a stopped command")
    assert place.busy()
    assert flom.poll() is None
    os.kill(command, signal.SIGCONT)
    assert end_witness(flom, command) == 3


# --ignore-signal (C-46)


def test_ignored_signals_protect_flom_and_not_the_command(place):
    """C-46."""
    flom, command = start_witness(place, "--ignore-signal", "SIGTERM", status=3)
    assert signal.SIGTERM not in signal_set(status_of(command)["SigIgn"])
    flom.terminate()
    flom.send_signal(signal.SIGHUP)
    assert flom.stdout.readline() == f"SIGHUP {SI_USER}\n"
    assert end_witness(flom, command) == 3
    done = place.run("--ignore-signal", "SIGTERM", "--", "sh", "-c", "kill -TERM $$")
    assert (done.returncode, done.stderr) == (128 + signal.SIGTERM, "")


def test_ignored_signals_to_the_whole_group(place):
    """C-46: the command ends, flom reports it."""
    holder = place.hold("-d", "-1", "--ignore-signal", "SIGTERM", process_group=0)
    os.killpg(holder.pid, signal.SIGTERM)
    assert holder.wait(30) == 128 + signal.SIGTERM


def test_ignored_signals_do_not_protect_while_waiting(place):
    """C-46."""
    holder = place.hold("-d", "-1")
    waiter = place.wait("--ignore-signal", "SIGTERM")
    waiter.terminate()
    assert waiter.wait(30) == -signal.SIGTERM
    holder.communicate("\n", timeout=30)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSTOP"])
def test_signals_that_cannot_be_ignored(place, name):
    """C-46: a warning, nothing else."""
    done = place.run("-d", "-1", "--ignore-signal", name, "--", "sh", "-c", "exit 4")
    assert done.returncode == 4
    assert name in done.stderr
    assert done.stderr.count("\n") == 1


def test_ignoring_the_end_of_the_command(place):
    """CF-3: SIGCHLD in the list does not lose the status."""
    done = place.run("-d", "-1", "--ignore-signal", "SIGCHLD", "--", "sh", "-c", "exit 4")
    assert done.returncode == 4


# Whose end is waited for (C-33, C-35)


def test_grandchildren_do_not_hold_the_lock(place):
    """C-33."""
    script = "sleep 600 >/dev/null 2>&1 </dev/null & echo $!; exit 3"
    done = place.run("-d", "-1", "-r", "R", "--", "sh", "-c", script)
    grandchild = int(done.stdout)
    try:
        assert done.returncode == 3
        assert not gone(grandchild)
        assert not place.busy()
    finally:
        kill(grandchild)


def test_children_that_flom_inherited(place):
    """C-35 (CF-2): they end while the command runs, and are nobody's business."""
    os.mkfifo(place.folder / "fifo")
    script = f'sh -c "read line; exit 9" <{place.folder}/fifo & echo $!; exec "$@"'
    flom = place.start(
        *("-d", "-1", "-r", "R", "--", "sh", "-c", HELD % 4), shell=script, stdin=subprocess.PIPE
    )
    other = int(flom.stdout.readline())
    assert flom.stdout.readline() == "held\n"
    (place.folder / "fifo").write_text("\n")
    wait_for(lambda: gone(other), "the end of the other child")
    wait_for(lambda: asleep(flom.pid), "flom at rest")
    assert flom.poll() is None
    assert place.busy()
    _, errors = flom.communicate("\n", timeout=30)
    assert (flom.returncode, errors) == (4, "")


def test_a_child_that_ended_before_flom_looked(place):
    """C-35: an inherited child is a zombie already."""
    done = place.run("-d", "-1", "--", "sh", "-c", "exit 4", shell='sh -c "exit 9" & exec "$@"')
    assert (done.returncode, done.stderr) == (4, "")


# What the command gets: exactly what flom got (C-32)

PROBE = ["cat", "/proc/self/status", "/proc/self/limits"]
# posix_spawn ignores these in every child; no program can have them for its own purposes.
THREAD_LIBRARYS = {32, 33}
SIGNALS = ["SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"]


def signals_seen(text):
    lines = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    return {key: signal_set(lines[key]) - THREAD_LIBRARYS for key in SIGNALS}


def ignoring(*numbers):
    return lambda: [signal.signal(number, signal.SIG_IGN) for number in numbers]


def blocking(*numbers):
    return lambda: signal.pthread_sigmask(signal.SIG_BLOCK, numbers)


STATES = {
    "as usual": lambda: None,
    "nohup": ignoring(signal.SIGHUP),
    "background job": ignoring(signal.SIGINT, signal.SIGQUIT),
    "SIGPIPE ignored": ignoring(signal.SIGPIPE),
    "SIGXFSZ ignored": ignoring(signal.SIGXFSZ),
    "SIGCHLD ignored": ignoring(signal.SIGCHLD),
    "SIGTERM ignored": ignoring(signal.SIGTERM),
    "many ignored": ignoring(signal.SIGUSR1, signal.SIGTTOU, signal.SIGALRM, signal.SIGRTMIN + 3),
    "SIGUSR1 blocked": blocking(signal.SIGUSR1),
    "SIGTERM and SIGCHLD blocked": blocking(signal.SIGTERM, signal.SIGCHLD),
}


@pytest.mark.parametrize("prepare", STATES)
def test_signals_of_the_command(place, prepare):
    """C-32: dispositions and mask are the caller's, whoever has to start a daemon included."""
    # Some shells, dash among them, forget an ignored SIGCHLD before they read the first word of
    # the launcher; and without launcher nobody knows of SIGPIPE.
    program = MODULE if prepare == "SIGCHLD ignored" else (FLOM,)
    direct = subprocess.run(
        PROBE, stdout=subprocess.PIPE, text=True, preexec_fn=STATES[prepare], timeout=30, check=True
    )
    for _ in ("starts the daemon", "finds it"):
        done = place.run("-d", "-1", "--", *PROBE, preexec_fn=STATES[prepare], program=program)
        assert (done.returncode, done.stderr) == (0, "")
        assert signals_seen(done.stdout) == signals_seen(direct.stdout)


@pytest.mark.parametrize("prepare", STATES.values(), ids=STATES)
def test_status_whatever_the_caller_did_to_signals(place, prepare):
    """CF-3 and its relatives: the status arrives, exec failures too."""
    for program, status in (("exit 6", 6), ("kill -KILL $$", 137)):
        done = place.run("-d", "-1", "--", "sh", "-c", program, preexec_fn=prepare)
        assert (done.returncode, done.stderr) == (status, "")
    assert place.run("--", "/nonexistent/program", preexec_fn=prepare).returncode == 97


def test_nohup_protects_flom_and_command(place):
    """cli.md 12: ignored by the caller, ignored by both."""
    holder = place.hold("-d", "-1", status=3, process_group=0, preexec_fn=STATES["nohup"])
    os.killpg(holder.pid, signal.SIGHUP)
    holder.send_signal(signal.SIGHUP)
    _, errors = holder.communicate("\n", timeout=30)
    assert (holder.returncode, errors) == (3, "")


def test_background_job_of_a_script(place):
    """A non-interactive shell ignores INT for `flom ... &`: so do both."""
    holder = place.hold("-d", "-1", status=3, process_group=0, preexec_fn=STATES["background job"])
    os.killpg(holder.pid, signal.SIGINT)
    _, errors = holder.communicate("\n", timeout=30)
    assert (holder.returncode, errors) == (3, "")


SURROUNDINGS = """\
pwd
set -- $(sed 's/.*) //' /proc/self/stat)
echo group $3
echo session $4 terminal $5 nice ${17}
umask
ulimit -a
ls -l /proc/self/fd
"""


def test_surroundings_of_the_command(place, folder):
    """C-32: group, session, terminal, nice value, umask, limits, working directory."""
    (folder / "cwd").mkdir()

    def prepare():
        os.umask(0o027)
        os.nice(3)
        os.chdir(folder / "cwd")
        resource.setrlimit(resource.RLIMIT_NOFILE, (99, 200))
        resource.setrlimit(resource.RLIMIT_STACK, (4 * 2**20, resource.RLIM_INFINITY))

    command = ["sh", "-c", SURROUNDINGS]
    # Through the same shell, which adjusts PWD, for the shell of the command looks at it.
    flom = place.start(
        *("-d", "-1", "--", *command), shell='exec "$@"', preexec_fn=prepare, process_group=0
    )
    seen, errors = flom.communicate(timeout=30)
    direct = subprocess.run(
        ["sh", "-c", 'exec "$@"', "sh", *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        preexec_fn=prepare,
        process_group=0,
    )
    assert (flom.returncode, errors) == (0, "")
    assert _neutral(seen) == _neutral(direct.stdout)
    assert f"group {flom.pid}\n" in seen
    assert "nice 3\n" in seen


def _neutral(text):
    """Without moments, and without the numbers of pipes and processes."""
    text = re.sub(r"(pipe:\[|/proc/|group )\d+", r"\1", text)
    return re.sub(r"\s\w+ +\d+ +\d+:\d+", " TIME", text)


def test_controlling_terminal_of_the_command(place, terminal):
    """C-32: same session, same foreground group."""
    script = "set -- $(sed 's/.*) //' /proc/self/stat); echo $3 $4 $5 $6"
    flom = place.start("-d", "-1", "--", "sh", "-c", script, **terminal.options())
    group, session, device, foreground = terminal.line().split()
    assert [int(group), int(session), int(foreground)] == [flom.pid] * 3
    assert int(device) != 0
    assert flom.wait(30) == 0


def test_environment_of_the_command(place):
    """C-32 as amended: nothing changes but the variables of flom, which are its own."""
    outer = {"FLOM_RESOURCE": "outer", "FLOM_ELEMENT": "outer", "FLOM_SESSION": "outer"}
    strange = {
        "a.b": "c",
        "EMPTY": "",
        "LINES_": "1\n2",
        "QUOTES": "'\"",
        "PATH": os.environ["PATH"],
    }
    done = place.run(
        *("-d", "-1", "-r", "R", "-l", "PR", "--", "cat", "/proc/self/environ"),
        env={**outer, **strange},
    )
    seen = dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)
    assert seen.pop("FLOM_RESOURCE") == "R"
    assert seen.pop("FLOM_LOCK_MODE") == "PR"
    assert "FLOM_ELEMENT" not in seen
    assert seen.pop("FLOM_SESSION", "") != "outer"
    seen.pop("FLOM_FENCING_TOKEN", None)
    assert seen == environment(place.folder, **strange)


def test_descriptors_of_the_command(any_place):
    """C-32: what flom inherited is passed on, its own connection is not."""
    reader, writer = os.pipe()
    pipe = os.readlink(f"/proc/self/fd/{writer}")
    done = any_place.run(
        *("-d", "-1", "--", "sh", "-c", "echo through >&7; ls -l /proc/self/fd"),
        shell=f'exec "$@" 7>/proc/self/fd/{writer}',
        pass_fds=[writer],
    )
    os.close(writer)
    with os.fdopen(reader) as file:
        assert file.read() == "through\n"
    assert done.returncode == 0
    assert pipe in done.stdout
    assert "socket" not in done.stdout


def test_descriptors_opened_on_a_high_number(place):
    """As above, by a shell."""
    need_program("bash")
    done = place.run(
        *("-d", "-1", "--", "bash", "-c", "echo through >&77"),
        shell='exec bash -c \'"$@" 77>&1\' sh "$@"',
    )
    assert (done.returncode, done.stdout) == (0, "through\n")


# What the daemon is told


@pytest.fixture
def scripted(place):
    daemon = ScriptedDaemon(place.path)
    yield daemon
    daemon.close()


@pytest.mark.parametrize(
    ("script", "status", "rollback"),
    [("exit 0", 0, b"0"), ("exit 3", 3, b"1"), ("kill -KILL $$", 137, b"1")],
)
def test_rollback_unless_the_status_is_zero(place, scripted, script, status, rollback):
    """C-34."""
    assert place.run("--", "sh", "-c", script).returncode == status
    _check_rollback(scripted, rollback)


def test_rollback_when_the_command_cannot_be_executed(place, scripted):
    """C-34, C-30."""
    done = place.run("--", "/nonexistent/program")
    assert (done.returncode, "/nonexistent/program" in done.stderr) == (97, True)
    _check_rollback(scripted, b"1")


def test_rollback_when_a_signal_ended_both(place, scripted):
    """C-34: flom unlocks before it dies of the signal."""
    holder = place.hold()
    holder.terminate()
    assert holder.wait(30) == -signal.SIGTERM
    _check_rollback(scripted, b"1")


def _check_rollback(scripted, rollback):
    request, unlock = scripted.messages()
    assert b'verb="1" step="8"' in request
    assert b'verb="2" step="8"' in unlock
    assert b'rollback="%s"' % rollback in unlock


def test_a_sequence_gets_its_value_back_after_a_death(place):
    """CF-1: the value of a command that was killed is given again."""
    words = ("-d", "-1", "-r", "_S_SEQ[1]", "--", "sh", "-c")
    first = place.run(*words, "echo $1; kill -KILL $$", "sh")
    second = place.run(*words, "echo $1", "sh")
    third = place.run(*words, "echo $1", "sh")
    assert first.stdout == second.stdout
    assert int(third.stdout) == int(second.stdout) + 1


def test_the_package_itself_runs_the_same(place):
    """`python -m flom` has no launcher; signals and statuses are the same."""
    holder = place.hold("-d", "-1", status=5, program=MODULE)
    holder.terminate()
    assert holder.wait(30) == -signal.SIGTERM
    assert not place.busy()
    assert place.run("--", "sh", "-c", "exit 6", program=MODULE).returncode == 6
