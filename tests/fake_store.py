"""A store of exclusive locks in memory, with the engine's methods (flom.store.lock.Lock)."""

import socket
import threading
from types import SimpleNamespace

from flom.errors import RC_LOCK_BUSY, RC_LOCK_CANT_WAIT, RC_SEND_ERROR, FlomError


class FakeStore:
    """Who holds what; `stubborn`: a wait that is cancelled still ends with the grant.

    refusal: what `connect` raises. told: what the engines have been made with.
    """

    def __init__(self):
        self.changed = threading.Condition()
        self.holders = {}
        self.waiting = 0
        self.engines = []
        self.tokens = 0
        self.stubborn = False
        self.refusal = None

    def engine(self, settings, tell, command=(), **options):
        """An engine, in the place of the class."""
        made = Engine(self, settings, tell, command)
        self.engines.append(made)
        return made

    def free(self):
        """Whether nobody holds or waits for anything."""
        return not self.holders and not self.waiting

    def lose(self, engine):
        """End the session of an engine, as a store does that has not heard of it."""
        with self.changed:
            if self.holders.get(engine.settings.resource_name) is engine:
                del self.holders[engine.settings.resource_name]
            engine.theirs.close()
            self.changed.notify_all()


class Engine:
    """One lock."""

    sessions = "f00d"

    def __init__(self, store, settings, tell, command):
        self.store = store
        self.settings = settings
        self.tell = tell
        self.command = command
        self.token = None
        self.cancelled = self.closed = False
        self.rolled_back = None
        self.ours = self.theirs = None
        self.lease = SimpleNamespace(state="safe")

    def connect(self):
        """Raises what the store says."""
        if self.store.refusal is not None:
            raise self.store.refusal
        self.ours, self.theirs = socket.socketpair()

    def acquire(self):
        """Wait until nobody holds it."""
        store, name = self.store, self.settings.resource_name
        with store.changed:
            if not self.settings.resource_create and name not in store.holders:
                raise FlomError(RC_LOCK_CANT_WAIT, "there is no such thing")
            if self.settings.resource_timeout == 0 and name in store.holders:
                raise FlomError(RC_LOCK_BUSY, "it is held")
            store.waiting += 1
            store.changed.wait_for(lambda: name not in store.holders or self.gives_up())
            store.waiting -= 1
            if self.gives_up():
                raise FlomError(RC_SEND_ERROR, "cancelled")
            store.holders[name] = self
            store.tokens += 1
            self.token = store.tokens

    def gives_up(self):
        """Whether a cancellation ends the wait."""
        return self.cancelled and not self.store.stubborn

    def release(self, rollback):
        """Raises FlomError when it was lost."""
        lost = self.theirs.fileno() == -1
        self.rolled_back = rollback
        self.close()
        if lost:
            raise FlomError(RC_SEND_ERROR, "the store gave it away")

    def close(self):
        """Hold and wait for nothing."""
        with self.store.changed:
            self.closed = True
            if self.store.holders.get(self.settings.resource_name) is self:
                del self.store.holders[self.settings.resource_name]
            self.store.changed.notify_all()
        if self.ours is not None:
            self.ours.close()
            self.theirs.close()

    def cancel(self):
        """End a wait in another thread."""
        with self.store.changed:
            self.cancelled = True
            self.store.changed.notify_all()

    def fileno(self):
        """The end whose other end is closed when the lock is lost."""
        return -1 if self.ours is None else self.ours.fileno()
