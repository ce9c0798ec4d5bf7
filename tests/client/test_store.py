"""Both faces for programs over an engine of a store (tests/fake_store.py)."""

import asyncio
import os
import threading

import pytest
from fake_store import FakeStore

import flom
from flom.errors import RC_CONNECT_ERROR, FlomError
from flom.store import lock as store_lock

FACES = pytest.mark.parametrize("face", [flom, flom.aio], ids=["blocking", "asyncio"])
URL = "etcd://h1,[::1]:99/p"
BOUND = 60


@pytest.fixture
def store(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    made = FakeStore()
    monkeypatch.setattr(store_lock, "Lock", made.engine)
    return made


async def taken(face, client, inside=None, **options):
    """What a block under a lock of either face leaves behind: the lock it held."""
    if face is flom:
        with client.lock("R", **options) as held:
            if inside:
                inside(held)
        return held
    async with client.lock("R", **options) as held:
        if inside:
            inside(held)
    return held


async def until(condition):
    """Let the loop run until it is so."""
    async with asyncio.timeout(BOUND):
        while not condition():
            await asyncio.sleep(0.001)


@FACES
def test_a_block_holds_the_lock(store, face):
    def inside(held):
        assert store.holders == {"R": store.engines[0]}
        assert (held.resource, held.endpoint) == ("R", "etcd://h1:2379,[::1]:99/p")
        assert not held.lost

    asyncio.run(taken(face, face.Client(URL), inside))
    (engine,) = store.engines
    assert store.free()
    assert engine.rolled_back is False
    assert engine.settings.store_url == "etcd://h1:2379,[::1]:99/p"


@FACES
def test_the_files_may_name_the_store(store, face, tmp_path):
    (tmp_path / ".flom").write_text("[Store]\nUrl=etcd://h1\nUser=ann\nPassword=x\n")
    (tmp_path / ".flom").chmod(0o600)
    held = asyncio.run(taken(face, face.Client()))
    settings = store.engines[0].settings
    assert held.endpoint == settings.store_url == "etcd://h1:2379/flom"
    assert (settings.store_user, settings.store_password) == ("ann", "x")
    assert face.Client("unix:///s").lock("R")._request.settings.store_url is None


@FACES
def test_user_password_and_files(store, face, tmp_path):
    for name in ("ca", "pem", "key"):
        (tmp_path / name).touch(0o600)
    (tmp_path / ".flom").write_text(f"[Store]\nUser=ann\nPasswordFile={tmp_path / 'key'}\n")
    tls = flom.Tls(tmp_path / "pem", tmp_path / "key", tmp_path / "ca")
    client = face.Client(URL, tls=tls, user="bob", password="s3cret")
    assert repr(client) == f"Client({URL!r}, tls={tls}, user='bob', password=...)"
    settings = client.lock("R")._request.settings
    assert (settings.store_user, settings.store_password) == ("bob", "s3cret")
    assert settings.store_password_file is None
    assert (settings.store_certificate, settings.store_key, settings.store_ca) == (
        str(tmp_path / "pem"), str(tmp_path / "key"), str(tmp_path / "ca"),
    )  # fmt: skip
    settings = face.Client(URL, tls=flom.Tls(ca=tmp_path / "ca")).lock("R")._request.settings
    assert settings.store_certificate is settings.store_key is None
    assert settings.store_password_file == str(tmp_path / "key")


@FACES
@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"endpoint": "etcd://"}, "expected unix://PATH.* or etcd://HOST"),
        ({"endpoint": "etcd://h:0"}, "'0' is no port"),
        ({"endpoint": URL, "start_daemon": False}, "a store needs no daemon"),
        ({"endpoint": "unix:///s", "user": "ann"}, "are for a store"),
        ({"password": "x"}, "are for a store"),
        ({"endpoint": URL, "user": "ann"}, "has no password"),
        ({"endpoint": URL, "password": "x"}, "has no user"),
        ({"endpoint": URL, "tls": flom.Tls()}, "give ca alone"),
        ({"endpoint": URL, "tls": flom.Tls(ca="/etc/passwd", check_peer_id=True)}, "no unique id"),
        (
            {"endpoint": URL, "tls": flom.Tls("/etc/passwd", ca="/etc/passwd")},
            "needs its private key",
        ),
        ({"endpoint": "unix:///s", "tls": flom.Tls(ca="/etc/passwd")}, "give all three"),
    ],
)
def test_what_makes_no_sense(store, face, options, why):
    with pytest.raises(flom.InvalidRequest, match=why):
        face.Client(**options).lock("R")


@FACES
def test_a_file_may_hold_nonsense(store, face, tmp_path):
    (tmp_path / ".flom").write_text("[Store]\nUrl=http://h1\n")
    with pytest.raises(flom.InvalidRequest, match="expected etcd://HOST"):
        face.Client().lock("R")


@FACES
def test_a_format_that_shows_no_time_of_day(face, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    lock = face.Client(URL).lock("_t_%Y[1]")
    with pytest.raises(flom.InvalidRequest, match="unusable timestamp format") as caught:
        lock.acquire() if face is flom else asyncio.run(lock.acquire())
    assert caught.value.resource == "_t_%Y[1]"


@FACES
def test_refusals_are_those_of_a_daemon(store, face):
    store.refusal = FlomError(RC_CONNECT_ERROR, "nobody is there")
    with pytest.raises(flom.ConnectError, match="nobody is there") as caught:
        asyncio.run(taken(face, face.Client(URL)))
    assert caught.value.endpoint == "etcd://h1:2379,[::1]:99/p"
    store.refusal = None
    store.holders["R"] = None
    with pytest.raises(flom.Busy):
        asyncio.run(taken(face, face.Client(URL), timeout=0))
    assert all_closed(store)


def all_closed(store):
    """Whether the last engine has been left, be it a moment later, in a thread."""
    for thread in threading.enumerate():
        if thread.name.startswith("flom-store"):
            thread.join(BOUND)
    return all(engine.closed for engine in store.engines)


@FACES
def test_a_lost_lock_is_told_and_raised(store, face):
    told = threading.Event()
    seen = []

    def inside(held):
        store.lose(store.engines[0])
        assert held.lost

    def on_lost(held):
        seen.append(held)
        told.set()

    async def main():
        with pytest.raises(flom.LockLost, match="the store gave it away"):
            await taken(face, face.Client(URL), inside, on_lost=on_lost)
        await until(told.is_set)

    asyncio.run(main())
    assert [held.resource for held in seen] == ["R"]


@FACES
def test_who_was_stopped_knows_by_the_clock(store, face):
    """Before the thread that watches over the lease has had its turn."""

    def inside(held):
        assert not held.lost
        store.engines[0].lease.state = "jeopardy"
        assert not held.lost
        store.engines[0].lease.state = "lost"
        assert held.lost

    asyncio.run(taken(face, face.Client(URL), inside))


def test_a_cancelled_wait_leaves_the_queue(store):
    async def main():
        client = flom.aio.Client(URL)
        async with client.lock("R"):
            waiter = asyncio.create_task(taken(flom.aio, client))
            await until(lambda: store.waiting)
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter
            await until(lambda: not store.waiting)
            assert list(store.holders.values()) == [store.engines[0]]

    asyncio.run(main())
    assert all_closed(store)
    assert store.free()


def test_a_grant_that_crosses_a_cancellation_is_given_back(store):
    store.stubborn = True

    async def main():
        client = flom.aio.Client(URL)
        async with client.lock("R"):
            waiter = asyncio.create_task(taken(flom.aio, client))
            await until(lambda: store.waiting)
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter
        await until(lambda: store.tokens == 2)

    asyncio.run(main())
    assert all_closed(store)
    assert store.free()


def test_a_cancelled_release_releases(store):
    async def main():
        held = await flom.aio.Client(URL).lock("R").acquire()
        task = asyncio.create_task(held.release())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(store.free)

    asyncio.run(main())
    assert store.engines[0].rolled_back is False


def test_any_number_of_tasks_may_wait(store):
    """More than the loop's executor has threads: one that gives back must not wait for them."""

    async def main():
        client = flom.aio.Client(URL)
        async with client.lock("R"):
            waiters = [asyncio.create_task(taken(flom.aio, client)) for _ in range(100)]
            await until(lambda: store.waiting == 100)
        async with asyncio.timeout(BOUND):
            await asyncio.gather(*waiters)

    asyncio.run(main())
    assert store.tokens == 101
    assert store.free()


@pytest.mark.parametrize("call", ["connect", "acquire"])
def test_a_system_without_threads(store, monkeypatch, call):
    start = threading.Thread.start
    calls = ["connect", "acquire"]

    def refuse(thread):
        if thread.name == "flom-store" and calls.pop(0) == call:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(flom.ConnectError, match=r"the system refuses: .*thread"):
        asyncio.run(taken(flom.aio, flom.aio.Client(URL)))
    assert all_closed(store)
    assert store.free()


@FACES
def test_a_child_of_fork_closes_its_copies_and_nothing_else(store, face):
    def inside(held):
        engine = store.engines[0]
        if (child := os.fork()) == 0:
            os._exit(0 if engine.closed and not engine.cancelled else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert not engine.closed

    asyncio.run(taken(face, face.Client(URL), inside))
