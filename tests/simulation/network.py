"""A clock, a network and an event loop that are nothing but a heap and a random generator.

`World` owns the time. Sockets are pairs of ends; what is sent travels with a delay of its own for
each connection and direction, in order. The daemon's `Server` runs unchanged on `Loop` and on the
far ends, in place of the reactor and the sockets of the kernel. `Faults` lets the system calls of
the daemon fail.
"""

import errno
import heapq
import random

AF_UNIX, AF_INET = 1, 2
READ, WRITE, HANGUP = 1, 4, 16

# What the kernel may answer when it is short of something; the connection is as good as before.
SHORT = {
    "accept": ("EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EINTR"),
    "recv": ("ENOBUFS", "ENOMEM", "EINTR"),
    "send": ("ENOBUFS", "ENOMEM", "EINTR"),
}
# What means that this connection is lost, or cannot be served.
LOST = {
    "accept": ("ECONNABORTED", "EPROTO"),
    "recv": ("ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH"),
    "send": ("ECONNRESET", "EPIPE", "ETIMEDOUT"),
    "shutdown": ("ENOTCONN",),
    "setblocking": ("EBADF",),
    "setsockopt": ("EINVAL", "ENOBUFS", "ENOMEM"),
    "register": ("ENOMEM", "ENOSPC"),
    "modify": ("ENOMEM",),
}


class Faults:
    """Which system calls of the daemon fail, and how often; `hits` counts what has happened."""

    def __init__(self, chance, rate):
        self._chance = chance
        self._rate = rate
        self.hits = set()

    def short(self, call):
        """Raise an error after which the same call may succeed, or do nothing."""
        self._strike(call, SHORT, lambda: None)

    def lost(self, call, sever):
        """Raise an error that ends a connection, after `sever()`, or do nothing."""
        self._strike(call, LOST, sever)

    def _strike(self, call, errors, before):
        if self._rate and self._chance.random() < self._rate:
            name = self._chance.choice(errors[call])
            self.hits.add((call, name))
            before()
            raise OSError(getattr(errno, name), name)


class World:
    """Simulated time in seconds, and what happens when."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.faults = Faults(self.random, self.random.choice((0, 0, 0.02, 0.2)))
        self.now = 1000.0
        self._events = []
        self._count = 0

    def after(self, seconds, action):
        """Do `action` in so many seconds."""
        self._count += 1
        heapq.heappush(self._events, (self.now + seconds, self._count, action))

    def run(self, limit):
        """Until nothing is left to happen or `limit` seconds are over; False if they are."""
        end = self.now + limit
        while self._events:
            when, _, action = self._events[0]
            if when > end:
                self.now = end
                return False
            heapq.heappop(self._events)
            self.now = max(self.now, when)
            action()
        return True

    def delay(self):
        """How long something travels: mostly little, sometimes much."""
        chance = self.random
        return chance.choice((0.0001, 0.001, 0.001, 0.01, 0.01, chance.random()))


class End:
    """One end of a connection, with the methods of a non-blocking socket that are used.

    `arrived` is called when there is something new to read, `severed` when the connection is cut
    at this moment. What the peer does not read piles up at it. System calls fail at `faults`.
    """

    def __init__(self, world, descriptor, family=AF_UNIX, faults=None):
        self._world = world
        self._descriptor = descriptor
        self._lag = 0.0
        self._faults = faults or Faults(world.random, 0)
        self.family = family
        self.peer = None
        self.inbox = bytearray()
        self.ended = False
        self.broken = False
        self.closed = False
        self.arrived = lambda: None
        self.severed = lambda: None

    # What a socket does.

    def fileno(self):
        return self._descriptor

    def setblocking(self, _flag):
        self._faults.lost("setblocking", self.sever)

    def setsockopt(self, _level, _option, _value):
        self._faults.lost("setsockopt", self.sever)

    def getsockopt(self, _level, _option, size):
        return bytes(size)  # the credentials of root

    def recv(self, size, _flags=0):
        self._faults.short("recv")
        self._faults.lost("recv", self.sever)
        if self.inbox:
            size = self._world.random.choice((size, size, 1 + self._world.random.randrange(size)))
            data = bytes(self.inbox[:size])
            del self.inbox[:size]
            return data
        if self.broken:
            raise ConnectionResetError(104, "Connection reset by peer")
        if self.ended:
            return b""
        raise BlockingIOError(11, "Resource temporarily unavailable")

    def send(self, data):
        if self.broken or self.peer.closed:
            raise BrokenPipeError(32, "Broken pipe")
        self._faults.short("send")
        self._faults.lost("send", self.sever)
        if self._world.random.random() < 0.05:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        sent = bytes(data)
        if self._world.random.random() < 0.1:
            sent = sent[: 1 + self._world.random.randrange(len(sent))]
        self._deliver(lambda peer: peer.inbox.extend(sent))
        return len(sent)

    def shutdown(self, _how):
        self._faults.lost("shutdown", self.sever)
        self._deliver(End._end)

    def close(self):
        if not self.closed:
            self.closed = True
            self._deliver(End._end)

    def _end(self):
        self.ended = True

    # What befalls it.

    def vanish(self):
        """The host is cut off: the peer learns it much later, when its keepalive gives up."""
        self.closed = True
        self.peer._lag += 30.0
        self._deliver(lambda peer: setattr(peer, "broken", True))

    def reset(self):
        """The process is gone with unread data: the peer's next look finds a reset."""
        self.closed = True
        self._deliver(lambda peer: setattr(peer, "broken", True))

    def sever(self):
        """The connection is cut at this moment, and both ends know it."""
        self.broken = True
        if not self.peer.closed:
            self.peer.severed()
            self.peer.closed = True

    def ready(self):
        """Events as epoll tells them."""
        found = WRITE
        if self.inbox or self.ended or self.broken:
            found |= READ
        return found | HANGUP if self.broken else found

    def _deliver(self, change):
        # In order: nothing overtakes what was sent before on the same way.
        peer = self.peer
        due = max(self._lag, self._world.now + self._world.delay())
        self._lag = due

        def arrive():
            if not peer.closed:
                change(peer)
                peer.arrived()

        self._world.after(due - self._world.now, arrive)


class Timer:
    def __init__(self, when, callback):
        self.when = when
        self.callback = callback

    def cancel(self):
        self.callback = None


class Loop:
    """The daemon's reactor on simulated time: batches of ready descriptors in any order."""

    def __init__(self, world):
        self._world = world
        self._watched = {}
        self._turn_due = False
        self.stopped = False
        self.now = world.now

    def add(self, descriptor, events, handler):
        self._may_fail("register", descriptor)
        self._watched[descriptor] = [events, handler]
        self._wake()

    def change(self, descriptor, events):
        self._may_fail("modify", descriptor)
        self._watched[descriptor][0] = events
        self._wake()

    def remove(self, descriptor):
        self._watched.pop(descriptor, None)

    def call_at(self, when, callback):
        timer = Timer(when, callback)

        def due():
            if timer.callback is not None and not self.stopped:
                self.now = self._world.now
                callback, timer.callback = timer.callback, None
                callback()

        self._world.after(max(when - self._world.now, 0.0), due)
        return timer

    def _may_fail(self, call, descriptor):
        if sever := getattr(self.sockets[descriptor], "sever", None):
            self._world.faults.lost(call, sever)

    def _wake(self):
        if not self._turn_due and not self.stopped:
            self._turn_due = True
            self._world.after(self._world.random.choice((0.0, 0.0001, 0.01)), self._turn)

    def _turn(self):
        self._turn_due = False
        if self.stopped:
            return
        self.now = self._world.now
        batch = [item for item in self.readiness() if item[1]]
        self._world.random.shuffle(batch)
        for descriptor, mask in batch:
            if descriptor in self._watched:
                self._watched[descriptor][1](mask)
        if any(mask for _, mask in self.readiness()):
            self._wake()

    def readiness(self):
        """Descriptors and the events that are watched for and there; hang-ups always."""
        return [
            (descriptor, self.sockets[descriptor].ready() & (events | HANGUP))
            for descriptor, (events, _) in self._watched.items()
        ]

    sockets: dict = {}  # noqa: RUF012  # replaced by the host that owns the loop
