"""How many locks a second the daemon serves: lock, grant, unlock, each client on its own resource.

The unit is the bare loop of load.py. Two ratios to it are shown: pairs a second, and pairs for the
same processor time.
"""

import os
from contextlib import ExitStack

import load
from common import (
    LOOPBACK,
    Daemon,
    Series,
    arguments,
    finish,
    in_turns,
    raise_descriptor_limit,
    workplace,
)

CLIENTS = (1, 8)
HEADING = """clients, pairs/s; daemon over bare loop in pairs/s and in pairs for the same
  processor time; microseconds of it for each pair; busy daemon, busy bare loop"""
Figures = dict[str, object]


def compare(daemon: Daemon, unit: load.Echo, grant: bytes, rounds: int, seconds: float) -> Figures:
    """Every way of using the two servers: the printed table and the figures for the last line."""
    figures: Figures = {}
    for way in (load.persistent, load.fresh):
        for clients in CLIENTS:
            load.assign_processors(clients, daemon.pid, unit.pid)
            ours = way(daemon.address, grant, clients)
            theirs = way(unit.address, grant, clients)
            ours(seconds / 4), theirs(seconds / 4)
            slices = in_turns(
                rounds,
                {
                    "daemon": load.sliced(ours, daemon.pid, seconds),
                    "echo": load.sliced(theirs, unit.pid, seconds),
                },
            )
            figures[f"{way.__name__} {clients}"] = show(way.__name__, clients, slices)
    return figures


def show(way: str, clients: int, slices: dict[str, list[load.Slice]]) -> Figures:
    """Print one row; returns its figures."""
    ours, theirs = slices["daemon"], slices["echo"]
    ratio, spared = load.ratios(ours, theirs)
    rate, cost = Series([one.rate for one in ours]), Series([one.cost for one in ours])
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


def main() -> None:
    options = arguments(
        "locks and unlocks a second, as a ratio to a bare epoll loop",
        rounds=30,
        milliseconds=150,
    )
    raise_descriptor_limit()
    figures: Figures = {}
    with workplace(options.flom) as (folder, flom):
        for transport in ("unix", "tcp"):
            tcp = transport == "tcp"
            with ExitStack() as ends:
                host = LOOPBACK if tcp else ""
                daemon = Daemon(flom, folder, transport, host=host)
                ends.callback(daemon.close)
                grant = load.first_grant(daemon)
                unit = load.Echo(folder, grant, tcp=tcp)
                ends.callback(unit.close)
                print(f"{transport}: {HEADING}")
                seconds = options.milliseconds / 1000
                ends.callback(os.sched_setaffinity, 0, load.PROCESSORS)
                figures[transport] = compare(daemon, unit, grant, options.rounds, seconds)
    finish("throughput", rounds=options.rounds, figures=figures)


if __name__ == "__main__":
    main()
