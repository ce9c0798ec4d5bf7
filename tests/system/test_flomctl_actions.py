"""`flomctl` acts: breaks locks, holds one, ends the daemon; and is polite to other daemons."""

import contextlib
import json
import os
import pty
import signal
import socket
import threading

import pytest
from certificates import options
from operators import CTL, ENQUEUED, GRANTED, ask, ctl, start_daemon, telling, told
from state_rows import validate
from support import BOUND, OTHER_UID, kill, need_program, need_root

from flom.errors import RC_LOCK_WAIT_RESOURCE
from flom.wire.messages import Lock
from flom.wire.rare import Shutdown
from flom.wire.server import ServerConversation

# Breaking locks


def test_a_broken_lock_is_free_and_its_holder_knows(place):
    """Ours is told by whom; the next one has the lock; the command of the first one runs on."""
    start_daemon(place)
    holder = place.hold()
    waiter = place.wait()
    rows = told(place, "release", "R", "--force")
    assert [row["pid"] for row in rows] == [holder.pid]
    assert waiter.stdout.readline() == "held\n"
    assert holder.poll() is None
    _, complaint = holder.communicate("\n", timeout=BOUND)
    assert holder.returncode == 99
    assert "operator" in complaint
    waiter.communicate("\n", timeout=BOUND)
    assert waiter.returncode == 0
    assert told(place, "release", "R", "--force", status=1) == []
    assert ctl(place, "release", "R", "--force", status=1) == "nobody holds R\n"


def test_one_holder_of_several(place):
    """The others keep theirs."""
    start_daemon(place)
    peers = [place.peer() for _ in range(3)]
    assert [peer.lock(mode=3) for peer in peers] == [GRANTED] * 3
    ids = [claim["id"] for claim in told(place, "show", "R")["holders"]]
    text = ctl(place, "release", "R", "--force", "--holder", ids[1])
    assert [line.split()[:2] for line in text.splitlines()[1:]] == [["broken", str(ids[1])]]
    assert peers[1].answer() is None
    assert [claim["id"] for claim in told(place, "show", "R")["holders"]] == [ids[0], ids[2]]
    assert told(place, "release", "R", "--force", "--holder", ids[1], status=1) == []


def test_who_may_not_break_locks(places):
    """Nobody over plain TCP; nothing is lost."""
    place = places("127.0.0.1")
    start_daemon(place)
    peer = place.peer()
    assert peer.lock() == GRANTED
    done = place.run("release", "R", "--force", program=CTL)
    assert (done.returncode, done.stdout) == (99, "")
    assert "-602" in done.stderr
    assert told(place, "show", "R")["holder_count"] == 1


def test_over_tls_the_rules_decide(places, certificates):
    """The daemon knows the operator by his certificate; without a rule he may only look."""
    words = options(certificates, "mine")
    rules = "[Access]\nall = allow lock * to *\n"
    for more, status in (("", 99), ("boss = allow force R* to cn:*\n", 0)):
        place = places("127.0.0.1")
        (place.folder / "rules").write_text(rules + more)
        daemon = start_daemon(place, *words, "-c", place.folder / "rules")
        holder = place.hold(*words)
        queue = told(place, "show", "R", *words)
        assert len(queue["holders"][0]["cn"]) == 32
        assert told(place, "ls", *words)[0]["holder_count"] == 1
        done = place.run("release", "R", "--force", *words, program=CTL)
        assert (done.returncode, "-605" in done.stderr) == (status, status == 99), done.stderr
        plain = place.run("ls", program=CTL)
        assert (plain.returncode, "the daemon speaks TLS" in plain.stderr) == (99, True)
        holder.communicate("\n", timeout=BOUND)
        ctl(place, "shutdown", *words, status=99)  # no rule lets anybody end it
        daemon.terminate()
        assert daemon.wait(BOUND) == 0


def test_another_user_may_not_break_locks(place):
    need_root()
    need_program("setpriv")
    start_daemon(place)
    os.chmod(place.folder, 0o755)
    os.chmod(place.path, 0o777)
    peer = place.peer()
    assert peer.lock() == GRANTED
    user = f"--reuid={OTHER_UID}"
    done = place.run("release", "R", "--force", program=("setpriv", user, "--clear-groups", *CTL))
    assert (done.returncode, "-602" in done.stderr) == (99, True)
    assert told(place, "show", "R")["holder_count"] == 1


@pytest.mark.parametrize(("reply", "kept"), [("n", True), ("y", False)])
def test_it_asks_at_a_terminal(place, reply, kept):
    """Shows whose lock it is, without obeying it; scripts are not asked but refused."""
    start_daemon(place)
    peer = place.peer()
    assert ask(peer, "R", telling("\x1b[2Jme")) == GRANTED
    assert "--force" in place.run("release", "R", program=CTL).stderr
    master, slave = pty.openpty()
    process = place.start("release", "R", program=CTL, stdin=slave, stderr=slave)
    os.close(slave)
    seen = b""
    while b"Break the lock?" not in seen:
        seen += os.read(master, 4096)
    assert b"\x1b" not in seen
    assert b"\\x1b[2Jme" in seen
    os.write(master, f"{reply}\n".encode())
    assert process.wait(BOUND) == int(kept)
    os.close(master)
    assert place.busy() == kept


def test_who_gets_the_lock_while_the_operator_reads_keeps_it(place):
    start_daemon(place)
    first, second = place.peer(), place.peer()
    assert (first.lock(), second.lock()) == (GRANTED, ENQUEUED)
    master, slave = pty.openpty()
    process = place.start("release", "R", program=CTL, stdin=slave, stderr=slave)
    os.close(slave)
    seen = b""
    while b"Break the lock?" not in seen:
        seen += os.read(master, 4096)
    first.unlock()
    assert second.answer() == GRANTED
    os.write(master, b"y\n")
    assert process.wait(BOUND) == 1
    os.close(master)
    assert process.stdout.read() == "nobody holds R\n"
    assert told(place, "show", "R")["holder_count"] == 1


def test_what_nobody_holds_is_not_asked_for(place):
    start_daemon(place)
    peer = place.peer()
    assert peer.lock() == GRANTED
    master, slave = pty.openpty()
    for words, text in (
        (["S"], "nobody holds S"),
        (["R", "--holder", "99"], "R has no holder 99 (see flomctl show)"),
    ):
        done = place.run("release", *words, program=CTL, stdin=slave)
        assert (done.returncode, done.stdout, done.stderr) == (1, f"{text}\n", "")
    os.close(slave)
    os.close(master)


# Holding one


def test_hold_until_interrupted(place):
    """It starts a daemon as flom does, holds, and gives back; so with SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        holder = place.start("hold", "R", "-l", "PR", "--json", "-d", "60000", program=CTL)
        value = json.loads(holder.stdout.readline())
        validate(value, "hold")
        assert value == {"held": "R", "mode": "PR", "element": None}
        [claim] = told(place, "show", "R")["holders"]
        assert (claim["pid"], claim["command"]) == (holder.pid, "flomctl hold R")
        assert place.run("hold", "R", "-o", "0", program=CTL).returncode == 98
        assert place.run("hold", "R", "-o", "10", "-E", "7", program=CTL).returncode == 7
        holder.send_signal(number)
        _, complaint = holder.communicate(timeout=BOUND)
        assert (holder.returncode, complaint) == (0, "")
        assert not place.busy()
    assert place.run("hold", "new", "-o", "0", "-e", "no", program=CTL).returncode == 96


def test_a_hold_that_is_lost(place):
    start_daemon(place)
    holder = place.start("hold", "a.b", program=CTL)
    assert holder.stdout.readline() == "holding a.b (a); Ctrl-C gives it back\n"
    told(place, "release", "a.b", "--force")
    _, complaint = holder.communicate(timeout=BOUND)
    assert holder.returncode == 99
    assert complaint.startswith("flomctl: ")
    assert "Traceback" not in complaint


# The daemon's end


def test_shutdown(place):
    """At once, or when the last one has gone."""
    daemon = start_daemon(place)
    assert told(place, "shutdown") == {
        "endpoint": f"unix://{place.path}", "immediate": True, "taken": True,
    }  # fmt: skip
    assert daemon.wait(BOUND) == 0
    daemon = start_daemon(place)
    peer = place.peer()
    assert peer.lock() == GRANTED
    assert "when its last client has gone" in ctl(place, "shutdown", "--quiesce")
    assert daemon.poll() is None
    peer.close()
    assert daemon.wait(BOUND) == 0
    assert place.run("shutdown", program=CTL).returncode == 99


# Other daemons


class OldDaemon:
    """One that does not know the extension: parks every lock, ends at a shutdown."""

    def __init__(self, path):
        self.said = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with sock, contextlib.suppress(OSError):
                self._talk(sock)

    def _talk(self, sock):
        conversation = ServerConversation("")
        while data := sock.recv(4096):
            conversation.receive(data)
            while (message := conversation.next_message()) is not None:
                self.said.append(message)
                if isinstance(message, Lock):
                    waits = message.name == b"flomState"
                    sock.sendall(conversation.answer(RC_LOCK_WAIT_RESOURCE if waits else GRANTED))
                elif isinstance(message, Shutdown):
                    self.close()
                    return

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def end(self):
        self.close()
        self._thread.join(BOUND)


@pytest.fixture
def old(place):
    daemon = OldDaemon(place.path)
    yield daemon
    daemon.end()


def test_a_daemon_without_the_extension(place, old):
    """It is alive, can be locked and ended, and is never sent what it would not understand."""
    alive = told(place, "ping")
    assert (alive["alive"], alive["daemon"]) == (True, None)
    assert "tells nothing of its state" in ctl(place, "ping")
    for words in (["ls"], ["show", "R"], ["events"], ["metrics"], ["release", "R", "--force"]):
        done = place.run(*words, program=CTL)
        assert (done.returncode, done.stdout) == (99, "")
        assert "tells nothing of its state" in done.stderr
        assert "-604" in done.stderr
    holder = place.start("hold", "R", program=CTL)
    assert holder.stdout.readline().startswith("holding R")
    holder.send_signal(signal.SIGINT)
    assert holder.wait(BOUND) == 0
    ctl(place, "shutdown")
    assert {type(message).__name__ for message in old.said} == {"Lock", "Unlock", "Shutdown"}


@pytest.mark.parametrize("name", ["ls", "ping", "metrics"])
def test_a_daemon_that_does_not_answer(place, name):
    """An error in bounded time that says which daemon."""
    daemon = start_daemon(place)
    kill(daemon.pid, signal.SIGSTOP)
    done = place.run(name, "-o", "100", program=CTL)
    kill(daemon.pid, signal.SIGCONT)
    assert (done.returncode, done.stdout) == (99, "")
    assert str(place.path) in done.stderr
    assert "did not answer in 0.1 s" in done.stderr
