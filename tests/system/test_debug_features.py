"""The debug features: two processes each, exit statuses and lines (cli.md 16; C-57)."""

import contextlib
import re
import socket
import subprocess
import sys

import pytest
from certificates import options
from room import NETWORK, room
from support import FLOM, environment, wait_for

GROUP = ["-A", "ff15::77", "-P", "5077"]


class Half:
    """One of the two processes."""

    def __init__(self, folder, words, prefix=()):
        self.log = folder / f"{len(list(folder.iterdir()))}.trc"
        self._process = subprocess.Popen(
            [*prefix, FLOM, "-T", self.log, *words],
            env=environment(folder, FLOM_TRACE_MASK="0x300000"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def await_ready(self):
        """Returns when the server waits for its peer."""
        wait_for(lambda: self.ready() or self._process.poll() is not None, "a server that waits")
        assert self.ready(), self.end()
        return self

    def ready(self):
        return self.log.exists() and re.search("waiting|listening", self.log.read_text())

    def end(self):
        """Exit status, standard output, standard error."""
        out, err = self._process.communicate(timeout=60)
        assert (self._process.returncode == 0) == (err == "")
        assert err.count("\n") <= 1
        return self._process.returncode, out, err

    def kill(self):
        self._process.kill()
        self._process.communicate()


# Multicast


@pytest.fixture
def halves(folder):
    """Makes processes in a network of their own, in which multicast works."""
    made = []
    with room(folder, NETWORK) as apart:

        def make(name, *words):
            made.append(Half(folder, [f"--debug-feature={name}", *words], apart.prefix))
            return made[-1]

        make.prefix = apart.prefix
        yield make
        for half in made:
            half.kill()


@pytest.mark.parametrize(
    ("server", "client"),
    [
        ("ipv6.multicast.server", "ipv6.multicast.client"),
        ("IPV6.Multicast.SERVER", "IPv6.MULTICAST.client"),
    ],
)
def test_c57_multicast(halves, server, client):
    server = halves(server, *GROUP).await_ready()
    client = halves(client, *GROUP, "--discovery-ttl", "3")
    assert client.end() == (
        0, "Sent datagram is 'HELLO'\nArrived datagram is 'WELCOME'\n", "",
    )  # fmt: skip
    assert server.end() == (
        0, "Arrived datagram is 'HELLO'\nSent datagram is 'WELCOME'\n", "",
    )  # fmt: skip


def test_c57_multicast_is_reliable(halves):
    """CF-22: the reference's client fails every second time."""
    for _ in range(10):
        server = halves("ipv6.multicast.server", *GROUP).await_ready()
        assert halves("ipv6.multicast.client", *GROUP).end()[0] == 0
        assert server.end()[0] == 0


def test_c57_multicast_client_gives_up(halves):
    """CF-22."""
    status, out, err = halves("ipv6.multicast.client", *GROUP, "-D", "2", "-I", "40").end()
    assert (status, out) == (1, "Sent datagram is 'HELLO'\n")
    assert "within 80 ms" in err


HOPS = """
import socket, struct
sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
sock.bind(("::", 5077))
sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
index = struct.pack("I", socket.if_nametoindex("d0"))
group = socket.inet_pton(socket.AF_INET6, "ff15::77") + index
sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
print("ready", flush=True)
data, ((level, kind, hops),), _, sender = sock.recvmsg(100, 100)
sock.sendto(b"hello yourself", sender)
print(data.decode(), struct.unpack("i", hops)[0])
"""


@pytest.mark.parametrize("ttl", [1, 7])
def test_c57_multicast_client_and_another_server(halves, ttl):
    """The bare word on the wire, as many hops as were asked for, any answer is shown."""
    server = subprocess.Popen(
        [*halves.prefix, sys.executable, "-c", HOPS],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout.readline() == "ready\n"
    client = halves("ipv6.multicast.client", *GROUP, "--discovery-ttl", str(ttl))
    assert client.end()[1].endswith("Arrived datagram is 'hello yourself'\n")
    assert server.communicate(timeout=60)[0] == f"HELLO {ttl}\n"


@pytest.mark.parametrize("name", ["ipv6.multicast.server", "ipv6.multicast.client"])
@pytest.mark.parametrize(
    "words", [[], ["-A", "239.1.1.1"], ["-A", "fe80::1"], ["-A", "absent.invalid"]]
)
def test_c57_multicast_without_a_group(halves, name, words):
    status, out, err = halves(name, *words).end()
    assert (status, out) == (1, "")
    assert "ret_cod=" in err


# TLS


@pytest.fixture
def pair(certificates, folder, places):
    """Runs server and client with the given certificates; both outcomes."""
    place = places("127.0.0.1")
    made = []

    def words(side, certificate, key=None, authority="one", check="no"):
        files = options(certificates, certificate, key=key, authority=authority, check=check)
        return [f"--debug-feature=tls.{side}", *place.words, *files]

    def run(server, client):
        for side, how in ("server", server), ("client", client):
            made.append(Half(folder, words(side, **how)))
            if side == "server":
                made[-1].await_ready()
        return made[-1].end(), made[-2].end()

    run.alone = lambda side, **how: Half(folder, words(side, **how)).end()
    yield run
    for half in made:
        half.kill()


def statuses(outcomes):
    (client, out, _), (server, more, _) = outcomes
    assert out == more == ""
    return client, server


@pytest.mark.parametrize("check", ["yes", "no"])
def test_c57_tls(pair, check):
    server = {"certificate": "mine", "check": check}
    assert statuses(pair(server, {"certificate": "peer", "check": check})) == (0, 0)


@pytest.mark.parametrize(
    ("server", "client", "expected"),
    [
        # Names that do not fit matter only to the side that checks.
        ({"certificate": "other"}, {"certificate": "other"}, (0, 0)),
        ({"certificate": "nameless"}, {"certificate": "mine"}, (0, 0)),
        ({"certificate": "other"}, {"certificate": "mine", "check": "yes"}, (1, 0)),
        ({"certificate": "nameless"}, {"certificate": "mine", "check": "yes"}, (1, 0)),
        ({"certificate": "mine", "check": "yes"}, {"certificate": "other"}, (1, 1)),
        # Of a foreign authority both sides learn.
        ({"certificate": "mine"}, {"certificate": "foreign"}, (1, 1)),
        ({"certificate": "foreign"}, {"certificate": "mine"}, (1, 1)),
        ({"certificate": "mine", "authority": "two"}, {"certificate": "mine"}, (1, 1)),
        ({"certificate": "foreign", "authority": "two"}, {"certificate": "mine"}, (1, 1)),
    ],
)
def test_c57_tls_certificates_that_do_not_fit(pair, server, client, expected):
    assert statuses(pair(server, client)) == expected


def test_the_reason_is_said(pair):
    (_, _, client), (_, _, server) = pair(
        {"certificate": "other"}, {"certificate": "mine", "check": "yes"}
    )
    assert "ret_cod=-23" in client
    assert "00112233445566778899aabbccddeeff" in client
    assert server == ""
    (_, _, client), _ = pair({"certificate": "foreign"}, {"certificate": "mine"})
    assert "ret_cod=-407" in client


@pytest.mark.parametrize("side", ["server", "client"])
@pytest.mark.parametrize(
    ("files", "rc"),
    [
        ({"certificate": "mine", "key": "peer"}, -404),
        ({"certificate": "mine", "key": "encrypted"}, -404),
        ({"certificate": "junk", "key": "mine"}, -403),
        ({"certificate": "mine", "authority": "junk"}, -401),
    ],
)
def test_c57_tls_files_that_cannot_be_used(pair, side, files, rc):
    status, out, err = pair.alone(side, **files)
    assert (status, out) == (1, "")
    assert f"ret_cod={rc}" in err


@pytest.mark.parametrize("side", ["server", "client"])
def test_c57_tls_without_files(folder, places, side):
    status, out, err = Half(
        folder, [f"--debug-feature=tls.{side}", *places("127.0.0.1").words]
    ).end()
    assert (status, out) == (1, "")
    assert "--tls-certificate" in err


def test_c57_tls_client_without_a_server(pair):
    status, _, err = pair.alone("client", certificate="mine")
    assert status == 1
    assert "ret_cod=-105" in err


@pytest.mark.parametrize("side", ["server", "client"])
def test_a_peer_without_tls(certificates, folder, places, side):
    """Somebody who does not speak TLS, or closes in the middle, is a failure, not a fault."""
    if side == "server":
        place = places("127.0.0.1")
        server = Half(folder, ["--debug-feature=tls.server", *place.words, *options(certificates)])
        server.await_ready()
        with place.connect() as sock, contextlib.suppress(ConnectionResetError):
            sock.sendall(b"hello, this is no handshake\r\n")
            sock.recv(100)
        outcome = server.end()
    else:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = str(listener.getsockname()[1])
            words = ["--debug-feature=tls.client", "-a", "127.0.0.1", "-p", port]
            client = Half(folder, [*words, *options(certificates)])
            with listener.accept()[0] as sock:
                sock.recv(100)
                sock.sendall(b"hello, this is no handshake\r\n")
            outcome = client.end()
    assert outcome[:2] == (1, "")
    assert "no TLS connection" in outcome[2]


# All of them


def test_an_unknown_feature_names_the_valid_ones(folder):
    status, out, err = Half(folder, ["--debug-feature=nope"]).end()
    assert (status, out) == (1, "")
    for name in ("ipv6.multicast.server", "ipv6.multicast.client", "tls.server", "tls.client"):
        assert name in err


@pytest.mark.parametrize(
    ("words", "status"),
    [(["-x"], 1), (["--", "touch", "made"], 1), (["-s", "/s", "-a", "h"], 99)],
)
def test_the_place_in_the_order_of_work(folder, words, status):
    """After the checks, before a shutdown and before the command."""
    assert Half(folder, ["--debug-feature=nope", *words]).end()[:2] == (status, "")
    assert not (folder / "made").exists()
