"""Connecting: who is trusted, which failure allows a daemon's start, how long it may take."""

import os
import socket
import time

import pytest

from flom.errors import FlomError
from flom.net.address import TcpEndpoint, interface_index, resolve
from flom.net.connect import connect_tcp
from flom.net.options import USUAL
from flom.net.unix import NobodyListens, UnixEndpoint, connect_unix


def soon():
    return time.monotonic() + 20


@pytest.fixture
def served(tmp_path):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        yield path, server


def test_missing_path_and_silent_path_allow_a_start(tmp_path):
    path = str(tmp_path / "s")
    with pytest.raises(NobodyListens) as missing:
        connect_unix(UnixEndpoint(path), soon())
    assert missing.value.rc == -105
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    with pytest.raises(NobodyListens):
        connect_unix(UnixEndpoint(path), soon())


def test_other_failures_do_not_allow_a_start(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(FlomError) as failure:
        connect_unix(UnixEndpoint(str(path / "s")), soon())
    assert failure.value.rc == -105
    assert not isinstance(failure.value, NobodyListens)


def test_connected_socket_blocks_without_limit(served):
    path, server = served
    sock = connect_unix(UnixEndpoint(path, private=True), soon())
    peer, _ = server.accept()
    assert sock.gettimeout() is None
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, 16) == bytes(16)
    sock.send(b"x")
    assert peer.recv(1) == b"x"
    sock.close()
    peer.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_default_socket_of_somebody_else_is_refused(served):
    """Design, "Security of the default socket": an explicit path is not restricted."""
    path, _ = served
    os.chown(path, 12345, 12345)
    with pytest.raises(FlomError) as refused:
        connect_unix(UnixEndpoint(path, private=True), soon())
    assert refused.value.rc == -105
    assert not isinstance(refused.value, NobodyListens)
    assert "12345" in refused.value.text
    connect_unix(UnixEndpoint(path), soon()).close()


def test_full_backlog_is_waited_for_until_the_deadline(tmp_path):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(0)
        first = connect_unix(UnixEndpoint(path), soon())
        with pytest.raises(FlomError) as late:
            connect_unix(UnixEndpoint(path), time.monotonic() + 0.05)
        assert "in time" in late.value.text
        first.close()


def test_tcp_falls_back_to_the_next_address(monkeypatch):
    """D-11: a name with a refusing and a serving address."""
    with socket.socket(socket.AF_INET) as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        endpoint = TcpEndpoint("localhost", port)
        both = resolve(TcpEndpoint("::1", port)) + resolve(TcpEndpoint("127.0.0.1", port))
        monkeypatch.setattr("flom.net.connect.resolve", lambda _: both)
        sock = connect_tcp(endpoint, soon(), USUAL)
        assert sock.getpeername() == ("127.0.0.1", port)
        sock.close()


def test_tcp_options_on_both_families():
    """D-33, client side."""
    for host, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
        with socket.socket(family) as server:
            server.bind((host, 0))
            server.listen()
            endpoint = TcpEndpoint(host, server.getsockname()[1])
            sock = connect_tcp(endpoint, soon(), (7, 3, 2))
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 7
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 3
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 2
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 13000
            sock.close()


def test_refused_everywhere_names_every_address():
    with socket.socket(socket.AF_INET) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(NobodyListens) as failure:
        connect_tcp(TcpEndpoint("127.0.0.1", port), soon(), USUAL)
    assert failure.value.rc == -105
    assert f"127.0.0.1:{port}: Connection refused" in failure.value.text


def test_unknown_name():
    """D-6."""
    with pytest.raises(FlomError) as failure:
        resolve(TcpEndpoint("no-such-host.invalid", 1))
    assert failure.value.rc == -110


def test_interface_restricts_to_ipv6_and_sets_the_scope():
    index = socket.if_nametoindex("lo")
    (candidate,) = resolve(TcpEndpoint("fe80::1", 7, "lo"))
    assert candidate.address == ("fe80::1", 7, 0, index)
    (candidate,) = resolve(TcpEndpoint("fe80::1%lo", 7))
    assert candidate.address[3] == index
    with pytest.raises(FlomError) as failure:
        resolve(TcpEndpoint("127.0.0.1", 7, "lo"))
    assert failure.value.rc == -110


def test_unknown_interface():
    with pytest.raises(FlomError) as failure:
        interface_index("nope")
    assert failure.value.rc == -20
    assert "nope" in failure.value.text
