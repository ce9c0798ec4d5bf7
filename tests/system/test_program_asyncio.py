"""Programs on asyncio: cancellation at every moment, loss, tasks that share a lock."""

import asyncio
import contextlib
import pathlib
import socket
import threading

import pytest
from support import BOUND, kill, message, wait_for

import flom
from flom.client import nonblocking

ENQUEUED = message(1, 16, '<session peerid=""/><answer rc="1"/>')
GRANT = message(1, 24, '<session peerid=""/><answer rc="0"/>')


@pytest.fixture
def client(place, monkeypatch):
    """A client of a fresh place, whose daemon starts when it is needed."""
    monkeypatch.setenv("HOME", str(place.folder))
    return flom.aio.Client(f"unix://{place.path}")


async def is_free(client, resource="R"):
    """Whether nobody holds the resource."""
    try:
        async with client.lock(resource, timeout=0):
            return True
    except flom.Busy:
        return False


async def until(condition, what):
    """Returns when `condition()` gives a true value."""
    await asyncio.to_thread(wait_for, condition, what)


def test_a_block_holds_the_lock(client):
    async def main():
        async with client.lock("R", mode=flom.PW, timeout=60) as held:
            assert (held.resource, held.mode, held.element) == ("R", flom.PW, None)
            assert not await is_free(client)
            assert not held.lost
        assert await is_free(client)

    asyncio.run(main())


@pytest.mark.parametrize("commit", [True, False])
def test_an_exception_takes_the_value_back_unless_told_not_to(client, commit):
    async def main():
        lock = client.lock("_S_n[1]", idle_lifespan=60, commit_on_error=commit)
        with pytest.raises(KeyError):
            async with lock as first:
                raise KeyError
        async with lock as second:
            pass
        assert (int(second.element) > int(first.element)) == commit

    asyncio.run(main())


def test_a_coroutine_function_runs_under_a_lock_of_its_own_call(client):
    @client.locked("R")
    async def job(number: int) -> int:
        """Work."""
        assert not await is_free(client)
        return number

    async def main():
        assert await asyncio.gather(*map(job, range(5))) == [0, 1, 2, 3, 4]
        assert await is_free(client)

    assert (job.__name__, job.__doc__) == ("job", "Work.")
    asyncio.run(main())
    with pytest.raises(TypeError, match="no coroutine function"):
        client.locked("R")(print)


def test_a_client_serves_one_loop_after_the_other(client):
    for _ in range(2):
        assert asyncio.run(is_free(client))


# Cancellation


def test_a_cancelled_waiter_leaves_the_queue(client, place):
    """Its connection is closed at once; nobody is served in vain."""

    async def main():
        async with client.lock("R"):
            waiters = [asyncio.create_task(client.lock("R").acquire()) for _ in range(3)]
            await until(lambda: connections(place) == 4, "three waiters beside the holder")
            waiters[0].cancel()
            waiters[1].cancel()
            await asyncio.wait(waiters[:2])
            await until(lambda: connections(place) == 2, "one waiter beside the holder")
        await (await waiters[2]).release()
        assert await is_free(client)

    asyncio.run(main())


def connections(place):
    """How many connections the daemon has, as the kernel shows them."""
    rows = pathlib.Path("/proc/net/unix").read_text().splitlines()
    return sum(row.endswith(f" {place.path}") for row in rows) - 1  # one listens


class Counterpart:
    """A daemon of the test: takes connections and says what it is told."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.listener.settimeout(BOUND)

    async def accept(self):
        """The next connection, when its request has come."""
        self.peer, _ = await asyncio.to_thread(self.listener.accept)
        self.peer.settimeout(BOUND)
        return await asyncio.to_thread(self.peer.recv, 1000)

    async def rest(self):
        """What else the client says until it closes."""
        said = b""
        with contextlib.suppress(ConnectionResetError):  # as the kernel calls an unread answer
            while data := await asyncio.to_thread(self.peer.recv, 1000):
                said += data
        self.peer.close()
        return said


@pytest.fixture
def counterpart(place):
    """A scripted daemon at the place of the client."""
    made = Counterpart(place.path)
    yield made
    made.listener.close()


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_grant_that_crosses_a_cancellation_is_given_back(client, counterpart, turns):
    """At whatever turn of the loop both meet: nothing is held that nobody knows of."""

    async def main():
        task = asyncio.create_task(client.lock("R").acquire())
        assert b'verb="1"' in await counterpart.accept()
        counterpart.peer.sendall(ENQUEUED)
        await asyncio.sleep(0.01)
        counterpart.peer.sendall(GRANT)
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        try:
            held = await task
        except asyncio.CancelledError:
            assert await counterpart.rest() == b""  # closed: the daemon takes it back
        else:
            await asyncio.gather(held.release(), counterpart.rest())

    asyncio.run(main())


def test_a_release_is_not_undone_by_a_cancellation(client, counterpart):
    """The unlock is on its way before anything is waited for."""

    async def main():
        async def hold():
            async with client.lock("_S_n[1]"):
                counterpart.inside.set()

        counterpart.inside = asyncio.Event()
        task = asyncio.create_task(hold())
        await counterpart.accept()
        counterpart.peer.sendall(GRANT.replace(b'step="24"', b'step="16"'))
        await counterpart.inside.wait()
        await asyncio.sleep(0)  # it waits for the daemon's close now
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert b'rollback="0"' in await counterpart.rest()

    asyncio.run(main())


@pytest.mark.parametrize("early", [True, False])
def test_a_connection_that_crosses_a_cancellation_is_closed(client, monkeypatch, early):
    """It was made in a thread: after the cancellation, or just before the task had its turn."""
    ours, theirs = socket.socketpair()  # kept here, so that only `close` closes it
    going, go = threading.Event(), threading.Event()

    def slow(self):
        going.set()
        assert go.wait(BOUND)
        return ours

    monkeypatch.setattr(nonblocking.Lock, "_at_once", lambda self: None)
    monkeypatch.setattr(nonblocking.Lock, "_reach", slow)

    async def main():
        task = asyncio.create_task(client.lock("R").acquire())
        await asyncio.to_thread(going.wait, BOUND)
        connecting = task._fut_waiter
        if early:
            task.cancel()
        go.set()
        while not connecting.done():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(theirs.recv, 1) == b""

    theirs.settimeout(BOUND)
    with ours, theirs:
        asyncio.run(main())


def test_a_timeout_of_the_program_counts_too(client):
    async def main():
        async with client.lock("R"):
            with pytest.raises(TimeoutError) as late:
                async with asyncio.timeout(0.1):
                    await client.lock("R").acquire()
            assert not isinstance(late.value, flom.Timeout)
            with pytest.raises(flom.Timeout):
                await client.lock("R", timeout=0.1).acquire()
        assert await is_free(client)

    asyncio.run(main())


# Loss


def test_the_end_of_the_daemon_is_told(client, place):
    async def main():
        told = asyncio.Event()
        seen = []

        def lost(held):
            seen.append((held, held.lost, threading.current_thread()))
            told.set()

        with pytest.raises(flom.LockLost) as loss:
            async with client.lock("R", on_lost=lost) as held:
                kill(place.daemon())
                await told.wait()
        assert seen == [(held, True, threading.current_thread())]
        assert loss.value.resource == "R"

    asyncio.run(main())


def test_a_loss_is_seen_without_a_watcher(client, place):
    async def main():
        async with client.lock("R", raise_lost=False) as held:
            kill(place.daemon())
            await asyncio.to_thread(wait_for, lambda: held.lost, "the loss")
        with pytest.raises(KeyError) as error:
            async with client.lock("R"):
                kill(place.daemon())
                raise KeyError
        assert error.value.__notes__[0].startswith("flom: 'R': the daemon went away")

    asyncio.run(main())
