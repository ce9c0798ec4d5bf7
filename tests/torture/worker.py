"""A process full of clients of one kind, which locks until it is told that it is over.

worker.py KIND SEED FIRST, in the folder of the arena: `arena.json` says where the daemon is and
what to lock, and `over` appears when it is time to end. Each client writes down what happens to
it, as lines of JSON on stdout: when (monotonic), what, request, ask, element, how, token; see
history.py. FIRST is the number of the first request.
"""

import asyncio
import contextlib
import itertools
import json
import os
import pathlib
import random
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from peer import Peer

import flom

CLIENTS = 4
FOR_LONG = 10_000_000  # milliseconds: no counter starts again
MODES = ("NL", "CR", "CW", "PR", "PW", "EX")
FLOM = str(pathlib.Path(sys.executable).parent / "flom")
HOLDER = """\
import os, sys, time
number, hold, status = sys.argv[1:4]
element = os.environ.get("FLOM_ELEMENT")
element = '"%s"' % element if element else "null"
token = os.environ["FLOM_FENCING_TOKEN"]
def note(what, how=""):
    words = (time.monotonic(), what, number, element, how, token)
    line = '[%r, "%s", %s, null, %s, "%s", %s]\\n' % words
    os.write(1, line.encode())
note("granted")
time.sleep(float(hold))
note("ending", "commit" if status == "0" else "rollback")
raise SystemExit(int(status))
"""


class Turn:
    """One request: what is wanted, and what will be done with it (seconds)."""

    def __init__(self, chance, names, number):
        self.number = number
        self.name = chance.choice(names)
        self.mode = chance.choice(MODES) if self.name[0] in "p/" else "EX"
        self.quantity = chance.choice((1, 1, 2, 3, 5)) if self.name.startswith("count") else 1
        self.patience = chance.choice((None, None, 0, 0.3, 5.0))
        self.hold = chance.choice((0, 0.001, 0.02, 0.1))
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
        self._client = flom.Client(arena["endpoint"], start_daemon=False)

    def play(self, turn):
        """One request, from connecting to the end."""
        turn.ask()
        try:
            held = self._client.lock(turn.name, **turn.words()).acquire()
        except flom.LockError as error:
            failed(turn, error)
            return
        turn.note("granted", element=held.element, token=held.token)
        time.sleep(turn.hold)
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
        self._client = flom.aio.Client(arena["endpoint"], start_daemon=False)

    async def play(self, turn):
        """One request, from connecting to the end."""
        turn.ask()
        asking = asyncio.create_task(self._client.lock(turn.name, **turn.words()).acquire())
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
        turn.note("granted", element=held.element, token=held.token)
        await asyncio.sleep(turn.hold)
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
        pass

    def play(self, turn):
        """One command."""
        limit = -1 if turn.patience is None else int(turn.patience * 1000)
        status = 7 if turn.rollback else 0
        turn.ask()
        begun = time.monotonic()
        process = subprocess.Popen(
            [FLOM, "-d", "0", "-r", turn.name, "-l", turn.mode, "-q", str(turn.quantity),
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


KINDS = {"raw": Raw, "threads": Threads, "tasks": Tasks, "commands": Commands}


def main():
    kind, seed, first = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    arena = json.loads(pathlib.Path("arena.json").read_text())
    clients = KINDS[kind](arena)
    numbers = itertools.count(first)

    def turns(client):
        chance = random.Random(seed * CLIENTS + client)
        while not os.path.exists("over"):
            yield Turn(chance, arena["names"], next(numbers))

    def in_turn(client):
        for turn in turns(client):
            clients.play(turn)
            time.sleep(turn.pause)

    async def awaited(client):
        for turn in turns(client):
            await clients.play(turn)
            await asyncio.sleep(turn.pause)

    async def all_tasks():
        await asyncio.gather(*map(awaited, range(CLIENTS)))

    if kind == "tasks":
        asyncio.run(all_tasks())
        return
    threads = [threading.Thread(target=in_turn, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
