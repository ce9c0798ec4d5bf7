"""What it costs the others that somebody watches: ten streams of events, metrics each second.

The same daemon serves the same clients with watchers and without, in turns, in short slices. The
watchers are a process of its own, which reads and understands nothing. Shown is the ratio of pairs
a second, and of pairs for the same processor time of the daemon: other work on the machine, the
watchers' own reading included, does not change the second one.
"""

import os
import select
import socket
import sys
import time

import load
from common import (
    Address,
    Child,
    Daemon,
    Series,
    answered,
    arguments,
    connect,
    finish,
    in_turns,
    lock_message,
    workplace,
)

CLIENTS = 8
WATCHERS = 10


def question(number: int, what: str) -> bytes:
    """A question to the daemon."""
    return (
        '<?xml version="1.0" encoding="UTF-8" ?><msg level="3" verb="6" step="8">'
        f'<ask id="{number}" what="{what}"/></msg>'
    ).encode()


def onlooker(address: Address) -> socket.socket:
    """A connection on which questions may be asked."""
    sock = connect(address)
    lock = lock_message("flomState").replace(b'step="8"', b'step="8" ext="flom"')
    sock.send(lock.replace(b'mode="5"', b'mode="0"').replace(b'create="1"', b'create="0"'))
    answered(sock, 2)
    return sock


class Watchers(Child):
    """A process that watches while it runs."""

    def __init__(self, address: Address) -> None:
        reader, writer = os.pipe()
        super().__init__(lambda: watch(address, writer))
        os.close(writer)
        os.read(reader, 1)
        os.close(reader)


def watch(address: Address, ready: int) -> None:
    """Read events for ever, and ask for the metrics each second."""
    epoll = select.epoll()
    socks = {}
    for _ in range(WATCHERS):
        sock = onlooker(address)
        sock.send(question(1, "events"))
        socks[sock.fileno()] = sock
        epoll.register(sock.fileno(), select.EPOLLIN)
    asker = onlooker(address)
    buffer = bytearray(1 << 20)
    os.write(ready, b"1")
    while True:
        asker.send(question(1, "metrics"))
        asker.recv_into(buffer)
        end = time.monotonic() + 1
        while (left := end - time.monotonic()) > 0:
            for descriptor, _ in epoll.poll(left):
                if not socks[descriptor].recv_into(buffer):
                    sys.exit("the daemon does not like its watchers")


def main() -> None:
    options = arguments(
        "throughput with ten watchers, over that without", rounds=12, milliseconds=400
    )
    seconds = options.milliseconds / 1000
    with workplace(options.flom) as (folder, flom):
        daemon = Daemon(flom, folder, "unix")
        try:
            drive = load.persistent(daemon.address, load.first_grant(daemon), CLIENTS)
            alone = load.sliced(drive, daemon.pid, seconds)

            def watched() -> load.Slice:
                watchers = Watchers(daemon.address)
                try:
                    return alone()
                finally:
                    watchers.close()

            alone()
            turns = in_turns(options.rounds, {"alone": alone, "watched": watched})
        finally:
            daemon.close()
    ratio, spared = load.ratios(turns["watched"], turns["alone"])
    rate, cost = (Series([getattr(one, what) for one in turns["alone"]]).median
                  for what in ("rate", "cost"))  # fmt: skip
    print(f"{WATCHERS} watchers, {CLIENTS} clients: pairs/s with watchers over without")
    print(f"  {ratio}, for the same processor time {spared}")
    print(f"  alone {rate:.0f} pairs/s, {cost * 1e6:.1f} us each")
    finish(
        "watchers",
        ratio=ratio.figures(),
        cpu_ratio=spared.figures(),
        pairs_per_second=round(rate),
    )


if __name__ == "__main__":
    main()
