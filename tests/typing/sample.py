"""A program that uses every public name, for type checkers; it is never run."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, assert_type

import flom
from flom import aio


def told(held: flom.Held) -> None:
    print(held.resource, held.lost)


def told_in_the_loop(held: aio.Held) -> None:
    print(held.resource, held.lost)


with flom.lock("backup", timeout=30, on_lost=told) as held:
    assert_type(held, flom.Held)
    assert_type(held.element, str | None)
    assert_type(held.mode, flom.Mode)
    assert_type(held.environ(), dict[str, str])
    assert_type(held.lost, bool)
    assert_type(held.waited, float)
    assert_type(held.release(), None)

tls = flom.Tls(Path("host.pem"), "host.key", "ca.pem", check_peer_id=True)
client = flom.Client("tcp://[fe80::1%eth0]:28015", tls=tls, start_daemon=False)
store = flom.Client("etcd://h1,h2/p", tls=flom.Tls(ca="ca.pem"), user="ann", password="x")
assert_type(store.lock("R").acquire().token, int | None)
lock = client.lock("pool[3]", quantity=2, timeout=timedelta(minutes=5), idle_lifespan=1.5)
assert_type(lock, flom.Lock)
assert_type(lock.acquire(), flom.Held)


@flom.locked("report", mode=flom.PR)
def job(number: int, *, name: str = "") -> list[str]:
    return [name] * number


assert_type(job(1, name="a"), list[str])


@flom.aio.locked("report", mode=flom.Mode.CW)
async def task(number: int) -> list[int]:
    return [number]


same: Callable[[int], Coroutine[Any, Any, list[int]]] = task


async def main() -> None:
    async with aio.lock("R", commit_on_error=True, raise_lost=False, create=False) as held:
        assert_type(held, flom.aio.Held)
        assert_type(held.element, str | None)
    async with aio.Client().lock("R", timeout=None, on_lost=told_in_the_loop):
        assert_type(await task(1), list[int])
    assert_type((await aio.Client("etcd://h").lock("R").acquire()).token, int | None)
    other = await aio.Client("unix:///run/flom.sock").lock("R").acquire()
    await other.rollback()


try:
    asyncio.run(main())
except (flom.Busy, flom.NoSuchResource, flom.Impossible, flom.Timeout) as error:
    refused: flom.NotGranted = error
    assert_type(refused.holders, tuple[str, ...] | None)
except (flom.ConnectError, flom.DaemonError, flom.LockLost, flom.InvalidRequest) as error:
    assert_type(error.rc, int)
    failed: flom.LockError | flom.FlomError = error
print(flom.__version__, [flom.NL, flom.CR, flom.CW, flom.PW, flom.EX])
