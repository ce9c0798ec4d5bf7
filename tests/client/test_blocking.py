"""The blocking shell: bytes, the clock, and a daemon that behaves oddly."""

import socket
import threading

import pytest

from flom.client import blocking
from flom.errors import FlomError
from flom.settings import Settings

STILL_WAITING = (
    b'<?xml version="1.0" encoding="UTF-8" ?><msg level="3" verb="1" step="%d">'
    b'<session peerid=""/><answer rc="1"/></msg>'
)


@pytest.fixture
def chatterbox(tmp_path):
    """A daemon that says "still waiting" without a pause and never grants."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        def serve():
            peer, _ = server.accept()
            with peer:
                try:
                    peer.recv(1000)
                    peer.sendall(STILL_WAITING % 16)
                    while True:
                        peer.sendall(STILL_WAITING % 24)
                except OSError:
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield path
        thread.join(60)
        assert not thread.is_alive()


def test_the_deadline_holds_against_a_peer_that_never_stops(chatterbox):
    """W-24, W-37: answers on the way do not extend the time."""
    settings = Settings()
    settings.socket_name = chatterbox
    settings.resource_timeout = 200
    lock = blocking.Lock(settings)
    lock.connect()
    with pytest.raises(FlomError) as late:
        lock.acquire()
    assert late.value.rc == 9
