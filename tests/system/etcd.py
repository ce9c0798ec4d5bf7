"""Real etcd for the tests: one node or several, on ports and in folders of their own.

Nothing here uses, or ends, an etcd that the machine runs by itself.
"""

import contextlib
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request

from support import BOUND, free_port, need_program, wait_for

# Milliseconds. A leader is missed after ELECTION to twice that.
HEARTBEAT = 50
ELECTION = 500
# In what a node tells of itself.
REQUESTS = re.compile(
    r'^grpc_server_started_total{grpc_method="(\w+)",grpc_service="etcdserverpb[^}]*} (\S+)$', re.M
)


class Etcd:
    """The words with which etcdctl reaches nodes, what it says, and the address for `flom`."""

    def __init__(self, addresses, files=None, login=""):
        self.addresses = addresses
        self.files = files
        self.login = login

    def url(self, prefix):
        """The store's address for `flom`, for keys below a prefix of the caller."""
        return f"etcd://{','.join(self.addresses)}/{prefix}"

    def words(self, *words):
        """A command of etcdctl."""
        scheme = "https" if self.files else "http"
        endpoints = ",".join(f"{scheme}://{address}" for address in self.addresses)
        tls = []
        if self.files:
            tls = ["--cacert", f"{self.files}/one.ca", "--cert", f"{self.files}/mine.pem",
                   "--key", f"{self.files}/mine.key"]  # fmt: skip
        login = ["--user", self.login] if self.login else []
        return ["etcdctl", "--endpoints", endpoints, *tls, *login, *map(str, words)]

    def ctl(self, *words):
        """What etcdctl prints for a command that must succeed."""
        done = subprocess.run(
            self.words(*words), check=False, capture_output=True, text=True, timeout=BOUND,
            env=_environment(),
        )  # fmt: skip
        assert done.returncode == 0, f"etcdctl {words}: {done.stderr}"
        return done.stdout

    def keys(self, prefix):
        """The keys below a prefix, as text, in order."""
        return self.ctl("get", "--prefix", "--keys-only", prefix).split()

    def leases(self):
        """The leases that live, as etcdctl writes them."""
        return self.ctl("lease", "list").split()[3:]

    def revision(self):
        """The revision of the store: how many changes it has seen."""
        return json.loads(self.ctl("get", "x", "-w", "json"))["header"]["revision"]

    def compact(self):
        """Forget all revisions but the last one; returns its number."""
        revision = self.revision()
        self.ctl("compact", revision)
        return revision


class Node(Etcd):
    """A process of etcd; `host` is where it runs (hosts.Host), this machine if None."""

    def __init__(self, cluster, name, host, address):
        client, self._peer, metrics = (f"{address}:{_port(host)}" for _ in range(3))
        super().__init__([client], cluster.files, cluster.login)
        self.name = name
        self.host = host
        self.peer = f"http://{self._peer}"
        self.process = None
        self._metrics = f"http://{metrics}"
        self._folder = cluster.folder / name
        self._cluster = cluster

    def start(self):
        """Start it, with what it has stored before; it may not serve yet."""
        scheme = "https" if self.files else "http"
        client = f"{scheme}://{self.addresses[0]}"
        words = [
            "etcd", "--name", self.name, "--data-dir", str(self._folder), "--unsafe-no-fsync",
            "--heartbeat-interval", str(HEARTBEAT), "--election-timeout", str(ELECTION),
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", self.peer, "--initial-advertise-peer-urls", self.peer,
            "--listen-metrics-urls", self._metrics, "--initial-cluster", self._cluster.members(),
            "--logger", "zap", "--log-level", "warn", "--log-outputs", "stderr",
        ]  # fmt: skip
        if self.files:
            words += ["--cert-file", f"{self.files}/local.pem", "--key-file",
                      f"{self.files}/local.key", "--trusted-ca-file", f"{self.files}/one.ca",
                      "--client-cert-auth"]  # fmt: skip
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        with open(self.log, "ab") as log:
            if self.host:
                self.process = self.host.popen(*words, stderr=log, **options)
            else:
                self.process = subprocess.Popen(words, stderr=log, env=_environment(), **options)

    @property
    def log(self):
        """Where it writes what it has to say."""
        return self._folder.with_suffix(".log")

    def healthy(self):
        """Whether it knows a leader and serves."""
        assert self.process.poll() is None, self.log.read_text()
        if self.host:
            return self.host.run(*self.words("endpoint", "health")).returncode == 0
        try:
            with urllib.request.urlopen(f"{self._metrics}/health", timeout=5) as answer:
                return json.load(answer)["health"] == "true"
        except (OSError, urllib.error.URLError, ValueError):
            return False

    def ready(self):
        """Wait until it serves."""
        wait_for(self.healthy, f"etcd node {self.name} at work", 2 * BOUND)

    def requests(self):
        """How many requests of each kind it has been sent since it started: {"Txn": 3, ...}."""
        with urllib.request.urlopen(f"{self._metrics}/metrics", timeout=BOUND) as answer:
            text = answer.read().decode()
        return {name: int(float(number)) for name, number in REQUESTS.findall(text)}

    def stop(self):
        """Let it do nothing until `go_on`."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self):
        """The end of `stop`."""
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self):
        """End it at once; it can be started again (what runs on a host ends with that only)."""
        self.process.kill()
        self.process.wait(BOUND)

    def status(self):
        """What it says of itself, as etcdctl prints it."""
        return json.loads(self.ctl("endpoint", "status", "-w", "json"))[0]["Status"]


class Cluster(Etcd):
    """Nodes that are one store; `hosts` are where they run (hosts.Host), else this machine.

    files: the folder of certificates.py, for TLS with certificates of clients as well.
    """

    def __init__(self, folder, count=1, *, files=None, hosts=()):
        self.folder = folder
        self.files = files
        self.login = ""
        where = [(host, host.ip) for host in hosts] or [(None, "127.0.0.1")] * count
        self.nodes = [Node(self, f"node{number}", *each) for number, each in enumerate(where, 1)]
        super().__init__([node.addresses[0] for node in self.nodes], files)

    def start(self):
        """Start all nodes, with what they have stored before; wait until they serve."""
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.ready()

    def members(self):
        """The nodes as etcd wants to be told."""
        return ",".join(f"{node.name}={node.peer}" for node in self.nodes)

    def leader(self):
        """The node that leads; waits until there is one."""
        return wait_for(self._leader, "a leader")

    def _leader(self):
        living = [node for node in self.nodes if node.process.poll() is None]
        statuses = {node: node.status() for node in living if node.healthy()}
        leading = [node for node, s in statuses.items() if s["leader"] == s["header"]["member_id"]]
        return leading[0] if len(leading) == 1 else None

    def protect(self, prefix, *, user="locker", password="open sesame"):
        """Switch authentication on: root may do all, `user` what is below the prefix."""
        root = "root:root"
        self.ctl("user", "add", root)
        self.ctl("user", "grant-role", "root", "root")
        self.ctl("role", "add", "locks")
        self.ctl("role", "grant-permission", "--prefix=true", "locks", "readwrite", prefix)
        self.ctl("user", "add", f"{user}:{password}")
        self.ctl("user", "grant-role", user, "locks")
        self.ctl("auth", "enable")
        for each in (self, *self.nodes):
            each.login = root

    def close(self):
        """The end of all nodes."""
        for node in self.nodes:
            if node.process:
                node.kill()


@contextlib.contextmanager
def etcd(count=1, **options):
    """A cluster for a test, in a folder of its own."""
    need_program("etcd")
    need_program("etcdctl")
    # In memory where possible: what a test stores outlives nodes, never the machine.
    memory = pathlib.Path("/dev/shm")
    where = memory if os.access(memory, os.W_OK) else None
    folder = pathlib.Path(tempfile.mkdtemp(prefix="flom-etcd-", dir=where))
    made = Cluster(folder, count, **options)
    try:
        made.start()
        yield made
    finally:
        made.close()
        shutil.rmtree(folder)


def _environment():
    """Without settings of the user for etcd."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ETCD")}
    # etcd asks for this word on all but two kinds of processors.
    arch = {"aarch64": "arm64"}.get(platform.machine(), "")
    return {**kept, "ETCD_UNSUPPORTED_ARCH": arch} if arch else kept


_given = set()


def _port(host):
    """A port for a node: on this machine a free one, never the same twice."""
    while (port := free_port("127.0.0.1")) in _given:
        pass
    _given.add(port)
    return port
