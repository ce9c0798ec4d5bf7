"""One client gets no more of each round than a piece of a message stream, whatever it sends."""

import socket
from unittest import mock

import pytest

from flom.daemon.lifecycle import Daemon
from flom.daemon.limits import Limits
from flom.daemon.server import RECEIVE_SIZE
from flom.daemon.terms import Terms
from flom.net.address import UnixEndpoint
from flom.net.listen import listen_unix
from flom.net.options import USUAL
from flom.settings import Settings
from flom.wire.codec import encode
from flom.wire.messages import Lock, Unlock

OTHERS = 3
ROUNDS = 20


@pytest.fixture
def daemon(tmp_path):
    listener = listen_unix(UnixEndpoint(str(tmp_path / "s")))
    terms = Terms(Limits(Settings()), "", USUAL)
    made = Daemon(listener, mock.Mock(), terms, lifespan=-1, patience=0)
    made.path = str(tmp_path / "s")
    yield made
    made._server.close_all()
    made._reactor.close()


def one_round(daemon):
    reactor = daemon._reactor
    reactor.call_at(reactor.now, reactor.stop)
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


def test_who_floods_gets_a_share(daemon):
    flooding, lock, pair = connect(daemon)
    others = [connect(daemon) for _ in range(OTHERS)]
    for _ in range(OTHERS + 1):
        one_round(daemon)  # a newcomer in each
    assert len(daemon._server.connections) == OTHERS + 1
    flooding.send(lock)
    one_round(daemon)
    assert answers(flooding) == 1
    flooding.send(pair * ROUNDS * 10)
    for client, lock, _ in others:
        client.send(lock)
    for _ in range(ROUNDS):
        one_round(daemon)
        assert answers(flooding) <= RECEIVE_SIZE // len(pair) + 1
        for client, _, again in others:
            assert answers(client) == 1
            client.send(again)
    for client in (flooding, *(client for client, _, _ in others)):
        client.close()
