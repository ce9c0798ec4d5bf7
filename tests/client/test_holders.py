"""Asking who holds what is busy: what a daemon may answer, or not."""

import base64
import json

import pytest

from flom.client.holders import AskingSession, Occupied
from flom.errors import FlomError
from flom.settings import Settings

HEAD = '<?xml version="1.0" encoding="UTF-8" ?>'
CLAIMS = [
    {"user": "ann", "uid": 7, "host": "lab", "peer": "localhost/", "pid": 12, "command": "make it"},
    {"user": None, "uid": 0, "host": None, "peer": "localhost/", "pid": None, "command": None},
    {"user": None, "uid": None, "host": None, "peer": "10.0.0.1/99", "pid": None, "command": None},
    {"user": "eve", "uid": None, "host": "far", "peer": "10.0.0.2/99", "pid": 5, "command": None},
]


def busy(ext=' ext="flom"'):
    """A refusal, by a daemon of ours unless `ext` is empty."""
    return (
        f'{HEAD}<msg level="3" verb="1" step="16"{ext}><session peerid=""/><answer rc="4"/></msg>'
    ).encode()


def tell(text):
    """An answer to the first question, in one part, and its end."""
    data = base64.b64encode(text.encode()).decode()
    return (
        f'{HEAD}<msg level="3" verb="6" step="16"><tell id="1" data="{data}"/></msg>'
        f'{HEAD}<msg level="3" verb="6" step="24"><tell id="1" rc="0" text=""/></msg>'
    ).encode()


@pytest.fixture
def session():
    """A request that does not wait, sent."""
    settings = Settings()
    settings.resource_name, settings.resource_timeout = "R", 0
    made = AskingSession(settings, "", 0.0, "flom")
    made.request()
    return made


def outcome(session, *chunks):
    """The error that the last of the chunks brings."""
    for chunk in chunks[:-1]:
        assert not session.received(chunk)
    with pytest.raises(FlomError) as refusal:
        session.received(chunks[-1])
    assert refusal.value.rc == 4
    return refusal.value


@pytest.mark.parametrize("size", [1, 7, 10000])
def test_the_holders_are_told_however_the_answer_is_cut(session, size):
    session.received(busy())
    question = session.to_send()
    assert b'what="queue"' in question
    assert base64.b64encode(b"R") in question
    assert session.to_send() == b""
    answer = tell(json.dumps({"holders": CLAIMS}) + "\n")
    error = outcome(session, *(answer[at : at + size] for at in range(0, len(answer), size)))
    assert type(error) is Occupied
    assert error.holders == (
        "ann@lab pid 12 (make it)", "0@localhost/", "10.0.0.1/99", "eve@far pid 5",
    )  # fmt: skip
    assert error.text == (
        "the resource is locked by ann@lab pid 12 (make it), 0@localhost/, 10.0.0.1/99 and others"
    )


@pytest.mark.parametrize(
    "answer", [tell("junk\n"), tell("[]\n"), tell(""), b"<no message>", b""]
)  # fmt: skip
def test_what_is_no_answer_leaves_the_refusal(session, answer):
    session.received(busy())
    error = outcome(session, answer)
    assert type(error) is FlomError
    assert error.text == "the resource is locked by somebody else"


def test_a_connection_that_breaks_meanwhile_leaves_the_refusal(session):
    session.received(busy())
    assert session.broken(ConnectionResetError(104, "reset")).rc == 4
    assert session.broken(TimeoutError()).rc == 4


def test_another_daemon_is_not_asked(session):
    outcome(session, busy(ext=""))
    assert session.to_send() == b""
