"""What a plain command hears when it asks for its lock, and what it makes of it."""

import contextlib
import socket
import threading

import pytest
from peer import message

from flom.client import brief
from flom.client.blocking import Lock
from flom.net.unix import UnixEndpoint
from flom.settings import Settings

GRANT = message(1, 16, '<session peerid="ab12"/><answer rc="0"/>')
LATER = message(1, 24, '<answer rc="0"/>')
QUEUED = message(1, 16, '<session peerid="ab12"/><answer rc="1"/>')


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """An answer is waited for, however slow the machine."""
    monkeypatch.setattr(brief, "PATIENCE", 60)


@contextlib.contextmanager
def daemon(path, answer, late=None):
    """Hears one request, answers, and goes on only at the end; None = closes, unread.

    Nothing is answered until `late` is set.
    """
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        over = threading.Event()

        def serve():
            sock, _ = listener.accept()
            with sock:
                if answer is not None:
                    sock.recv(4096)
                    if late is not None:
                        late.wait(60)
                    sock.sendall(answer)
                    over.wait(60)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        over.set()
        thread.join(60)


@pytest.mark.parametrize(
    ("answer", "granted"),
    [(GRANT, True), (QUEUED, False), (GRANT[:-1], False), (GRANT + QUEUED, False)],
)
def test_answers(tmp_path, answer, granted):
    path = str(tmp_path / "s")
    with daemon(path, answer):
        begun = brief.begin("R", UnixEndpoint(path), ["true"])
        assert (begun.received, begun.granted) == (answer, granted)
        assert (begun.known, begun.token, begun.sessions) == (False, None, "")
        assert begun.sock.gettimeout() is None
        begun.sock.close()


def test_who_waits_for_longer_goes_on_with_what_was_begun(tmp_path, monkeypatch):
    monkeypatch.setattr(brief, "PATIENCE", 0.01)
    path, late = str(tmp_path / "s"), threading.Event()
    settings = Settings()
    settings.resource_name, settings.socket_name = "R", path
    with daemon(path, QUEUED + LATER, late):
        begun = brief.begin("R", UnixEndpoint(path), ["true"])
        assert (begun.received, begun.granted) == (b"", False)
        lock = Lock(settings, begun=begun)
        lock.connect()
        late.set()
        assert lock.acquire() is None
        lock.close()


def test_a_reset_leaves_nothing(tmp_path):
    path = str(tmp_path / "s")
    with daemon(path, None):
        begun = brief.begin("R", UnixEndpoint(path), ["true"])
        assert begun is None or begun.received == b""  # as the kernel tells it


def test_nobody_there(tmp_path):
    assert brief.begin("R", UnixEndpoint(str(tmp_path / "s")), ["true"]) is None


def test_a_request_that_old_daemons_cannot_read_is_left_to_others(tmp_path):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        assert brief.begin("R" * 400, UnixEndpoint(path), ["true"]) is None
        sock, _ = listener.accept()
        with sock:
            assert sock.recv(1) == b""
