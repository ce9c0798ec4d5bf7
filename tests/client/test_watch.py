"""Noticing that the other end is gone."""

import functools
import queue
import socket
import threading

import pytest

from flom.client.watch import Watcher, ended


@pytest.fixture
def pair():
    """Two connected sockets."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def watcher():
    """A watcher, whose thread ends with the test run."""
    return Watcher()


def test_what_was_sent_does_not_hide_the_end(pair):
    ours, theirs = pair
    assert not ended(ours.fileno())
    theirs.send(b"unread")
    assert not ended(ours.fileno())
    theirs.close()
    assert ended(ours.fileno())


def test_the_end_is_told_once(pair, watcher):
    ours, theirs = pair
    told = queue.SimpleQueue()
    watcher.add(ours.fileno(), lambda: told.put(threading.current_thread().name))
    theirs.close()
    assert told.get(timeout=60) == "flom-watcher"
    other, end = socket.socketpair()
    with other:
        watcher.add(other.fileno(), lambda: told.put("the next"))
        end.close()
        assert told.get(timeout=60) == "the next"


def test_nothing_is_told_of_what_is_not_watched_any_more(pair, watcher):
    ours, theirs = pair
    told = queue.SimpleQueue()
    call = functools.partial(told.put, "removed")
    watcher.add(ours.fileno(), call)
    assert watcher.remove(ours.fileno(), call)
    assert not watcher.remove(ours.fileno(), call)
    theirs.close()
    other, end = socket.socketpair()
    with other:
        watcher.add(other.fileno(), lambda: told.put("the other"))
        end.close()
        assert told.get(timeout=60) == "the other"


def test_a_failing_call_does_not_end_the_watch(pair, watcher, monkeypatch):
    reported = queue.SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", reported.put)
    ours, theirs = pair

    def fail():
        raise KeyError("of the program")

    watcher.add(ours.fileno(), fail)
    theirs.close()
    assert reported.get(timeout=60).exc_type is KeyError
    other, end = socket.socketpair()
    told = threading.Event()
    with other:
        watcher.add(other.fileno(), told.set)
        end.close()
        assert told.wait(60)
