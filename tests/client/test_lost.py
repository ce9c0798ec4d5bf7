"""A daemon's host that vanishes while the command waits, as the kernel may report it."""

import errno
import os

import pytest

from flom.client import blocking
from flom.errors import RC_NETWORK_TIMEOUT, RC_RECV_ERROR, FlomError
from flom.settings import Settings


class Line:
    """A socket on which nothing arrives but an error."""

    def __init__(self, error):
        self._error = error

    def recv(self, size):
        raise self._error

    def settimeout(self, seconds):
        pass

    def sendall(self, data):
        pass

    def close(self):
        pass


def outcome(monkeypatch, error):
    settings = Settings()
    settings.socket_name = "/absent"
    settings.resource_timeout = 60000
    monkeypatch.setattr(blocking, "reach", lambda *_: Line(error))
    lock = blocking.Lock(settings)
    lock.connect()
    with pytest.raises(FlomError) as failure:
        lock.acquire()
    return failure.value


@pytest.mark.parametrize("number", [errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH])
def test_what_the_kernel_says_of_a_vanished_host_is_a_loss(monkeypatch, number):
    found = outcome(monkeypatch, OSError(number, os.strerror(number)))
    assert found.rc == RC_RECV_ERROR
    assert os.strerror(number) in found.text


def test_our_own_limit_is_none(monkeypatch):
    assert outcome(monkeypatch, TimeoutError("timed out")).rc == RC_NETWORK_TIMEOUT
