"""Every way to take a lock, behind one face: what one of them promises all of them keep.

`way.acquire(resource, ...)` gives something with `element`, `release()` and `rollback()`, or raises
Refused with the reason: busy, late, absent, impossible, wrong.
"""

import asyncio
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

from support import BOUND

import flom

REASONS = {
    flom.Busy: "busy",
    flom.Timeout: "late",
    flom.NoSuchResource: "absent",
    flom.Impossible: "impossible",
    flom.InvalidRequest: "wrong",
}
STATUSES = {98: "busy", 96: "absent", 99: "wrong"}


class Refused(Exception):
    """The lock was not given; `reason` says why."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


class Way:
    """Base: a request that is made in the background."""

    def __init__(self, place):
        self.place = place
        self.threads = ThreadPoolExecutor()

    def ask(self, resource, **options):
        """`acquire` in the background, as a future."""
        return self.threads.submit(self.acquire, resource, **options)

    def close(self):
        """End what was started."""
        self.threads.shutdown()


class Blocking(Way):
    """`flom.lock` in a thread."""

    def __init__(self, place):
        super().__init__(place)
        self.client = flom.Client(place.endpoint)

    def acquire(self, resource, mode="EX", **options):
        """See the module."""
        try:
            return self.client.lock(resource, mode=flom.Mode[mode], **options).acquire()
        except flom.LockError as error:
            raise Refused(REASONS[type(error)]) from error


class Awaited(Way):
    """`flom.aio.lock` in a loop."""

    def __init__(self, place):
        super().__init__(place)
        self.client = flom.aio.Client(place.endpoint)
        self.loop = asyncio.new_event_loop()
        self.runner = threading.Thread(target=self.loop.run_forever)
        self.runner.start()

    def acquire(self, resource, mode="EX", **options):
        """See the module."""
        try:
            lock = self.client.lock(resource, mode=flom.Mode[mode], **options)
            return AwaitedHeld(self, self.wait(lock.acquire()))
        except flom.LockError as error:
            raise Refused(REASONS[type(error)]) from error

    def wait(self, coroutine):
        """The result of a coroutine that runs in the loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(4 * BOUND)

    def close(self):
        super().close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.runner.join(BOUND)
        self.loop.close()


class AwaitedHeld:
    """A lock held in the loop."""

    def __init__(self, way, held):
        self.way = way
        self.held = held
        self.element = held.element

    def release(self):
        """Give it back."""
        self.way.wait(self.held.release())

    def rollback(self):
        """Give it back with its value."""
        self.way.wait(self.held.rollback())


class Binding(Way):
    """The reference's binding."""

    REASONS: ClassVar = {4: "busy", 9: "late", 5: "absent", 6: "impossible", -12: "wrong"}

    def __init__(self, place):
        super().__init__(place)
        # No handle starts a daemon (api.md, P-12).
        place.run("-r", "start", "-d", "-1", "--", "true")

    def acquire(
        self, resource, mode="EX", timeout=None, quantity=1, create=True, idle_lifespan=0
    ):  # fmt: skip
        """See the module."""
        handle = flom.flom_handle_new()
        limit = -1 if timeout is None else int(timeout * 1000)
        settings = {
            "socket_name": str(self.place.path),
            "resource_name": resource,
            "resource_timeout": limit,
            "resource_quantity": quantity,
            "resource_create": int(create),
            "resource_idle_lifespan": int(idle_lifespan * 1000),
            "lock_mode": getattr(flom, f"FLOM_LOCK_MODE_{mode}"),
        }
        for name, value in settings.items():
            self.check(getattr(flom, f"flom_handle_set_{name}")(handle, value))
        if flom.flom_handle_get_resource_name(handle) != resource:
            raise Refused("wrong")  # that setter refuses in silence (api.md, P-9)
        self.check(flom.flom_handle_lock(handle))
        return BindingHeld(handle)

    def check(self, code):
        """Raises for anything but success."""
        if code:
            raise Refused(self.REASONS[code])


class BindingHeld:
    """A handle that has a lock."""

    def __init__(self, handle):
        self.handle = handle
        self.element = flom.flom_handle_get_locked_element(handle)

    def release(self):
        """Give it back."""
        assert flom.flom_handle_unlock(self.handle) == flom.FLOM_RC_OK
        flom.flom_handle_delete(self.handle)

    def rollback(self):
        """Give it back with its value."""
        assert flom.flom_handle_unlock_rollback(self.handle) == flom.FLOM_RC_OK
        flom.flom_handle_delete(self.handle)


class Command(Way):
    """`flom -- cmd`."""

    def acquire(
        self, resource, mode="EX", timeout=None, quantity=1, create=True, idle_lifespan=0
    ):  # fmt: skip
        """See the module."""
        limit = -1 if timeout is None else int(timeout * 1000)
        process = self.place.start(
            "-r", resource, "-l", mode, "-o", limit, "-q", quantity,
            "-e", "yes" if create else "no", "-i", int(idle_lifespan * 1000),
            "--", "sh", "-c", 'echo "held $FLOM_ELEMENT"; read status; exit $status',
            stdin=subprocess.PIPE,
        )  # fmt: skip
        words = process.stdout.readline().split(maxsplit=1)
        if words:
            return CommandHeld(process, words[1].strip() if words[1:] else None)
        _, said = process.communicate(timeout=BOUND)
        reason = STATUSES[process.returncode]
        if reason == "busy" and timeout:
            reason = "late"
        if reason == "wrong" and "can never" in said:
            reason = "impossible"
        raise Refused(reason)


class CommandHeld:
    """A command that runs."""

    def __init__(self, process, element):
        self.process = process
        self.element = element

    def release(self):
        """Let the command succeed."""
        self.process.communicate("0\n", timeout=BOUND)

    def rollback(self):
        """Let the command fail."""
        self.process.communicate("1\n", timeout=BOUND)


WAYS = {"blocking": Blocking, "asyncio": Awaited, "binding": Binding, "command": Command}
# The same at a store, which the reference's binding knows nothing of.
AT_STORE = {f"store {name}": WAYS[name] for name in ("blocking", "asyncio", "command")}
