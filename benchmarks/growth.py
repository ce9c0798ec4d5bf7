"""What a crowd of clients and of resources costs a daemon: speed for the others, memory, idleness.

Three daemons exist side by side: one has nothing else to do, one has clients that wait (half of
them in a queue, half for somebody to create what they ask for), one has resources that nobody uses
at present. The unit is the first: one client locks and unlocks on each of them, in turns. Memory is
what the process has for itself alone; it is divided by their number.
"""

import argparse
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import load
from common import (
    Daemon,
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

GRANTED, ENQUEUED, PARKED = 0, 1, 2
RETENTION = 600_000  # ms, longer than any run
SPARE_DESCRIPTORS = 50
IDLE_TIME = 3.0  # seconds

Figures = dict[str, object]


def private_memory(pid: int) -> int:
    """The bytes of memory that a process shares with nobody."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def add_waiters(daemon: Daemon, count: int) -> list[socket.socket]:
    """Clients that wait, each on a connection of its own, behind one that holds."""
    queued = lock_message("contended")
    parked = lock_message("never").replace(b'create="1"', b'create="0"')
    clients = [connect(daemon.address) for _ in range(count + 1)]
    for number, sock in enumerate(clients):
        sock.sendall(parked if number % 2 else queued)
        answered(sock, PARKED if number % 2 else ENQUEUED if number else GRANTED)
    return clients


def add_resources(daemon: Daemon, count: int) -> None:
    """Resources that live on, by a client that has left."""
    with connect(daemon.address) as sock:
        for number in range(count):
            sock.sendall(lock_message(f"other{number}", lifespan=RETENTION))
            answered(sock, GRANTED)
            sock.sendall(unlock_message(f"other{number}"))


def measure(folder: Path, flom: Path, options: argparse.Namespace) -> Figures:
    """Build the crowds, drive the three daemons, print what came out."""
    seconds = options.milliseconds / 1000
    counts = {"waiters": options.waiters, "resources": options.resources}
    with ExitStack() as ends:
        daemons = {name: Daemon(flom, folder, name) for name in ("alone", *counts)}
        for daemon in daemons.values():
            ends.callback(daemon.close)
        grant = load.first_grant(daemons["alone"])
        sides = {}
        for name, daemon in daemons.items():
            drive = load.persistent(daemon.address, grant, 1)
            drive(seconds)
            sides[name] = load.sliced(drive, daemon.pid, seconds)
        before = {name: private_memory(daemon.pid) for name, daemon in daemons.items()}
        crowd = add_waiters(daemons["waiters"], counts["waiters"])
        add_resources(daemons["resources"], counts["resources"])
        each = {
            name: (private_memory(daemons[name].pid) - before[name]) / count
            for name, count in counts.items()
        }
        slices = in_turns(options.rounds, sides)
        idle = idleness(daemons["waiters"].pid)
        for sock in crowd:
            sock.close()
    print(f"idle with {options.waiters} waiters: {idle:.6f} of a processor")
    shown = {name: show(name, count, slices, each[name]) for name, count in counts.items()}
    return {"idle_cpu": idle, **shown}


def idleness(pid: int) -> float:
    """The share of a processor that a process uses at present."""
    begin = cpu_time(pid)
    time.sleep(IDLE_TIME)
    return (cpu_time(pid) - begin) / IDLE_TIME


def show(name: str, count: int, slices: dict[str, list[load.Slice]], each: float) -> Figures:
    """Print one row; returns its figures. each: bytes of memory."""
    rate, spared = load.ratios(slices[name], slices["alone"])
    print(
        f"{count} {name}: pairs a second {rate}, pairs for the same processor time {spared}"
        f" of those without; {each / 1024:.2f} KiB each",
        flush=True,
    )
    return {
        "ratio": rate.figures(),
        "cpu_ratio": spared.figures(),
        "bytes_each": round(each),
    }


def main() -> None:
    options = arguments(
        "speed, memory and idleness of a daemon with a crowd",
        rounds=30,
        milliseconds=100,
        waiters=10_000,
        resources=50_000,
    )
    if raise_descriptor_limit() < options.waiters + SPARE_DESCRIPTORS:
        sys.exit("not enough descriptors (ulimit -Hn): ask for fewer --waiters")
    with workplace(options.flom) as (folder, flom):
        figures = measure(folder, flom, options)
    finish("growth", rounds=options.rounds, figures=figures)


if __name__ == "__main__":
    main()
