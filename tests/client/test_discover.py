"""A search in a group, with answers that are there already: whom it takes, what it tells."""

import contextlib
import socket
import threading
import time

import pytest

from flom.client.discover import Deserted, Search, Silence, peer_of
from flom.client.session import endpoint_of
from flom.errors import FlomError
from flom.net.discovery import GroupEndpoint
from flom.net.options import USUAL
from flom.settings import Settings
from flom.wire.codec import encode
from flom.wire.rare import Discover, Discovered

NOBODY = 1  # a port at which nobody listens


class Stage:
    """A "group" that is a socket of ours, which receives the questions."""

    def __init__(self, **values):
        self.told = []
        self.group = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.group.bind(("127.0.0.1", 0))
        self.group.settimeout(30)
        self.settings = Settings()
        self.settings.discovery_attempts, self.settings.discovery_timeout = 2, 20
        for name, value in values.items():
            setattr(self.settings, name, value)
        self.name = "/".join(map(str, self.group.getsockname()))
        self.endpoint = GroupEndpoint(*self.group.getsockname())
        self.search = Search(
            self.endpoint, self.settings, time.monotonic() + 0.01, USUAL, self._tell
        )
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def _tell(self, stream, text):
        self.told.append((stream, text))

    def answers(self, *answers):
        """Datagrams that have arrived before the search begins."""
        port = self.search._sock.getsockname()[1]
        for each in answers:
            data = each if isinstance(each, bytes) else encode(Discovered(*each))
            self.group.sendto(data, ("127.0.0.1", port))

    def connect(self):
        with contextlib.closing(self.search.connect()) as sock:
            return sock.getpeername()[1]

    def close(self):
        self.search.close()
        self.group.close()
        self.listener.close()


@pytest.fixture
def stages():
    made = []

    def make(**values):
        made.append(Stage(**values))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def stage(stages):
    return stages(discovery_timeout=30000)


def test_the_first_answer_is_taken(stage):
    stage.answers(("", stage.port), ("127.0.0.1", NOBODY))
    assert stage.connect() == stage.port
    assert stage.group.recv(1000) == encode(Discover())
    question = encode(Discover()).decode()
    reply = encode(Discovered("", stage.port)).decode()
    assert stage.told == [
        (1, f"sending UDP multicast datagram to {stage.name} ('{question}')"),
        (1, f"reply from {stage.name} is '{reply}'"),
    ]


def test_the_next_is_tried(stage):
    """W-56; an answer that cannot be used is like one that leads nowhere."""
    bad = [("", NOBODY), ("absent.invalid", 9), ("%", 9), ("fe80::1%99999999999999999999", 9)]
    stage.answers(*bad, ("127.0.0.1", stage.port))
    assert stage.connect() == stage.port


def test_what_is_no_answer_is_ignored(stage):
    """W-55."""
    stage.answers(b"", b"x", encode(Discover()), ("", stage.port))
    assert stage.connect() == stage.port
    assert len(stage.told) == 2


def test_a_daemon_that_was_just_started_may_be_late(stages):
    """The last question is open for longer than the settings say, the one before is not."""
    stage = stages()
    second = threading.Event()
    tell = stage._tell

    def told(stream, text):
        tell(stream, text)
        if [text.partition(" ")[0] for _, text in stage.told] == ["sending", "no", "sending"]:
            second.set()

    def answer():
        assert second.wait(30)
        time.sleep(2 * stage.settings.discovery_timeout / 1000)
        stage.answers(("", stage.port))

    stage.search._tell = told
    late = threading.Thread(target=answer)
    late.start()
    with contextlib.closing(stage.search.connect(60)) as sock:
        assert sock.getpeername()[1] == stage.port
    late.join()


def test_nobody_answers(stages):
    stage = stages()
    with pytest.raises(Silence) as silence:
        stage.connect()
    assert silence.value.rc == -105
    assert [text.partition(" ")[0] for _, text in stage.told] == 2 * ["sending", "no"]
    assert stage.told[1] == (1, f"no reply from {stage.name}")


def test_answers_that_lead_nowhere(stages):
    """daemon.md 9.3: only one with an address may be replaced; the first counts."""
    stage = stages()
    stage.answers(("127.0.0.1", NOBODY), ("", NOBODY))
    with pytest.raises(Deserted) as deserted:
        stage.connect()
    assert str(deserted.value.endpoint) == f"127.0.0.1:{NOBODY}"
    stage = stages()
    stage.answers(("", NOBODY), ("127.0.0.1", NOBODY))
    with pytest.raises(FlomError) as nowhere:
        stage.connect()
    assert (type(nowhere.value), nowhere.value.rc) == (FlomError, -105)


def test_the_time_limit_ends_the_search(stages):
    stage = stages(resource_timeout=10, discovery_attempts=1000)
    with pytest.raises(FlomError) as late:
        stage.connect()
    assert late.value.rc == 9
    assert len(stage.told) < 1000


def test_without_a_time_limit_all_attempts_are_made(stages):
    """Ten seconds of discovery are ten seconds, however long a connection may take."""
    stage = stages(discovery_attempts=5)
    time.sleep(0.02)  # the deadline of the connection is over
    with pytest.raises(Silence):
        stage.connect()
    assert len(stage.told) == 10


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], False),
        ([("", 0), ("127.0.0.1", 0), ("127.0.0.2", 0)], False),  # this host, the same port
        ([("", NOBODY)], True),
        ([("192.0.2.1", 0)], True),
    ],
)
def test_whether_others_answer(stages, others, expected):
    """W-60: one daemon may answer through several interfaces."""
    stage = stages()
    stage.answers(("", stage.port), *((host, port or stage.port) for host, port in others))
    stage.connect()
    assert stage.search.others() is expected


def test_a_reply_is_shown_on_one_line(stage):
    odd = encode(Discovered("", stage.port)).replace(b"></msg>", b">\n\x1b[0m\xc3\xa4<x/></msg>")
    odd = odd.replace(b"\x1b", b"\t")
    stage.answers(odd)
    assert stage.connect() == stage.port
    assert stage.told[-1][1].isprintable()


def test_where_a_connection_leads(stage):
    with socket.create_connection(("127.0.0.1", stage.port)) as sock:
        endpoint = peer_of(sock)
    assert (str(endpoint), endpoint.interface) == (f"127.0.0.1:{stage.port}", "")


def test_the_endpoint_of_a_group():
    """daemon.md 2: an address goes before a group."""
    settings = Settings()
    settings.multicast_address, settings.multicast_port = "ff02::1", 7
    settings.network_interface = "lo"
    endpoint = endpoint_of(settings)
    assert (str(endpoint), endpoint.interface) == ("ff02::1/7", "lo")
    settings.unicast_address = "h"
    assert str(endpoint_of(settings)) == "h:28015"


def test_the_address_that_an_answer_names_is_kept(stage):
    """api.md 6.1: an empty one is not."""
    stage.answers(("127.0.0.1", stage.port))
    stage.connect()
    assert stage.endpoint.announced == ("127.0.0.1", stage.port)
    stage.answers(("", stage.port))
    stage.connect()
    assert stage.endpoint.announced is None
