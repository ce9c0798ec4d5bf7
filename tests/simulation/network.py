"""A clock, a network and an event loop that are nothing but a heap and a random generator.

`World` owns the time. Sockets are pairs of ends; what is sent travels with a delay of its own for
each connection and direction, in order. The daemon's `Server` runs unchanged on `Loop` and on the
far ends, in place of the reactor and the sockets of the kernel.
"""

import heapq
import random

AF_UNIX = 1
READ, WRITE, HANGUP = 1, 4, 16


class World:
    """Simulated time in seconds, and what happens when."""

    def __init__(self, seed):
        self.random = random.Random(seed)
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

    `arrived` is called when there is something new to read. A `room` of bytes is taken by one
    `send`; what the peer does not read piles up at it.
    """

    family = AF_UNIX

    def __init__(self, world, descriptor):
        self._world = world
        self._descriptor = descriptor
        self._lag = 0.0
        self.peer = None
        self.inbox = bytearray()
        self.ended = False
        self.broken = False
        self.closed = False
        self.stuck = False
        self.arrived = lambda: None

    # What a socket does.

    def fileno(self):
        return self._descriptor

    def setblocking(self, _flag):
        pass

    def getsockopt(self, _level, _option, size):
        return bytes(size)  # the credentials of root

    def recv(self, size, _flags=0):
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
        if self._world.random.random() < 0.05:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        size = len(data)
        if self._world.random.random() < 0.1:
            size = 1 + self._world.random.randrange(size)
        self._deliver(lambda peer: peer.inbox.extend(data[:size]))
        return size

    def shutdown(self, _how):
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
        self._watched[descriptor] = [events, handler]
        self._wake()

    def change(self, descriptor, events):
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
