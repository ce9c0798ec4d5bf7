"""`flomctl daemon`: in the foreground, on good terms with a service manager."""

import os
import signal
import socket
import sys

import pytest
from support import FLOMCTL, wait_for

CTL = (FLOMCTL, "daemon")


class Notifications:
    """What a service manager hears on NOTIFY_SOCKET."""

    def __init__(self, folder, abstract=False):
        path = f"\0flom-test-{os.getpid()}" if abstract else str(folder / "notify")
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.settimeout(30)
        self._sock.bind(path)
        self.environ = {"NOTIFY_SOCKET": path.replace("\0", "@")}

    def next(self):
        return self._sock.recv(1000).decode().strip()

    def close(self):
        self._sock.close()


@pytest.fixture(params=["path", "abstract"])
def notifications(request, folder):
    made = Notifications(folder, request.param == "abstract")
    yield made
    made.close()


def start(place, *words, **options):
    """A daemon in the foreground; returns when it serves."""
    daemon = place.start(*words, program=CTL, **options)
    wait_for(lambda: daemon.poll() is not None or place.listeners(), "the daemon")
    assert daemon.poll() is None, daemon.stderr.read()
    return daemon


def test_readiness_and_end(any_place, notifications):
    """READY=1 when, and not before, connections are accepted; STOPPING=1 at the end."""
    daemon = any_place.start(program=CTL, env=notifications.environ)
    assert notifications.next() == "READY=1"
    assert any_place.run("-d", "0", "--", "true").returncode == 0
    daemon.terminate()
    assert notifications.next().startswith("STOPPING=1")
    assert daemon.wait(30) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(place, number):
    """daemon.md 8: socket removed, status 0."""
    daemon = start(place)
    daemon.send_signal(number)
    out, errors = daemon.communicate(timeout=30)
    assert daemon.returncode == 0
    assert not place.path.exists()
    assert out == ""
    assert "Traceback" not in errors


def test_it_stays_where_it_is(place):
    """The service manager has made the surroundings: no detaching, its own process."""
    daemon = start(place)
    assert place.listeners() == {daemon.pid}
    assert os.readlink(f"/proc/{daemon.pid}/cwd") in (str(place.folder), "/")
    assert os.getsid(daemon.pid) == os.getsid(0)


def test_log_lines_on_stderr(any_place):
    """One line each, with the priority that journald reads."""
    daemon = start(any_place)
    assert any_place.run("-d", "0", "--", "true").returncode == 0
    daemon.terminate()
    _, errors = daemon.communicate(timeout=30)
    lines = errors.splitlines()
    assert lines
    assert all(line[0] == "<" and line[1] in "34567" and line[2:6] == ">FLM" for line in lines)
    assert lines[0].startswith("<5>FLM000I" if any_place.words[0] == "-s" else "<5>FLM001I")
    assert any(place_word in lines[0] for place_word in any_place.words[1:])


def test_a_second_one_is_refused(any_place):
    """One line that says why, status 99, and the first one serves on."""
    daemon = start(any_place)
    second = any_place.run(program=CTL)
    assert second.returncode == 99
    assert second.stderr.startswith("flomctl: ")
    assert ("-108" if any_place.words[0] == "-s" else "-101") in second.stderr
    assert second.stderr.count("\n") == 1
    assert any_place.words[1] in second.stderr
    assert any_place.run("-d", "0", "--", "true").returncode == 0
    assert any_place.listeners() == {daemon.pid}


def test_a_second_one_beside_a_daemon_that_flom_started(place):
    """As above."""
    assert place.run("-d", "-1", "--", "true").returncode == 0
    assert place.run(program=CTL).returncode == 99
    assert place.run("-d", "0", "--", "true").returncode == 0


def test_it_lives_until_it_is_told_otherwise(place):
    """No lifespan but one on the command line: it outlives a daemon of `flom` many times."""
    (place.folder / "conf").write_text("[Daemon]\nLifespan=200\n")
    daemon = start(place, "-c", place.folder / "conf")
    mine, place.words = place.words, ["-s", str(place.folder / "short")]
    assert place.run("-d", "200", "-e", "no", "-o", "0", "--", "true").returncode == 96
    assert place.run("-d", "200", "--", "true").returncode == 0
    place.await_no_daemon()
    place.words = mine
    assert daemon.poll() is None
    assert place.run("-X").returncode == 0
    assert daemon.wait(30) == 0


def test_a_lifespan_on_the_command_line(place):
    """It ends by itself, with status 0."""
    daemon = place.start("-d", "100", program=CTL)
    assert daemon.wait(60) == 0
    assert not place.path.exists()


def test_bad_words(place):
    """Nothing is started."""
    for words in (("true",), ("--no-such-option",), ("-d", "soon")):
        done = place.run(*words, program=CTL)
        assert (done.returncode, done.stdout) == (99, "")
        assert done.stderr.startswith("flomctl: ")
    assert not place.path.exists()


def test_help_and_unknown_commands(place):
    """The operator's first words."""
    place.words = []
    done = place.run("--help", program=(FLOMCTL,))
    assert (done.returncode, "daemon" in done.stdout) == (0, True)
    done = place.run("no-such-command", program=(FLOMCTL,))
    assert (done.returncode, "no-such-command" in done.stderr) == (2, True)


# Socket activation

# LISTEN_PID must be the daemon's own process id: it is set in the process that becomes it.
ACTIVATE = """\
import os, sys
descriptor = int(sys.argv[1])
if descriptor != 3:
    os.dup2(descriptor, 3)
os.set_inheritable(3, True)
os.environ["LISTEN_PID"] = str(os.getpid() + int(sys.argv[2]))
os.environ["LISTEN_FDS"] = sys.argv[3]
os.execv(sys.argv[4], sys.argv[4:])
"""


def activate(place, listener, wrong_pid=0, count=1):
    descriptor = listener.fileno()
    wrapper = (sys.executable, "-I", "-c", ACTIVATE, str(descriptor), str(wrong_pid), str(count))
    return place.start(program=(*wrapper, *CTL), pass_fds=[descriptor])


def listener_at(place):
    """What a socket unit makes, with a client that came before the daemon."""
    if place.words[0] == "-s":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(place.path))
    else:
        listener = socket.create_server((place.host, place.port))
    listener.listen(5)
    return listener


def test_activated(any_place):
    """LISTEN_FDS: the socket is the service manager's, also afterwards."""
    with listener_at(any_place) as listener:
        early = any_place.peer()
        daemon = activate(any_place, listener)
        assert early.lock() == 0
        assert any_place.run("-d", "0", "-r", "R", "-o", "0", "--", "true").returncode == 98
        early.unlock()
        early.close()
        assert any_place.run("-d", "0", "-r", "R", "--", "true").returncode == 0
        daemon.terminate()
        assert daemon.wait(30) == 0, daemon.stderr.read()
        if any_place.words[0] == "-s":
            assert any_place.path.is_socket()
        # The next client waits in the same socket for the next daemon.
        late = any_place.peer()
        again = activate(any_place, listener)
        assert late.lock() == 0
        again.terminate()
        assert again.wait(30) == 0


def test_activation_of_somebody_else(place):
    """Another LISTEN_PID: the variables were meant for another process."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place.folder / "not-for-us"))
        listener.listen(5)
        daemon = activate(place, listener, wrong_pid=1)
        wait_for(lambda: daemon.poll() is not None or place.listeners(), "the daemon")
        assert place.run("-d", "0", "--", "true").returncode == 0
        daemon.terminate()
        assert daemon.wait(30) == 0


def test_more_than_one_socket(place):
    """A daemon serves one; which one is not guessed."""
    with listener_at(place) as listener:
        daemon = activate(place, listener, count=2)
        _, errors = daemon.communicate(timeout=30)
        assert daemon.returncode == 99
        assert errors.startswith("flomctl: ")


def test_descriptor_that_is_no_socket(place):
    """Said, and status 99."""
    with open(place.folder / "file", "w") as file:
        daemon = activate(place, file)
        _, errors = daemon.communicate(timeout=30)
        assert daemon.returncode == 99
        assert errors.startswith("flomctl: ")


def test_hang_up_does_not_end_it(place):
    """daemon.md 8."""
    daemon = start(place)
    daemon.send_signal(signal.SIGHUP)
    assert place.run("-d", "0", "--", "true").returncode == 0
    assert daemon.poll() is None


def test_a_file_that_names_a_store_is_for_those_who_lock(place):
    (place.folder / ".flom").write_text("[Store]\nUrl=etcd://h1\n")
    start(place)
    assert place.run("-d", "0", "--", "true").returncode == 0
