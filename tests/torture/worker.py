"""A process full of clients of one kind, which locks until it is told that it is over.

worker.py KIND SEED FIRST, in the folder of the arena: `arena.json` says where the daemon or the
store is and what to lock, and `over` appears when it is time to end. Each client writes down what
happens to it, as lines of JSON on stdout: when (monotonic), what, request, ask, element, how,
token; see history.py. FIRST is the number of the first request.
"""

import asyncio
import contextlib
import itertools
import json
import os
import pathlib
import random
import select
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from peer import Peer

import flom
import flom.errors

MOST_CLIENTS = 100
FOR_LONG = 10_000_000  # milliseconds: no counter starts again
MODES = ("NL", "CR", "CW", "PR", "PW", "EX")
FLOM = str(pathlib.Path(sys.executable).parent / "flom")
HOLDER = """\
import os, signal, sys, time
number, hold, status = sys.argv[1:4]
element, token = os.environ.get("FLOM_ELEMENT"), os.environ["FLOM_FENCING_TOKEN"]
element = '"%s"' % element if element else "null"
def note(what, how=""):
    row = time.monotonic(), what, number, element, how, token
    os.write(1, ('[%r, "%s", %s, null, %s, "%s", %s]\\n' % row).encode())
def lost(*_):
    note("ending", "lost")
    os._exit(0)
signal.signal(signal.SIGTERM, lost)
note("granted")
time.sleep(float(hold))
note("ending", "commit" if status == "0" else "rollback")
raise SystemExit(int(status))
"""


class Turn:
    """One request: what is wanted, and what will be done with it (seconds)."""

    def __init__(self, chance, arena, number):
        self.number = number
        self.name = chance.choice(arena["names"])
        self.mode = chance.choice(MODES) if self.name[0] in "p/" else "EX"
        self.quantity = chance.choice((1, 1, 2, 3, 5)) if self.name.startswith("count") else 1
        self.patience = chance.choice((None, None, 0, 0.3, 5.0))
        self.hold = chance.choice(arena["holds"])
        self.rollback = chance.random() < 0.3
        self.leaves = chance.random() < 0.1  # without saying so
        self.leaves_after = chance.choice((0.005, 0.05, 0.3))
        self.pause = chance.choice((0, 0.01, 0.05))

    def ask(self):
        """The request leaves now."""
        wait = self.patience != 0
        self.note("ask", ask=[self.name, self.mode, self.quantity, wait])

    def note(self, what, how="", element=None, ask=None, token=None):
        """Something happens now."""
        line = json.dumps([time.monotonic(), what, self.number, ask, element, how, token])
        os.write(1, line.encode() + b"\n")

    def granted(self, held):
        """The programming interface has given the lock."""
        self.note("granted", element=held.element, token=held.token)

    def lost(self):
        """The client is told that it holds the lock no more."""
        self.note("ending", how="lost")

    def ending(self):
        """The unlock leaves now."""
        self.note("ending", how="rollback" if self.rollback else "commit")

    def words(self):
        """The keywords of the programming interface."""
        return {
            "mode": flom.Mode[self.mode], "timeout": self.patience, "quantity": self.quantity,
            "idle_lifespan": FOR_LONG / 1000,
        }  # fmt: skip


class Raw:
    """Clients that write and read the protocol's bytes themselves."""

    def __init__(self, arena):
        self._arena = arena
        self._tls = None
        if arena["tls"]:
            self._tls = ssl.create_default_context(cafile=arena["tls"]["ca"])
            self._tls.check_hostname = False
            self._tls.load_cert_chain(arena["tls"]["certificate"], arena["tls"]["key"])

    def _connect(self):
        if self._arena["path"]:
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(self._arena["path"])
        else:
            sock = socket.create_connection((self._arena["host"], self._arena["port"]), 30)
            sock.settimeout(None)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in zip(
                (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT),
                self._arena["keepalive"], strict=True,
            ):  # fmt: skip
                sock.setsockopt(socket.IPPROTO_TCP, option, value)
            bound = self._arena["bound"] * 1000
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, bound)
        return Peer(self._tls.wrap_socket(sock) if self._tls else sock)

    def play(self, turn):
        """One request, from connecting to the end."""
        try:
            peer = self._connect()
        except OSError:
            time.sleep(0.05)
            return
        with peer.sock:
            turn.ask()
            if self._lock(peer, turn):
                self._hold(peer, turn)

    def _lock(self, peer, turn):
        try:
            answer = peer.lock(
                turn.name, mode=MODES.index(turn.mode), wait=int(turn.patience != 0),
                quantity=turn.quantity, lifespan=FOR_LONG,
            )  # fmt: skip
            if answer == 1:
                turn.note("queued")
                peer.sock.settimeout(turn.leaves_after if turn.leaves else turn.patience)
                answer = peer.answer()
                peer.sock.settimeout(None)
        except TimeoutError:
            turn.note("ending", how="withdraw")
            return False
        except OSError:
            answer = None
        if answer == 0:
            turn.note("granted", element=peer.element)
            return True
        turn.note("refused", how="busy" if answer == 4 else "closed")
        return False

    def _hold(self, peer, turn):
        time.sleep(turn.hold)
        if turn.leaves:
            turn.note("ending", how="crash")
            return
        turn.ending()
        try:
            peer.unlock(turn.name, int(turn.rollback))
            if self._tls:
                with contextlib.suppress(ssl.SSLEOFError):
                    peer.sock.unwrap()
            else:
                peer.sock.shutdown(socket.SHUT_WR)
                while peer.sock.recv(4096):
                    pass
        except OSError:
            turn.note("ending", how="crash")
        else:
            turn.note("ended")


class Threads:
    """Clients that are threads of one program."""

    def __init__(self, arena):
        self._client = flom.Client(arena["endpoint"], **arena["client"])

    def play(self, turn):
        """One request, from connecting to the end."""
        over = threading.Event()

        def lost(held):
            turn.lost()
            over.set()

        turn.ask()
        try:
            held = self._client.lock(turn.name, on_lost=lost, **turn.words()).acquire()
        except flom.LockError as error:
            failed(turn, error)
            return
        turn.granted(held)
        if not over.wait(turn.hold):
            turn.ending()
        begun = time.monotonic()
        try:
            (held.rollback if turn.rollback else held.release)()
        except flom.LockError:
            turn.note("ending", how="crash")
            return
        confirmed(turn, begun)


class Tasks:
    """Clients that are tasks of one program, of which some are cancelled."""

    def __init__(self, arena):
        self._client = flom.aio.Client(arena["endpoint"], **arena["client"])

    async def play(self, turn):
        """One request, from connecting to the end."""
        over = asyncio.Event()

        def lost(held):
            turn.lost()
            over.set()

        lock = self._client.lock(turn.name, on_lost=lost, **turn.words())
        turn.ask()
        asking = asyncio.create_task(lock.acquire())
        if turn.leaves:
            await asyncio.wait([asking], timeout=turn.leaves_after)
            if not asking.done():
                turn.note("ending", how="withdraw")
                asking.cancel()
        try:
            held = await asking
        except asyncio.CancelledError:
            return
        except flom.LockError as error:
            failed(turn, error)
            return
        turn.granted(held)
        try:
            await asyncio.wait_for(over.wait(), turn.hold)
        except TimeoutError:
            turn.ending()
        begun = time.monotonic()
        try:
            await (held.rollback if turn.rollback else held.release)()
        except flom.LockError:
            turn.note("ending", how="crash")
            return
        confirmed(turn, begun)


class Commands:
    """Clients that are commands."""

    def __init__(self, arena):
        self._words = arena["words"]

    def play(self, turn):
        """One command."""
        limit = -1 if turn.patience is None else int(turn.patience * 1000)
        status = 7 if turn.rollback else 0
        turn.ask()
        begun = time.monotonic()
        process = subprocess.Popen(
            [FLOM, *self._words, "-r", turn.name, "-l", turn.mode, "-q", str(turn.quantity),
             "-o", str(limit), "-i", str(FOR_LONG), "--",
             sys.executable, "-I", "-S", "-c", HOLDER, str(turn.number), str(turn.hold),
             str(status)],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        if turn.leaves:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(turn.leaves_after)
            turn.note("ending", how="crash")
            process.send_signal(signal.SIGKILL)
            process.wait()
            return
        ended = process.wait()
        if ended == 98:
            turn.note("refused", how="timeout" if turn.patience else "busy")
        elif ended != status:
            turn.note("refused", how="crash")  # before the command ran, or after it
        else:
            confirmed(turn, begun)


def failed(turn, error):
    """The programming interface has raised this instead of giving the lock."""
    turn.note("refused", how="busy" if isinstance(error, flom.Busy) else "closed")


def confirmed(turn, begun):
    """The end is known to the daemon, unless it was waited for in vain (a second)."""
    if time.monotonic() - begun < 0.9:
        turn.note("ended")


class Engines:
    """Clients of a store that tell when they have to wait, of which some give up without a word."""

    def __init__(self, arena):
        self._arena = arena

    def _lock(self, turn):
        from flom.settings import Settings
        from flom.store.lock import Lock

        settings = Settings()
        settings.store_url = self._arena["endpoint"]
        settings.store_session_ttl = self._arena["ttl"]
        settings.resource_name = turn.name
        settings.lock_mode = MODES.index(turn.mode)
        settings.resource_quantity = turn.quantity
        settings.resource_timeout = -1 if turn.patience is None else int(turn.patience * 1000)
        settings.resource_idle_lifespan = FOR_LONG
        waiting = iter(("queued",))

        def look(_):
            for what in waiting:
                turn.note(what)
            return FOR_LONG / 1000

        return Lock(settings, lambda *_: None, (), look=look)

    def play(self, turn):
        """One request, from connecting to the end."""
        lock = self._lock(turn)

        def leave():
            turn.note("ending", how="withdraw")
            lock.cancel()

        leaving = threading.Timer(turn.leaves_after, leave)
        turn.ask()
        try:
            lock.connect()
            if turn.leaves:
                leaving.start()
            element = lock.acquire()
            leaving.cancel()
            turn.note("granted", element=element, token=lock.token)
            self._hold(lock, turn)
        except flom.errors.FlomError as error:
            turn.note("refused", how="busy" if error.rc == flom.errors.RC_LOCK_BUSY else "closed")
        finally:
            leaving.cancel()
            lock.close()

    def _hold(self, lock, turn):
        if ended_within(lock.fileno(), turn.hold):
            turn.lost()
            return
        if turn.leaves:
            turn.note("ending", how="crash")
            return
        turn.ending()
        begun = time.monotonic()
        try:
            lock.release(turn.rollback)
        except flom.errors.FlomError:
            turn.note("ending", how="crash")
        else:
            confirmed(turn, begun)


def ended_within(descriptor, seconds):
    """Whether the other end of a connected socket is closed within so many seconds."""
    look = select.poll()
    look.register(descriptor, select.POLLRDHUP)
    return bool(look.poll(seconds * 1000))


KINDS = {"raw": Raw, "threads": Threads, "tasks": Tasks, "commands": Commands}
AT_STORE = {"engines": Engines, **{kind: KINDS[kind] for kind in ("threads", "tasks", "commands")}}


def main():
    kind, seed, first = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    # A store that does not answer ends the lock by itself, after its time.
    warnings.filterwarnings("ignore", "flom: the lock ends by itself", RuntimeWarning)
    arena = json.loads(pathlib.Path("arena.json").read_text())
    clients = {**KINDS, **AT_STORE}[kind](arena)
    numbers = itertools.count(first)
    # Told by a release that no store answers: it is what happens here.
    warnings.filterwarnings("ignore", "flom: the lock ends by itself", RuntimeWarning)

    def turns(client):
        chance = random.Random(seed * MOST_CLIENTS + client)
        while not os.path.exists("over"):
            yield Turn(chance, arena, next(numbers))

    def in_turn(client):
        for turn in turns(client):
            clients.play(turn)
            time.sleep(turn.pause)

    async def awaited(client):
        for turn in turns(client):
            await clients.play(turn)
            await asyncio.sleep(turn.pause)

    async def all_tasks():
        await asyncio.gather(*map(awaited, range(arena["clients"])))

    if kind == "tasks":
        asyncio.run(all_tasks())
        return
    threads = [
        threading.Thread(target=in_turn, args=(client,)) for client in range(arena["clients"])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
