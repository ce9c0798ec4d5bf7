"""Makes docs/why/performance.md and its drawings of docs/why/performance.jsonl.

Those lines are what `scripts/bench --json docs/why/performance.jsonl` has written.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from plot import Point, plot

PLACE = Path(__file__).resolve().parent.parent / "docs" / "why"
SOURCE = PLACE / "performance.jsonl"
Tree = dict[str, Any]


class Target:
    """What is demanded of one figure.

    path: where it stands among what the benchmarks found. bound: the most it may be, or the least
    if `least`. shown: how the bound and the figure are written.
    """

    def __init__(
        self,
        what: str,
        path: str,
        bound: float,
        *,
        least: bool = False,
        shown: Callable[[float], str] = "{:.2f}".format,
    ) -> None:
        self.what = what
        self.path = path
        self.bound = bound
        self.least = least
        self.shown = shown

    def row(self, found: Tree) -> str:
        """A row of the table."""
        figure = at(found, self.path)
        spread = ""
        if isinstance(figure, dict):
            spread = f" ({self.shown(figure['low'])} to {self.shown(figure['high'])})"
            figure = figure["median"]
        off = self.bound / figure if self.least else figure / self.bound
        verdict = "met" if off <= 1 else f"missed, by a factor of {off:.2f}"
        limit = f"at {'least' if self.least else 'most'} {self.shown(self.bound)}"
        return f"| {self.what} | {limit} | {self.shown(figure)}{spread} | {verdict} |"


def kib(number: float) -> str:
    """Bytes, in KiB."""
    return f"{number / 1024:.2f} KiB"


def share(number: float) -> str:
    """A part of a processor."""
    return f"{number * 100:.3f} %"


RATE = "throughput/figures/{}/{}/ratio"
WAYS = {
    "persistent 1": "1 client, one connection",
    "persistent 8": "8 clients, one connection each",
    "fresh 1": "1 client, a connection for each lock",
    "fresh 8": "8 clients, a connection for each lock",
}
TRANSPORTS = {"unix": "UNIX", "tcp": "TCP"}
COMMAND = {
    "flom -- true": ("`flom -- true`, daemon running", 1.35),
    "flom -- true, cold": ("`flom -- true`, which starts the daemon", 2.5),
    "flom --help": ("`flom --help`", 2.5),
}
TARGETS = {
    "The command: time, to `python3 -I -S -c pass`": [
        Target(what, f"command/figures/{name}/ratio", bound)
        for name, (what, bound) in COMMAND.items()
    ],
    "The daemon: locks and unlocks a second, to a bare epoll loop in Python that moves the same"
    " bytes": [
        Target(f"{shown}, {what}", RATE.format(transport, way), 0.6, least=True)
        for transport, shown in TRANSPORTS.items()
        for way, what in WAYS.items()
    ],
    "Growth": [
        Target("throughput beside 10,000 waiting clients, to that without",
               "growth/figures/waiters/ratio", 0.9, least=True),
        Target("throughput beside 50,000 resources, to that without",
               "growth/figures/resources/ratio", 0.9, least=True),
        Target("hand-over in a queue of 10,000, to that in one of 10",
               "scale/daemon/waiters/ratios/10000", 1.5),
        Target("memory for a waiting connection",
               "growth/figures/waiters/bytes_each", 4096, shown=kib),
        Target("memory for an idle resource",
               "growth/figures/resources/bytes_each", 2048, shown=kib),
        Target("processor time of an idle daemon with 10,000 waiters",
               "growth/figures/idle_cpu", 0.0005, shown=share),
    ],
    "TLS and IPv6": [
        Target("`flom -- true` with TLS, to that without", "tls/figures/flom -- true", 3.0),
        Target("99th percentile of a hand-over over IPv6, to that over IPv4",
               "families/figures/p99", 1.5),
    ],
    "Under load": [
        Target("64 busy clients: 99th percentile of a lock, to the median",
               "latency/figures/tail", 4.0),
        Target("beside a client that floods: the least served of 8, to one of 9 equal clients",
               "latency/figures/share_beside_flood", 0.8, least=True),
    ],
}  # fmt: skip
RIVALS = {
    "flock FILE true": "`flock FILE true`",
    "filelock": "a Python program with `filelock`",
    "redis-py": "a Python program with redis-py's lock, local server",
    "etcdctl lock": "`etcdctl lock NAME true`, local etcd",
}
API = {"flom": "`with flom.lock(...)`", "flom.aio": "`async with flom.aio.lock(...)`"}


def at(found: Tree, path: str) -> Any:
    """A figure by its path."""
    for key in path.split("/"):
        found = found[key]
    return found


def read() -> Tree:
    """What the benchmarks found, by their names."""
    lines = map(json.loads, SOURCE.read_text().splitlines())
    return {line["benchmark"]: line for line in lines}


def spread(figure: Tree) -> str:
    """A median, and the middle half."""
    return f"{figure['median']:.2f} ({figure['low']:.2f} to {figure['high']:.2f})"


def tables(found: Tree) -> Iterator[str]:
    """Targets and figures."""
    for title, targets in TARGETS.items():
        yield f"| {title} | target | measured | |\n|---|---|---|---|"
        yield from (target.row(found) for target in targets)
        yield ""


def machine(found: Tree) -> str:
    """Where and with what it was measured."""
    facts = found["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    kind = "a virtual machine" if facts["virtual"] else "a machine"
    return (
        f"Measured on {facts['date']} on {kind} with {facts['processors']} processors"
        f" ({facts['processor']}) and {facts['memory_gib']} GiB, {facts['system']}, CPython"
        f" {facts['python']}; {versions}. What else the machine does (load"
        f" {facts['load']:.1f} at the start) widens the spread, and the 99th percentiles most: with"
        f" 64 clients that of the bare loop itself was"
        f" {spread(found['latency']['figures']['bare_tail'])} times its median."
    )


def others(found: Tree) -> Iterator[str]:
    """What is compared without a target."""
    yield "| a command under a lock, start to end | ms | to `flom -- true` |\n|---|---|---|"
    figures = found["rivals"]["figures"]
    for name, what in {"flom -- true": "`flom -- true`", **RIVALS}.items():
        if name in figures:
            yield f"| {what} | {figures[name]['ms']:.1f} | {spread(figures[name]['ratio'])} |"
    more = spread(found["command"]["figures"]["flom -o 5000 -- true"]["ratio"])
    yield "\n| time of other commands, to `python3 -I -S -c pass` | |\n|---|---|"
    yield f"| `flom -o 5000 -- true`; the same with any other option but -r, -s and -d | {more} |"
    figures = found["api"]["figures"]
    names = list(figures["flom"])
    yield f"\n| acquire and release in a program | {' | '.join(f'to {name}' for name in names)} |"
    yield "|---" * (len(names) + 1) + "|"
    for name, what in API.items():
        yield f"| {what} | {' | '.join(spread(figures[name][other]) for other in names)} |"
    yield "\n| the daemon for the same processor time, to the bare loop | UNIX | TCP |"
    yield "|---|---|---|"
    for way, what in WAYS.items():
        cells = (at(found, f"throughput/figures/{one}/{way}/cpu_ratio") for one in TRANSPORTS)
        yield f"| {what} | {' | '.join(map(spread, cells))} |"
    tls = found["tls"]["figures"]
    yield "\n| with TLS, to the same without | |\n|---|---|"
    cold = spread(tls["flom -- true, cold"])
    yield f"| time of `flom -- true`, which starts the daemon | {cold} |"
    yield f"| locks and unlocks a second, one connection | {spread(tls['kept'])} |"
    yield f"| locks and unlocks a second, a handshake for each | {spread(tls['fresh'])} |"
    if "store" in found:
        yield "\n| a command under a lock in etcd, to `etcdctl lock` | |\n|---|---|"
        figures = found["store"]["figures"]
        yield f"| uncontended, start to end | {spread(figures['cycle'])} |"
        yield f"| hand-over to a command that waits | {spread(figures['hand-over'])} |"
        yield "\n| requests to etcd for each lock, with so many waiting | |\n|---|---|"
        for waiters, number in found["store"]["requests"].items():
            yield f"| {waiters} | {number:.1f} |"
    yield "\n| with ten who watch all events, to the same without | |\n|---|---|"
    yield f"| locks and unlocks a second | {spread(found['watchers']['ratio'])} |"


def points(row: Tree) -> list[Point]:
    """The unit and the ratios of one row of scale.py."""
    return [(10, 1.0), *((int(n), one["median"]) for n, one in row["ratios"].items())]


def drawings(found: Tree) -> dict[str, str]:
    """The drawings by their file names."""
    daemon, table = found["scale"]["daemon"], found["scale"]["table"]
    kinds = [points(row) for name, row in table.items() if name != "resources"]
    title = "Hand-over to the next waiter, to that with 10"
    blue = "(blue: the daemon; grey: its lock table alone"
    waiters = f"waiters in the queue {blue}, each kind of resource)"
    resources = f"other resources alive {blue})"
    return {
        "cost-waiters.svg": plot(title, waiters, points(daemon["waiters"]), kinds),
        "cost-resources.svg": plot(
            title, resources, points(daemon["resources"]), [points(table["resources"])]
        ),
    }


HEAD = """# How fast it is

Every figure is a ratio of two things measured in turns within one run: the median, and in brackets
the middle half of the rounds. Each script in `benchmarks/` says at its head how it measures.

{machine}

    benchmarks/setup                                    # what is compared with
    scripts/bench --json docs/why/performance.jsonl     # some minutes
    .venv/bin/python benchmarks/report.py               # makes this page of it

## Targets

"""
DRAWN = """## How cost grows

![cost against waiters](cost-waiters.svg)
![cost against resources](cost-resources.svg)

## Compared

"""


def report(found: Tree) -> str:
    """The page."""
    head = HEAD.format(machine=machine(found))
    return head + "\n".join(tables(found)) + "\n" + DRAWN + "\n".join(others(found)) + "\n"


def pages(found: Tree) -> dict[str, str]:
    """The files that are made, by their names."""
    return {"performance.md": report(found), **drawings(found)}


def main() -> None:
    for name, text in pages(read()).items():
        (PLACE / name).write_text(text)


if __name__ == "__main__":
    main()
