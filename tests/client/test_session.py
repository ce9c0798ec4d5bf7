"""A lock without sockets: the request made of settings, what answers mean, deadlines."""

import pytest

from flom.client.session import DEFAULT_LIMIT, Session, endpoint_of
from flom.errors import FlomError
from flom.net.address import TcpEndpoint
from flom.net.unix import UnixEndpoint
from flom.settings import Settings

HEAD = b'<?xml version="1.0" encoding="UTF-8" ?>'


def answer(rc, step=16, element=""):
    session = b'<session peerid="x"/>' if step == 16 else b""
    extra = f' element="{element}"' if element else ""
    body = f'<answer rc="{rc}"{extra}/></msg>'.encode()
    return HEAD + f'<msg level="3" verb="1" step="{step}">'.encode() + session + body


def session_of(now=1000.0, as_library=False, ext="", **values):
    settings = Settings()
    settings.socket_name = "/s"
    for key, value in values.items():
        setattr(settings, key, value)
    session = Session(settings, "0" * 32, now, ext, as_library)
    session.request()
    return session


def test_endpoint():
    """Daemon.md 2."""
    settings = Settings()
    settings.socket_name = "/s"
    settings.socket_is_default = True
    endpoint = endpoint_of(settings)
    assert isinstance(endpoint, UnixEndpoint)
    assert (endpoint.path, endpoint.private) == ("/s", True)
    settings.socket_name = None
    settings.unicast_address = "h"
    settings.network_interface = "lo"
    endpoint = endpoint_of(settings)
    assert isinstance(endpoint, TcpEndpoint)
    assert (endpoint.host, endpoint.port, endpoint.interface) == ("h", 28015, "lo")


def test_request_is_made_of_the_settings():
    settings = Settings()
    settings.resource_name = "num[10]"
    settings.resource_quantity = 3
    request = Session(settings, "0" * 32, 0.0).request()
    assert b'name="bnVtWzEwXQ==" wait="1" quantity="3" create="1" lifespan="0"/>' in request
    settings.resource_timeout = 0
    assert b'wait="0"' in Session(settings, "0" * 32, 0.0).request()


def test_grant_at_once_and_grant_after_waiting():
    session = session_of()
    assert session.received(answer(0))
    session = session_of()
    assert not session.received(answer(1))
    assert not session.received(answer(1, 24))
    assert session.received(answer(0, 24, "red"))
    assert session.element == "red"


def test_the_fencing_token_of_the_grant():
    """At once or after waiting; of no use to who has not announced that it knows it."""
    told = b'step="%d" ext="flom token=%d"'
    for ext, token in (("flom", 7), ("", None)):
        session = session_of(ext=ext)
        assert session.received(answer(0).replace(b'step="16"', told % (16, 7)))
        assert session.token == token
    session = session_of(ext="flom")
    assert not session.received(answer(1).replace(b'step="16"', b'step="16" ext="flom"'))
    assert session.received(answer(0, 24).replace(b'step="24"', told % (24, 8)))
    assert session.token == 8


def test_several_answers_in_one_piece_and_one_answer_in_many():
    assert session_of().received(answer(1) + answer(0, 24))
    session = session_of()
    data = answer(0)
    assert [session.received(data[i : i + 1]) for i in range(len(data))].count(True) == 1


@pytest.mark.parametrize(
    ("data", "rc"),
    [
        (answer(4), 4),
        (answer(5), 5),
        (answer(6), 6),
        (answer(-606), -606),
        (answer(-607), -607),
        (answer(2) + answer(-607, 32), -607),
        (answer(-14), -13),
        (answer(9), -13),
        (answer(2) + answer(6, 32), 6),
        (answer(2) + answer(12, 32), 3),
        (answer(1) + answer(4, 24), 4),
        (answer(0, 24), -13),
        (b"", -126),
        (b"nonsense</msg>", -16),
    ],
)
def test_everything_else_is_no_grant(data, rc):
    """W-16, W-19: only rc 0 is a grant."""
    with pytest.raises(FlomError) as refused:
        session_of().received(data)
    assert refused.value.rc == rc


@pytest.mark.parametrize(
    ("step", "rc", "code"),
    [(24, 4, 4), (24, 6, 6), (24, 3, 3), (24, 7, -13), (24, 99, -13), (32, 4, 3), (32, 6, 6)],
)
def test_late_refusals_in_the_codes_of_the_library(step, rc, code):
    """api.md 6.3, AF-1; rc 6 in step 32 is how our daemon tells of an impossible quantity."""
    with pytest.raises(FlomError) as refused:
        session_of(as_library=True).received(answer(1) + answer(rc, step))
    assert refused.value.rc == code


def test_one_deadline_for_everything():
    """W-24: it begins with the connecting."""
    session = session_of(resource_timeout=1500)
    assert session.connect_deadline == 1001.5
    assert session.answer_deadline(1001.0) == 1001.5
    assert session.expired().rc == 9


def test_without_limit_only_connecting_is_bounded():
    session = session_of(resource_timeout=-1)
    assert session.connect_deadline == 1000.0 + DEFAULT_LIMIT
    assert session.answer_deadline(1001.0) is None


def test_no_wait_is_bounded_against_a_dead_daemon():
    session = session_of(resource_timeout=0)
    assert session.answer_deadline(1001.0) == 1001.0 + DEFAULT_LIMIT
    assert session.expired().rc == -126


def test_release_names_the_resource_and_the_rollback():
    session = session_of(resource_name="abc")
    session.received(answer(0))
    assert session.release(True).endswith(b'<resource name="YWJj" rollback="1" /></msg>')


def test_ping_is_answered():
    """W-41."""
    session = session_of()
    session.received(answer(1))
    assert not session.received(HEAD + b'<msg level="3" verb="3" step="8"></msg>')
    assert b'verb="3" step="16"' in session.to_send()
    assert session.to_send() == b""


def test_a_limit_for_the_whole_lock_or_for_each_message():
    """design, "deadlines"; api.md P-13: the reference's library starts anew at each answer."""
    for as_library, later in ((False, 1005.0), (True, 1008.5)):
        session = session_of(resource_timeout=5000, as_library=as_library)
        assert session.connect_deadline == 1005.0
        assert session.answer_deadline(1000.0) == 1005.0
        session.received(answer(2)[:40])
        assert session.answer_deadline(1002.0) == 1005.0
        session.received(answer(2)[40:])
        assert session.answer_deadline(1003.5) == later
        assert session.answer_deadline(1004.0) == later


def test_a_request_that_does_not_wait_is_answered_in_time_or_never():
    """api.md 6.3: "the one answer itself is awaited without limit"."""
    session = session_of(resource_timeout=0)
    assert session.answer_deadline(1000.0) == 1000.0 + DEFAULT_LIMIT
    assert session.answer_deadline(1007.0) == 1000.0 + DEFAULT_LIMIT
    assert session_of(resource_timeout=0, as_library=True).answer_deadline(1000.0) is None


@pytest.mark.parametrize(
    ("ext", "name", "what"),
    [
        ("flom name=/r/a mode=5 pid=7", "/r", "lock of process 7 on '/r/a' in mode EX "),
        ("flom mode=5 pid=7", "n[1]", "lock of process 7 on 'n[1]' and"),
        ("flom mode=9", "foo", "lock on 'foo' and"),
        ("flom", "foo", "lock on 'foo' and"),
    ],
)
def test_a_lock_around_that_would_be_waited_for(ext, name, what):
    settings = Settings()
    settings.resource_name = name
    session = Session(settings, "0" * 32, 0.0, "flom")
    session.request()
    assert not session.known
    with pytest.raises(FlomError) as caught:
        session.received(answer(-606).replace(b'step="16"', f'step="16" ext="{ext}"'.encode()))
    assert caught.value.rc == -606
    assert what in caught.value.text
    assert session.known


@pytest.mark.parametrize(
    ("ext", "what"),
    [
        ("flom limit=max-queue number=7", "7 holders and waiters of one resource, --max-queue"),
        ("flom limit=max-queue", "has reached one of its limits"),
        ("flom limit=new number=3", "has reached one of its limits"),
        ("flom", "has reached one of its limits"),
    ],
)
def test_a_limit_of_the_daemon(ext, what):
    settings = Settings()
    settings.socket_name = "/run/s"
    session = Session(settings, "0" * 32, 0.0, "flom")
    session.request()
    with pytest.raises(FlomError) as caught:
        session.received(answer(-607).replace(b'step="16"', f'step="16" ext="{ext}"'.encode()))
    assert caught.value.rc == -607
    assert caught.value.text.startswith("the daemon at /run/s has reached ")
    assert what in caught.value.text


@pytest.mark.parametrize(
    ("name", "told", "advice"),
    [
        ("_t_%D[1]", b"", "does the format tell the time of day, as in _t_%T[1]?"),
        ("_t_%T[1]", answer(1), ""),
        ("R", b"", ""),
    ],
)
def test_a_timestamp_may_be_refused_for_its_format(name, told, advice):
    """Resources.md 6.6: without a message."""
    session = session_of(resource_name=name)
    if told:
        session.received(told)
    with pytest.raises(FlomError, match="closed the connection") as refused:
        session.received(b"")
    assert refused.value.advice == advice
