"""Servers that flom is compared with: each benchmark has its own, on what nobody else uses."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from common import LOOPBACK, free_ports, surroundings

START_LIMIT = 60.0  # seconds for a server


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis server that keeps nothing; the path of its local socket."""
    path = folder / "redis.sock"
    words = ["redis-server", "--port", "0", "--unixsocket", str(path), "--save", ""]
    with _running([*words, "--dir", str(folder)], folder, path.exists):
        yield str(path)


class Etcd:
    """A node of etcd, by its address."""

    def __init__(self, address: str) -> None:
        self.address = address

    def etcdctl(self, *words: str) -> list[str]:
        """A command of etcdctl."""
        return ["etcdctl", "--endpoints", f"http://{self.address}", *words]

    def healthy(self) -> bool:
        """Whether it serves."""
        words = self.etcdctl("endpoint", "health")
        return subprocess.run(words, check=False, capture_output=True).returncode == 0


@contextmanager
def etcd(folder: Path) -> Iterator[Etcd]:
    """A node that does not wait for the disk."""
    address, peer = (f"{LOOPBACK}:{port}" for port in free_ports(LOOPBACK, 2))
    words = [
        "etcd", "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync",
        "--listen-client-urls", f"http://{address}",
        "--advertise-client-urls", f"http://{address}",
        "--listen-peer-urls", f"http://{peer}",
        "--initial-advertise-peer-urls", f"http://{peer}",
        "--initial-cluster", f"default=http://{peer}",
    ]  # fmt: skip
    node = Etcd(address)
    with _running(words, folder, node.healthy):
        yield node


@contextmanager
def _running(words: list[str], folder: Path, ready: Callable[[], bool]) -> Iterator[None]:
    null = subprocess.DEVNULL
    server = subprocess.Popen(words, stdout=null, stderr=null, env=surroundings(folder))
    try:
        give_up = time.monotonic() + START_LIMIT
        while not ready():
            if server.poll() is not None or time.monotonic() > give_up:
                sys.exit(f"{os.path.basename(words[0])} does not start")
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        server.wait()
