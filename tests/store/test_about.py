"""What a client tells of itself in a store."""

import os

import pytest

from flom.settings import Settings
from flom.store import about
from flom.store.url import parse

HERE, THERE = parse("etcd://127.0.0.1,[::1],localhost"), parse("etcd://127.0.0.1,h1")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ann")
    monkeypatch.delenv("FLOM_SESSION", raising=False)


def test_a_client_tells_who_it_is_and_for_how_long_it_waits():
    settings = Settings()
    settings.resource_timeout = 1500
    assert about.told(settings, THERE, ()) == {
        "timeout": "1500", "pid": str(os.getpid()), "user": "ann", "host": os.uname().nodename,
    }  # fmt: skip
    settings.anonymous = True
    assert about.told(settings, HERE, ("make",)) == {"timeout": "1500"}


def test_a_command_is_told_only_where_nobody_can_listen():
    settings = Settings()
    assert about.told(settings, HERE, ("make", "x" * 200))["command"] == "make " + "x" * 115
    assert "command" not in about.told(settings, THERE, ("make",))
    settings.store_ca = "/ca.pem"
    assert about.told(settings, THERE, ("make",))["command"] == "make"


def test_a_session_is_named_by_the_number_of_its_lease():
    made = {about.new_session() for _ in range(100)}
    assert len(made) == 100
    for name, number in made:
        assert len(name) == 16
        assert int(name, 16) == number
        assert 0 < number < 1 << 63


def test_the_sessions_around_a_lock_are_handed_on_the_innermost_last(monkeypatch):
    mine = "f" * 16
    assert about.inherited() == ()
    assert about.handed_on(mine) == mine
    outer = [f"{number:016x}" for number in range(5)]
    monkeypatch.setenv("FLOM_SESSION", ",".join(outer))
    assert about.inherited() == tuple(outer[1:])
    assert about.handed_on(mine) == ",".join([*outer[2:], mine])
