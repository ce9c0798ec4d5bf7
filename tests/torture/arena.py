"""A daemon, processes full of clients, and what can be done to them."""

import contextlib
import json
import os
import pathlib
import selectors
import signal
import subprocess
import sys
import time

from history import Ask, History
from torture.worker import FLOM

FLOMCTL = str(pathlib.Path(sys.executable).parent / "flomctl")
WORKER = str(pathlib.Path(__file__).resolve().parent / "worker.py")
BOUND = 60.0  # seconds; what takes longer has been forgotten
KEEPALIVE = (3, 1, 2)  # seconds, seconds, times
LOST = 5  # seconds after which a cut line is a lost connection, which follows from it
FIRST = 1_000_000  # numbers of requests between two workers


class Broken(Exception):
    """A promise was broken; the text says which."""


class Worker:
    """A process with clients; `open` are its requests that have not ended, `waiting` of them
    those without any outcome, with the moment they were made. `first` is the number of its first.
    """

    def __init__(self, process, first):
        self.process = process
        self.first = first
        self.open = {}
        self.waiting = set()
        self._data = b""

    def read(self, history):
        """Put what it has written into the history; False at the end."""
        data = self.process.stdout.read1(65536)
        *lines, self._data = (self._data + data).split(b"\n")
        for line in lines:
            at, what, number, ask, element, how, token = json.loads(line)
            history.note(at, what, number, element, how, ask and Ask(*ask), token)
            if what == "ask":
                self.open[number] = at
                self.waiting.add(number)
            else:
                if what != "queued":
                    self.waiting.discard(number)
                if what in ("ended", "refused"):
                    self.open.pop(number, None)
        return bool(data)


class Arena:
    """One daemon at one place. `where`: unix, tcp, tls (with `certificates`), or hosts (the daemon
    on one, the clients on another one; `network` makes them).
    """

    def __init__(self, folder, where, names, seed, *, port=0, certificates=None, network=None):
        self._folder = folder
        self._seed = seed
        self._count = 0
        self._hosts = network.pair() if network else None
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("FLOM_")},
            "HOME": str(folder),
        }
        self.history = History()
        self.workers = []
        self.daemon = None
        self._settings = self._describe(where, names, port, certificates)
        self._selector = selectors.DefaultSelector()
        self.start_daemon()

    def _write(self, lines, described):
        """What commands, and what worker.py, find in the folder."""
        (self._folder / ".flom").write_text("\n".join(lines) + "\n")
        (self._folder / "arena.json").write_text(json.dumps(described))
        return described

    def _describe(self, where, names, port, certificates):
        host = "10.1.1.1" if self._hosts else "127.0.0.1"
        path = str(self._folder / "s") if where == "unix" else ""
        lines = ["[Daemon]", "QueuePatience=0"]
        lines += (
            [f"SocketName={path}"] if path else [f"UnicastAddress={host}", f"UnicastPort={port}"]
        )
        lines += [
            "[Network]",
            *map("TcpKeepalive{}={}".format, ("Time", "Intvl", "Probes"), KEEPALIVE),
        ]
        files = None
        if certificates:
            files = {"certificate": "mine.pem", "key": "mine.key", "ca": "one.ca"}
            files = {name: f"{certificates}/{file}" for name, file in files.items()}
            lines += ["[TLS]", f"TlsCertificate={files['certificate']}"]
            lines += [f"TlsPrivateKey={files['key']}", f"TlsCaCertificate={files['ca']}"]
        described = {
            "endpoint": f"unix://{path}" if path else f"tcp://{host}:{port}", "path": path,
            "host": host, "port": port, "tls": files, "names": names, "keepalive": KEEPALIVE,
            "bound": LOST, "clients": 4, "holds": (0, 0.001, 0.02, 0.1), "words": ("-d", "0"),
            "client": {"start_daemon": False},
        }  # fmt: skip
        return self._write(lines, described)

    def _start(self, host, *words, **options):
        argv = [*words]
        if self._hosts:
            argv = ["nsenter", "--target", str(self._hosts[host].init), "--net", "--", *argv]
        return subprocess.Popen(
            argv, cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL,
            start_new_session=True, **options,
        )  # fmt: skip

    def start_daemon(self):
        """A new daemon, which knows nothing; returns when it listens."""
        with open(self._folder / "daemon.log", "ab") as log:
            self.daemon = self._start(0, FLOMCTL, "daemon", stderr=log)
        try:
            self._await_daemon()
        except BaseException:
            self.daemon.kill()
            self.daemon.wait()
            raise

    def _await_daemon(self):
        end = time.monotonic() + BOUND
        while not self._answers():
            if self.daemon.poll() is not None or time.monotonic() > end:
                raise Broken(f"start: {(self._folder / 'daemon.log').read_text()}")
            time.sleep(0.01)

    def _answers(self):
        words = ["-d", "0", "-o", "2000", "--", "true"]
        return self._start(1, FLOM, *words, stderr=subprocess.DEVNULL).wait() == 0

    def add_worker(self, kind):
        """One more process of clients."""
        first = self._count * FIRST + 1
        words = [kind, str(self._seed * 100 + self._count), str(first)]
        self._count += 1
        with open(self._folder / "workers.log", "ab") as log:
            process = self._start(
                1, sys.executable, WORKER, *words, stdout=subprocess.PIPE, stderr=log
            )
        worker = Worker(process, first)
        self.workers.append(worker)
        self._selector.register(process.stdout, selectors.EVENT_READ, worker)

    def watch(self, seconds=0.0, until=lambda: False):
        """Write down what the clients tell, for so long or until something is true."""
        end = time.monotonic() + seconds
        while not until():
            left = end - time.monotonic()
            ready = self._selector.select(max(left, 0))
            for key, _ in ready:
                if not key.data.read(self.history):
                    self._selector.unregister(key.fileobj)
            if left <= 0 and not ready:
                return

    # Mishaps

    def kill_worker(self, worker):
        """All of a kind die at once, commands with whoever runs them; others take their place."""
        at = time.monotonic()
        os.killpg(worker.process.pid, signal.SIGKILL)
        worker.process.wait()
        while worker.read(self.history):
            pass
        self._selector.unregister(worker.process.stdout)
        self._close(worker)
        for number, asked in worker.open.items():
            self.history.note(max(at, asked), "ending", number, how="crash")

    def stop_worker(self, worker, seconds):
        """A process does nothing for a while."""
        self._pause(worker.process, seconds)

    def stop_daemon(self, seconds):
        """The daemon does nothing for a while."""
        self._pause(self.daemon, seconds)

    def _pause(self, process, seconds):
        os.killpg(process.pid, signal.SIGSTOP)
        self.watch(seconds)
        os.killpg(process.pid, signal.SIGCONT)

    def kill_daemon(self):
        """The daemon dies and all locks are forgotten, while those who had them go on; everybody
        who waits must learn it. Then there is another one.
        """
        os.kill(self.daemon.pid, signal.SIGKILL)
        self.daemon.wait()
        at = time.monotonic()
        self.history.note(at, "restart")
        self.watch(BOUND, lambda: not self._waiting_since(at))
        if forgotten := self._waiting_since(at):
            raise Broken(f"wake-up: {forgotten} do not know that the daemon has died")
        self.start_daemon()

    def _waiting_since(self, at):
        return [n for worker in self.workers for n in worker.waiting if worker.open[n] < at]

    def cut(self, seconds):
        """The line between the hosts carries nothing for a while; long enough, it is a loss."""
        daemon = self._hosts[0]
        at = time.monotonic()
        daemon.cut()
        self.watch(seconds)
        if seconds > LOST:
            for worker in self.workers:
                for number, asked in worker.open.items():
                    if asked <= at:
                        self.history.note(at, "ending", number, how="crash")
        daemon.sh(f"ip link set {daemon.interface} up")

    # The end

    def finish(self):
        """All clients come to their end by themselves; then nothing of them is left."""
        (self._folder / "over").touch()
        self.watch(BOUND, lambda: not self._selector.get_map())
        if left := [
            worker for worker in self.workers if worker.process.stdout in self._selector.get_map()
        ]:
            waiting = sorted(number for worker in left for number in worker.waiting)
            raise Broken(f"wake-up: clients do not end, {waiting} still wait")
        complaints = (self._folder / "workers.log").read_text()
        if complaints:
            raise Broken(f"clients: {complaints}")
        for name in self._settings["names"]:
            self._check_free(name)

    def _check_free(self, name):
        quantity = int(name[6:-1]) if name.startswith("count") else 1
        words = ["-r", name, "-q", str(quantity), "-o", str(int(BOUND * 1000))]
        done = self._start(1, FLOM, *self._settings["words"], *words, "--", "true")
        if done.wait():
            raise Broken(f"leak: {name} is not free at the end, status {done.returncode}")

    def _close(self, worker):
        worker.process.stdout.close()
        self.workers.remove(worker)

    def close(self):
        """The end of all processes."""
        for process in [self.daemon, *(worker.process for worker in self.workers)]:
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        for worker in list(self.workers):
            self._close(worker)
        self._selector.close()
