"""What a client tells of itself."""

import os

import pytest

from flom.client.about import announcement, handed_on, inherited, new_session
from flom.net.address import TcpEndpoint
from flom.net.unix import UnixEndpoint
from flom.settings import Settings
from flom.wire.tokens import read

UNIX = UnixEndpoint("/s")
TCP = TcpEndpoint("host", 1)


def told(endpoint=UNIX, command=("./run", "a b"), environ=None, **values):
    settings = Settings()
    for name, value in values.items():
        setattr(settings, name, value)
    return read(announcement(settings, endpoint, command, "0a", environ or {b"LOGNAME": b"carlo"}))


def test_everything_the_most_important_first():
    tokens = told(resource_timeout=5)
    assert list(tokens) == ["flom", "session", "timeout", "pid", "user", "host", "command"]
    assert tokens == {
        "flom": "", "session": "0a", "timeout": "5", "pid": str(os.getpid()), "user": "carlo",
        "host": os.uname().nodename, "command": "./run a b",
    }  # fmt: skip


def test_who_waits_for_ever_tells_no_time():
    assert "timeout" not in told(resource_timeout=-1)
    assert told(resource_timeout=0)["timeout"] == "0"


def test_the_command_is_cut():
    assert told(command=["x" * 100, "y" * 100])["command"] == "x" * 100 + " " + "y" * 19


def test_the_command_travels_in_the_clear_to_nobody_else():
    tls = dict.fromkeys(("tls_certificate", "tls_private_key", "tls_ca_certificate"), "f")
    assert "command" not in told(TCP)
    assert "command" in told(TCP, **tls)
    assert "command" not in told(command=())


def test_nobody_is_told_with_anonymous():
    assert set(told(anonymous=True, resource_timeout=7)) == {"flom", "session", "timeout"}


@pytest.mark.parametrize(
    ("environ", "user"),
    [
        ({b"USER": b"eva"}, "eva"),
        ({b"USER": b"eva", b"LOGNAME": b"root"}, "root"),
        ({b"A": b""}, None),
    ],
)
def test_the_user(environ, user):
    assert told(environ=environ).get("user") == user


def test_sessions_differ():
    assert len({new_session() for _ in range(100)}) == 100
    assert len(new_session()) == 16


A, B, C, D, E = (letter * 16 for letter in "abcde")


def test_who_runs_within_locks_proves_it():
    environ = {b"FLOM_SESSION": f"{A},{B},x,{C},{D},{E}".encode()}
    tokens = told(environ=environ, anonymous=True, resource_timeout=-1)
    assert tokens == {"flom": "", "session": "0a", "within": f"{C},{D},{E}"}
    assert list(told(environ=environ))[:3] == ["flom", "session", "within"]
    assert "within" not in told(environ={b"FLOM_SESSION": b"\xff,;"})


def test_the_command_gets_the_last_sessions_and_its_own():
    environ = {b"FLOM_SESSION": f"{A},{B},{C},{D}".encode()}
    assert inherited(environ) == (A, B, C, D)
    assert handed_on(E, environ) == f"{B},{C},{D},{E}"
    assert handed_on("", environ) == f"{A},{B},{C},{D}"
    assert (handed_on(E, {}), handed_on("", {})) == (E, "")
