"""A simulated host with the real server and table on it, which can die and come back."""

from unittest import mock

from simulation.network import AF_INET, AF_UNIX, READ, End, Loop

from flom.core.table import Table
from flom.daemon import door as module
from flom.daemon.limits import Limits
from flom.daemon.server import Server
from flom.daemon.terms import Terms
from flom.net.options import USUAL
from flom.settings import Settings

PEERID = "0" * 32


FACTS = {"endpoint": "", "started": 0.0, "uptime": 0.0, "lifespan": None, "patience": 0}


class Door:
    """The listening socket: who has knocked and was not let in yet."""

    def __init__(self, world, descriptor):
        self._faults = world.faults
        self._descriptor = descriptor
        self.waiting = []

    def fileno(self):
        return self._descriptor

    def ready(self):
        return READ if self.waiting else 0

    def accept(self):
        if not self.waiting:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        self._faults.short("accept")
        sock = self.waiting.pop(0)
        self._faults.lost("accept", sock.sever)
        return sock, ("10.1.1.1", 1024)


class Listener:
    """As the server holds it."""

    place = "simulated"
    discovery = None
    is_unix = True

    def __init__(self, sock):
        self.sock = sock

    def close(self):
        pass


class Log:
    """Faults of the server itself must not be hidden by its robustness."""

    muted_until = 0.0

    def __init__(self):
        self.faults = []

    def record(self, code, text):
        if "internal error" in text:
            self.faults.append(text)


class Daemon:
    """`table` is a class, so that tests can plant faults in one."""

    def __init__(self, world, patience, table=Table):
        self._world = world
        self._patience = patience
        self._make_table = table
        self._descriptors = 3
        self.log = Log()
        self._start()

    def connect(self):
        """The near end of a new connection."""
        world = self._world
        family = world.random.choice((AF_UNIX, AF_INET))
        near, far = End(world, -1), End(world, self._number(), family, world.faults)
        near.peer, far.peer = far, near
        far.arrived = self._loop._wake
        self._loop.sockets[far.fileno()] = far
        door, loop = self._door, self._loop

        def knock():
            if loop.stopped:
                near.broken = True
                near.arrived()
            else:
                door.waiting.append(far)
                loop._wake()

        world.after(world.delay(), knock)
        return near

    def restart(self):
        """The daemon is killed; a new one that knows nothing takes its place."""
        self._loop.stopped = True
        for end in self._loop.sockets.values():
            if isinstance(end, End) and not end.closed:
                end.reset()
        self._start()

    def _start(self):
        self._loop = Loop(self._world)
        self._door = Door(self._world, self._number())
        self._loop.sockets = {self._door.fileno(): self._door}
        self.table = self._make_table(self._patience)
        self.server = Server(
            self._loop,
            Listener(self._door),
            self.table,
            self.log,
            Terms(Limits(Settings()), PEERID, USUAL),
            changed=lambda: None,
            shutdown=lambda immediate: None,
            facts=lambda: FACTS,
        )

    def _number(self):
        self._descriptors += 1
        return self._descriptors


def in_simulation(world):
    """Lets the server accept simulated sockets and read the simulated clock."""
    clock = mock.Mock()
    clock.time_ns = lambda: int((1_700_000_000 + world.now) * 1e9)
    return mock.patch.multiple(module, accept=lambda door: door.accept(), time=clock)
