"""Listening sockets, lock files, stale sockets (daemon.md 4.3, 5; design, default socket)."""

import fcntl
import os
import pathlib
import socket
import stat

import pytest

from flom.errors import FlomError
from flom.net.address import TcpEndpoint
from flom.net.listen import Taken, listen_tcp, listen_unix
from flom.net.unix import UnixEndpoint


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "s")


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def connects(path):
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(path)
        except OSError:
            return False
        return True


def test_explicit_path_is_for_sharing(path):
    """D-20: everybody may connect, everybody may open the lock file."""
    listener = listen_unix(UnixEndpoint(path))
    assert mode_of(path) == 0o777
    assert mode_of(path + ".lock") == 0o666
    listener.close()


def test_default_path_is_private(path):
    listener = listen_unix(UnixEndpoint(path, private=True))
    assert mode_of(path) == 0o700
    assert mode_of(path + ".lock") == 0o600
    listener.close()


def test_mode_of_the_socket_can_be_chosen(path):
    listener = listen_unix(UnixEndpoint(path), 0o770)
    assert mode_of(path) == 0o770
    listener.close()


def test_close_removes_the_socket_and_keeps_the_lock_file(path):
    listen_unix(UnixEndpoint(path)).close()
    assert not os.path.lexists(path)
    assert os.path.exists(path + ".lock")


def test_the_path_is_taken_while_it_is_served_and_free_afterwards(path):
    first = listen_unix(UnixEndpoint(path))
    with pytest.raises(Taken) as taken:
        listen_unix(UnixEndpoint(path))
    assert taken.value.rc == -108
    first.close()
    listen_unix(UnixEndpoint(path)).close()


def test_lock_is_the_flock_the_reference_takes(path):
    """W-43."""
    listener = listen_unix(UnixEndpoint(path))
    with open(path + ".lock") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    listener.close()


def test_stale_socket_is_replaced(path):
    """D-18."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    listener = listen_unix(UnixEndpoint(path))
    assert connects(path)
    listener.close()


def test_a_served_socket_without_lock_is_not_taken_away(path):
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(path)
        other.listen()
        with pytest.raises(Taken):
            listen_unix(UnixEndpoint(path))
        assert connects(path)


def test_regular_file_is_left_untouched(path):
    """D-19, F18."""
    precious = pathlib.Path(path)
    precious.write_text("precious")
    with pytest.raises(FlomError) as refused:
        listen_unix(UnixEndpoint(path))
    assert refused.value.rc == -141
    assert precious.read_text() == "precious"


def test_directory_at_the_path(path):
    """D-19."""
    os.mkdir(path)
    with pytest.raises(FlomError) as refused:
        listen_unix(UnixEndpoint(path))
    assert refused.value.rc == -141


def test_missing_directory(tmp_path):
    with pytest.raises(FlomError) as refused:
        listen_unix(UnixEndpoint(str(tmp_path / "absent" / "s")))
    assert refused.value.rc == -120


def test_lock_file_is_opened_without_following_links(path, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    os.symlink(victim, path + ".lock")
    with pytest.raises(FlomError) as refused:
        listen_unix(UnixEndpoint(path, private=True))
    assert refused.value.rc == -120
    assert victim.read_text() == "precious"


def test_private_lock_file_loses_its_wide_mode(path):
    """Whoever can open it could hold its lock for ever."""
    with open(path + ".lock", "w"):
        os.chmod(path + ".lock", 0o666)
    listener = listen_unix(UnixEndpoint(path, private=True))
    assert mode_of(path + ".lock") == 0o600
    listener.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_private_lock_file_of_somebody_else_is_refused(path):
    with open(path + ".lock", "w"):
        os.chown(path + ".lock", 12345, 12345)
    with pytest.raises(FlomError) as refused:
        listen_unix(UnixEndpoint(path, private=True))
    assert refused.value.rc == -120
    assert "12345" in refused.value.text


def test_socket_of_a_successor_is_not_removed(path):
    """F19: compare before unlink."""
    listener = listen_unix(UnixEndpoint(path))
    os.unlink(path)
    with socket.socket(socket.AF_UNIX) as successor:
        successor.bind(path)
        listener.close()
        assert os.path.lexists(path)


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", "AF_INET"), ("::1", "AF_INET6")])
def test_tcp_listener_is_taken_once(host, family):
    with socket.socket(getattr(socket, family)) as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]
    listener = listen_tcp(TcpEndpoint(host, port))
    assert listener.sock.family == getattr(socket, family)
    with pytest.raises(Taken) as taken:
        listen_tcp(TcpEndpoint(host, port))
    assert taken.value.rc == -101
    listener.close()


def test_address_of_another_host_cannot_be_bound():
    with pytest.raises(FlomError) as refused:
        listen_tcp(TcpEndpoint("192.0.2.1", 28015))
    assert refused.value.rc == -101
    assert not isinstance(refused.value, Taken)


def test_no_descriptor_is_left_behind(path):
    before = os.listdir("/proc/self/fd")
    listen_unix(UnixEndpoint(path)).close()
    os.mkdir(path)
    for bad in (path, path + "/absent/s"):
        with pytest.raises(FlomError):
            listen_unix(UnixEndpoint(bad))
    assert os.listdir("/proc/self/fd") == before
