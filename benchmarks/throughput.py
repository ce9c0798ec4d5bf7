"""How many locks a second the daemon serves: lock, grant, unlock, each client on its own resource.

The unit is the least that any server written in Python must do for the same traffic: an epoll loop
that moves the same bytes and understands none of them. It counts bytes, and sends the daemon's own
answer whenever a lock has come in whole. One client drives both, in turns, in short slices.

Two ratios are shown. Pairs a second is what clients see; but where the loop of the unit is not
`busy` all the time, the client (or other work on the machine) was the bottleneck, which flatters
the daemon. Processor time for each pair has no such limit.

Who runs on which processor is decided here: left to the system, it changes the figures by a factor
of three. One client and its server take turns, so they share a processor; with several clients
client and server have one each.
"""

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from common import (
    Address,
    Daemon,
    Series,
    answered,
    arguments,
    connect,
    cpu_time,
    finish,
    in_turns,
    lock_message,
    raise_descriptor_limit,
    unlock_message,
    workplace,
)

CLIENTS = (1, 8)
PROCESSORS = os.sched_getaffinity(0)
RECEIVE_SIZE = 4096
ECHO_LIMIT = 3600  # seconds; it ends even if the benchmark was killed
HEADING = """clients, pairs/s; daemon over bare loop in pairs/s and in pairs for the same
  processor time; microseconds of it for each pair; busy daemon, busy bare loop"""
Figures = dict[str, object]


# The unit: the bare loop


class Echo:
    """A process that answers as the daemon does, without knowing why."""

    def __init__(self, folder: Path, lock: int, unlock: int, grant: bytes, *, tcp: bool) -> None:
        listener = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX)
        listener.bind(("127.0.0.1", 0) if tcp else str(folder / "echo.sock"))
        listener.listen(128)
        self.address: Address = listener.getsockname()
        self.pid = os.fork()
        if self.pid == 0:
            signal.alarm(ECHO_LIMIT)
            try:
                echo(listener, lock, lock + unlock, grant, tcp=tcp)
            finally:
                os._exit(1)
        listener.close()

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


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


# The client: the same for both


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


def assign_processors(clients: int, *servers: int) -> None:
    """Client and servers on one processor for one client, else apart if there are two."""
    first, *others = sorted(PROCESSORS)
    os.sched_setaffinity(0, {first})
    for pid in servers:
        os.sched_setaffinity(pid, {others[-1] if others and clients > 1 else first})


def compare(daemon: Daemon, unit: Echo, grant: bytes, rounds: int, seconds: float) -> Figures:
    """Every way of using the two servers: the printed table and the figures for the last line."""
    figures: Figures = {}
    for way in (persistent, fresh):
        for clients in CLIENTS:
            assign_processors(clients, daemon.pid, unit.pid)
            ours = way(daemon.address, grant, clients)
            theirs = way(unit.address, grant, clients)
            ours(seconds / 4), theirs(seconds / 4)
            slices = in_turns(
                rounds,
                {
                    "daemon": sliced(ours, daemon.pid, seconds),
                    "echo": sliced(theirs, unit.pid, seconds),
                },
            )
            figures[f"{way.__name__} {clients}"] = show(way.__name__, clients, slices)
    return figures


def show(way: str, clients: int, slices: dict[str, list[Slice]]) -> Figures:
    """Print one row; returns its figures."""
    ours, theirs = slices["daemon"], slices["echo"]
    rate = Series([one.rate for one in ours])
    ratio = rate.over(Series([one.rate for one in theirs]))
    cost = Series([one.cost for one in ours])
    spared = Series([one.cost for one in theirs]).over(cost)
    busy = [Series([one.busy for one in some]).median for some in (ours, theirs)]
    print(
        f"  {way:12}{clients:2}{rate.median:10.0f}   {ratio!s:18}{spared!s:18}"
        f"{cost.median * 1e6:8.1f}   {busy[0]:.2f} {busy[1]:.2f}",
        flush=True,
    )
    return {
        "pairs_per_second": round(rate.median),
        "ratio": ratio.figures(),
        "cpu_ratio": spared.figures(),
        "cpu_us_per_pair": round(cost.median * 1e6, 2),
        "busy": {"daemon": round(busy[0], 3), "echo": round(busy[1], 3)},
    }


def first_grant(daemon: Daemon) -> bytes:
    """The bytes of a grant, for the unit to repeat."""
    name = names(1)[0]
    with connect(daemon.address) as sock:
        sock.send(lock_message(name))
        grant = answered(sock, 0)
        sock.send(unlock_message(name))
    return grant


def main() -> None:
    options = arguments(
        "locks and unlocks a second, as a ratio to a bare epoll loop",
        rounds=30,
        milliseconds=150,
    )
    raise_descriptor_limit()
    lock, unlock = (len(make(names(1)[0])) for make in (lock_message, unlock_message))
    figures: Figures = {}
    with workplace(options.flom) as (folder, flom):
        for transport in ("unix", "tcp"):
            tcp = transport == "tcp"
            with ExitStack() as ends:
                daemon = Daemon(flom, folder, transport, tcp=tcp)
                ends.callback(daemon.close)
                grant = first_grant(daemon)
                unit = Echo(folder, lock, unlock, grant, tcp=tcp)
                ends.callback(unit.close)
                print(f"{transport}: {HEADING}")
                seconds = options.milliseconds / 1000
                ends.callback(os.sched_setaffinity, 0, PROCESSORS)
                figures[transport] = compare(daemon, unit, grant, options.rounds, seconds)
    finish("throughput", rounds=options.rounds, figures=figures)


if __name__ == "__main__":
    main()
