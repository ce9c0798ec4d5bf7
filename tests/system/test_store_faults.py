"""What happens to locks in a store when nodes, lines, hosts and processes fail.

Each fault has its bound stated here, in seconds, before it is measured; docs/why/which-engine.md
repeats them. Upper bounds are ten times wider in a test, since its machine does other work too;
what was measured is printed.
"""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from hosts import network
from support import BOUND, FLOM, StorePlace, wait_for

import flom
from flom.store import lock, session

TTL = 5  # seconds: the shortest session
WIDER = 10
GRANTS_GO_ON = 3.0  # after a leader's death
HOST_DIED = TTL + 1.0  # until the locks of a dead host are free
CUT_OFF = 2.0 * TTL  # until those of a minority are: a new leader counts all sessions from 0 again
RETURNED = 3.0  # until grants go on when all nodes are back
AT_ONCE = 1.0  # from a release to the grant of who waits

# Tells when it runs, with its token, and when it is told that the lock is lost, or let go.
HOLDER = """\
import os, signal, sys, time
def say(what):
    print(what, time.monotonic(), os.environ["FLOM_FENCING_TOKEN"], flush=True)
def told(*_):
    say("told")
    os._exit(0)
signal.signal(signal.SIGTERM, told)
say("held")
sys.stdin.readline()
say("over")
"""
COMMAND = ("--", sys.executable, "-I", "-S", "-c", HOLDER)


class Holder:
    """A `flom` whose command tells what happens to it."""

    def __init__(self, process):
        self.process = process
        self.token = None

    def heard(self, wanted):
        """Wait until its command says this; returns when that was (monotonic)."""
        words = self.process.stdout.readline().split()
        assert words, self.process.stderr.read()
        what, at, token = words
        assert what == wanted
        self.token = int(token)
        return float(at)

    def let_go(self):
        """Let the command end; returns the status of `flom` and what it complained of."""
        _, errors = self.process.communicate("\n", timeout=BOUND)
        return self.process.returncode, errors

    def ended(self):
        """Wait until it has ended; returns its status and what it complained of."""
        _, errors = self.process.communicate(timeout=BOUND)
        return self.process.returncode, errors


@pytest.fixture
def at(folder, etcds):
    """Makes a place at a cluster of so many nodes of etcd."""
    made = []

    def make(count):
        made.append(StorePlace(folder, etcds(count), TTL))
        return made[-1]

    yield make
    for place in made:
        place.clear()


@pytest.fixture
def client(folder, monkeypatch):
    """Makes clients in this process."""
    monkeypatch.setenv("HOME", str(folder))
    return lambda place: flom.Client(place.endpoint)


def hold(place, *words):
    """A command that holds R."""
    holder = ask(place, *words)
    holder.heard("held")
    return holder


def ask(place, *words):
    """A command that will hold R."""
    return Holder(place.start("-r", "R", *words, *COMMAND, stdin=subprocess.PIPE))


def wait(place):
    """A command that waits for R; its request is in the store."""
    before = len(place.stored())
    holder = ask(place)
    wait_for(lambda: len(place.stored()) > before, "the request in the store")
    return holder


def within(begun, until, promised):
    """Whether it took no longer than promised, or not much."""
    print(f"took {until - begun:.2f} s, promised {promised:g} s")
    return until - begun <= WIDER * promised


def use(client):
    """Take a lock that nobody has, and give it back."""
    client.lock("free", timeout=BOUND).acquire().release()
    return time.monotonic()


FAULTS = {
    "leader killed": (lambda store: store.leader(), "kill"),
    "leader stopped": (lambda store: store.leader(), "stop"),
    "node stopped": (lambda store: followers(store)[0], "stop"),
}


def followers(store):
    leader = store.leader()
    return [node for node in store.nodes if node is not leader]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_node_fails(at, client, fault):
    """Grants go on, a waiter gets the lock when the holder leaves, no lock is lost."""
    place, (which, how) = at(3), FAULTS[fault]
    locks = client(place)
    use(locks)
    holder, waiter = hold(place), wait(place)
    node = which(place.store)
    begun = time.monotonic()
    getattr(node, how)()
    assert within(begun, use(locks), GRANTS_GO_ON)
    # Longer than a session lives without the store.
    time.sleep(max(begun + TTL + 1 - time.monotonic(), 0))
    assert place.run("-r", "R", "-o", "0", "--", "true").returncode == 98
    assert holder.let_go() == (0, "")
    waiter.heard("held")
    assert waiter.token > holder.token
    assert waiter.let_go() == (0, "")


def test_the_store_starts_again(at, client):
    """A node that is alone dies and returns: holder and waiter have lost nothing."""
    place = at(1)
    holder, waiter = hold(place), wait(place)
    (node,) = place.store.nodes
    node.kill()
    node.start()
    node.ready()
    begun = time.monotonic()
    assert within(begun, use(client(place)), RETURNED)
    assert holder.let_go() == (0, "")
    waiter.heard("held")
    assert waiter.token > holder.token
    assert waiter.let_go() == (0, "")


def test_all_nodes_are_gone_for_a_moment(at):
    """Shorter than half a session: nobody is told anything."""
    place = at(3)
    holder, waiter = hold(place), wait(place)
    for node in place.store.nodes:
        node.stop()
    time.sleep(TTL / 10)
    for node in place.store.nodes:
        node.go_on()
    assert holder.let_go() == (0, "")
    waiter.heard("held")
    assert waiter.let_go() == (0, "")


def test_all_nodes_are_gone_for_long(at, client):
    """Holder and waiter are told before their sessions are over; then grants go on as before."""
    place = at(3)
    holder = hold(place)
    waiting = place.wait()
    begun = time.monotonic()
    for node in place.store.nodes:
        node.stop()
    told = holder.heard("told")
    assert told - begun < TTL
    _, errors = waiting.communicate(timeout=BOUND)
    assert time.monotonic() - begun < 3 * TTL
    assert waiting.returncode == 99
    assert "left its queue" in errors
    status, errors = holder.ended()
    assert status == 95
    assert "lost" in errors
    for node in place.store.nodes:
        node.go_on()
    begun = time.monotonic()
    assert within(begun, use(client(place)), RETURNED)
    successor = hold(place)
    assert successor.token > holder.token
    assert successor.let_go()[0] == 0


def test_a_minority_is_cut_off(folder, etcds):
    """Its holder is told of the loss before somebody else is granted the lock."""
    with network(folder) as net:
        hosts = net.bridge(3)
        place = StorePlace(folder, etcds(hosts=hosts), TTL)
        words = [*place.words, "-r", "R", *COMMAND]
        holder = Holder(hosts[0].popen(FLOM, *words, stdin=subprocess.PIPE))
        holder.heard("held")
        waiter = Holder(hosts[1].popen(FLOM, *words, stdin=subprocess.PIPE))
        queued = place.store.nodes[1]
        wait_for(
            lambda: len(hosts[1].run(*queued.words("get", "--prefix", "--keys-only", place.prefix))
                        .stdout.split()) >= 2,
            "the request in the store",
        )  # fmt: skip
        begun = time.monotonic()
        hosts[0].cut()
        told = holder.heard("told")
        granted = waiter.heard("held")
        assert told < granted
        assert told - begun < TTL
        assert within(begun, granted, CUT_OFF)
        assert waiter.token > holder.token
        assert holder.ended()[0] == 95
        assert waiter.let_go()[0] == 0


def test_the_host_of_a_holder_dies(folder, etcds):
    """Its lock is free when its session is over."""
    with network(folder) as net:
        server, client = net.bridge(2)
        place = StorePlace(folder, etcds(hosts=[server]), TTL)
        words = [*place.words, "-r", "R", *COMMAND]
        holder = Holder(client.popen(FLOM, *words, stdin=subprocess.PIPE))
        holder.heard("held")
        waiter = Holder(server.popen(FLOM, *words, stdin=subprocess.PIPE))
        begun = time.monotonic()
        client.close()
        assert within(begun, waiter.heard("held"), HOST_DIED)
        assert waiter.token > holder.token
        assert waiter.let_go()[0] == 0


def test_a_wrapper_that_is_stopped_for_too_long(at):
    """It cannot act, another one gets the lock. Continued, it ends its command; the tokens rose."""
    place = at(1)
    holder, waiter = hold(place), wait(place)
    os.kill(holder.process.pid, signal.SIGSTOP)
    waiter.heard("held")
    os.kill(holder.process.pid, signal.SIGCONT)
    status, errors = holder.ended()
    assert status == 95
    assert "lost" in errors
    assert waiter.token > holder.token
    assert waiter.let_go()[0] == 0


def test_a_holder_without_its_wrapper(at):
    """A wrapper that is killed takes its session with it, in time."""
    place = at(1)
    holder, waiter = hold(place), wait(place)
    begun = time.monotonic()
    holder.process.kill()
    assert within(begun, waiter.heard("held"), HOST_DIED)
    assert waiter.token > holder.token
    assert waiter.let_go()[0] == 0


def test_a_compaction_under_a_watch(at):
    """Who waits misses nothing, though the revision he watches from is forgotten."""
    place = at(1)
    holder, waiter = hold(place), wait(place)
    (node,) = place.store.nodes
    os.kill(waiter.process.pid, signal.SIGSTOP)
    for number in range(3):
        place.store.ctl("put", "other", number)
    place.store.compact()
    node.kill()  # the watch breaks, and will be made again from a revision that is gone
    node.start()
    node.ready()
    os.kill(waiter.process.pid, signal.SIGCONT)
    assert holder.let_go() == (0, "")
    begun = time.monotonic()
    assert within(begun, waiter.heard("held"), AT_ONCE)
    assert waiter.let_go() == (0, "")


def test_compactions_beside_many_locks(at, client):
    """Compacted over and over, the store serves all who wait, one after the other."""
    place = at(1)
    locks = client(place)
    served = []
    over = threading.Event()

    def compact():
        while not over.is_set():
            place.store.ctl("put", "other", "x")
            place.store.compact()

    def lock():
        for _ in range(5):
            with locks.lock("R", timeout=BOUND) as held:
                served.append(held.token)

    compacting = threading.Thread(target=compact)
    locking = [threading.Thread(target=lock) for _ in range(4)]
    for thread in (compacting, *locking):
        thread.start()
    for thread in locking:
        thread.join()
    over.set()
    compacting.join()
    assert len(served) == 20
    assert served == sorted(set(served))


def test_the_time_of_day_is_set(at, client, monkeypatch):
    """No session notices; a timestamp given under a clock that was ahead is not given again."""
    place = at(1)
    locks = client(place)
    held = locks.lock("R").acquire()
    stamps = []
    for ahead in (0, 86400, 86398):
        monkeypatch.setattr(lock, "time_ns", lambda s=ahead: time.time_ns() + s * 10**9)
        stamp = locks.lock("_t_%Y%m%d.%H%M%S.#ffffff[1]", timeout=BOUND, idle_lifespan=60)
        with stamp as ticked:
            stamps.append(ticked.element)
    assert stamps == sorted(set(stamps))
    monkeypatch.setattr(lock, "time_ns", lambda: time.time_ns() - 86400 * 10**9)
    assert not held.lost
    held.release()


def test_the_machine_sleeps(at, client, monkeypatch):
    """Its holder is told when it wakes up after the end of its session; the tokens rise."""
    place = at(1)
    locks = client(place)
    told = threading.Event()
    held = locks.lock("R", raise_lost=False, on_lost=lambda _: told.set()).acquire()
    awake = session.boot_time
    monkeypatch.setattr(session, "boot_time", lambda: awake() + TTL)
    assert told.wait(BOUND)
    assert held.lost
    held.release()
    monkeypatch.setattr(session, "boot_time", awake)
    with locks.lock("R", timeout=BOUND) as later:
        assert later.token > held.token


@pytest.mark.parametrize("secured", ["tls", "user", "tls and user"])
def test_a_store_that_asks_who_is_there(folder, etcds, certificates, secured):
    """TLS with certificates of clients, users with roles, and both."""
    store = etcds(tls="tls" in secured)
    place = StorePlace(folder, store, TTL)
    lines = ["[Store]", f"SessionTTL={TTL}"]
    if "tls" in secured:
        # With users, etcd wants no common name in certificates of clients of its gateway.
        who = "nameless" if "user" in secured else "mine"
        lines += [f"CACertificate={certificates}/one.ca", f"Certificate={certificates}/{who}.pem"]
        lines += [f"PrivateKey={certificates}/{who}.key"]
    if "user" in secured:
        store.protect(place.prefix)
        lines += ["User=locker", "Password=open sesame"]
    configuration = folder / ".flom"
    configuration.write_text("\n".join(lines) + "\n")
    configuration.chmod(0o600)
    try:
        holder, waiter = hold(place), wait(place)
        assert holder.let_go() == (0, "")
        waiter.heard("held")
        assert waiter.let_go() == (0, "")
        configuration.write_text("[Store]\n")
        refused = place.run("-r", "R", "-o", "5000", "--", "true")
        assert refused.returncode == 99
        assert refused.stderr.count("\n") == 1
    finally:
        place.clear()
