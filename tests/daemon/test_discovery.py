"""The daemon's datagrams: what is answered, what is said, how much is done at once."""

import random
import socket

import pytest

from flom.daemon.discovery import BATCH, Discovery, announced
from flom.daemon.reactor import Reactor
from flom.net.discovery import Group, Membership
from flom.net.sockets import AF_INET
from flom.wire.codec import decode_datagram, encode
from flom.wire.rare import Discover, Discovered

QUESTION = encode(Discover())


class Log:
    def __init__(self):
        self.records = []

    def record(self, code, text):
        self.records.append((code, text))


class Stage:
    """A daemon's discovery with a client."""

    def __init__(self):
        self.reactor, self.log, self.asked = Reactor(), Log(), []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.bind(("127.0.0.1", 0))
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.client.settimeout(30)
        self.client.connect(self.sock.getsockname())
        membership = Membership(self.sock, Group(AF_INET, ("239.1.1.1", 1), 0))
        self.discovery = Discovery(
            self.reactor, membership, self.listener, self.log, asked=self._ask
        )

    def _ask(self):
        self.asked.append(True)
        self.reactor.stop()

    def close(self):
        self.discovery.close()
        self.reactor.close()
        for sock in (self.sock, self.listener, self.client):
            sock.close()


@pytest.fixture
def stage():
    made = Stage()
    yield made
    made.close()


def test_a_question_is_answered_and_counts_as_activity(stage):
    stage.client.send(QUESTION)
    stage.reactor.run()
    answer = decode_datagram(stage.client.recv(1000))
    assert answer == Discovered("127.0.0.1", stage.listener.getsockname()[1])
    assert stage.asked == [True]
    port = stage.client.getsockname()[1]
    assert stage.log.records == [("FLM005I", f"discovery by 127.0.0.1/{port}")]


def test_what_is_no_question_is_no_activity(stage):
    for data in (b"", b"x", QUESTION[:-1], encode(Discovered("", 1))):
        stage.client.send(data)
    assert stage.discovery.answer() == 0
    assert stage.log.records == stage.asked == []


def test_random_datagrams(stage):
    """D-51: two hundred that end like a message, half of them nearly a question."""
    chance = random.Random(22)
    for number in range(200):
        data = bytearray(QUESTION if number % 2 else chance.randbytes(chance.randrange(400)))
        for _ in range(3 if number % 2 else 0):
            data[chance.randrange(len(data) - 6)] = chance.randrange(128, 256)
        stage.client.send(data if number % 2 else data + b"</msg>")
        assert stage.discovery.answer() == 0
    stage.client.send(QUESTION)
    assert stage.discovery.answer() == 1


def test_much_at_once_is_done_in_pieces(stage):
    """Others are served in between."""
    for _ in range(BATCH + 1):
        stage.client.send(QUESTION)
    assert stage.discovery.answer() == BATCH
    assert stage.discovery.answer() == 1
    assert stage.discovery.answer() == 0


def test_who_has_gone_hinders_nobody(stage):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.connect(stage.sock.getsockname())
        gone.send(QUESTION)
    assert stage.discovery.answer() == 1
    stage.client.send(QUESTION)
    assert stage.discovery.answer() == 1
    assert decode_datagram(stage.client.recv(1000))


@pytest.mark.parametrize(
    ("address", "host"),
    [
        (("0.0.0.0", 7), ""),
        (("::", 7, 0, 0), ""),
        (("10.1.1.1", 7), "10.1.1.1"),
        (("fe80::1%eth0", 7, 0, 2), "fe80::1"),
        (("::1", 7, 0, 0), "::1"),
    ],
)
def test_what_is_announced(address, host):
    """D-39, F17."""
    assert announced(address) == Discovered(host, 7)
