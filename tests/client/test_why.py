"""Asking why a lock has to wait, on its own connection and between its own answers."""

import base64

import pytest

from flom.client.session import Session
from flom.errors import FlomError
from flom.settings import Settings

HEAD = '<?xml version="1.0" encoding="UTF-8" ?><msg level="3" '


def answer(rc, step=16, ext=""):
    session = '<session peerid="x"/>' if step == 16 else ""
    return f'{HEAD}verb="1" step="{step}"{ext}>{session}<answer rc="{rc}"/></msg>'.encode()


def part(number, text):
    data = base64.b64encode(text.encode()).decode()
    return f'{HEAD}verb="6" step="16"><tell id="{number}" data="{data}"/></msg>'.encode()


def end(number, rc=0):
    return f'{HEAD}verb="6" step="24"><tell id="{number}" rc="{rc}"/></msg>'.encode()


@pytest.fixture
def session():
    settings = Settings()
    settings.socket_name = "/s"
    waiting = Session(settings, "0" * 32, 0.0, ext="flom")
    waiting.request()
    waiting.received(answer(1, ext=' ext="flom"'))
    return waiting


def test_an_answer_in_parts_around_the_grant(session):
    why = session.why
    why.ask()
    assert session.to_send().endswith(b'<ask id="1" what="explain"/></msg>')
    assert session.to_send() == b""
    assert not session.received(part(1, '{"place"'))
    assert why.answer() is None
    assert not session.received(answer(1, 24) + part(1, ":3}\n") + end(1))
    assert why.answer() == {"place": 3}
    assert why.answer() is None
    why.ask()
    assert b'id="2"' in session.to_send()
    assert session.received(part(2, "{}") + answer(0, 24))


def test_one_question_at_a_time(session):
    session.why.ask()
    session.to_send()
    session.why.ask()
    assert session.to_send() == b""


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "\\udc80", "1" * 5000])
def test_nonsense_is_no_answer(session, text):
    session.why.ask()
    for start in range(0, len(text), 20_000):
        session.received(part(1, text[start : start + 20_000]))
    session.received(part(7, "{}") + end(7) + end(1))
    assert session.why.answer() is None
    session.why.ask()
    session.received(part(2, "{}") + end(2))
    assert session.why.answer() == {}


def test_an_endless_answer_takes_no_endless_memory(session):
    session.why.ask()
    for _ in range(60):
        session.received(part(1, "x" * 30_000))
        session.why.answer()
    assert len(session.why._text) < 1 << 21


def test_a_daemon_that_knows_nothing_of_it_is_not_asked():
    settings = Settings()
    settings.socket_name = "/s"
    waiting = Session(settings, "0" * 32, 0.0, ext="flom")
    waiting.request()
    waiting.received(answer(2))
    assert waiting.parked
    assert not waiting.known
    with pytest.raises(FlomError):
        waiting.why.ask()
    waiting.received(answer(1, 24))
    assert not waiting.parked
