"""How long a client waits where many keep a daemon busy, and whether one can crowd others out.

The first unit is the median: 64 clients lock and unlock all the time, each a resource of its own;
shown is how much longer the slowest hundredth of the locks takes, from the request to the answer.
The bare loop of load.py shows how much of that is other work on the machine.
The second is what each of nine equal clients gets; shown is what the least served of eight gets
while the ninth sends requests as fast as the daemon takes them, without waiting for answers.
"""

import os
import select
import signal
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from common import (
    Address,
    Child,
    Daemon,
    Series,
    arguments,
    connect,
    finish,
    in_turns,
    lock_message,
    unlock_message,
    workplace,
)
from load import PROCESSORS, Echo, assign_processors, first_grant

CROWD = 64
EQUALS = 9
FLOOD_PAUSE = 0.001  # seconds
RECEIVE_SIZE = 65536


class Clients:
    """Connections that lock and unlock all the time, one request after the other."""

    def __init__(self, address: Address, count: int, mark: str) -> None:
        self._epoll = select.epoll()
        self._lines = {}
        for number in range(count):
            sock, name = connect(address), f"{mark}{number:03}"
            self._lines[sock.fileno()] = sock, lock_message(name), unlock_message(name)
            self._epoll.register(sock.fileno(), select.EPOLLIN)

    def drive(self, seconds: float) -> tuple[list[float], dict[int, int]]:
        """The seconds that each lock took, and how many each connection got."""
        took: list[float] = []
        begun: dict[int, float] = {}
        got = dict.fromkeys(self._lines, 0)
        for descriptor, (sock, lock, _) in self._lines.items():
            begun[descriptor] = time.perf_counter()
            sock.send(lock)
        end = time.perf_counter() + seconds
        while begun:
            for descriptor, _ in self._epoll.poll():
                sock, lock, unlock = self._lines[descriptor]
                sock.recv(RECEIVE_SIZE)
                now = time.perf_counter()
                took.append(now - begun.pop(descriptor))
                got[descriptor] += 1
                sock.send(unlock)
                if now < end:
                    begun[descriptor] = now
                    sock.send(lock)
        return took, got

    def tail(self, seconds: float) -> float:
        """The 99th percentile of the locks, as a ratio to their median."""
        took, _ = self.drive(seconds)
        return statistics.quantiles(took, n=100)[98] / statistics.median(took)

    def least(self, seconds: float) -> float:
        """Pairs a second of the connection that got the fewest."""
        begin = time.perf_counter()
        _, got = self.drive(seconds)
        return min(got.values()) / (time.perf_counter() - begin)


class Flood(Child):
    """A process that sends pairs without waiting, and reads what is answered; it begins stopped."""

    def __init__(self, address: Address) -> None:
        super().__init__(lambda: flood(address))
        os.kill(self.pid, signal.SIGSTOP)

    def during(self, measure: Callable[[], float]) -> float:
        """The result of a measurement while it floods."""
        os.kill(self.pid, signal.SIGCONT)
        try:
            return measure()
        finally:
            os.kill(self.pid, signal.SIGSTOP)


def flood(address: Address) -> None:
    """Flood for ever; what the socket holds is more than the daemon can serve in a pause."""
    sock = connect(address)
    sock.setblocking(False)
    rest = pairs = (lock_message("flood000") + unlock_message("flood000")) * 100
    while True:
        with suppress(BlockingIOError):
            while sock.recv(RECEIVE_SIZE):
                pass
        with suppress(BlockingIOError):
            while True:
                rest = rest[sock.send(rest) :] or pairs
        # Pauses leave the processor to the other clients.
        time.sleep(FLOOD_PAUSE)


def main() -> None:
    options = arguments("latency among many clients, and beside one that floods",
                        rounds=12, milliseconds=500)  # fmt: skip
    seconds = options.milliseconds / 1000
    figures: dict[str, dict[str, float]] = {}
    with workplace(options.flom) as (folder, flom), ExitStack() as ends:
        daemons = {}
        for name in ("crowd", "fair"):
            daemons[name] = Daemon(flom, Path(folder), name)
            ends.callback(daemons[name].close)
        bare = Echo(folder, first_grant(daemons["crowd"]), tcp=False)
        ends.callback(bare.close)
        # Clients and flood share a processor: the flood must not have time that the others lack.
        assign_processors(CROWD, bare.pid, *(daemon.pid for daemon in daemons.values()))
        ends.callback(os.sched_setaffinity, 0, PROCESSORS)
        flooding = Flood(daemons["fair"].address)
        ends.callback(flooding.close)
        crowd, control = (Clients(one.address, CROWD, "crowd") for one in (daemons["crowd"], bare))
        equals, eight = (
            Clients(daemons["fair"].address, count, mark)
            for count, mark in ((EQUALS, "equal"), (EQUALS - 1, "eight"))
        )
        taken = in_turns(
            options.rounds,
            {
                "tail": lambda: crowd.tail(seconds),
                "bare": lambda: control.tail(seconds),
                "equal": lambda: equals.least(seconds),
                "beside": lambda: flooding.during(lambda: eight.least(seconds)),
            },
        )
    tail, bare_tail = Series(taken["tail"]), Series(taken["bare"])
    share = Series(taken["beside"]).over(Series(taken["equal"]))
    print(
        f"{CROWD} busy clients: the slowest hundredth of the locks over the median: {tail};"
        f" bare loop {bare_tail}"
    )
    print(f"beside a flood: the least served of {EQUALS - 1} over one of {EQUALS} equals: {share}")
    figures = {
        "tail": tail.figures(),
        "bare_tail": bare_tail.figures(),
        "share_beside_flood": share.figures(),
    }
    finish("latency", rounds=options.rounds, figures=figures)


if __name__ == "__main__":
    main()
