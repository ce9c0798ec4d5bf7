"""`flom.aio`: locks for programs that run on asyncio, name for name as in `flom`."""

from flom.client.aio import Client, Held, Lock, lock, locked

__all__ = ["Client", "Held", "Lock", "lock", "locked"]
