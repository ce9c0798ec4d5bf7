"""A line between hosts that delays every frame and loses some: a program of its own.

Arguments: seconds of delay, share of lost packets, then process id and interface name for each
host. Makes the interfaces, prints "ready", carries frames until its standard input ends, prints
how many it lost.
"""

import collections
import contextlib
import ctypes
import fcntl
import os
import random
import select
import struct
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
SYN = 0x02


def interface(pid, name):
    """A new interface of the host with that process; what is sent through it can be read here."""
    with open(f"/proc/{pid}/ns/net") as there:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def may_be_lost(frame):
    """Whether it is TCP over IPv4, and not of a connection's begin (which has few attempts)."""
    return frame[12:14] == b"\x08\0" and frame[23] == 6 and not frame[47] & SYN


def carry(taps, delay, loss):
    """Frames from each interface to all others, in order; returns how many were lost."""
    chance = random.Random(1)
    lost = 0
    under_way = collections.deque()
    while True:
        timeout = max(under_way[0][0] - time.monotonic(), 0) if under_way else None
        ready, _, _ = select.select([0, *taps], [], [], timeout)
        if 0 in ready:
            return lost
        for tap in ready:
            frame = os.read(tap, 65536)
            if may_be_lost(frame) and chance.random() < loss:
                lost += 1
            else:
                under_way.append((time.monotonic() + delay, tap, frame))
        while under_way and under_way[0][0] <= time.monotonic():
            _, source, frame = under_way.popleft()
            for tap in taps:
                if tap != source:
                    with contextlib.suppress(OSError):  # an interface that is not up yet
                        os.write(tap, frame)


if __name__ == "__main__":
    delay, loss, *hosts = sys.argv[1:]
    taps = [interface(pid, name) for pid, name in zip(hosts[::2], hosts[1::2], strict=True)]
    print("ready", flush=True)
    print(carry(taps, float(delay), float(loss)))
