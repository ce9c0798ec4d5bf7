"""Reading a real etcd: ranges of many keys, what happens to them, what it has forgotten."""

import threading

import pytest
from support import BOUND

from flom.errors import FlomError
from flom.store import etcd, reader
from flom.store.gateway import Unreachable
from flom.store.operations import Put, Txn
from flom.store.reader import Forgotten, Reader
from flom.store.records import after


@pytest.fixture
def looking(store):
    made = Reader(store.settings("R"), BOUND)
    yield made
    made.close()


@pytest.fixture
def folder(store):
    """The first and the last key of the test."""
    key = f"{store.prefix}/"
    return key, after(key)


def test_many_keys_are_read_as_they_are_at_one_moment(store, looking, folder, monkeypatch):
    monkeypatch.setattr(reader, "_PAGE", 2)
    for number in range(5):
        store.cluster.ctl("put", f"{store.prefix}/{number}", "before")
    revision = store.cluster.revision()
    ask, pages = looking._gateway.call, []

    def meanwhile(path, body, deadline, **options):
        answer = ask(path, body, deadline, **options)
        pages.append(body)
        store.cluster.ctl("put", f"{store.prefix}/4", "after")
        return answer

    monkeypatch.setattr(looking._gateway, "call", meanwhile)
    read = looking.read(*folder)
    assert len(pages) == 3
    assert read.revision == revision
    assert [(item.key[-1], item.value) for item in read.items] == [
        (str(number), "before") for number in range(5)
    ]


def test_a_range_that_is_forgotten_while_it_is_read_is_read_again(
    store, looking, folder, monkeypatch
):
    monkeypatch.setattr(reader, "_PAGE", 2)
    for number in range(3):
        store.cluster.ctl("put", f"{store.prefix}/{number}", "before")
    ask, calls = looking._gateway.call, []

    def compacting(path, body, deadline, **options):
        answer = ask(path, body, deadline, **options)
        calls.append(body)
        if len(calls) == 1:
            store.cluster.ctl("put", f"{store.prefix}/2", "after")
            store.cluster.compact()
        return answer

    monkeypatch.setattr(looking._gateway, "call", compacting)
    assert [item.value for item in looking.read(*folder).items] == ["before", "before", "after"]


def test_changes_come_as_they_happen(store, looking, folder):
    read = looking.read(*folder)
    found = []

    def watch():
        for change in looking.changes(*folder, read.revision):
            found.append((change.key, change.item and change.item.value))
            if len(found) == 3:
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    key = f"{store.prefix}/x"
    store.cluster.ctl("put", key, "1")
    store.cluster.ctl("put", key, "2")
    store.cluster.ctl("del", key)
    thread.join(BOUND)
    assert found == [(key, "1"), (key, "2"), (key, None)]


def test_who_is_far_behind_is_told_everything(store, looking, folder):
    """A thousand changes come in one line."""
    revision = store.cluster.revision()
    value = "x" * 1500
    keys = [f"{store.prefix}/{number}" for number in range(1000)]
    for key in keys:
        write = Txn((), (Put(key, value, 0),), key, "")
        looking.call(etcd.TXN, etcd.txn(write))
    changes = looking.changes(*folder, revision)
    assert [next(changes).key for _ in keys] == keys


def test_changes_that_are_forgotten_are_not_told(store, looking, folder):
    revision = store.cluster.revision()
    for number in range(3):
        store.cluster.ctl("put", f"{store.prefix}/{number}", "x")
    store.cluster.compact()
    with pytest.raises(Forgotten):
        next(looking.changes(*folder, revision))


def test_a_session_is_ended_once(store, looking):
    lock, _ = store.held("R")
    assert looking.revoke(lock.lease.number)
    assert not looking.revoke(lock.lease.number)
    assert store.stored() == ["R/state"]


def test_nobody_there(store):
    settings = store.settings("R")
    settings.store_url = "etcd://127.0.0.1:1,127.0.0.1:2/p"
    with pytest.raises(Unreachable) as raised:
        Reader(settings, 1.0).read("p/", "p0")
    assert isinstance(raised.value, FlomError)
    assert raised.value.reasons == dict.fromkeys(
        ("127.0.0.1:1", "127.0.0.1:2"), "Connection refused"
    )
