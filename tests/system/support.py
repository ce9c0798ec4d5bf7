"""What the system tests share: processes of the installed command, scripted peers and daemons.

Tests wait for events, with a bound that only a hang reaches, and end only what they started.
"""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import certificates
import pytest
from peer import (  # noqa: F401  # for the tests
    PROLOG,
    Peer,
    encoded,
    lock_message,
    message,
    shutdown_message,
    unlock_message,
)

FLOM = str(pathlib.Path(sys.executable).parent / "flom")
FLOMCTL = str(pathlib.Path(sys.executable).parent / "flomctl")
MODULE = (sys.executable, "-m", "flom")  # the command without its launcher
BOUND = 30.0  # seconds; what takes longer hangs
OTHER_UID = 60123  # a user without name, without processes

HELD = "echo held; read line; exit %d"


def wait_for(condition, what, bound=BOUND):
    """The first true value of `condition()`; fails when there is none within `bound` seconds."""
    end = time.monotonic() + bound
    while not (value := condition()):
        if time.monotonic() > end:
            pytest.fail(f"waited {bound} s in vain for: {what}")
        time.sleep(0.005)
    return value


def need(available, reason):
    """Skips the test when something it needs is absent (which FLOM_REQUIRE_ALL forbids)."""
    if not available:
        pytest.skip(reason)


def need_root():
    """Skips the test unless it may act for several users."""
    need(os.geteuid() == 0, "needs root, to act for two users")


def as_user(uid):
    """For Popen: the process belongs to this user."""
    return {"user": uid, "group": uid, "extra_groups": []}


def check_other_users_can_run_flom():
    """Skips where the interpreter is in a folder that others may not enter."""
    need_root()
    status = subprocess.call([FLOM, "-v"], stdout=subprocess.DEVNULL, **as_user(OTHER_UID))
    need(status == 0, "another user cannot run the interpreter where it is installed")


def need_program(name):
    """Skips the test when a program is missing."""
    need(shutil.which(name), f"needs {name}")


# Processes, as the kernel shows them.


def stat_fields(pid):
    """The fields of /proc/PID/stat after the name (state first), None when there is no process."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def state(pid):
    """The letter of the process's state; "" when it does not exist."""
    fields = stat_fields(pid)
    return fields[0] if fields else ""


def gone(pid):
    """Whether the process has ended (what init has not collected yet has ended all the same)."""
    return state(pid) in ("", "Z", "X")


def comm(pid):
    """The name of the process in the process table."""
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def words_of(pid):
    """The process's argument list."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    except OSError:
        return []


def status_of(pid):
    """/proc/PID/status as a dict."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def signal_set(mask):
    """The numbers in a signal mask as /proc shows it."""
    bits = int(mask, 16)
    return {number for number in range(1, 65) if bits >> (number - 1) & 1}


def descriptors(pid):
    """What the process has open: number -> target."""
    found = {}
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                found[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
    return found


def pids():
    """Every process."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def asleep(pid):
    """Whether the process waits and no signal is on its way to it."""
    if state(pid) != "S":
        return False
    try:
        status = status_of(pid)
    except OSError:
        return False
    return not int(status["SigPnd"], 16) and not int(status["ShdPnd"], 16)


def started_in(folder):
    """The living processes of `flom` that have the folder of a test for their home."""
    mark = f"HOME={folder}".encode()
    return {pid for pid in pids() if comm(pid).startswith("flom") and mark in _environment_of(pid)}


def _environment_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def kill(pid, number=signal.SIGKILL):
    """Send a signal to a process that may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def contains(words, part):
    """Whether `part` stands in `words`, in one piece."""
    return any(words[at : at + len(part)] == part for at in range(len(words)))


def environment(folder, **more):
    """The environment of a command under test: no settings of the user who runs the tests."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FLOM_")}
    return {**kept, "HOME": str(folder), "PWD": str(folder), "SHLVL": "1", **more}


# Endpoints.


class Place:
    """An endpoint of its own: words that name it, processes that use it, peers that connect."""

    def __init__(self, folder, words):
        self.folder = folder
        self.words = words
        self.processes = []
        self.sockets = []

    def start(self, *words, program=(FLOM,), env=None, shell=None, **options):
        """A `flom` at this place, as Popen with text pipes for stdout and stderr.

        `shell` is a text for /bin/sh in which "$@" stands for the command.
        """
        argv = [*program, *self.words, *map(str, words)]
        if shell:
            argv = ["/bin/sh", "-c", shell, "sh", *argv]
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        environ = {**environment(self.folder), **(env or {})}
        process = subprocess.Popen(argv, text=True, env=environ, cwd=self.folder, **options)
        self.processes.append(process)
        return process

    def run(self, *words, **options):
        """A `flom` at this place, to its end; the same result as subprocess.run gives."""
        process = self.start(*words, **options)
        out, err = process.communicate(timeout=2 * BOUND)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def hold(self, *options, status=0, **more):
        """A `flom` whose command holds the lock until `release`; returns when it has the lock."""
        holder = self.ask(*options, status=status, **more)
        assert holder.stdout.readline() == "held\n", holder.stderr.read()
        return holder

    def ask(self, *options, status=0, **more):
        """Like `hold`, but returns at once."""
        words = ("-r", "R", *options, "--", "sh", "-c", HELD % status)
        return self.start(*words, stdin=subprocess.PIPE, **more)

    def wait(self, *options, status=0):
        """Like `ask`; returns when the daemon has queued the request."""
        waiter = self.ask(*options, status=status)
        self.await_queued(waiter)
        return waiter

    def await_queued(self, process):
        """Returns when `process` has asked, and the daemon has nothing left to do about it."""
        wait_for(lambda: process.poll() is not None or _asks(process.pid), "a waiting flom")
        assert process.poll() is None, process.stderr.read()
        wait_for(lambda: all(asleep(pid) for pid in self.listeners()), "a daemon at rest")

    def peer(self, bound=BOUND):
        """A scripted client, connected."""
        peer = Peer(self.connect(bound))
        self.sockets.append(peer.sock)
        return peer

    def shut_down(self, *options):
        """Ends the daemon by `-X`."""
        done = self.run("-X", *options)
        assert done.returncode == 0, done.stderr

    def daemon(self):
        """The process id of the one daemon."""
        found = self.listeners()
        assert len(found) == 1, found
        return found.pop()

    def listeners(self):
        """The processes that have the listening socket."""
        wanted = {f"socket:[{inode}]" for inode in self.inodes()}
        return (
            {pid for pid in pids() if wanted & set(descriptors(pid).values())} if wanted else set()
        )

    def daemons(self):
        """The processes named `flom` with this place in their argument list, listening or not."""
        ours = started_in(self.folder)
        return {pid for pid in ours if contains(words_of(pid), self.words)}

    def await_no_daemon(self, bound=BOUND):
        """Returns when no process of this place is left."""
        wait_for(lambda: not self.daemons(), "the end of the daemon", bound)

    def busy(self, name="R"):
        """Whether somebody holds a conflicting lock."""
        peer = self.peer()
        answer = peer.lock(name, wait=0)
        peer.sock.close()
        assert answer in (0, 4), answer
        return answer == 4

    def clear(self):
        """Ends whatever the test has left."""
        for sock in self.sockets:
            sock.close()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    with contextlib.suppress(OSError):
                        stream.close()
            process.wait(BOUND)
        left = started_in(self.folder)
        for pid in left:
            kill(pid)
        wait_for(lambda: all(map(gone, left)), "the end of what was left")


def _asks(pid):
    return (
        comm(pid) == "flom"
        and any(target.startswith("socket:") for target in descriptors(pid).values())
        and asleep(pid)
    )


class UnixPlace(Place):
    """A UNIX path."""

    def __init__(self, path, folder):
        super().__init__(folder, ["-s", str(path)])
        self.path = pathlib.Path(path)
        self.endpoint = f"unix://{path}"
        self.lock_file = pathlib.Path(f"{path}.lock")

    def connect(self, bound=BOUND):
        """A connected socket."""
        sock = socket.socket(socket.AF_UNIX)
        # Blocking: with a time limit it would fail at once while the backlog is full.
        sock.connect(str(self.path))
        sock.settimeout(bound)
        return sock

    def inodes(self):
        """The inodes of the sockets that listen here."""
        lines = pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]
        rows = [line.split(maxsplit=7) for line in lines]
        return [r[6] for r in rows if r[7:] == [str(self.path)] and int(r[3], 16) & 0x10000]


class TcpPlace(Place):
    """A TCP port of a loopback address."""

    def __init__(self, host, folder):
        self.host = host
        self.port = free_port(host)
        super().__init__(folder, ["-a", host, "-p", str(self.port)])

    def connect(self, bound=BOUND):
        """A connected socket."""
        return socket.create_connection((self.host, self.port), bound)

    def inodes(self):
        """The inodes of the sockets that listen here."""
        found = []
        for table in ("tcp", "tcp6"):
            for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == self.port:
                    found.append(fields[9])
        return found


class TlsPlace(TcpPlace):
    """A TCP port where everybody uses TLS, with the certificates in a folder."""

    def __init__(self, folder, files):
        super().__init__("127.0.0.1", folder)
        self.words += certificates.options(files)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname = False
        self._context.load_verify_locations(files / "one.ca")
        self._context.load_cert_chain(files / "mine.pem", files / "mine.key")

    def connect(self, bound=BOUND):
        """A connected socket, after the handshake."""
        sock = super().connect(bound)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._context.wrap_socket(sock)


class StorePlace(Place):
    """Keys below a prefix of a store (etcd.Etcd); `ttl` is how long its sessions live, in seconds.

    Programs that have the folder for their home have sessions of that length there, too.
    """

    def __init__(self, folder, store, ttl=5):
        self.store = store
        self.prefix = f"p{random.SystemRandom().randrange(10**9)}"
        self.endpoint = store.url(self.prefix)
        super().__init__(folder, ["--store", self.endpoint])
        (folder / ".flom").write_text(f"[Store]\nSessionTTL={ttl}\n")

    def stored(self):
        """The keys below the prefix."""
        return self.store.keys(self.prefix)

    def wait(self, *options, status=0):
        """Like `ask`; returns when the request is in the store."""
        before = len(self.stored())
        waiter = self.ask(*options, status=status)
        wait_for(lambda: waiter.poll() is not None or len(self.stored()) > before, "a request")
        assert waiter.poll() is None, waiter.stderr.read()
        return waiter


def place(kind, folder, files=None):
    """A fresh place: "unix", "tls", or an address of this host for a free port of it.

    files: where the certificates are, for "tls".
    """
    if kind == "unix":
        return UnixPlace(folder / f"s{random.randrange(10**6)}", folder)
    return TlsPlace(folder, files) if kind == "tls" else TcpPlace(kind, folder)


def free_port(host):
    """A port nobody uses, below those the kernel gives to clients."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(100):
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket(family) as sock:
            try:
                sock.bind((host, port))
            except OSError as error:
                refused = error
                continue
            return port
    return need(False, f"cannot bind to {host}: {refused}")


class ScriptedDaemon:
    """Grants every lock and remembers what it was told, one connection after the other."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(16)
        self.said = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with sock:
                self.said.append(self._talk(sock))

    def _talk(self, sock):
        said = b""
        sock.settimeout(2 * BOUND)
        while data := sock.recv(4096):
            said += data
            if b'verb="1"' in data:
                sock.sendall(message(1, 16, '<session peerid=""/><answer rc="0"/>'))
        return said

    def messages(self, count=1):
        """What the last connection said, as messages, when `count` connections have ended."""
        wait_for(lambda: len(self.said) >= count, "the end of the conversation")
        return [part for part in self.said[-1].split(PROLOG.encode()) if part]

    def close(self):
        """Ends the daemon."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._thread.join(BOUND)


# A command that tells what happens to it: which signals arrive, from where.
WITNESS = """\
import os, signal, sys
watched = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR2}
signal.pthread_sigmask(signal.SIG_BLOCK, watched)
print("ready", os.getpid(), flush=True)
while (info := signal.sigwaitinfo(watched)).si_signo != signal.SIGUSR2:
    print(signal.Signals(info.si_signo).name, info.si_code, flush=True)
os._exit(int(sys.argv[1]))
"""


def witness(status=0):
    """The words of a command that prints every signal it gets and ends by SIGUSR2."""
    return ["--", sys.executable, "-I", "-S", "-c", WITNESS, str(status)]
