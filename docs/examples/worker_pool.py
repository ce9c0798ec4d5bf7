"""Workers on asyncio that share two graphics cards with each other, and with every other program
that locks `gpu0.gpu1`.
"""

import asyncio

import flom

CARDS = "gpu0.gpu1"
busy: set[str] = set()


async def train(job: int, card: str) -> str:
    """Use one card."""
    assert card not in busy
    busy.add(card)
    await asyncio.sleep(0.01)
    busy.remove(card)
    return f"job {job} done"


async def worker(jobs: "asyncio.Queue[int]", done: list[str]) -> None:
    """Take jobs, each with whichever card is free."""
    while not jobs.empty():
        job = jobs.get_nowait()
        async with flom.aio.lock(CARDS, timeout=600) as held:
            assert held.element is not None
            done.append(await train(job, held.element))


async def main() -> None:
    """Eight workers, twenty jobs, two cards."""
    jobs: asyncio.Queue[int] = asyncio.Queue()
    for job in range(20):
        jobs.put_nowait(job)
    done: list[str] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(worker(jobs, done))
    print(len(done), "jobs done")


if __name__ == "__main__":
    asyncio.run(main())
