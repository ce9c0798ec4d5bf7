"""One simulated afternoon of one daemon: everything that happens follows from a seed.

scripts/simulate --seeds 5000     # look for a seed that breaks a promise
scripts/simulate --seed 4711      # play one again, and tell its history
"""

import argparse
import pathlib
import sys

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from history import Ask, History, check
from simulation.clients import NAMES, Client
from simulation.daemon import Daemon, in_simulation
from simulation.network import World

from flom.core.table import Table

# Simulated seconds after which whoever still waits has been forgotten: every lock is held for a
# second at most, and a cut line is noticed after half a minute.
LONG_ENOUGH = 600.0


def simulate(seed, table=Table, hits=None):
    """Play a seed; returns the history and what is wrong with it.

    The failures of system calls that it met are added to `hits`, pairs of call and error.
    """
    world = World(seed)
    chance = world.random
    patience = chance.choice((0, 0, 50, 60000, -1))
    history = History()
    names = chance.sample(NAMES, chance.randrange(1, 4))
    with in_simulation(world):
        daemon = Daemon(world, patience, table)
        for _ in range(chance.randrange(2, 9)):
            Client(world, daemon, history, chance.randrange(1, 5), names)
        if chance.random() < 0.2:
            world.after(chance.random() * 5, lambda: restart(world, daemon, history))
        world.run(LONG_ENOUGH)
        found = check(history.records, fair=patience == 0)
        found += left_over(daemon)
    if hits is not None:
        hits |= world.faults.hits
    return history, found


def restart(world, daemon, history):
    history.note(world.now, "restart")
    daemon.restart()


def left_over(daemon):
    """Everybody has gone: nobody may be left in the daemon, and nothing of it has failed."""
    snapshot = daemon.table.snapshot()
    found = [f"leak: still held: {q.name!r} {q.holders}" for q in snapshot.resources if q.holders]
    found += [f"leak: still waiting: {q.name!r}" for q in snapshot.resources if q.waiters]
    found += [f"leak: still connected: {c.peer}" for c in daemon.server.connections]
    found += [f"leak: still parked: {claim}" for claim in snapshot.parked]
    return found + daemon.log.faults


def told(history):
    """A history as text, for people."""
    asks = {record.number: record.ask for record in history.records if isinstance(record.ask, Ask)}
    for record in history.records:
        ask = asks.get(record.number)
        what = f"{ask.name} {ask.mode} x{ask.quantity}" if ask else ""
        extra = " ".join(filter(None, (record.element, record.how)))
        yield f"{record.at - 1000:9.4f}  #{record.number:<3} {record.what:8} {what:24} {extra}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, help="play this one and tell its history")
    parser.add_argument("--seeds", type=int, default=1000, help="how many to try (default 1000)")
    parser.add_argument("--start", type=int, default=0, help="the first of them (default 0)")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        history, found = simulate(arguments.seed)
        print("\n".join(told(history)))
        print("\n".join(map(str, found)) or "no promise broken")
        return 1 if found else 0
    for seed in range(arguments.start, arguments.start + arguments.seeds):
        if found := simulate(seed)[1]:
            print(f"seed {seed}: {found[0]}\nplay it again: scripts/simulate --seed {seed}")
            return 1
    print(f"{arguments.seeds} seeds, no promise broken")
    return 0


if __name__ == "__main__":
    sys.exit(main())
