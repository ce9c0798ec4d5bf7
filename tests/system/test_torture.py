"""Everybody is killed, stopped and cut off at random, for half a minute; and whole groups at once.

scripts/torture does it for as long as one likes.
"""

import signal

import pytest
from support import need, need_program
from torture import store
from torture.groups import SIGNALS, WAITERS, Group
from torture.run import PLACES, places, play

SECONDS = 6.0  # of a round; that of the hosts includes a cut of nine seconds
STORE_SECONDS = 30.0  # each mishap once, two of them longer than a session
SEED = 32


@pytest.mark.parametrize("where", PLACES)
def test_no_promise_is_broken(where):
    need(where in places(), "needs root, ip, nsenter, unshare, pgrep, ss")
    if where == "tls":
        need_program("openssl")
    tally = {}
    seconds = 2 * SECONDS if where == "hosts" else SECONDS
    found = play(SEED + PLACES.index(where), where, seconds, tally)
    assert not found, "\n".join(map(str, found))
    assert tally["locks"] > 20


def test_no_promise_is_broken_by_a_store():
    need_program("etcd")
    tally = {}
    found = store.play(SEED, STORE_SECONDS, tally)
    assert not found, "\n".join(map(str, found))
    assert tally["locks"] > 50
    assert tally["waits"] > 10


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("waiters", WAITERS)
def test_a_signal_to_holder_and_waiters(place, waiters, number):
    Group(place, waiters, terminal=False).end(number)


@pytest.mark.parametrize("waiters", WAITERS)
def test_a_key_for_holder_and_waiters(place, waiters):
    Group(place, waiters, terminal=True).end(signal.SIGINT)
