"""What programs may ask for, and what they are told when it makes no sense. No daemon is needed."""

import functools
import typing
from datetime import timedelta

import pytest

import flom

FACES = pytest.mark.parametrize("face", [flom, flom.aio], ids=["blocking", "asyncio"])


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))


async def coroutine_function():
    pass


async def asynchronous_generator():
    yield


class Later:
    async def __call__(self):
        pass


@FACES
@pytest.mark.parametrize(
    ("resource", "options", "error", "why"),
    [
        (b"R", {}, TypeError, r"resource: expected a str, not b'R'"),
        (len, {}, TypeError, "resource: expected a str"),  # @flom.locked without a name
        ("/\udcff\ud800", {}, flom.InvalidRequest, "cannot be written"),
        ("R", {"mode": "PR"}, flom.InvalidRequest, r"one of flom.NL, CR, .*EX"),
        ("R", {"timeout": "3"}, TypeError, "timeout: expected a number of seconds or a timedelta"),
        ("R", {"timeout": float("nan")}, flom.InvalidRequest, "timeout: expected seconds from 0"),
        ("R", {"timeout": timedelta(-1)}, flom.InvalidRequest, "timeout: expected seconds from 0"),
        ("R", {"idle_lifespan": None}, TypeError, "idle_lifespan: expected a number of seconds"),
        ("R[5]", {"quantity": 1.5}, TypeError, "quantity: expected an int, not 1.5"),
        ("R[5]", {"quantity": "2"}, TypeError, "quantity: expected an int, not '2'"),
        ("R", {"on_lost": 3}, TypeError, "on_lost: expected a function"),
        ("R", {"on_lost": coroutine_function}, TypeError, "on_lost: expected a function"),
    ],
)
def test_what_makes_no_sense_is_told_at_once(face, resource, options, error, why):
    with pytest.raises(error, match=why):
        face.Client("unix:///nowhere").lock(resource, **options)


@FACES
@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"endpoint": b"unix:///s"}, "endpoint: expected a str, not b'unix:///s'"),
        ({"tls": "host.pem"}, "tls: expected a flom.Tls, not 'host.pem'"),
    ],
)
def test_what_is_no_client_is_told_at_once(face, options, why):
    with pytest.raises(TypeError, match=why):
        face.Client(**options)


def test_what_goes_over_the_wire_are_numbers():
    """A bool is an int for Python, and a word for who reads it."""
    request = flom.Client("unix:///s").lock("R[5]", quantity=True, create=1)._request
    assert (repr(request.settings.resource_quantity), request.settings.resource_create) == (
        "1",
        True,
    )


@pytest.mark.parametrize(
    "function", [asynchronous_generator, functools.partial(asynchronous_generator), Later()]
)
def test_what_runs_after_its_call_is_not_decorated(function):
    with pytest.raises(TypeError, match="runs after its call"):
        flom.Client("unix:///s").locked("R")(function)


@FACES
def test_everything_tells_what_it_is(face):
    tls = flom.Tls("a", "b", "c")
    client = face.Client("unix:///s", tls=tls, start_daemon=False)
    assert repr(client) == f"Client('unix:///s', tls={tls}, start_daemon=False)"
    assert repr(face.Client()) == "Client()"
    lock = face.Client("tcp://host").lock("R", mode=flom.PR)
    assert repr(lock) == "<Lock 'R' PR at tcp://host:28015>"


@FACES
def test_signatures_can_be_resolved(face):
    """By whoever reads them while the program runs."""
    for function in (face.Client.lock, face.Client.__init__, face.Lock.__call__, face.Held.__exit__
                     if face is flom else face.Held.__aexit__, flom.Tls.__init__):  # fmt: skip
        assert typing.get_type_hints(function)


@FACES
def test_relative_paths_start_where_the_client_was_made(face, tmp_path, monkeypatch):
    """Whatever directory the program goes to before its first lock."""
    for name in ("host.pem", "host.key", "ca.pem"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    client = face.Client("unix://s", tls=flom.Tls("host.pem", "host.key", "ca.pem"))
    monkeypatch.chdir("/")
    settings = client.lock("R")._request.settings
    assert settings.socket_name == str(tmp_path / "s")
    assert settings.tls_private_key == str(tmp_path.resolve() / "host.key")
