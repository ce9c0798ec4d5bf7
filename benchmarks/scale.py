"""Whether a crowd slows anybody down: from an unlock to the grant of the next waiter.

Measured with many waiters in the queue of one resource and with many other resources alive, in
the daemon over local sockets and in the pure lock table, for every kind of resource. The unit is
the same hand-over in the smallest crowd; daemons (tables) of all sizes exist side by side and are
measured in turns.
"""

import os
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from common import (
    ROOT,
    Address,
    Daemon,
    Series,
    answered,
    arguments,
    connect,
    finish,
    in_turns,
    lock_message,
    raise_descriptor_limit,
    unlock_message,
    workplace,
)
from load import PROCESSORS, assign_processors

# The pure table is measured where its source stands; it is the same when installed.
sys.path.insert(0, str(ROOT / "src"))
from flom.core.requests import Effect, Granted, Instant, Request
from flom.core.table import Table

GRANTED, ENQUEUED = 0, 1
RETENTION = 600_000  # ms, longer than any run
SPARE_DESCRIPTORS = 50
# How many hand-overs are timed at each turn.
BATCH = 20

Figures = dict[str, object]


# The daemon


class Crowd:
    """A daemon with a queue of waiters on one resource, and with other resources."""

    def __init__(self, address: Address, waiters: int, resources: int) -> None:
        self._clients = connect(address), connect(address)
        self._populate(resources)
        self._lock, self._unlock = lock_message("contended"), unlock_message("contended")
        self._line = deque(connect(address) for _ in range(waiters + 1))
        for position, sock in enumerate(self._line):
            sock.sendall(self._lock)
            answered(sock, ENQUEUED if position else GRANTED)

    def _populate(self, resources: int) -> None:
        """Half of the resources are held, the others outlive their last user; one client each."""
        for number in range(resources):
            name = f"other{number}"
            client = self._clients[number % 2]
            client.sendall(lock_message(name, lifespan=RETENTION))
            answered(client, GRANTED)
            if number % 2:
                client.sendall(unlock_message(name))

    def batch(self) -> float:
        """Seconds for a hand-over: the median of some."""
        return statistics.median(self._hand_over() for _ in range(BATCH))

    def _hand_over(self) -> float:
        """From the unlock to the next grant; then the old holder joins the end of the queue."""
        line = self._line
        holder = line.popleft()
        begin = time.perf_counter()
        holder.sendall(self._unlock)
        answer = line[0].recv(4096)
        taken = time.perf_counter() - begin
        if b'rc="0"' not in answer:
            sys.exit(f"the next waiter got {answer!r}")
        line.append(holder)
        holder.sendall(self._lock)
        answered(holder, ENQUEUED)
        return taken


def measure_daemon(
    folder: Path, flom: Path, rounds: int, sizes: Sequence[int], what: str
) -> Figures:
    """Hand-over with so many waiters, or so many other resources."""
    crowds: dict[int, Crowd] = {}
    with ExitStack() as ends:
        ends.callback(os.sched_setaffinity, 0, PROCESSORS)
        for size in sizes:
            daemon = Daemon(flom, folder, f"{what}{size}")
            ends.callback(daemon.close)
            assign_processors(1, daemon.pid)
            waiters, resources = (size, 0) if what == "waiters" else (1, size)
            crowds[size] = Crowd(daemon.address, waiters, resources)
        return report(f"daemon, {what}", in_turns(rounds, sides(crowds)))


# The pure table


class Ask:
    """What a client asks for; `name` may vary with the client's number."""

    def __init__(self, name: str, mode: int = 5, quantity: int = 1) -> None:
        self.name = name
        self.mode = mode
        self.quantity = quantity

    def request(self, number: int) -> Request:
        name = self.name.format(number % 100).encode()
        return Request(name, mode=self.mode, quantity=self.quantity, lifespan=RETENTION)


class Kind:
    """How a crowd stands at one kind of resource.

    line: what those ask for who hand over to each other. Without `keeper` they are the crowd;
    else the crowd are others, who ask for `blocked` and get nowhere because of the keeper.
    """

    def __init__(self, line: Ask, keeper: Ask | None = None, blocked: Ask | None = None) -> None:
        self.line = line
        self.keeper = keeper
        self.blocked = blocked


CR, PW, EX = 1, 4, 5
KINDS = {
    "simple": Kind(Ask("crowd")),
    "simple, crowd aside": Kind(Ask("crowd", PW), Ask("crowd", CR), Ask("crowd", EX)),
    "numeric": Kind(Ask("crowd[8]", quantity=8)),
    "numeric, crowd aside": Kind(
        Ask("crowd[8]", quantity=4), Ask("crowd[8]", quantity=4), Ask("crowd[8]", quantity=8)
    ),
    "set": Kind(Ask("left.right")),
    "hierarchical": Kind(Ask("/crowd/here")),
    "hierarchical, crowd aside": Kind(
        Ask("/crowd/open"), Ask("/crowd/shut"), Ask("/crowd/shut/{}")
    ),
    "sequence": Kind(Ask("_S_crowd[2]")),
    "timestamp": Kind(Ask("_t_%D.%T[2]")),
}


class TableCrowd:
    """A lock table with a queue of waiters on one resource, and with other resources."""

    def __init__(self, kind: Kind, waiters: int, resources: int = 0) -> None:
        self._table = Table()
        self._kind = kind
        self._seconds = 0
        self._populate(resources)
        if kind.keeper and kind.blocked:
            self._table.lock("keeper", kind.keeper.request(0), self._instant())
            for number in range(waiters):
                client = "blocked", number
                self._table.lock(client, kind.blocked.request(number), self._instant())
            waiters = 1
        self._holders: deque[object] = deque()
        clients = 0
        while clients < waiters + len(self._holders):
            self._ask(clients)
            clients += 1

    def _instant(self) -> Instant:
        """A second later at each look, so that a timestamp always finds a new tick."""
        self._seconds += 1
        return Instant(self._seconds / 1e6, self._seconds * 1_000_000)

    def _populate(self, resources: int) -> None:
        for number in range(resources):
            request = Request(f"other{number}".encode(), lifespan=RETENTION)
            client = "other", number % 2
            self._table.lock(client, request, self._instant())
            if number % 2:
                self._table.unlock(client, request.name, False, self._instant())

    def _ask(self, client: object) -> None:
        self._note(self._table.lock(client, self._kind.line.request(0), self._instant()))

    def _note(self, effects: list[Effect]) -> int:
        granted = [one.client for one in effects if isinstance(one, Granted)]
        self._holders.extend(granted)
        return len(granted)

    def batch(self) -> float:
        """Seconds for an unlock that grants the next waiter: the median of some."""
        return statistics.median(self._hand_over() for _ in range(BATCH))

    def _hand_over(self) -> float:
        """One hand-over; then the old holder joins the end of the queue."""
        client, now = self._holders.popleft(), self._instant()
        name = self._kind.line.name.encode()
        begin = time.perf_counter()
        effects = self._table.unlock(client, name, False, now)
        taken = time.perf_counter() - begin
        if self._note(effects) != 1:
            sys.exit(f"an unlock of {name!r} had the effects {effects}")
        self._ask(client)
        return taken


def measure_table(rounds: int, waiters: Sequence[int], resources: Sequence[int]) -> Figures:
    """Hand-over in the table for every kind, and with other resources."""
    figures: Figures = {}
    for name, kind in KINDS.items():
        crowds = {size: TableCrowd(kind, size) for size in waiters}
        figures[name] = report(f"table, waiters, {name}", in_turns(rounds, sides(crowds)))
    crowds = {size: TableCrowd(KINDS["simple"], 1, size) for size in resources}
    figures["resources"] = report("table, resources", in_turns(rounds, sides(crowds)))
    return figures


# Figures


def sides(crowds: dict[int, Crowd] | dict[int, TableCrowd]) -> dict[str, Callable[[], float]]:
    """What `in_turns` calls."""
    return {str(size): crowd.batch for size, crowd in crowds.items()}


def report(title: str, taken: dict[str, list[float]]) -> Figures:
    """Print one row: the unit in microseconds, and the ratios to it; returns the figures."""
    series = {size: Series(values) for size, values in taken.items()}
    smallest, *larger = series
    unit = series[smallest]
    ratios = {size: series[size].over(unit) for size in larger}
    cells = "".join(f"   {size}: {ratio!s:20}" for size, ratio in ratios.items())
    print(f"{title:44}{smallest}: {unit.median * 1e6:6.1f} us{cells}", flush=True)
    return {
        "unit_us": round(unit.median * 1e6, 2),
        "ratios": {size: ratio.figures() for size, ratio in ratios.items()},
    }


def sizes(largest: int) -> list[int]:
    """The sizes of the crowds, the unit first."""
    return [*(size for size in (10, 100, 1000) if size < largest), largest]


def main() -> None:
    options = arguments(
        "hand-over in a crowd, as a ratio to the same in the smallest one",
        rounds=40,
        waiters=10_000,
        resources=20_000,
    )
    waiters, resources = sizes(options.waiters), sizes(options.resources)
    room = raise_descriptor_limit() - sum(waiters) - SPARE_DESCRIPTORS
    if room < 0:
        sys.exit(f"{-room} more descriptors are needed (ulimit -Hn), or fewer --waiters")
    with workplace(options.flom) as (folder, flom):
        print("hand-over from an unlock to the next grant: the smallest crowd, and ratios to it")
        daemon = {
            "waiters": measure_daemon(folder, flom, options.rounds, waiters, "waiters"),
            "resources": measure_daemon(folder, flom, options.rounds, resources, "resources"),
        }
    table = measure_table(options.rounds, waiters, resources)
    finish("scale", rounds=options.rounds, batch=BATCH, daemon=daemon, table=table)


if __name__ == "__main__":
    main()
