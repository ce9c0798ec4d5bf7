"""What the benchmarks share: a fresh installation, daemons of their own, medians, the last line.

Every figure is a ratio of two things measured in turns within one run: on a machine that does
other work, times drift by a factor of two, ratios of neighbours by a tenth.
"""

import argparse
import base64
import json
import os
import platform
import resource
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
# What no wheel is made of.
_LEFT_OUT = (".*", "build", "dist", "tests", "benchmarks", "docs", "__pycache__", "*.egg-info")
# The interpreter itself, not a version manager's shim nor a virtual environment's link.
PYTHON = os.path.realpath(sys.executable)
LEAVE_LIMIT = 10.0  # seconds for a daemon to end
DAEMON_LIFESPAN = "60000"  # ms without work: none outlives a benchmark that was killed
CHILD_LIMIT = 3600  # seconds; a child ends even if its benchmark was killed
ANSWER_LIMIT = 30  # seconds for a daemon to answer

LOOPBACK = "127.0.0.1"

T = TypeVar("T")
Address = str | tuple[str, int]


# Preparations


def arguments(description: str, **counts: int) -> argparse.Namespace:
    """The options of a benchmark: `--flom`, and a positive number for each of `counts`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--flom",
        metavar="PATH",
        help="measure this installed command instead of a fresh installation of the source tree",
    )
    for name, default in counts.items():
        parser.add_argument(f"--{name}", type=_positive, default=default, metavar="N")
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


@contextmanager
def workplace(flom: str | None) -> Iterator[tuple[Path, Path]]:
    """A temporary folder and the `flom` command to measure, installed there unless given."""
    folder = Path(tempfile.mkdtemp(prefix="flom-bench-"))
    try:
        yield folder, Path(flom).absolute() if flom else install(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def install(folder: Path) -> Path:
    """Build a wheel and install it as a user does, byte code included; returns bin/flom."""
    source, wheels, home = folder / "source", folder / "wheels", folder / "home"
    # Built from a copy: building leaves things behind in the tree.
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    _call([PYTHON, "-m", "venv", str(home)])
    pip = [str(home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-q"]
    _call([*pip, "wheel", "--no-deps", "-w", str(wheels), str(source)])
    built = [str(wheel) for wheel in wheels.glob("*.whl")]
    _call([*pip, "install", "--no-deps", "--no-index", *built])
    return home / "bin" / "flom"


def _call(words: list[str]) -> None:
    ended = subprocess.run(words, check=False, capture_output=True, text=True)
    if ended.returncode:
        sys.exit(f"{' '.join(words)} failed:\n{ended.stdout}{ended.stderr}")


def surroundings(folder: Path) -> dict[str, str]:
    """The environment, without a user's configuration file and settings for Python."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return {**kept, "HOME": str(folder)}


def raise_descriptor_limit() -> int:
    """Allow as many descriptors as the system lets us have; returns how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


# Processes


class Outcome:
    """What one run of a program took: seconds of the clock, and of the processors."""

    def __init__(self, wall: float, cpu: float) -> None:
        self.wall = wall
        self.cpu = cpu


def run(words: list[str], environ: dict[str, str], expected: int = 0) -> Outcome:
    """Run a program to its end, silent, and time it; its descendants' processor time included."""
    null = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    begin = time.perf_counter()
    child = os.posix_spawnp(words[0], words, environ, file_actions=null)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - begin
    if os.waitstatus_to_exitcode(status) != expected:
        sys.exit(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    return Outcome(wall, usage.ru_utime + usage.ru_stime)


class Daemon:
    """A daemon that `flom` has started, on an endpoint that nobody else uses.

    host: listen on a port of this address, of the loopback interface, instead of a local socket.
    files: options that give it, and its commands, certificates.
    """

    def __init__(
        self, flom: Path, folder: Path, name: str, *, host: str = "", files: Sequence[str] = ()
    ) -> None:
        self._environ = surroundings(folder)
        port = free_ports(host, 1)[0] if host else 0
        self.address: Address = (host, port) if host else str(folder / f"{name}.sock")
        where = ["-a", host, "-p", str(port)] if host else ["-s", str(self.address)]
        self.words = [str(flom), *where, *files]
        mark = f"daemon-{name}-{os.getpid()}-{port}"
        # The mark finds the process: a daemon shows the words of the command that started it.
        run([*self.words, "-d", DAEMON_LIFESPAN, "--", "true", mark], self._environ)
        self.pid = _process_with(mark)

    def close(self) -> None:
        """Let the daemon end, and wait until it has."""
        os.kill(self.pid, signal.SIGTERM)
        give_up = time.monotonic() + LEAVE_LIMIT
        while _command_line(self.pid) and time.monotonic() < give_up:
            time.sleep(0.001)


def _family(address: Address) -> int:
    if isinstance(address, str):
        return socket.AF_UNIX
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


def free_ports(host: str, count: int) -> list[int]:
    """Ports of an address that nobody uses at present, all different."""
    sockets = [socket.socket(_family((host, 0))) for _ in range(count)]
    for sock in sockets:
        sock.bind((host, 0))
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def _process_with(mark: str) -> int:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if mark.encode() in _command_line(int(pid)).split(b"\0"):
            return int(pid)
    sys.exit("the daemon cannot be found among the processes")


def _command_line(pid: int) -> bytes:
    """Empty when the process has ended, even if its parent has not noticed yet."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


class Child:
    """A process of the benchmark's own, which does `work` until it is closed."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            signal.alarm(CHILD_LIMIT)
            try:
                work()
            finally:
                os._exit(1)

    def close(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def cpu_time(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# Messages of the protocol, as a client writes them.

_HEAD = '<?xml version="1.0" encoding="UTF-8" ?><msg level="3" verb="{verb}" step="8">'


def lock_message(name: str, lifespan: int = 0) -> bytes:
    """An exclusive lock of a simple resource that waits and creates."""
    text = (
        f'<session peerid="{"0" * 32}"/><resource name="{_base64(name)}" mode="5" wait="1"'
        f' create="1" lifespan="{lifespan}"/></msg>'
    )
    return (_HEAD.format(verb=1) + text).encode()


def unlock_message(name: str) -> bytes:
    """The end of that lock."""
    text = f'<resource name="{_base64(name)}" rollback="0" /></msg>'
    return (_HEAD.format(verb=2) + text).encode()


def _base64(name: str) -> str:
    return base64.b64encode(name.encode()).decode()


def connect(address: Address) -> socket.socket:
    """A blocking connection to a daemon."""
    sock = socket.socket(_family(address), socket.SOCK_STREAM)
    # Bounded by the kernel: Python's own time limit costs a system call more at each receive, and
    # does not wait for a listener whose queue is full.
    for limit in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        sock.setsockopt(socket.SOL_SOCKET, limit, struct.pack("ll", ANSWER_LIMIT, 0))
    sock.connect(address)
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def answered(sock: socket.socket, rc: int) -> bytes:
    """The next answer, which must have this code."""
    answer = sock.recv(4096)
    if f'rc="{rc}"'.encode() not in answer:
        sys.exit(f"the daemon answers {answer!r} instead of {rc}")
    return answer


# Figures


class Series:
    """Repeated measurements of one thing."""

    def __init__(self, values: Sequence[float]) -> None:
        self.values = list(values)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Between these lies the middle half."""
        if len(self.values) < 2:
            return self.median, self.median
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return low, high

    def over(self, other: "Series") -> "Series":
        """The ratios to what was measured in the same turn."""
        pairs = zip(self.values, other.values, strict=True)
        return Series([one / two for one, two in pairs])

    def figures(self) -> dict[str, float]:
        """For the last line: the median and the spread."""
        low, high = self.quartiles
        return {"median": _short(self.median), "low": _short(low), "high": _short(high)}

    def __str__(self) -> str:
        low, high = self.quartiles
        return f"{self.median:.2f} ({low:.2f}-{high:.2f})"


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def in_turns(rounds: int, sides: dict[str, Callable[[], T]]) -> dict[str, list[T]]:
    """Call every side once in each round, beginning with another one each time."""
    results: dict[str, list[T]] = {name: [] for name in sides}
    names = list(sides)
    for turn in range(rounds):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            results[name].append(sides[name]())
    return results


def finish(benchmark: str, **figures: object) -> None:
    """Print the last line, for machines."""
    facts = {"python": platform.python_version(), "processors": os.cpu_count()}
    print(json.dumps({"benchmark": benchmark, **facts, **figures}), flush=True)
