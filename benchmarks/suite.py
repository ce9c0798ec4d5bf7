"""Runs the benchmarks one after the other and keeps what they find, one JSON object a line.

The first line tells of the machine and of the versions, each further one is what a benchmark has
found (its last line). `report.py` makes docs/why/performance.md of them.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from common import workplace

HERE = Path(__file__).resolve().parent
# In the order in which they run, with the words that make them short.
BENCHMARKS = {
    "command": ["--runs", "10"],
    "rivals": ["--runs", "5"],
    "throughput": ["--rounds", "4", "--milliseconds", "50"],
    "latency": ["--rounds", "3", "--milliseconds", "200"],
    "families": ["--rounds", "4", "--batch", "100"],
    "tls": ["--runs", "5", "--rounds", "3", "--milliseconds", "50"],
    "scale": ["--rounds", "5", "--waiters", "1000", "--resources", "1000"],
    "growth": ["--rounds", "4", "--waiters", "1000", "--resources", "1000"],
    "watchers": ["--rounds", "2", "--milliseconds", "100"],
    "api": ["--rounds", "3", "--pairs", "20"],
    "store": ["--runs", "3"],
}
# What tells its version, and the place of that among the words of its first line.
TOOLS = {
    "flock": (["flock", "--version"], -1),
    "Redis": (["redis-server", "--version"], 2),
    "etcd": (["etcd", "--version"], -1),
}
PACKAGES = {"filelock": "filelock", "redis-py": "redis"}

Figures = dict[str, object]


def surroundings() -> Figures:
    """The machine, what else it does at present, and the versions."""
    versions = {}
    for name, (words, place) in TOOLS.items():
        if shutil.which(words[0]):
            shown = subprocess.run(words, check=False, capture_output=True, text=True).stdout
            versions[name] = shown.splitlines()[0].split()[place].removeprefix("v=")
    for name, package in PACKAGES.items():
        try:
            versions[name] = version(package)
        except PackageNotFoundError:
            pass  # left out by the benchmarks, too
    return {
        "benchmark": "machine",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": _first("/proc/cpuinfo", "model name"),
        "processors": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "virtual": "hypervisor" in _first("/proc/cpuinfo", "flags").split(),
        "load": os.getloadavg()[0],
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "versions": versions,
    }


def _first(path: str, key: str) -> str:
    for line in Path(path).read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "unknown"


def run(name: str, words: list[str]) -> Figures:
    """Run a benchmark; what it prints is shown, its last line returned."""
    print(f"-- {name}", flush=True)
    command = [sys.executable, str(HERE / f"{name}.py"), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        last = ""
        for line in process.stdout or ():
            if last:
                print(last, end="", flush=True)
            last = line
    if process.returncode:
        sys.exit(f"{name} ended with status {process.returncode}")
    found: Figures = json.loads(last)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help="few rounds: do they run at all?")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures there")
    options = parser.parse_args()
    if unknown := set(options.names) - BENCHMARKS.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    lines = [surroundings()]
    with workplace(None) as (_, flom):
        for name, short in BENCHMARKS.items():
            if name in options.names or not options.names:
                lines.append(run(name, ["--flom", str(flom), *(short if options.quick else [])]))
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    if options.json:
        options.json.write_text(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
