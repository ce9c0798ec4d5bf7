"""How many requests locks in a store cost it: as many for each, however many wait.

Counted by etcd itself. Renewals are left out: they follow the time, not the locks.
"""

import threading
from collections import Counter

import pytest
from support import BOUND, StorePlace, wait_for

import flom

MOST = 6  # requests for a lock that has to be waited for, from the first to the last
ALONE = 4  # for one that nobody has


@pytest.fixture
def place(folder, etcds, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    made = StorePlace(folder, etcds())
    yield made
    made.clear()


def requests(place):
    """What the node was asked so far, except by the tests."""
    (node,) = place.store.nodes
    return Counter({kind: n for kind, n in node.requests().items() if kind != "LeaseKeepAlive"})


def queue_of(place, lock, count):
    """So many threads wait for a lock that is held and get it in turn; the requests for it all."""
    asked = Counter()
    before = requests(place)
    holder = lock.acquire()
    threads = [threading.Thread(target=lambda: lock.acquire().release()) for _ in range(count)]
    for number, thread in enumerate(threads, 1):
        thread.start()

        def queued(number=number):
            asked["Range"] += 1
            return sum("/q/" in key for key in place.stored()) > number

        wait_for(queued, "the request in the store")
    holder.release()
    for thread in threads:
        thread.join(BOUND)
    wait_for(lambda: served(place, asked), "the end of all requests")
    return requests(place) - before - asked


def served(place, asked):
    asked["Range"] += 1
    return not any("/q/" in key for key in place.stored())


def test_a_lock_that_nobody_has(place):
    lock = flom.Client(place.endpoint).lock("R", idle_lifespan=60)
    lock.acquire().release()
    cost = queue_of(place, lock, 0)
    print(dict(cost))
    assert cost.total() <= ALONE


def test_the_cost_of_a_lock_does_not_grow_with_the_waiters(place):
    lock = flom.Client(place.endpoint).lock("R", idle_lifespan=60)
    lock.acquire().release()
    costs = [queue_of(place, lock, count) for count in (2, 10, 18)]
    print(*map(dict, costs), sep="\n")
    assert costs[2] - costs[1] == costs[1] - costs[0]
    assert (costs[1] - costs[0]).total() <= 8 * MOST
