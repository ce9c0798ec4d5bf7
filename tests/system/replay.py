"""Real commands, real daemons and scripted peers on real sockets, for replaying recorded dialogues.

Whatever is waited for has PATIENCE seconds to happen. That something does *not* happen is shown by
an event that must come after it, never by the passing of time.
"""

import atexit
import base64
import concurrent.futures
import contextlib
import functools
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRANSPORTS = ("unix", "tcp4", "tcp6")
PATIENCE = 30.0
# How often a case is played anew because the machine was too slow for it to mean anything.
ATTEMPTS = 10
AT_ONCE = 8

HEAD = '<?xml version="1.0" encoding="UTF-8" ?>'
END = b"</msg>"
NOBODY = "0" * 32
_HOSTS = {"tcp4": "127.0.0.1", "tcp6": "::1"}
_DAEMON = """\
import sys
sys.path.insert(0, sys.argv.pop(1))
from flom.ctl.main import main
sys.exit(main())
"""


class TooLate(Exception):
    """The machine was too slow: what was played is not what was recorded. Nobody's fault."""


def _install():
    """The command as users have it: launcher, interpreter and package under one prefix."""
    prefix = pathlib.Path(tempfile.mkdtemp(prefix="flom-installed-"))
    atexit.register(shutil.rmtree, prefix, True)
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = prefix / "lib" / python / "site-packages"
    packages.mkdir(parents=True)
    (packages / "flom").symlink_to(ROOT / "src" / "flom")
    (prefix / "bin").mkdir()
    (prefix / "bin" / python).symlink_to(sys.executable)
    return shutil.copy(ROOT / "bin" / "flom", prefix / "bin" / "flom")


FLOM = os.fspath(_install())


@functools.cache
def machine_id():
    """The unique id of this host as wire.md 7 has it, empty if there is none."""
    for path in "/var/lib/dbus/machine-id", "/etc/machine-id":
        with contextlib.suppress(OSError):
            text = pathlib.Path(path).read_text().strip().lower()
            if re.fullmatch("[0-9a-f]{32}", text):
                return text
    return ""


@contextlib.contextmanager
def scratch():
    """A new folder with a short name, removed afterwards."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="flom-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def retried(play, *arguments):
    """Plays until the machine was fast enough for the result to mean something."""
    for _ in range(ATTEMPTS - 1):
        with contextlib.suppress(TooLate):
            return play(*arguments)
    return play(*arguments)


class Ahead:
    """The outcomes of the cases of the selected tests, which are played eight at a time.

    Most of their time is waiting. A worker of pytest-xdist is one of several and runs only its
    share of what is selected, so it plays each case when its turn comes.
    """

    def __init__(self, request, play):
        self._play = play
        self._pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
        self._outcomes = {}
        if "PYTEST_XDIST_WORKER" not in os.environ:
            module = request.module
            for item in request.session.items:
                case = getattr(item, "callspec", None) and item.callspec.params.get("case")
                if case is not None and item.module is module:
                    self._outcomes[case] = self._pool.submit(play, case)

    def outcome(self, case):
        """What `play(case)` returned; raises what it raised."""
        if case in self._outcomes:
            return self._outcomes[case].result()
        return self._play(case)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._pool.shutdown(cancel_futures=True)


# Messages


def base64_of(name):
    """A resource name as it travels."""
    return base64.b64encode(name.encode()).decode()


def lock_text(name, *, mode=5, wait=1, quantity=1, create=1, lifespan=0, peerid=NOBODY):
    """The lock request for any kind of resource (wire.md 4.2)."""
    attributes = f'name="{base64_of(name)}"'
    if re.match(r"/|[A-Za-z][A-Za-z0-9]*$|_RESOURCE$", name):
        attributes += f' mode="{mode}" wait="{wait:d}"'
    elif re.match(r"[A-Za-z][A-Za-z0-9]*\[", name):
        attributes += f' wait="{wait:d}" quantity="{quantity}"'
    else:
        attributes += f' wait="{wait:d}"'
    attributes += f' create="{create:d}" lifespan="{lifespan}"'
    return (
        f'{HEAD}<msg level="3" verb="1" step="8"><session peerid="{peerid}"/>'
        f"<resource {attributes}/></msg>"
    )


def unlock_text(name, rollback=0):
    """The unlock request (wire.md 4.4)."""
    return (
        f'{HEAD}<msg level="3" verb="2" step="8">'
        f'<resource name="{base64_of(name)}" rollback="{rollback:d}" /></msg>'
    )


def shutdown_text(immediate, peerid=NOBODY):
    """The management request (wire.md 4.7)."""
    return (
        f'{HEAD}<msg level="3" verb="5" step="8"><session peerid="{peerid}"/>'
        f'<shutdown immediate="{immediate:d}"/></msg>'
    )


def first_answer(rc, element=None, peerid=NOBODY):
    """The answer of step 16 (wire.md 4.3)."""
    more = "" if element is None else f' element="{element}"'
    return (
        f'{HEAD}<msg level="3" verb="1" step="16"><session peerid="{peerid}"/>'
        f'<answer rc="{rc}"{more}/></msg>'
    )


def later_answer(rc, element=None, step=24):
    """The answer of step 24 or 32 (wire.md 4.3)."""
    more = "" if element is None else f' element="{element}"'
    return f'{HEAD}<msg level="3" verb="1" step="{step}"><answer rc="{rc}"{more}/></msg>'


def without_extensions(text):
    """A message without the attribute that announces extensions (wire.md W-65, W-71)."""
    return re.sub(r'(<msg level="3" verb="\d" step="\d+") ext="[^"<>]*"', r"\1", text, count=1)


def demand(recorded, actual, where):
    """Fails unless `actual` is the recorded text, byte for byte, once its masks are filled in."""
    pattern = re.escape(recorded).replace("@PEERID@", machine_id())
    pattern = pattern.replace("@TIMESTAMP@", r"[^\"<>&\n]+")
    if not re.fullmatch(pattern, without_extensions(actual)):
        raise AssertionError(f"{where}:\nexpected {recorded!r}\n     got {actual!r}")


# Where somebody listens


class Endpoint:
    """An address, and the options that tell it to `flom`."""

    def __init__(self, transport, address):
        self.transport = transport
        self.address = address
        if transport == "unix":
            self.family = socket.AF_UNIX
            self.options = ["-s", address]
        else:
            self.family = socket.AF_INET if transport == "tcp4" else socket.AF_INET6
            self.options = ["-a", address[0], "-p", str(address[1])]

    def connect(self):
        """A connected socket."""
        sock = socket.socket(self.family, socket.SOCK_STREAM)
        try:
            sock.settimeout(PATIENCE)
            sock.connect(self.address)
            if self.transport != "unix":
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            sock.close()
            raise
        return sock


def unused(transport, folder):
    """An endpoint at which nobody listens; another process may take a TCP port meanwhile."""
    if transport == "unix":
        return Endpoint(transport, os.fspath(folder / "daemon.sock"))
    while True:
        # Below the ports that the kernel gives to outgoing connections.
        address = (_HOSTS[transport], random.randrange(10000, 32000))
        endpoint = Endpoint(transport, address)
        sock = socket.socket(endpoint.family, socket.SOCK_STREAM)
        with sock, contextlib.suppress(OSError):
            sock.bind(address)
            return endpoint


def listening(transport, folder):
    """A listening socket of our own and its endpoint."""
    if transport == "unix":
        endpoint = Endpoint(transport, os.fspath(folder / "script.sock"))
    else:
        endpoint = Endpoint(transport, (_HOSTS[transport], 0))
    sock = socket.socket(endpoint.family, socket.SOCK_STREAM)
    sock.settimeout(PATIENCE)
    sock.bind(endpoint.address)
    sock.listen(20)
    if transport != "unix":
        endpoint = Endpoint(transport, sock.getsockname()[:2])
    return sock, endpoint


# Processes


class Daemon:
    """A daemon of ours in the foreground, ready when this returns."""

    def __init__(self, folder, transport, *options):
        self._log = folder / "daemon.log"
        for _ in range(20):
            self.endpoint = unused(transport, folder)
            if self._start(folder, options):
                return
        raise AssertionError(f"no daemon:\n{self._log.read_text()}")

    def _start(self, folder, options):
        path = folder / "notify.sock"
        path.unlink(missing_ok=True)
        words = ["daemon", *self.endpoint.options, *options]
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify,
            open(self._log, "w") as log,
        ):
            notify.bind(os.fspath(path))
            notify.settimeout(0.1)
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-c", _DAEMON, ROOT / "src", *words],
                env=surroundings(folder) | {"NOTIFY_SOCKET": os.fspath(path)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            give_up = time.monotonic() + PATIENCE
            while self.process.poll() is None and time.monotonic() < give_up:
                with contextlib.suppress(TimeoutError):
                    return b"READY=1" in notify.recv(100)
        self._kill()
        return False

    def connect(self):
        """A scripted client of this daemon."""
        return Peer(self.endpoint.connect())

    def settle(self):
        """Returns when everything that was sent to the daemon so far has been acted upon.

        The daemon is asked something by a newcomer and has answered; nothing remains of it.
        """
        with self.connect() as peer:
            peer.send(lock_text("Zsettle", wait=0, create=0))
            demand(first_answer(5, peerid="@PEERID@"), peer.message(), "settle")
            peer.demand_end()

    def demand_end(self):
        """The process ends by itself, in order."""
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError("the daemon does not end") from None
        if status != 0:
            raise AssertionError(f"the daemon ended with {status}:\n{self._log.read_text()}")

    def _kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._kill()
            raise AssertionError("the daemon does not end by SIGTERM") from None
        log = self._log.read_text()
        if kind is None and ("internal error" in log or "Traceback" in log):
            raise AssertionError(log)


def surroundings(folder):
    """The environment of a command: only what it needs, and no settings from outside."""
    (folder / "home").mkdir(exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": os.fspath(folder / "home"), "LANG": "C"}


class Command:
    """The real `flom` with these words, running; what it prints goes to files in `folder`."""

    def __init__(self, folder, words, env=None):
        self._out = folder / "stdout"
        self._err = folder / "stderr"
        with open(self._out, "wb") as out, open(self._err, "wb") as err:
            self.process = subprocess.Popen(
                # Whatever the tests were started with: signals have their default meaning.
                ["env", "--default-signal", FLOM, *words],
                cwd=folder,
                env=env or surroundings(folder),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def stdout(self):
        """What was printed so far."""
        return self._out.read_bytes().decode()

    @property
    def stderr(self):
        """What was printed on standard error so far."""
        return self._err.read_bytes().decode()

    def status(self):
        """The exit status, negative for a signal, when the command has ended."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the command does not end; it said {self.stderr!r}") from None

    def demand(self, status, stdout=""):
        """The command ends with this status and has printed this, mask filled in."""
        got = self.status()
        if got != status:
            raise AssertionError(f"exit status {got} instead of {status}; stderr: {self.stderr!r}")
        demand(stdout, self.stdout, "stdout")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


# Ends of connections


class Peer:
    """A scripted end of a connection."""

    def __init__(self, sock):
        self.sock = sock
        sock.settimeout(PATIENCE)
        self._buffer = b""

    def send(self, *texts, piece=None):
        """Sends the texts in one write, or in pieces of `piece` bytes."""
        data = "".join(texts).encode()
        for start in range(0, len(data), piece or len(data)):
            self.sock.sendall(data[start : start + (piece or len(data))])

    def message(self):
        """The next message, as text."""
        while END not in self._buffer:
            data = self._receive()
            if not data:
                raise AssertionError(f"end of stream after {self._buffer!r} instead of a message")
            self._buffer += data
        end = self._buffer.index(END) + len(END)
        message, self._buffer = self._buffer[:end], self._buffer[end:]
        return message.decode()

    def demand_end(self):
        """The other side ends the stream and sends nothing before."""
        while data := self._receive():
            self._buffer += data
        self.demand_nothing()

    def demand_nothing(self):
        """Nothing has arrived that was not read; an end of the stream is something else."""
        with self._not_waiting():
            self._buffer += self.sock.recv(65536)
        if self._buffer:
            raise AssertionError(f"unexpected: {self._buffer!r}")

    def has_ended(self):
        """Whether the other side has ended the stream, as far as can be seen without waiting."""
        with self._not_waiting():
            return not self.sock.recv(1, socket.MSG_PEEK)
        return False

    def half_close(self):
        """Ends our direction, as the reference client does (wire.md 6)."""
        self.sock.shutdown(socket.SHUT_WR)

    def leave(self):
        """Half close, then one blocking read that must return, as the reference client does."""
        self.half_close()
        self.demand_end()
        self.close()

    def close(self):
        """Closes both directions."""
        self.sock.close()

    @contextlib.contextmanager
    def _not_waiting(self):
        self.sock.settimeout(0)
        with contextlib.suppress(BlockingIOError, ConnectionResetError):
            yield
        self.sock.settimeout(PATIENCE)

    def _receive(self):
        try:
            return self.sock.recv(65536)
        except ConnectionResetError:
            return b""
        except TimeoutError:
            raise AssertionError(f"nothing came after {self._buffer!r}") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Server:
    """A scripted daemon."""

    def __init__(self, transport, folder):
        self._sock, self.endpoint = listening(transport, folder)

    def accept(self):
        """The next client."""
        try:
            return Peer(self._sock.accept()[0])
        except TimeoutError:
            raise AssertionError("nobody connects") from None

    def close(self):
        """Nobody is accepted any more."""
        self._sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Proxy:
    """Stands between commands and a daemon and keeps what both say, connection by connection.

    On the connections in `held` the client's end of stream is passed on only after the daemon's.
    """

    def __init__(self, folder, daemon, held=()):
        self._daemon = daemon
        self._held = held
        self._listener, self.endpoint = listening(daemon.endpoint.transport, folder)
        self._listener.settimeout(None)
        self._news = threading.Condition()
        self._said = {}
        self._ended = {}
        self._sockets = [self._listener]
        self._threads = []
        self._run(self._accept)

    def said(self, number):
        """What was said on connection `number` so far: (direction, text), ("close", by whom)."""
        with self._news:
            return list(self._said.get(number, ()))

    def wait_for(self, number, count):
        """Waits until `count` things were said on a connection."""
        with self._news:
            if not self._news.wait_for(lambda: len(self._said.get(number, ())) >= count, PATIENCE):
                raise AssertionError(f"on connection {number} there was only {self._said}")

    def wait_for_end(self, number):
        """Waits until both sides have closed: whatever the client had is released by then."""
        with self._news:
            if not self._news.wait_for(lambda: len(self._ended.get(number, ())) == 2, PATIENCE):
                raise AssertionError(f"connection {number} was closed by {self._ended}")

    def _run(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        number = 0
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                number += 1
                self._connect(number, client)
        self._listener.close()

    def _connect(self, number, client):
        try:
            server = self._daemon.endpoint.connect()
        except OSError:
            client.close()
            self._listener.close()  # who looks whether the daemon lives on must not find us
            raise
        server.settimeout(None)
        with self._news:
            self._said[number] = []
            self._ended[number] = set()
            self._sockets += [client, server]
        for pump in (client, server, "client"), (server, client, "server"):
            self._run(self._pump, number, *pump)

    def _pump(self, number, source, target, sender):
        direction = "c2s" if sender == "client" else "s2c"
        rest = b""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                *messages, rest = (rest + data).split(END)
                for message in messages:
                    self._note(number, direction, (message + END).decode())
                with contextlib.suppress(OSError):
                    target.sendall(data)
        self._end(number, sender)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def _note(self, number, what, text):
        with self._news:
            self._said[number].append((what, text))
            self._news.notify_all()

    def _end(self, number, sender):
        with self._news:
            ended = self._ended[number]
            if sender == "client" and number in self._held:
                self._news.wait_for(lambda: "server" in ended, PATIENCE)
            ended.add(sender)
            if len(ended) == 1:
                self._said[number].append(("close", sender))
            self._news.notify_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Closing a socket would not wake the thread that reads it.
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
        for sock in self._sockets:
            sock.close()
