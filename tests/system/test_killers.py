"""What has ended lock daemons before: none of it ends ours, over any kind of connection.

Half messages, numbers out of range and peers that do not read are in test_robustness.py, datagrams
in test_discovery.py.
"""

import os
import random
import resource
import signal
import threading

import pytest
from support import Peer, asleep, lock_message, need, unlock_message, wait_for

KINDS = ["unix", "127.0.0.1", "tls"]


@pytest.fixture(params=KINDS)
def somewhere(request, places):
    """A place with a daemon, and with a holder and a waiter who must not notice anything."""
    return prepared(places(request.param))


def prepared(place, **options):
    """Starts the daemon, and lets a lock be held and waited for."""
    place.holder = place.hold("-d", "-1", "-r", "Keep", **options)
    place.waiter = place.wait("-r", "Keep")
    place.pid = place.daemon()
    return place


def check(place):
    """The same daemon serves everybody; holder and waiter come to their ends."""
    assert place.listeners() == {place.pid}
    done = place.run("-d", "0", "-r", "Normal", "--", "sh", "-c", "exit 3")
    assert (done.returncode, done.stderr) == (3, "")
    for process in (place.holder, place.waiter):
        assert process.poll() is None
        _, errors = process.communicate("\n", timeout=60)
        assert (process.returncode, errors) == (0, "")


def need_descriptors(count):
    """For as many connections of the test's own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need(hard >= count, f"needs {count} descriptors")
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def granted(peer):
    """Waits in a queue until the lock comes."""
    while (answer := peer.answer()) == 1:
        pass
    return answer == 0


def test_many_vanish(somewhere):
    """Three of ten, at any moment; the others get their turns."""
    chance = random.Random(30)
    for _ in range(5):
        queues = [[] for _ in range(5)]
        for number in range(100):
            peer = somewhere.peer()
            name = number % 5
            peer.doomed = chance.random() < 0.3
            peer.send(
                lock_message(f"V{name}")[: chance.choice((50, None)) if peer.doomed else None]
            )
            if peer.doomed and chance.random() < 0.5:
                peer.reset() if chance.random() < 0.5 else peer.close()
            queues[name].append(peer)
        for peer in (peer for queue in queues for peer in queue if peer.doomed):
            peer.close()
        for name, queue in enumerate(queues):
            for peer in queue:
                if not peer.doomed:
                    assert granted(peer)
                    peer.unlock(f"V{name}")
                    peer.close()
    check(somewhere)


@pytest.mark.parametrize("kind", KINDS)
def test_more_clients_than_descriptors(places, kind):
    """1,024 descriptors, 2,000 clients: all are served, the last ones when the first have gone."""
    need_descriptors(3000)

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))

    place = prepared(places(kind), preexec_fn=limit)
    crowd, end = [], threading.Event()

    def come():
        for number in range(2000):
            if end.is_set():
                return
            peer = Peer(place.connect(120))
            peer.send(lock_message(f"N{number}"))
            crowd.append(peer)  # not before: two threads must not use one TLS connection

    arrivals = threading.Thread(target=come, daemon=True)
    arrivals.start()
    try:
        wait_for(lambda: len(crowd) > 1000 and asleep(place.pid), "a full daemon", 120)
        assert len(crowd) < 1500
        # Descriptors are the daemon's only shortage: who is there is served.
        assert crowd[0].answer() == 0
        for turn in range(20):
            assert crowd[0].lock(f"Turn{turn}") == 0
        crowd[0].send(lock_message("Last"))
        for number in range(2000):
            wait_for(lambda before=number: len(crowd) > before, "the next one", 120)
            assert crowd[number].answer() == 0
            crowd[number].close()
    finally:
        end.set()
        for peer in list(crowd):
            peer.close()
    arrivals.join(60)
    check(place)


def test_many_resources_and_connections(somewhere):
    """10,000 resources, 5,000 connections; with the default limits."""
    need_descriptors(6000)
    crowd = []
    for number in range(5000):
        peer = somewhere.peer()
        peer.send(lock_message(f"A{number}") + lock_message(f"B{number}"))
        assert (peer.answer(), peer.answer()) == (0, 0)
        crowd.append(peer)
    assert somewhere.busy("A0")
    assert somewhere.busy("B4999")
    for peer in crowd:
        peer.close()
    wait_for(lambda: not somewhere.busy("B4999"), "free locks")
    check(somewhere)


def test_two_grants_on_one_connection(somewhere):
    """The end of the connection frees both; of one name only both unlocks do."""
    peer, first, second = (somewhere.peer() for _ in range(3))
    assert [peer.lock("/t/a"), peer.lock("n[3]", quantity=3)] == [0, 0]
    assert [first.lock("/t/a"), second.lock("n[3]")] == [1, 1]
    peer.close()
    assert [first.answer(), second.answer()] == [0, 0]
    twice, writer = somewhere.peer(), somewhere.peer()
    assert [twice.lock("S", mode=3), twice.lock("S", mode=3), writer.lock("S")] == [0, 0, 1]
    twice.send(unlock_message("S"))
    assert somewhere.busy("S")
    twice.send(unlock_message("S"))
    assert writer.answer() == 0
    check(somewhere)


@pytest.mark.parametrize("count", [1, 3, 10])
def test_a_holder_and_its_waiters_die_at_once(somewhere, count):
    """One signal to the process group; whoever is not in it is served next."""
    for name in ("G", "/g/a/b", "g[1]"):
        leader = somewhere.hold("-r", name, process_group=0)
        group = [somewhere.ask("-r", name, process_group=leader.pid) for _ in range(count)]
        for process in group:
            somewhere.await_queued(process)
        survivor = somewhere.wait("-r", name)
        os.killpg(leader.pid, signal.SIGKILL)
        for process in (leader, *group):
            assert process.wait(60) == -signal.SIGKILL
        assert survivor.stdout.readline() == "held\n"
        survivor.communicate("\n", timeout=60)
        assert survivor.returncode == 0
    check(somewhere)


def test_a_message_and_a_close_at_once(somewhere):
    """Wire F-22: what was sent before the close is done, twenty times of twenty."""
    for number in range(20):
        parked, hasty = somewhere.peer(), somewhere.peer()
        assert parked.lock(f"H{number}", create=0) == 2
        hasty.send(lock_message(f"H{number}"))
        hasty.close()
        # The resource was created, and the one that waited for that has it now.
        while (answer := parked.answer()) == 1:
            pass
        assert answer == 0
    check(somewhere)
