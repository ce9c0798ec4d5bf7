"""One client gets no more of each round than one lock, whatever it sends."""

import socket
from unittest import mock

import pytest

import flom.daemon.reactor
from flom.daemon.hearing import NEXT_ROUND
from flom.daemon.lifecycle import Daemon
from flom.daemon.limits import Limits
from flom.daemon.terms import Terms
from flom.net.listen import listen_unix
from flom.net.options import USUAL
from flom.net.unix import UnixEndpoint
from flom.settings import Settings
from flom.wire.codec import encode
from flom.wire.messages import Lock, Unlock

OTHERS = 3
ROUNDS = 20


@pytest.fixture
def daemon(tmp_path, clock):
    listener = listen_unix(UnixEndpoint(str(tmp_path / "s")))
    terms = Terms(Limits(Settings()), "", USUAL)
    made = Daemon(listener, mock.Mock(), terms, lifespan=-1, patience=0)
    made.path = str(tmp_path / "s")
    yield made
    made._server.close_all()
    made._reactor.close()


class Clock:
    """The monotonic clock of a daemon, moved by hand."""

    now = 1000.0

    def __call__(self):
        self.now += 1e-5  # no two rounds at once
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(flom.daemon.reactor, "monotonic", made)
    return made


def one_round(daemon):
    reactor = daemon._reactor
    reactor.call_at(reactor.now + 2 * NEXT_ROUND, reactor.stop)
    reactor.run()
    reactor._stopped = False


def connect(daemon):
    """A client, and what it says: a lock, and an unlock with the lock again."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(daemon.path)
    client.setblocking(False)
    lock = encode(Lock("p", b"n%d" % client.fileno(), mode=5, wait=True, create=True))
    return client, lock, encode(Unlock(b"n%d" % client.fileno(), False)) + lock


def answers(client):
    return client.recv(1 << 20).count(b"<answer")


def first_locks(daemon, *clients):
    """A round for each newcomer, then their locks."""
    for _ in clients:
        one_round(daemon)
    assert len(daemon._server.connections) == len(clients)
    for client, lock, _ in clients:
        client.send(lock)
    one_round(daemon)
    assert [answers(client) for client, _, _ in clients] == [1] * len(clients)


def test_who_floods_gets_a_share(daemon):
    everybody = [connect(daemon) for _ in range(OTHERS + 1)]
    first_locks(daemon, *everybody)
    (flooding, _, pair), *others = everybody
    flooding.send(pair * ROUNDS * 10)
    for client, _, again in others:
        client.send(again)
    for _ in range(ROUNDS):
        one_round(daemon)
        assert answers(flooding) == 1
        for client, _, again in others:
            assert answers(client) == 1
            client.send(again)
    for client, _, _ in everybody:
        client.close()


def test_what_is_left_of_a_flood_is_heard_without_a_further_word(daemon):
    client, lock, pair = connect(daemon)
    first_locks(daemon, (client, lock, pair))
    client.send(pair * ROUNDS)
    client.shutdown(socket.SHUT_WR)
    for _ in range(ROUNDS):
        one_round(daemon)
        assert answers(client) == 1
    assert len(daemon._server.connections) == 1
    one_round(daemon)
    assert len(daemon._server.connections) == 0
    client.close()


def test_a_message_has_its_time_each(daemon, clock):
    client, lock, pair = connect(daemon)
    first_locks(daemon, (client, lock, pair))
    limit = Limits(Settings()).message_time
    client.send(pair[:20])
    one_round(daemon)
    for _ in range(3):
        clock.now += 0.9 * limit
        client.send(pair[20:] + pair[:20])
        one_round(daemon)
        one_round(daemon)
        assert answers(client) == 1
    clock.now += 0.9 * limit
    one_round(daemon)
    assert len(daemon._server.connections) == 1
    clock.now += 0.2 * limit
    one_round(daemon)
    assert len(daemon._server.connections) == 0
    client.close()
