"""A wait that ends by a signal, and leaves the program's own wake-up descriptor as it was."""

import os
import signal
import socket
import threading
import time

import pytest

from flom.legacy import waiting

BOUND = 60.0


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def handled():
    """Handles SIGUSR1; the numbers that were handled."""
    numbers = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGUSR1, before)


def soon(action, *arguments):
    threading.Timer(0.05, action, arguments).start()


def limit():
    return time.monotonic() + BOUND


def test_data_end_the_wait(pair):
    ours, theirs = pair
    soon(theirs.send, b"x")
    assert waiting.wait(ours.fileno(), limit())
    assert waiting.wait(ours.fileno(), None)


def test_a_signal_ends_the_wait(pair, handled):
    soon(os.kill, os.getpid(), signal.SIGUSR1)
    assert not waiting.wait(pair[0].fileno(), limit())
    assert handled == [signal.SIGUSR1]


def test_what_a_handler_raises_is_raised(pair):
    before = signal.signal(signal.SIGUSR1, lambda *_: 1 // 0)
    try:
        soon(os.kill, os.getpid(), signal.SIGUSR1)
        with pytest.raises(ZeroDivisionError):
            waiting.wait(pair[0].fileno(), limit())
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert signal.set_wakeup_fd(-1) == -1


def test_the_time_is_over(pair):
    with pytest.raises(TimeoutError):
        waiting.wait(pair[0].fileno(), time.monotonic() + 0.01)


def test_the_wake_up_descriptor_of_the_program_is_served(pair, handled):
    """An event loop in the main thread has one."""
    reader, writer = socket.socketpair()
    with reader, writer:
        reader.settimeout(BOUND)
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno())
        try:
            soon(os.kill, os.getpid(), signal.SIGUSR1)
            assert not waiting.wait(pair[0].fileno(), limit())
            assert reader.recv(10) == bytes([signal.SIGUSR1])
        finally:
            assert signal.set_wakeup_fd(-1) == writer.fileno()


def test_other_threads_go_on_waiting(pair, handled):
    ours, theirs = pair
    results = []
    thread = threading.Thread(target=lambda: results.append(waiting.wait(ours.fileno(), limit())))
    thread.start()
    os.kill(os.getpid(), signal.SIGUSR1)
    assert handled == [signal.SIGUSR1]
    theirs.send(b"x")
    thread.join(BOUND)
    assert results == [True]


def test_nothing_is_left_open(pair, handled):
    opened = len(os.listdir("/proc/self/fd"))
    pair[1].send(b"x")
    for _ in range(3):
        waiting.wait(pair[0].fileno(), limit())
    assert len(os.listdir("/proc/self/fd")) == opened
