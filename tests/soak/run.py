"""A daemon that has served a million clients is as large as one that has served a few.

scripts/soak --cycles 1000000
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from peer import Peer, socket

HERE = pathlib.Path(__file__).resolve().parent
PROCESSES = 2
WARM_UP = 20_000  # cycles after which the interpreter has got what it keeps
FORGOTTEN = 12.0  # seconds: the longest timer of the daemon, and a little
REST = 60.0  # seconds after which what is still there stays
# What may be kept by chance: memory (KiB) that the allocator does not give back, caches.
MARGINS = {"memory": 4096, "blocks": 2000}


class Soaked:
    """A daemon of its own, with one lock held."""

    def __init__(self, folder):
        self._path = str(folder / "s")
        words = [sys.executable, str(HERE / "daemon.py"), "-s", self._path, "-d", "-1"]
        log = folder / "log"
        with log.open("w") as errors:
            self._daemon = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                text=True, env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
            )  # fmt: skip
        while "ready" not in log.read_text():
            assert self._daemon.poll() is None, log.read_text()
            time.sleep(0.01)
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(self._path)
        self._keeper = Peer(sock)
        assert self._keeper.lock("Keep") == 0
        self._seed = 0

    def sizes(self):
        """How large the daemon is now."""
        self._daemon.stdin.write("\n")
        self._daemon.stdin.flush()
        return json.loads(self._daemon.stdout.readline())

    def serve(self, cycles):
        """Let so many clients come and go; fails when one of them is not served as it should."""
        clients = []
        for _ in range(PROCESSES):
            self._seed += 1
            words = [self._path, str(cycles // PROCESSES), str(self._seed)]
            clients.append(subprocess.Popen([sys.executable, str(HERE / "client.py"), *words]))
        for client in clients:
            assert client.wait() == 0, "a client was not served"

    def rested(self, before):
        """How large it is as soon as it is no larger than `before`, or after a long time."""
        end = time.monotonic() + REST
        while grown(before, now := self.sizes()) and time.monotonic() < end:
            time.sleep(0.5)
        return now

    def close(self):
        """The end of the daemon."""
        self._keeper.close()
        self._daemon.terminate()
        self._daemon.communicate(timeout=60)


def grown(before, now):
    """What is larger than before, as text."""
    return [
        f"{what}: {before[what]} before, {now[what]} now"
        for what in before
        if now[what] > before[what] + MARGINS.get(what, 0)
    ]


def soak(cycles):
    """Sizes before and after so many cycles, and the seconds they took."""
    with tempfile.TemporaryDirectory(prefix="flom-") as folder:
        daemon = Soaked(pathlib.Path(folder))
        try:
            daemon.serve(WARM_UP)
            time.sleep(FORGOTTEN)
            before = daemon.sizes()
            begun = time.monotonic()
            daemon.serve(cycles)
            seconds = time.monotonic() - begun
            return before, daemon.rested(before), seconds
        finally:
            daemon.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cycles", type=int, default=1_000_000, help="default: a million")
    cycles = parser.parse_args().cycles
    before, after, seconds = soak(cycles)
    print(f"{cycles} cycles in {seconds:.0f} s, {cycles / seconds:.0f} a second")
    for what in before:
        print(f"{what:12} {before[what]:8} before {after[what]:8} after")
    problems = grown(before, after)
    print("\n".join(problems) or "nothing has grown")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
