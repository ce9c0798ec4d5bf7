"""Clients that come, lock and leave in every way, as fast as one process can.

client.py PATH CYCLES SEED; `Keep` is held by somebody else all the time.
"""

import pathlib
import random
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from peer import lock_message, unlock_message

GRANTED, QUEUED, BUSY, IMPOSSIBLE = b'rc="0"', b'rc="1"', b'rc="4"', b'rc="6"'
LOCK, UNLOCK = lock_message("R", mode=3), unlock_message("R")
WAIT = lock_message("Keep")
REFUSED = lock_message("Keep", wait=0)
TOO_MUCH = lock_message("count[3]", quantity=4)
PARKED = lock_message("nobody makes this", create=0)


class Client:
    """One process of clients; `kept` is a connection that stays."""

    def __init__(self, path, seed):
        self._path = path
        self._chance = random.Random(seed)
        self._seed = seed
        self._count = 0
        self.kept = self._connect()

    def _connect(self):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(self._path)
        return sock

    def _ask(self, sock, data, *expected):
        sock.sendall(data)
        answer = sock.recv(4096)
        while b"</msg>" not in answer:
            answer += sock.recv(4096)
        assert any(code in answer for code in expected), answer

    def again(self):
        """A lock on the connection that stays."""
        self._ask(self.kept, LOCK, GRANTED)
        self.kept.sendall(UNLOCK)

    def fresh(self):
        """A connection for one lock of a resource that nobody has used before."""
        self._count += 1
        name = f"R{self._seed}x{self._count}"
        with self._connect() as sock:
            self._ask(sock, lock_message(name, lifespan=1), GRANTED)
            sock.sendall(unlock_message(name))
            sock.shutdown(socket.SHUT_WR)
            assert sock.recv(4096) == b""

    def crash(self):
        """A holder that leaves without a word."""
        with self._connect() as sock:
            self._ask(sock, LOCK, GRANTED)

    def late(self):
        """A waiter whose time is over."""
        with self._connect() as sock:
            self._ask(sock, WAIT, QUEUED)

    def refused(self):
        """Busy, and more than there is."""
        with self._connect() as sock:
            self._ask(sock, REFUSED, BUSY)
        with self._connect() as sock:
            self._ask(sock, TOO_MUCH, IMPOSSIBLE)

    def halves(self):
        """A message in two parts, and one that is never completed."""
        with self._connect() as sock:
            sock.sendall(LOCK[:50])
            self._ask(sock, LOCK[50:], GRANTED)
            sock.sendall(UNLOCK[:50])

    def parked(self):
        """Somebody who waits for what is never made, and one who says nothing at all."""
        with self._connect() as sock:
            sock.sendall(PARKED)
            sock.recv(4096)
        self._connect().close()

    def run(self, cycles):
        """So many of all, at random."""
        ways = [self.again] * 6 + [self.fresh] * 2 + [self.crash] * 2
        ways += [self.late, self.refused, self.halves, self.parked]
        for _ in range(cycles):
            self._chance.choice(ways)()


if __name__ == "__main__":
    Client(sys.argv[1], int(sys.argv[3])).run(int(sys.argv[2]))
