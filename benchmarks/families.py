"""Hand-over over IPv6, over that over IPv4: from an unlock to the grant of the next waiter.

Two clients hand one resource to each other, over the loopback interface; daemons for both families
exist side by side and are measured in turns. The slowest hundredth is judged: the median tells
little of a family that now and then has to wait.
"""

import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from common import (
    LOOPBACK,
    Daemon,
    Series,
    answered,
    arguments,
    connect,
    finish,
    in_turns,
    lock_message,
    unlock_message,
    workplace,
)

HOSTS = {"ipv4": LOOPBACK, "ipv6": "::1"}
GRANTED, ENQUEUED = 0, 1


class Couple:
    """Two clients of one daemon and one resource: one holds it, the other waits."""

    def __init__(self, daemon: Daemon) -> None:
        self._lock, self._unlock = lock_message("bench"), unlock_message("bench")
        self._holder, self._waiter = connect(daemon.address), connect(daemon.address)
        for sock, rc in ((self._holder, GRANTED), (self._waiter, ENQUEUED)):
            sock.sendall(self._lock)
            answered(sock, rc)

    def batch(self, count: int) -> tuple[float, float]:
        """Seconds for a hand-over: the median and the 99th percentile of so many."""
        took = sorted(self._hand_over() for _ in range(count))
        return statistics.median(took), took[(count * 99) // 100]

    def _hand_over(self) -> float:
        begin = time.perf_counter()
        self._holder.sendall(self._unlock)
        answered(self._waiter, GRANTED)
        took = time.perf_counter() - begin
        self._holder, self._waiter = self._waiter, self._holder
        self._waiter.sendall(self._lock)
        answered(self._waiter, ENQUEUED)
        return took


def main() -> None:
    options = arguments("hand-over over IPv6, over that over IPv4", rounds=30, batch=300)
    with workplace(options.flom) as (folder, flom), ExitStack() as ends:
        couples = {}
        for name, host in HOSTS.items():
            daemon = Daemon(flom, folder, name, host=host)
            ends.callback(daemon.close)
            couples[name] = Couple(daemon)
        sides: dict[str, Callable[[], tuple[float, float]]] = {
            name: partial(couple.batch, options.batch) for name, couple in couples.items()
        }
        in_turns(1, sides)
        taken = in_turns(options.rounds, sides)
    figures = {}
    for at, what in enumerate(("median", "p99")):
        four, six = (Series([one[at] for one in taken[name]]) for name in HOSTS)
        ratio = six.over(four)
        figures[what] = ratio.figures()
        print(f"{what:8}IPv4 {four.median * 1e6:8.1f} us, IPv6 {six.median * 1e6:8.1f} us: {ratio}")
    finish("families", rounds=options.rounds, batch=options.batch, figures=figures)


if __name__ == "__main__":
    main()
