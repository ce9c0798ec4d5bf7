"""The end of a daemon, and those who come at that very moment."""

import socket

import pytest

from flom.daemon.lifecycle import Daemon
from flom.daemon.limits import Limits
from flom.daemon.streamlog import StreamLog
from flom.daemon.terms import Terms
from flom.net.listen import listen_unix
from flom.net.options import USUAL
from flom.net.unix import UnixEndpoint
from flom.settings import Settings

TERMS = Terms(Limits(Settings()), "", USUAL)


@pytest.fixture
def daemon(tmp_path):
    path = str(tmp_path / "s")
    made = Daemon(listen_unix(UnixEndpoint(path)), StreamLog(-1), TERMS, lifespan=1000, patience=0)
    made.path = path
    yield made
    made._server.close_all()
    made._reactor.close()


def connect(daemon):
    client = socket.socket(socket.AF_UNIX)
    client.connect(daemon.path)
    return client


def test_an_idle_daemon_ends_when_its_time_is_over(daemon):
    daemon._expire()
    assert daemon._reactor._stopped


def test_who_is_at_the_door_is_served(daemon):
    with connect(daemon):
        daemon._expire()
        assert not daemon._reactor._stopped
        assert len(daemon._server.connections) == 1


def test_who_was_let_in_since_the_end_was_set_is_served(daemon):
    """The event and the end may belong to one batch: the review of the one comes too late."""
    with connect(daemon):
        daemon._server.accept()
        daemon._expire()
        assert not daemon._reactor._stopped
