"""The lock against a real etcd, one kind of resource after the other."""

import os
import signal
import threading
import time

import pytest
from support import BOUND, wait_for

from flom.client.watch import ended
from flom.errors import (
    OWN_RC_LOCK_NESTED,
    RC_CONNECT_ERROR,
    RC_CONNECTION_CLOSED,
    RC_INVALID_RESOURCE_NAME,
    RC_INVALID_TIMESTAMP_FORMAT,
    RC_LOCK_BUSY,
    RC_LOCK_CANT_WAIT,
    RC_LOCK_IMPOSSIBLE,
    RC_NETWORK_TIMEOUT,
    RC_PROTOCOL_ERROR,
    RC_SEND_ERROR,
    FlomError,
)
from flom.store.lock import Lock

LATE = 2000  # ms: to connect takes less on any machine


def refused(store, name, **options):
    with pytest.raises(FlomError) as raised:
        store.held(name, **options)
    return raised.value


def in_thread(lock):
    """The outcome of `acquire` in a thread, put into a list."""
    outcome = []

    def run():
        try:
            outcome.append(lock.acquire())
        except FlomError as error:
            outcome.append(error.rc)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, outcome


def waiting(store, count):
    """So many requests in the store."""
    return wait_for(
        lambda: len([key for key in store.stored() if "/q/" in key]) == count, "waiters"
    )


def test_a_lock_excludes_and_leaves_nothing_but_the_state(store):
    held, element = store.held("foo")
    assert element is None
    assert held.token == store.cluster.revision()
    assert refused(store, "foo", timeout=0).rc == RC_LOCK_BUSY
    late = refused(store, "foo", timeout=LATE)
    assert late.rc == RC_NETWORK_TIMEOUT
    held.release(False)
    assert store.stored() == ["foo/state"]
    again, _ = store.held("foo", timeout=0)
    again.close()
    assert store.stored() == ["foo/state"]


def test_waiters_are_served_in_order_and_tokens_rise(store):
    first, _ = store.held("foo")
    tokens, order = [first.token], []

    def take(number):
        lock, _ = store.held("foo")
        order.append(number)
        tokens.append(lock.token)
        lock.release(False)

    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=take, args=(number,), daemon=True))
        threads[-1].start()
        waiting(store, number + 2)
    first.release(False)
    for thread in threads:
        thread.join(BOUND)
    assert order == list(range(5))
    assert tokens == sorted(set(tokens))
    assert len(tokens) == 6


def test_readers_share_and_do_not_pass_a_writer(store):
    reader, _ = store.held("foo", mode=3)
    other, _ = store.held("foo", mode=3, timeout=0)
    writer = store.lock("foo")
    thread, outcome = in_thread(writer)
    waiting(store, 3)
    assert refused(store, "foo", mode=3, timeout=0).rc == RC_LOCK_BUSY
    reader.release(False)
    other.release(False)
    thread.join(BOUND)
    assert outcome == [None]


def test_units_are_counted(store):
    two, _ = store.held("n[3]", quantity=2)
    store.held("n[3]", timeout=0)
    assert refused(store, "n[3]", timeout=0).rc == RC_LOCK_BUSY
    assert refused(store, "n[3]", quantity=4).rc == RC_LOCK_IMPOSSIBLE
    thread, outcome = in_thread(store.lock("n[3]", quantity=2))
    waiting(store, 3)
    two.release(False)
    thread.join(BOUND)
    assert outcome == [None]


def test_the_cursor_of_a_set_moves_one_step_a_grant(store):
    """resources.md 6.3, its table."""
    given = []
    first, element = store.held("red.green.blue")
    given.append(element)
    for _ in range(5):
        lock, element = store.held("red.green.blue")
        given.append(element)
        lock.release(False)
    assert given == ["red", "green", "blue", "green", "green", "blue"]
    first.release(False)
    assert [store.held("a.a", timeout=0)[1] for _ in range(2)] == ["a", "a"]


def test_a_number_that_was_not_used_is_given_again(store):
    """resources.md 6.5, its table; the death of a client is a rollback (7.3)."""
    first, second, third = (store.held("_S_a[3]") for _ in range(3))
    assert [each[1] for each in (first, second, third)] == ["1", "2", "3"]
    third[0].release(True)
    first[0].release(True)
    fourth, fifth = store.held("_S_a[3]"), store.held("_S_a[3]")
    assert (fourth[1], fifth[1]) == ("3", "1")
    fourth[0].release(False)
    assert store.held("_S_a[3]")[1] == "4"
    thread, outcome = in_thread(store.lock("_S_a[3]"))
    waiting(store, 4)
    second[0].close()  # without a word
    thread.join(BOUND)
    assert outcome == ["2"]


def test_a_plain_sequence_never_gives_a_number_again(store):
    numbers = []
    for rollback in (False, True, True):
        lock, number = store.held("_s_a[1]")
        numbers.append(number)
        lock.release(rollback)
    assert numbers == ["1", "2", "3"]


def test_timestamps_differ_in_their_tick(store):
    given = []
    for _ in range(3):
        lock, stamp = store.held("_t_%s#f[2]")
        given.append(stamp)
        lock.release(False)
    assert given == sorted(set(given))
    store.held("_t_%H[2]")
    assert refused(store, "_t_%H[2]", timeout=0).rc == RC_LOCK_BUSY


@pytest.mark.parametrize("name", ["_s_a[0]", "_t_%S[0]"])
def test_a_place_that_does_not_exist_is_waited_for_in_vain(store, name):
    assert refused(store, name, timeout=0).rc == RC_LOCK_BUSY
    assert refused(store, name, timeout=LATE).rc == RC_NETWORK_TIMEOUT


def test_nodes_of_a_tree_exclude_each_other_along_a_path(store):
    store.held("/a/b")
    assert refused(store, "/a", timeout=0).rc == RC_LOCK_BUSY
    assert refused(store, "/a/b/c", timeout=0).rc == RC_LOCK_BUSY
    store.held("/a/c", timeout=0)
    store.held("/b", timeout=0)


def test_who_does_not_create_waits_for_who_does(store):
    assert refused(store, "foo", timeout=0, create=False).rc == RC_LOCK_CANT_WAIT
    thread, outcome = in_thread(store.lock("foo", create=False, mode=3))
    waiting(store, 1)
    creator, _ = store.held("foo")
    waiting(store, 2)
    assert not outcome
    creator.release(False)
    thread.join(BOUND)
    assert outcome == [None]


def test_an_idle_resource_exists_for_a_while(store):
    store.held("_s_a[1]", ttl=5)[0].release(False)
    assert store.held("_s_a[1]", timeout=0, create=False, ttl=5)[1] == "2"
    store.made[-1].close()
    wait_for(lambda: not store.stored(), "the end of the resource")
    assert refused(store, "_s_a[1]", timeout=0, create=False).rc == RC_LOCK_CANT_WAIT


@pytest.mark.parametrize(
    ("name", "rc"),
    [
        ("a b", RC_INVALID_RESOURCE_NAME),
        ("_t_%Y[1]", RC_INVALID_TIMESTAMP_FORMAT),
    ],
)
def test_what_is_no_resource_is_refused_before_anything_is_asked(store, name, rc):
    with pytest.raises(FlomError) as raised:
        Lock(store.settings(name))
    assert raised.value.rc == rc


def test_a_request_from_within_a_lock_passes_who_waits_for_it(store, monkeypatch):
    outer, _ = store.held("foo", mode=3)
    thread, outcome = in_thread(store.lock("foo"))
    waiting(store, 2)
    sessions = outer.sessions
    monkeypatch.setenv("FLOM_SESSION", sessions)
    inner, _ = store.held("foo", mode=3, timeout=0)
    in_vain = refused(store, "foo")
    assert in_vain.rc == OWN_RC_LOCK_NESTED
    assert str(os.getpid()) in in_vain.text
    assert inner.sessions.startswith(sessions + ",")
    inner.release(False)
    outer.release(False)
    thread.join(BOUND)
    assert outcome == [None]


def test_a_lease_that_the_store_has_ended_is_a_lost_lock(store):
    held, _ = store.held("foo", ttl=5)
    assert held.lease.state == "safe"
    assert not ended(held.fileno())
    store.cluster.ctl("lease", "revoke", held.sessions)
    wait_for(lambda: ended(held.fileno()), "the loss to be noticed")
    assert held.lease.state == "lost"
    with pytest.raises(FlomError) as raised:
        held.release(False)
    assert raised.value.rc == RC_SEND_ERROR
    assert "lost" in raised.value.text


def test_a_wait_ends_when_it_is_cancelled_or_its_session_ends(store):
    store.held("foo")
    cancelled, ended_by_store = store.lock("foo"), store.lock("foo", ttl=5)
    outcomes = [in_thread(cancelled), in_thread(ended_by_store)]
    waiting(store, 3)
    cancelled.cancel()
    store.cluster.ctl("lease", "revoke", ended_by_store.sessions)
    for thread, _ in outcomes:
        thread.join(BOUND)
    assert outcomes[0][1] == [RC_CONNECTION_CLOSED]
    assert outcomes[1][1][0] < 0
    waiting(store, 1)


def test_an_exception_of_a_signal_handler_ends_the_wait_and_the_request(store):
    class Enough(Exception):
        pass

    def handler(*_):
        raise Enough

    store.held("foo")
    former = signal.signal(signal.SIGUSR1, handler)
    try:
        lock = store.lock("foo")

        def poke():
            # Not before: what a handler raises while a response is being finalised is lost.
            wait_for(lambda: lock._runner._watch is not None, "the wait")
            os.kill(os.getpid(), signal.SIGUSR1)

        threading.Thread(target=poke, daemon=True).start()
        with pytest.raises(Enough):
            lock.acquire()
    finally:
        signal.signal(signal.SIGUSR1, former)
    waiting(store, 1)


def test_a_child_of_fork_ends_nothing_of_its_parent(store):
    held, _ = store.held("foo")
    child = os.fork()
    if not child:
        held.close()
        os._exit(0 if held.fileno() == -1 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert held.lease.state == "safe"
    assert not ended(held.fileno())
    assert refused(store, "foo", timeout=0).rc == RC_LOCK_BUSY
    held.release(False)


def test_the_session_blocks_all_signals_for_its_thread(store):
    store.held("foo")
    thread = next(one for one in threading.enumerate() if one.name == "flom-session")
    with open(f"/proc/self/task/{thread.native_id}/status", encoding="ascii") as status:
        blocked = next(line for line in status if line.startswith("SigBlk"))
    assert int(blocked.split()[1], 16) >> (signal.SIGTERM - 1) & 1


def test_a_look_is_taken_while_the_lock_waits(store):
    held, _ = store.held("foo")
    looks = []

    def look(lock):
        looks.append(lock)
        if len(looks) == 3:
            held.release(False)
        return 0.01

    lock = Lock(store.settings("foo"), look=look)
    lock.connect()
    lock.acquire()
    assert looks == [lock] * 3
    lock.close()


def test_what_somebody_else_has_written_is_said(store):
    held, _ = store.held("_S_a[1]")
    store.cluster.ctl("put", f"{store.prefix}/foo/q/1234", "mine")
    strange = refused(store, "foo")
    assert strange.rc == RC_PROTOCOL_ERROR
    assert "'mine' is no request" in strange.text
    assert "prefix" in strange.advice
    store.cluster.ctl("put", f"{store.prefix}/{'_S_a%5B1%5D'}/state", "mine")
    with pytest.raises(FlomError) as raised:
        held.release(False)
    assert raised.value.rc == RC_PROTOCOL_ERROR


def test_a_cancelled_lock_does_not_begin(store):
    lock = Lock(store.settings("foo"))
    lock.cancel()
    with pytest.raises(FlomError) as raised:
        lock.connect()
    assert raised.value.rc == RC_CONNECTION_CLOSED


def test_a_store_that_is_not_there_is_said_at_once(store):
    settings = store.settings("foo")
    settings.store_url = "etcd://127.0.0.1:1,[::1]:1/p"
    began = time.monotonic()
    with pytest.raises(FlomError) as raised:
        Lock(settings).connect()
    assert raised.value.rc == RC_CONNECT_ERROR
    assert "127.0.0.1:1: Connection refused" in raised.value.text
    assert time.monotonic() - began < 20
