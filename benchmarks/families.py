"""Hand-over over IPv6, over that over IPv4: from an unlock to the grant of the next waiter.

Two clients hand one resource to each other, over the loopback interface; daemons for both families
exist side by side, and each hand-over in one is followed by one in the other, so that other work on
the machine meets both alike. The slowest hundredth is judged: the median tells little of a family
that now and then has to wait.
"""

import os
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack

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
from load import PROCESSORS, assign_processors

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

    def hand_over(self) -> float:
        """Seconds from the unlock to the grant; then the old holder waits."""
        begin = time.perf_counter()
        self._holder.sendall(self._unlock)
        answered(self._waiter, GRANTED)
        took = time.perf_counter() - begin
        self._holder, self._waiter = self._waiter, self._holder
        self._waiter.sendall(self._lock)
        answered(self._waiter, ENQUEUED)
        return took


def main() -> None:
    options = arguments("hand-over over IPv6, over that over IPv4", rounds=20, batch=1000)
    with workplace(options.flom) as (folder, flom), ExitStack() as ends:
        ends.callback(os.sched_setaffinity, 0, PROCESSORS)
        couples = {}
        for name, host in HOSTS.items():
            daemon = Daemon(flom, folder, name, host=host)
            ends.callback(daemon.close)
            assign_processors(1, daemon.pid)
            couples[name] = Couple(daemon)
        sides: dict[str, Callable[[], float]] = {
            name: couple.hand_over for name, couple in couples.items()
        }
        in_turns(options.batch, sides)
        batches = [in_turns(options.batch, sides) for _ in range(options.rounds)]
    figures = {}
    for what, percentile in (("p50", 50), ("p99", 99)):
        four, six = (
            Series([statistics.quantiles(batch[name], n=100)[percentile - 1] for batch in batches])
            for name in HOSTS
        )
        ratio = six.over(four)
        figures[what] = ratio.figures()
        print(f"{what:8}IPv4 {four.median * 1e6:8.1f} us, IPv6 {six.median * 1e6:8.1f} us: {ratio}")
    finish("families", rounds=options.rounds, batch=options.batch, figures=figures)


if __name__ == "__main__":
    main()
