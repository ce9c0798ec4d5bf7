"""The event loop: readiness, timers in order, wake-ups, and that it can be stopped."""

import errno
import os
import signal

import pytest

from flom.daemon.reactor import READ, Reactor, WakeUp


@pytest.fixture
def reactor():
    loop = Reactor()
    yield loop
    loop.close()


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_timers_run_in_the_order_of_their_times(reactor):
    calls = []
    for delay in (0.03, 0.01, 0.02):
        reactor.call_at(reactor.now + delay, lambda delay=delay: calls.append(delay))
    reactor.call_at(reactor.now + 0.05, reactor.stop)
    reactor.run()
    assert calls == [0.01, 0.02, 0.03]


def test_cancelled_timer_is_not_called(reactor):
    calls = []
    reactor.call_at(reactor.now, lambda: calls.append("a")).cancel()
    timer = reactor.call_at(reactor.now, lambda: calls.append("b"))
    reactor.call_at(reactor.now + 0.01, reactor.stop)
    reactor.run()
    timer.cancel()
    assert calls == ["b"]


def test_timer_never_runs_before_its_time(reactor):
    due = reactor.now + 0.02
    seen = []
    reactor.call_at(due, lambda: (seen.append(reactor.now), reactor.stop()))
    reactor.run()
    assert seen[0] >= due


def test_readable_descriptor_calls_its_handler(reactor, pipe):
    reader, writer = pipe
    seen = []

    def ready(events):
        seen.append((events, os.read(reader, 10)))
        reactor.stop()

    reactor.add(reader, READ, ready)
    os.write(writer, b"x")
    reactor.run()
    assert seen == [(READ, b"x")]


def test_handler_removed_by_an_earlier_event_of_the_same_batch_is_not_called(reactor):
    pipes = [os.pipe(), os.pipe()]
    calls = []

    def ready(own, other):
        calls.append(own)
        reactor.remove(other)
        reactor.stop()

    for position, (reader, writer) in enumerate(pipes):
        other = pipes[1 - position][0]
        reactor.add(reader, READ, lambda _, own=reader, other=other: ready(own, other))
        os.write(writer, b"x")
    reactor.run()
    assert len(calls) == 1
    for ends in pipes:
        for end in ends:
            os.close(end)


def test_remove_is_harmless_for_unknown_descriptors(reactor):
    reactor.remove(999)


def test_wake_up_delivers_the_bytes_written(reactor):
    got = []

    def woken(data):
        got.append(data)
        reactor.stop()

    wake_up = WakeUp(reactor, woken)
    os.write(wake_up.writer, b"\x0f")
    reactor.run()
    wake_up.close()
    assert got == [b"\x0f"]


class Failing:
    """The kernel's epoll; the calls named in `errors` fail once each, with that error."""

    def __init__(self, epoll, **errors):
        self._epoll = epoll
        self.errors = errors

    def __getattr__(self, call):
        if call in self.errors:
            number = self.errors.pop(call)
            raise OSError(number, os.strerror(number))
        return getattr(self._epoll, call)


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.ENOSPC])
def test_a_descriptor_that_the_kernel_does_not_watch_is_not_known(reactor, pipe, number):
    reactor._epoll = Failing(reactor._epoll, register=number)
    with pytest.raises(OSError, match=os.strerror(number)):
        reactor.add(pipe[0], READ, print)
    assert not reactor._handlers
    reactor.remove(pipe[0])
    reactor.add(pipe[0], READ, print)
    assert not reactor._epoll.errors


def test_what_was_removed_and_closed_leaves_nothing_with_the_kernel(reactor):
    """The next descriptor of the same number is watched from the start."""
    seen = []
    for _ in range(2):
        reader, writer = os.pipe()
        reactor.add(reader, READ, seen.append)
        os.write(writer, b"x")
        reactor.remove(reader)
        os.close(reader)
        os.close(writer)
    assert reactor._epoll.poll(0) == []
    assert not reactor._handlers


def test_signals_interrupt_the_wait_and_nothing_else(reactor):
    """EINTR: time goes on, timers are neither early nor forgotten."""
    caught = []
    before = signal.signal(signal.SIGALRM, lambda *_: caught.append(reactor.now))
    signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
    due = reactor.now + 0.1
    reactor.call_at(due, reactor.stop)
    try:
        reactor.run()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(caught) > 1
    assert reactor.now >= due
