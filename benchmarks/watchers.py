"""What it costs the others that somebody watches: ten streams of events, metrics each second.

The same daemon serves the same clients with watchers and without, in turns, in short slices. The
watchers are a process of its own, which reads and understands nothing. Shown is the ratio of pairs
a second, and of pairs for the same processor time of the daemon: other work on the machine, the
watchers' own reading included, does not change the second one.
"""

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable

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
    unlock_message,
    workplace,
)

CLIENTS = 8
WATCHERS = 10
LIMIT = 3600  # seconds; the watchers end even if the benchmark was killed


def question(number: int, what: str) -> bytes:
    """A question to the daemon."""
    return (
        '<?xml version="1.0" encoding="UTF-8" ?><msg level="3" verb="6" step="8">'
        f'<ask id="{number}" what="{what}"/></msg>'
    ).encode()


def onlooker(address: Address) -> socket.socket:
    """A connection on which questions may be asked."""
    sock = connect(address)
    lock = lock_message("flomState").replace(b'step="8"', b'step="8" ext="flom"')
    sock.send(lock.replace(b'mode="5"', b'mode="0"').replace(b'create="1"', b'create="0"'))
    answered(sock, 2)
    return sock


class Watchers:
    """A process that watches while it runs."""

    def __init__(self, address: Address) -> None:
        reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            signal.alarm(LIMIT)
            try:
                watch(address, writer)
            finally:
                os._exit(1)
        os.close(writer)
        os.read(reader, 1)
        os.close(reader)

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def watch(address: Address, ready: int) -> None:
    """Read events for ever, and ask for the metrics each second."""
    epoll = select.epoll()
    socks = {}
    for _ in range(WATCHERS):
        sock = onlooker(address)
        sock.send(question(1, "events"))
        socks[sock.fileno()] = sock
        epoll.register(sock.fileno(), select.EPOLLIN)
    asker = onlooker(address)
    buffer = bytearray(1 << 20)
    os.write(ready, b"1")
    while True:
        asker.send(question(1, "metrics"))
        asker.recv_into(buffer)
        end = time.monotonic() + 1
        while (left := end - time.monotonic()) > 0:
            for descriptor, _ in epoll.poll(left):
                if not socks[descriptor].recv_into(buffer):
                    sys.exit("the daemon does not like its watchers")


def pairs(address: Address, pid: int, seconds: float) -> tuple[float, float]:
    """Lock and unlock for some seconds: pairs a second, and the daemon's seconds for each."""
    epoll = select.epoll()
    lines = {}
    for number in range(CLIENTS):
        sock = connect(address)
        name = f"bench{number:03}"
        lines[sock.fileno()] = sock, lock_message(name), unlock_message(name)
        epoll.register(sock.fileno(), select.EPOLLIN)
    cpu, begin = cpu_time(pid), time.perf_counter()
    for sock, lock, _ in lines.values():
        sock.send(lock)
    count = 0
    while time.perf_counter() < begin + seconds:
        for descriptor, _ in epoll.poll():
            sock, lock, unlock = lines[descriptor]
            if not sock.recv(4096):
                sys.exit("the daemon has closed a connection")
            sock.send(unlock)
            sock.send(lock)
            count += 1
    rate = count / (time.perf_counter() - begin)
    cost = (cpu_time(pid) - cpu) / count
    for sock, _, _ in lines.values():
        sock.close()
    return rate, cost


def main() -> None:
    options = arguments(
        "throughput with ten watchers, over that without", rounds=12, milliseconds=400
    )
    seconds = options.milliseconds / 1000
    with workplace(options.flom) as (folder, flom):
        daemon = Daemon(flom, folder, "unix")
        try:

            def alone() -> tuple[float, float]:
                return pairs(daemon.address, daemon.pid, seconds)

            def watched() -> tuple[float, float]:
                watchers = Watchers(daemon.address)
                try:
                    return pairs(daemon.address, daemon.pid, seconds)
                finally:
                    watchers.close()

            alone()
            sides: dict[str, Callable[[], tuple[float, float]]] = {
                "alone": alone,
                "watched": watched,
            }
            turns = in_turns(options.rounds, sides)
        finally:
            daemon.close()
    rates, costs = (
        {side: Series([one[at] for one in turns[side]]) for side in turns} for at in (0, 1)
    )
    ratio, spared = rates["watched"].over(rates["alone"]), costs["alone"].over(costs["watched"])
    print(f"{WATCHERS} watchers, {CLIENTS} clients: pairs/s with watchers over without")
    print(f"  {ratio}, for the same processor time {spared}")
    print(f"  alone {rates['alone'].median:.0f} pairs/s, {costs['alone'].median * 1e6:.1f} us each")
    finish(
        "watchers",
        ratio=ratio.figures(),
        cpu_ratio=spared.figures(),
        pairs_per_second=round(rates["alone"].median),
    )


if __name__ == "__main__":
    main()
