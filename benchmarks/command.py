"""What `flom -- true` costs, start to end, as a user has installed it.

The unit is `python3 -I -S -c pass` with the interpreter that flom itself runs on: what any command
written in Python costs at least.
"""

import itertools
import os
from pathlib import Path

from common import (
    DAEMON_LIFESPAN,
    PYTHON,
    Daemon,
    Outcome,
    Series,
    arguments,
    finish,
    in_turns,
    run,
    surroundings,
    workplace,
)

UNIT = "python3 -I -S -c pass"


class Runs:
    """The programs that are measured; each call runs one of them once."""

    def __init__(self, flom: Path, folder: Path) -> None:
        self._flom = str(flom)
        self._folder = folder
        self._environ = surroundings(folder)
        self._daemon = Daemon(flom, folder, "warm")
        self._numbers = itertools.count()

    def unit(self) -> Outcome:
        return run([PYTHON, "-I", "-S", "-c", "pass"], self._environ)

    def flock(self) -> Outcome:
        return run(["flock", str(self._folder / "file"), "true"], self._environ)

    def warm(self) -> Outcome:
        """The daemon runs already."""
        return run([*self._daemon.words, "--", "true"], self._environ)

    def more(self) -> Outcome:
        """What is not so plain that it goes the shortest way (cli/plain.py)."""
        return run([*self._daemon.words, "-o", "5000", "--", "true"], self._environ)

    def cold(self) -> Outcome:
        """Nobody listens on the socket: a daemon must be started. Its end is not measured."""
        words = [self._flom, "-s", str(self._folder / f"cold{next(self._numbers)}")]
        outcome = run([*words, "-d", DAEMON_LIFESPAN, "--", "true"], self._environ)
        run([*words, "-X"], self._environ)
        return outcome

    def help(self) -> Outcome:
        return run([self._flom, "--help"], self._environ)

    def close(self) -> None:
        self._daemon.close()


def measure(runs: Runs, rounds: int) -> dict[str, list[Outcome]]:
    """The outcomes of every program, in turns."""
    sides = {
        UNIT: runs.unit,
        "flom -- true": runs.warm,
        "flom -o 5000 -- true": runs.more,
        "flom --help": runs.help,
        "flom -- true, cold": runs.cold,
    }
    if any(os.access(f"{place}/flock", os.X_OK) for place in os.get_exec_path()):
        sides["flock FILE true"] = runs.flock
    in_turns(1, sides)  # fills the caches
    return in_turns(rounds, sides)


def main() -> None:
    options = arguments("time of the whole command, as a ratio to the bare interpreter", runs=100)
    with workplace(options.flom) as (folder, flom):
        runs = Runs(flom, folder)
        try:
            outcomes = measure(runs, options.runs)
        finally:
            runs.close()
    wall = {name: Series([one.wall for one in some]) for name, some in outcomes.items()}
    cpu = {name: Series([one.cpu for one in some]) for name, some in outcomes.items()}

    print(f"{options.runs} runs of each in turns: medians, and the middle half of the runs")
    print(f"{'':24}{'ms':>8}   {'ratio':20}{'ratio of processor time'}")
    figures = {}
    for name in wall:
        ratio, work = wall[name].over(wall[UNIT]), cpu[name].over(cpu[UNIT])
        print(f"{name:24}{wall[name].median * 1000:8.2f}   {ratio!s:20}{work}")
        figures[name] = {"ratio": ratio.figures(), "cpu_ratio": work.figures()}
    over_flock = None
    if "flock FILE true" in wall:
        over_flock = wall["flom -- true"].over(wall["flock FILE true"])
        print(f"{'flom over flock':24}{'':11}{over_flock}")
    finish(
        "command",
        runs=options.runs,
        unit=UNIT,
        unit_ms=wall[UNIT].figures()["median"] * 1000,
        figures=figures,
        flom_over_flock=over_flock.figures() if over_flock else None,
    )


if __name__ == "__main__":
    main()
