"""The daemon in the foreground, which tells on each line of its standard input how large it is."""

import gc
import json
import os
import sys

from flom.core import table
from flom.ctl.main import main
from flom.daemon import reactor, server

made = {}


def remember(kind, then=lambda made: None):
    """Keep the one object of a class that will be made."""
    build = kind.__init__

    def init(self, *given, **named):
        made[kind.__name__] = self
        build(self, *given, **named)
        then(self)

    kind.__init__ = init


def sizes():
    """What must not grow. memory: pages that the process has, in KiB; blocks: of memory, that the
    interpreter uses.
    """
    loop, book, door = made["Reactor"], made["Table"], made["Server"]
    gc.collect()
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return {
        "connections": len(door.connections),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "watched": len(loop._handlers),
        "timers": len(loop._timers),
        "resources": len(book.snapshot().resources),
        "parked": len(book.parked()),
        "alarms": len(book._timers._heap),
        "blocks": sys.getallocatedblocks(),
        "memory": pages * os.sysconf("SC_PAGESIZE") // 1024,
    }


def tell(_):
    """Answer between two events: what is counted does not change meanwhile."""
    if os.read(0, 4096):
        print(json.dumps(sizes()), flush=True)
    else:
        made["Reactor"].remove(0)
        os.close(0)


def listen(loop):
    """Have the daemon's own loop wait for the question."""
    loop.add(0, reactor.READ, tell)


if __name__ == "__main__":
    remember(table.Table)
    remember(server.Server)
    remember(reactor.Reactor, listen)
    sys.exit(main(["daemon", *sys.argv[1:]]))
