"""Clients that keep a server busy with locks, and the least that any server in Python costs.

The unit of most benchmarks is an epoll loop that moves the same bytes as the daemon and understands
none of them. It counts bytes, and sends the daemon's own answer whenever a lock has come in whole.
One client drives both, in turns, in short slices.

Pairs a second is what clients see; but where the loop of the unit is not `busy` all the time, the
client (or other work on the machine) was the bottleneck, which flatters the daemon. Processor time
for each pair has no such limit.

Who runs on which processor is decided here: left to the system, it changes the figures by a factor
of three. One client and its server take turns, so they share a processor; with several clients
client and server have one each.
"""

import os
import select
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from common import (
    LOOPBACK,
    Address,
    Child,
    Daemon,
    Series,
    answered,
    connect,
    cpu_time,
    lock_message,
    unlock_message,
)

PROCESSORS = os.sched_getaffinity(0)
RECEIVE_SIZE = 4096

# The unit: the bare loop


class Echo(Child):
    """A process that answers as the daemon does, without knowing why."""

    def __init__(self, folder: Path, grant: bytes, *, tcp: bool) -> None:
        lock, unlock = (len(make(names(1)[0])) for make in (lock_message, unlock_message))
        listener = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX)
        listener.bind((LOOPBACK, 0) if tcp else str(folder / "echo.sock"))
        listener.listen(128)
        self.address: Address = listener.getsockname()
        super().__init__(lambda: echo(listener, lock, lock + unlock, grant, tcp=tcp))
        listener.close()


def echo(listener: socket.socket, lock: int, pair: int, grant: bytes, *, tcp: bool) -> None:
    """Serve for ever; `lock` and `pair` are lengths: of a lock, and of lock and unlock."""
    epoll = select.epoll()
    epoll.register(listener.fileno(), select.EPOLLIN)
    socks: dict[int, socket.socket] = {}
    seen: dict[int, int] = {}
    rest = pair - lock

    def accept() -> None:
        sock, _ = listener.accept()
        sock.setblocking(False)
        if tcp:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        descriptor = sock.fileno()
        # Counted as if an unlock had come already: then every `pair` bytes complete a lock.
        socks[descriptor], seen[descriptor] = sock, rest
        epoll.register(descriptor, select.EPOLLIN)

    while True:
        for descriptor, _ in epoll.poll():
            sock = socks.get(descriptor)
            if sock is None:
                accept()
                continue
            data = sock.recv(RECEIVE_SIZE)
            if not data:
                epoll.unregister(descriptor)
                socks.pop(descriptor).close()
                continue
            before = seen[descriptor]
            after = seen[descriptor] = before + len(data)
            locks = after // pair - before // pair
            if locks:
                sock.send(grant * locks)


# The clients: the same for both


def names(clients: int) -> list[str]:
    """A resource for each client; all messages have the same length."""
    return [f"bench{number:03}" for number in range(clients)]


def persistent(address: Address, grant: bytes, clients: int) -> Callable[[float], int]:
    """Connections that stay open; the result drives them for some seconds and counts pairs."""
    epoll = select.epoll()
    lines = {}
    for name in names(clients):
        sock = connect(address)
        # A server that is faster than its client cannot be measured: no look-up twice, no copy.
        lines[sock.fileno()] = (
            sock,
            sock.recv_into,
            sock.send,
            lock_message(name),
            unlock_message(name),
        )
        epoll.register(sock.fileno(), select.EPOLLIN)
    buffer = bytearray(RECEIVE_SIZE)
    due = len(grant)

    def drive(seconds: float) -> int:
        for _, _, send, lock, _ in lines.values():
            send(lock)
        pairs, waiting = 0, clients
        end = time.perf_counter() + seconds
        while waiting:
            ending = time.perf_counter() >= end
            for descriptor, _ in epoll.poll():
                _, receive, send, lock, unlock = lines[descriptor]
                if receive(buffer) != due:
                    sys.exit(f"an unexpected answer: {bytes(buffer)!r}")
                # Two packets, as from a client that does something under its lock.
                send(unlock)
                pairs += 1
                if ending:
                    waiting -= 1
                else:
                    send(lock)
        return pairs

    return drive


def fresh(address: Address, grant: bytes, clients: int) -> Callable[[float], int]:
    """A new connection for each pair, as the command makes; at most `clients` at a time."""
    epoll = select.epoll()
    free = [(lock_message(name), unlock_message(name)) for name in names(clients)]
    lines = {}

    def begin() -> None:
        lock, unlock = free.pop()
        sock = connect(address)
        lines[sock.fileno()] = (sock, lock, unlock)
        epoll.register(sock.fileno(), select.EPOLLIN)
        sock.send(lock)

    def drive(seconds: float) -> int:
        pairs = 0
        end = time.perf_counter() + seconds
        while True:
            while free and time.perf_counter() < end:
                begin()
            if not lines:
                return pairs
            for descriptor, _ in epoll.poll():
                sock, lock, unlock = lines[descriptor]
                data = sock.recv(RECEIVE_SIZE)
                if data == grant:
                    sock.send(unlock)
                    sock.shutdown(socket.SHUT_WR)
                elif data:
                    sys.exit("an unexpected answer")
                else:
                    pairs += 1
                    epoll.unregister(descriptor)
                    sock.close()
                    del lines[descriptor]
                    free.append((lock, unlock))

    return drive


# Measuring


class Slice:
    """What one slice of one server showed."""

    def __init__(self, pairs: int, wall: float, cpu: float) -> None:
        self.rate = pairs / wall
        self.cost = cpu / pairs  # seconds of the server's processor time for each pair
        self.busy = cpu / wall


def sliced(drive: Callable[[float], int], pid: int, seconds: float) -> Callable[[], Slice]:
    """One slice at each call."""

    def one() -> Slice:
        cpu, begin = cpu_time(pid), time.perf_counter()
        pairs = drive(seconds)
        wall = time.perf_counter() - begin
        return Slice(pairs, wall, cpu_time(pid) - cpu)

    return one


def ratios(ours: Sequence[Slice], unit: Sequence[Slice]) -> tuple[Series, Series]:
    """Pairs a second, and pairs for the same processor time, over those of the unit."""
    rate = Series([one.rate for one in ours]).over(Series([one.rate for one in unit]))
    spared = Series([one.cost for one in unit]).over(Series([one.cost for one in ours]))
    return rate, spared


def assign_processors(clients: int, *servers: int) -> None:
    """Client and servers on one processor for one client, else apart if there are two."""
    first, *others = sorted(PROCESSORS)
    os.sched_setaffinity(0, {first})
    for pid in servers:
        os.sched_setaffinity(pid, {others[-1] if others and clients > 1 else first})


def first_grant(daemon: Daemon) -> bytes:
    """The bytes of a grant, for the unit to repeat."""
    name = names(1)[0]
    with connect(daemon.address) as sock:
        sock.send(lock_message(name))
        grant = answered(sock, 0)
        sock.send(unlock_message(name))
    return grant
