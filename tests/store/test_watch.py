"""Waiting for changes in a real etcd, and at endpoints that are none."""

import threading

import pytest
from support import wait_for

from flom.store.gateway import Endpoints, Gateway, Refused
from flom.store.operations import Wait
from flom.store.url import parse
from flom.store.watch import Watch

from .endpoint import OK, Endpoint, endpoints

LATER = 60.0


@pytest.fixture
def gateway(store):
    target = parse(store.cluster.url(store.prefix))
    return Gateway(target, Endpoints(target), None, None)


@pytest.fixture
def put(store):
    """Writes a key of the test's own; the revision afterwards."""

    def write(key, *words):
        store.cluster.ctl(*(words or ("put",)), f"{store.prefix}/{key}", *([] if words else ["x"]))
        return store.cluster.revision()

    return write


def watch(gateway, store, key, end, revision, puts=True):
    ending = f"{store.prefix}/{end}" if end else ""
    return Watch(gateway, Wait(f"{store.prefix}/{key}", ending, revision, puts))


def test_a_change_of_one_key_ends_the_wait_for_it(store, gateway, put):
    revision = put("a")
    waits = watch(gateway, store, "a", "", revision)
    put("b")
    assert not waits.wait(0.3)
    put("a")
    assert waits.wait(LATER)
    assert not waits.broken
    waits.close()


def test_what_happened_since_the_revision_counts_as_well(store, gateway, put):
    revision = put("a")
    put("a")
    waits = watch(gateway, store, "a", "", revision)
    assert waits.wait(LATER)
    waits.close()


def test_only_the_end_of_a_key_counts_if_so_wanted(store, gateway, put):
    revision = put("a/1")
    put("a/2")
    waits = watch(gateway, store, "a/", "a0", revision, puts=False)
    put("a/3")
    put("b", "del")
    assert not waits.wait(0.3)
    put("a/1", "del")
    assert waits.wait(LATER)
    waits.close()


def test_a_revision_that_is_forgotten_ends_the_wait(store, gateway, put):
    revision = put("a")
    put("b")
    store.cluster.compact()
    waits = watch(gateway, store, "a", "", revision - 1)
    assert waits.wait(LATER)
    waits.close()


def test_a_wait_is_ended_from_another_thread(store, gateway, put):
    waits = watch(gateway, store, "a", "", put("a"))
    told = []
    thread = threading.Thread(target=lambda: told.append(waits.wait(LATER)), daemon=True)
    thread.start()
    waits.abort()
    thread.join(LATER)
    assert told == [True]
    assert waits.broken
    waits.close()


@pytest.mark.parametrize(
    "told",
    [
        Endpoint.DROP,
        (OK, {"error": {"grpc_code": 14, "message": "no leader"}}),
        (401, {"error": "etcdserver: invalid auth token", "code": 16}),
        (OK, b"<html>"),
        (OK, b"[]\n"),
    ],
)
def test_an_answer_that_is_none_ends_the_wait(told):
    with endpoints(lambda *_: told) as (one,):
        target = parse(f"etcd://127.0.0.1:{one.address[1]}")
        waits = Watch(Gateway(target, Endpoints(target), None, None), Wait("k", "", 1, True))
        assert waits.wait(LATER)
        assert waits.broken
        waits.close()


def test_a_watch_that_cannot_begin_is_an_error():
    target = parse("etcd://127.0.0.1:1")
    with pytest.raises((OSError, Refused)):
        Watch(Gateway(target, Endpoints(target), None, None), Wait("k", "", 1, True))


def test_a_store_that_never_says_that_it_watches_is_left(monkeypatch):
    monkeypatch.setattr("flom.store.watch._BEGIN", 0.2)
    with endpoints(lambda *_: Endpoint.HANG) as (one,):
        target = parse(f"etcd://127.0.0.1:{one.address[1]}")
        waits = Watch(Gateway(target, Endpoints(target), None, None), Wait("k", "", 1, True))
        wait_for(lambda: waits.wait(0.05), "the end of the wait")
        waits.close()
