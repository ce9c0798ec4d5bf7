"""Hosts for the system tests: namespaces with network, processes and name service of their own.

All hosts of a test share the file system and end with it, whatever they still run.
"""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys

from room import Room
from support import BOUND, FLOM, environment, need, need_program, pids, stat_fields, wait_for

# The first process of a host: collects whatever ends (else pgrep would see it), ends with its
# standard input, and everything in the host with it.
INIT = """\
import signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
sys.stdin.read()
"""
RELAY = str(pathlib.Path(__file__).resolve().parent / "relay.py")


class Host:
    """A host; `interface` is its only one besides lo, with the addresses `ip` and `link_local`."""

    def __init__(self, stage, folder, name):
        self.name = name
        self.folder = folder
        self.interface = self.ip = self.link_local = ""
        self.stage = stage
        self._keeper = subprocess.Popen(
            [*stage.prefix, "--", "unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc",
             sys.executable, "-I", "-S", "-c", INIT],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        ready = self._keeper.stdout.readline() == "ready\n"
        problem = "" if ready else self._keeper.communicate()[1]
        need(ready, f"no host here: {problem}")
        (self.init,) = [
            pid for pid in pids() if (stat_fields(pid) or "xx")[1] == str(self._keeper.pid)
        ]
        enter = ["nsenter", "--target", str(self.init), "--net", "--mount", "--pid"]
        if "--user" in stage.prefix:
            enter += ["--user", "--preserve-credentials"]
        self._prefix = [*enter, "--"]
        self.sh("ip link set lo up")

    def popen(self, *argv, env=None, **options):
        """A process on this host, as Popen with text pipes."""
        for name in ("stdout", "stderr"):
            options.setdefault(name, subprocess.PIPE)
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(
            [*self._prefix, *map(str, argv)],
            text=True, cwd=self.folder, env=environment(self.folder, **(env or {})), **options,
        )  # fmt: skip

    def run(self, *argv, **options):
        """A process on this host, to its end; the same result as subprocess.run gives."""
        process = self.popen(*argv, **options)
        try:
            out, err = process.communicate(timeout=3 * BOUND)
        finally:
            process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def flom(self, *words, **options):
        """The command on this host, to its end."""
        return self.run(FLOM, *words, **options)

    def sh(self, script):
        """A script that must succeed; returns what it prints."""
        done = self.run("sh", "-ec", script)
        assert done.returncode == 0, f"{script}: {done.stderr}"
        return done.stdout

    def hold(self, *words, **options):
        """A `flom` whose command holds a lock until it gets a line; returns when it has it."""
        holder = self.ask(*words, **options)
        assert holder.stdout.readline() == "held\n", holder.stderr.read()
        return holder

    def ask(self, *words, **options):
        """Like `hold`, but returns at once."""
        options.setdefault("stdin", subprocess.PIPE)
        return self.popen(FLOM, *words, "--", "sh", "-c", "echo held; read line", **options)

    def wait(self, *words):
        """Like `ask`; returns when the daemon has queued the request."""
        trace = self.folder / f"waiter{len(os.listdir(self.folder))}.trc"
        waiter = self.ask("-T", trace, *words, env={"FLOM_TRACE_MASK": "0x80"})
        wait_for(
            lambda: waiter.poll() is not None or (trace.exists() and 'rc="1"' in trace.read_text()),
            "a queued request",
        )
        assert waiter.poll() is None, waiter.stderr.read()
        return waiter

    def daemons(self):
        """The processes named flom, as pgrep tells."""
        return self.run("pgrep", "flom").stdout.split()

    def listening(self):
        """The addresses with port at which something listens, as ss prints them."""
        return [line.split()[3] for line in self.sh("ss -ltnH").splitlines()]

    def address(self, text):
        """One more address for the interface, usable at once."""
        nodad = " nodad" if ":" in text else ""
        self.sh(f"ip address add {text} dev {self.interface}{nodad}")

    def names(self, lines):
        """The only names that this host can resolve, as the lines of a hosts file."""
        base = self.folder / f"hosts.{self.name}"
        base.write_text("127.0.0.1 localhost\n::1 localhost\n" + lines)
        switch = self.folder / "nsswitch"
        switch.write_text("hosts: files\n")
        self.sh(f"mount --bind {base} /etc/hosts; mount --bind {switch} /etc/nsswitch.conf")

    def cut(self):
        """Whatever is sent from or to this host is lost from now on."""
        self.sh(f"ip link set {self.interface} down")

    def close(self):
        """The end of the host and of all that runs on it."""
        with contextlib.suppress(BrokenPipeError):
            self._keeper.stdin.close()
        try:
            self._keeper.wait(BOUND)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.init, signal.SIGKILL)
            self._keeper.stdout.close()
            self._keeper.stderr.close()

    def _attached(self, interface, number):
        self.interface = interface
        self.ip = f"10.1.1.{number}"
        self.link_local = f"fe80::ff:fe00:{number}"
        self.sh(
            f"echo 0 > /proc/sys/net/ipv6/conf/{interface}/accept_dad;"
            f"ip address add {self.ip}/24 dev {interface}; ip link set {interface} up"
        )


class Network:
    """Makes hosts and lines between them; `close` ends all."""

    def __init__(self, folder):
        for name in ("pgrep", "ss"):
            need_program(name)
        self.folder = folder
        self.hosts = []
        self._relay = None
        self._stage = Room(folder, "ip link set lo up\n")

    def host(self, name):
        """A host that is connected to nothing."""
        self.hosts.append(Host(self._stage, self.folder, name))
        return self.hosts[-1]

    def pair(self):
        """Two hosts on one line, with interfaces of different names and numbers (daemon.md 10)."""
        server, client = self.host("server"), self.host("client")
        self._sh(
            f"ip link add vsrv index 11 address 02:00:00:00:00:01 netns {server.init} type veth"
            f" peer name vcli index 12 address 02:00:00:00:00:02 netns {client.init}"
        )
        server._attached("vsrv", 1)
        client._attached("vcli", 2)
        for host in (server, client):
            host.names(
                f"10.1.1.1 srv.example\n{server.link_local} srv.example\n"
                f"{server.link_local} srv6.example\n"
            )
        for host in (server, client):
            self._await_carrier(host)
        return server, client

    def bridge(self, count):
        """So many hosts on a bridge; the numbers in their addresses count from 1."""
        self._sh("ip link add br0 type bridge; ip link set br0 up")
        made = []
        for number in range(1, count + 1):
            host = self.host(f"host{number}")
            self._sh(
                f"ip link add port{number} type veth peer name eth{number} index {20 + number}"
                f" address 02:00:00:00:00:0{number} netns {host.init};"
                f"ip link set port{number} master br0 up"
            )
            host._attached(f"eth{number}", number)
            made.append(host)
        for host in made:
            self._await_carrier(host)
        return made

    def bad_line(self, count, delay, loss):
        """So many hosts on a line that delays frames (seconds) and loses a share of the packets."""
        made = [self.host(f"host{number}") for number in range(1, count + 1)]
        ends = [word for at, host in enumerate(made, 1) for word in (str(host.init), f"tap{at}")]
        relay = subprocess.Popen(
            [*self._stage.prefix, "--", sys.executable, RELAY, str(delay), str(loss), *ends],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        ready = relay.stdout.readline() == "ready\n"
        problem = "" if ready else relay.communicate()[1]
        need(ready, f"no line of our own between hosts here: {problem}")
        self._relay = relay
        for number, host in enumerate(made, 1):
            host.sh(f"ip link set tap{number} address 02:00:00:00:00:0{number}")
            host._attached(f"tap{number}", number)
        for host in made:
            self._await_carrier(host)
        return made

    def end_bad_line(self):
        """Nothing is carried any more; returns how many packets were lost."""
        relay, self._relay = self._relay, None
        out, err = relay.communicate(timeout=BOUND)
        assert not err, err
        return int(out)

    def close(self):
        """The end of all hosts."""
        try:
            if self._relay:
                self.end_bad_line()
        finally:
            for host in self.hosts:
                host.close()
            self._stage.close()

    def _sh(self, script):
        done = subprocess.run(
            [*self._stage.prefix, "--", "sh", "-ec", script],
            check=False,
            capture_output=True,
            text=True,
        )
        need(done.returncode == 0, f"no line between hosts here: {done.stderr}")

    def _await_carrier(self, host):
        wait_for(
            lambda: re.search(r"inet6 fe80\S+ scope link (?!tentative)", _addresses(host)),
            "a link-local address",
        )
        assert host.link_local in _addresses(host)


def _addresses(host):
    return host.sh(f"ip -6 -o address show dev {host.interface}")


@contextlib.contextmanager
def network(folder):
    """A network of hosts for a test."""
    made = Network(folder)
    try:
        yield made
    finally:
        made.close()
