"""Locks that end otherwise than by their release: dropped, taken away; and copies of them."""

import asyncio
import copy
import errno
import gc
import os
import pickle
import threading
import warnings

import pytest
from certificates import options
from support import descriptors

import flom
from flom.client import handle
from flom.ctl.main import main
from flom.errors import OWN_RC_LOCK_TAKEN, RC_SOCKET_ERROR


@pytest.fixture
def faces(place, monkeypatch):
    """Whether R is free, and how to get a lock of it, by name of the face."""
    monkeypatch.setenv("HOME", str(place.folder))
    client, other = (face.Client(f"unix://{place.path}") for face in (flom, flom.aio))

    def is_free():
        try:
            client.lock("R", timeout=0).acquire().release()
        except flom.Busy:
            return False
        return True

    return is_free, {
        "blocking": lambda on_lost=None: client.lock("R", on_lost=on_lost).acquire(),
        "asyncio": lambda on_lost=None: asyncio.run(other.lock("R", on_lost=on_lost).acquire()),
    }


@pytest.mark.parametrize("face", ["blocking", "asyncio"])
@pytest.mark.parametrize("on_lost", [None, print], ids=["", "watched"])
def test_a_lock_that_is_dropped_ends_with_a_warning(faces, face, on_lost):
    is_free, acquire = faces
    with pytest.warns(ResourceWarning):
        acquire[face](on_lost)  # everything is loaded, and the watcher runs
        gc.collect()
    before = descriptors(os.getpid())
    held = acquire[face](on_lost)
    assert not is_free()
    with pytest.warns(ResourceWarning, match="flom: 'R' EX at .* was dropped without a release"):
        del held
        gc.collect()
    assert is_free()
    assert descriptors(os.getpid()) == before


@pytest.mark.parametrize("face", ["blocking", "asyncio"])
def test_what_is_held_has_no_copies(faces, face):
    is_free, acquire = faces
    held = acquire[face]()
    for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot be copied or pickled"):
            duplicate(held)
    gc.collect()
    assert not is_free()
    given_back = held.release()
    if given_back is not None:
        asyncio.run(given_back)
    assert is_free()
    assert repr(held).endswith(", released>")


@pytest.mark.parametrize("face", [flom, flom.aio], ids=["blocking", "asyncio"])
def test_clients_and_locks_go_to_other_processes(place, monkeypatch, face):
    """By pickle, as multiprocessing does it."""
    monkeypatch.setenv("HOME", str(place.folder))
    client = face.Client(f"unix://{place.path}", start_daemon=False)
    for made in (client, client.lock("R", mode=flom.PR, timeout=3)):
        assert repr(pickle.loads(pickle.dumps(made))) == repr(made)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("face", [flom, flom.aio], ids=["blocking", "asyncio"])
def test_who_took_a_lock_away_is_told(place, monkeypatch, certificates, face, secure):
    monkeypatch.setenv("HOME", str(place.folder))
    words = options(certificates) if secure else []
    tls = flom.Tls(*words[1::2][:3]) if secure else None
    lock = face.Client(f"unix://{place.path}", tls=tls).lock("R")

    def take():
        main(["release", "--force", "-s", str(place.path), *words, "R"])

    def blocking():
        with lock:
            take()

    async def asynchronous():
        async with lock:
            await asyncio.to_thread(take)

    with pytest.raises(flom.LockLost, match=r"taken by .*@.* \(operator\)") as told:
        blocking() if face is flom else asyncio.run(asynchronous())
    assert told.value.rc == OWN_RC_LOCK_TAKEN


@pytest.mark.parametrize("face", ["blocking", "asyncio"])
@pytest.mark.parametrize("late", [False, True], ids=["socket", "watcher"])
def test_a_shortage_of_the_kernel_is_an_error_of_ours(faces, monkeypatch, face, late):
    is_free, acquire = faces
    assert is_free()

    def nothing_left(*_):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    if late:
        monkeypatch.setattr(handle, "_watchers", [])
        monkeypatch.setattr(handle, "Watcher", nothing_left)
    else:
        monkeypatch.setattr("flom.net.unix.socket", nothing_left)
    with (
        warnings.catch_warnings(action="error"),
        pytest.raises(flom.ConnectError) as told,
    ):
        acquire[face](print)
    gc.collect()
    monkeypatch.undo()
    assert told.value.rc == RC_SOCKET_ERROR
    assert "Too many open files" in str(told.value)
    assert is_free()


def test_who_leaves_for_a_thread_that_has_ended_takes_nothing_from_the_others(place, monkeypatch):
    monkeypatch.setenv("HOME", str(place.folder))
    lock = flom.Client(f"unix://{place.path}").lock("a.b")
    entered = []
    thread = threading.Thread(target=lambda: entered.append(lock.__enter__()))
    thread.start()
    thread.join()

    def leave():
        lock.__exit__(None, None, None)

    with lock as mine:
        thread = threading.Thread(target=leave)
        thread.start()
        thread.join()
        assert "released" in repr(entered[0])
        assert "released" not in repr(mine)


def test_who_leaves_for_a_task_that_has_ended_takes_nothing_from_the_others(place, monkeypatch):
    monkeypatch.setenv("HOME", str(place.folder))

    async def main():
        lock = flom.aio.Client(f"unix://{place.path}").lock("a.b")
        entered = await asyncio.create_task(lock.__aenter__())
        async with lock as mine:
            await asyncio.create_task(lock.__aexit__(None, None, None))
            assert "released" in repr(entered)
            assert "released" not in repr(mine)

    asyncio.run(main())
