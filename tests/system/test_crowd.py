"""Hundreds of tasks and threads on a few resources: exclusion, and nobody is forgotten."""

import asyncio
import random
import threading

import pytest
from support import BOUND

import flom

RESOURCES = 20
TURNS = 3


class Room:
    """What may be inside of one resource: readers, or one writer."""

    def __init__(self):
        self.readers = 0
        self.writers = 0

    def enter(self, mode):
        """Somebody holds the lock now."""
        if mode == flom.EX:
            self.writers += 1
        else:
            self.readers += 1
        assert self.writers == 0 or (self.writers, self.readers) == (1, 0), (
            "two incompatible holders"
        )

    def leave(self, mode):
        """And now no longer."""
        if mode == flom.EX:
            self.writers -= 1
        else:
            self.readers -= 1


@pytest.fixture
def endpoint(place, monkeypatch):
    """A fresh place, whose daemon starts when it is needed."""
    monkeypatch.setenv("HOME", str(place.folder))
    return f"unix://{place.path}"


def choice(chance):
    """A resource and how to share it."""
    return chance.randrange(RESOURCES), chance.choice([flom.PR, flom.EX])


def test_500_tasks_of_which_some_are_cancelled(endpoint):
    """Whoever is cancelled, waiting or holding, leaves; all others get their turns."""
    client = flom.aio.Client(endpoint)
    rooms = [Room() for _ in range(RESOURCES)]
    turns = []

    async def worker(seed):
        chance = random.Random(seed)
        for _ in range(TURNS):
            number, mode = choice(chance)
            async with client.lock(f"R{number}", mode=mode):
                rooms[number].enter(mode)
                try:
                    await asyncio.sleep(chance.random() / 1000)
                finally:
                    rooms[number].leave(mode)
            turns.append(seed)

    async def main():
        chance = random.Random(1)
        tasks = [asyncio.create_task(worker(seed)) for seed in range(500)]
        doomed = chance.sample(tasks, 150)
        for task in doomed:
            await asyncio.sleep(chance.random() / 100)
            task.cancel()
        async with asyncio.timeout(4 * BOUND):
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for task, result in zip(tasks, ended, strict=True):
            if task not in doomed:
                assert result is None
            assert result is None or isinstance(result, asyncio.CancelledError), result
        assert len(turns) >= 350 * TURNS
        # nothing is left behind
        for number in range(RESOURCES):
            async with client.lock(f"R{number}", timeout=BOUND):
                pass

    asyncio.run(main())


def test_200_threads_of_which_some_give_up(endpoint):
    """Whoever cannot wait longer leaves; all others get their turns."""
    client = flom.Client(endpoint)
    rooms = [Room() for _ in range(RESOURCES)]
    guards = [threading.Lock() for _ in range(RESOURCES)]
    turns, late, problems = [], [], []

    def worker(seed):
        chance = random.Random(seed)
        for _ in range(TURNS):
            number, mode = choice(chance)
            timeout = None if seed % 4 else 0.002
            try:
                with client.lock(f"R{number}", mode=mode, timeout=timeout):
                    with guards[number]:
                        rooms[number].enter(mode)
                    threading.Event().wait(chance.random() / 1000)
                    with guards[number]:
                        rooms[number].leave(mode)
                turns.append(seed)
            except flom.Timeout:
                late.append(seed)
            except BaseException as error:
                problems.append(error)
                raise

    client.lock("start").acquire().release()
    threads = [threading.Thread(target=worker, args=(seed,), daemon=True) for seed in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(4 * BOUND)
    assert not any(thread.is_alive() for thread in threads), "somebody was forgotten"
    assert not problems
    assert len(turns) + len(late) == 200 * TURNS
    assert all(seed % 4 == 0 for seed in late)
    for number in range(RESOURCES):
        client.lock(f"R{number}", timeout=BOUND).acquire().release()
