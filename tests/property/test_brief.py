"""The shortest way says and understands what the full one does (wire/brief.py, cli/plain.py)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from flom import defaults
from flom.cli import plain
from flom.cli.parse import parse
from flom.client.about import described
from flom.client.session import Session
from flom.errors import FlomError
from flom.settings import Settings, load
from flom.wire import brief
from flom.wire.codec import encode
from flom.wire.messages import Answer, Unlock
from flom.wire.tokens import announced, fence, fenced, write

HEX = "0123456789abcdef"
names = st.one_of(
    st.just(defaults.RESOURCE), st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,60}", fullmatch=True)
)
peerids = st.one_of(st.just(""), st.text(HEX, min_size=32, max_size=32))
sessions = st.text(HEX, min_size=16, max_size=16)
texts = st.text(max_size=60)


def session(name, peerid="", ext="flom"):
    """What the full way has, for the same command."""
    wanted = Settings()
    wanted.resource_name = name
    return Session(wanted, peerid, 0.0, ext)


@given(names, peerids, sessions, st.lists(texts, max_size=5))
def test_the_request(name, peerid, own, command):
    ext = described(own, command, environ={b"LOGNAME": "käthe".encode()})
    said = brief.lock(name, peerid, ext)
    full = session(name, peerid, ext).request()
    assert said == full or (said == b"" and len(full) <= brief.LARGEST_REQUEST)


@given(names, st.booleans())
def test_the_unlock(name, rollback):
    assert brief.unlock(name, rollback) == encode(Unlock(name.encode(), rollback))


exts = st.one_of(
    st.just(""),
    st.just("flom"),
    st.integers(0, 10**18).map(fence),
    st.lists(st.tuples(st.sampled_from(("token", "a")), texts)).map(write),
    st.text("flom token=1<>&\"'\t\n\x00\xff\ufffd", max_size=20),
)
answers = st.builds(
    Answer,
    st.sampled_from((16, 24, 32)),
    st.sampled_from((0, 0, 0, 1, 4, -601)),
    st.sampled_from((None, None, "", "a")),
    st.one_of(peerids, st.text(max_size=8)),
    exts,
)


def encoded(answer):
    try:
        return encode(answer)
    except FlomError:
        return b""


def spoiled(data, position, other):
    at = position % (len(data) + 1)
    return data[:at] + other + data[at + 1 :]


odd = st.text("flom token=1<>&\"'/\t\n\x00\xff\ufffda", max_size=12)
odd_grants = st.builds(
    '<?xml version="1.0" encoding="UTF-8" ?><msg level="3" verb="1" step="16"{}><session'
    ' peerid="{}"/><answer rc="0"/></msg>'.format,
    st.one_of(st.just(""), st.one_of(odd, st.just("flom")).map(' ext="{}"'.format), odd),
    st.one_of(peerids, odd),
).map(str.encode)


@st.composite
def received(draw):
    """Answers, what is left of them, and what comes with them."""
    data = draw(st.one_of(answers.map(encoded), odd_grants))
    if draw(st.booleans()):
        data = spoiled(data, draw(st.integers(0, 400)), draw(st.binary(max_size=3)))
    return data + draw(st.sampled_from((b"", b"", b"\n", b"<", data)))


@settings(max_examples=1000)
@given(received())
def test_what_is_taken_for_a_grant(data):
    found = brief.granted(data)
    if found is None:
        return
    full = session("R")
    full.request()
    assert full.received(data)
    peerid, ext = found
    assert full.element is None
    assert full.served_by == ((peerid, brief.FIRST) if peerid else None)
    assert full.known == announced(ext)
    assert full.token == (fenced(ext) if full.known else None)
    assert full.to_send() == b""


@given(peerids, st.one_of(st.just(""), st.just("flom"), st.integers(0, 10**18).map(fence)))
def test_a_usual_grant_is_understood(peerid, ext):
    assert brief.granted(encode(Answer(16, 0, None, peerid, ext))) == (peerid, ext)


def test_no_grant_is_longer_than_the_full_way_reads():
    whole = encode(Answer(16, 0, None, "", "flom a="))
    room = 1023 - len(whole)
    for length, understood in ((room, True), (room + 1, False)):
        data = encode(Answer(16, 0, None, "", "flom a=" + "x" * length))
        assert (brief.granted(data) is not None) is understood


WORDS = """-r -s -d --resource-name --socket-name -- -- -q -V true /s s R _RESOURCE a.b R_1 R[2] ä -
    --socket-name=/s -1 -0 -x 08 0x1 7 4294967296 1234567890 ٣"""
words = st.lists(
    st.one_of(
        st.sampled_from(WORDS.split()),
        names,
        texts,
    ),
    max_size=8,
)


@given(words)
def test_what_is_taken_for_a_plain_command(words):
    asked = plain._asked(words)
    if asked is None:
        return
    name, path, command = asked
    invocation = parse(words)
    assert (invocation.command, invocation.show) == (command, "")
    loaded = load(invocation.given, {"HOME": "/nowhere"}, "/", print, "/no/file")
    usual = Settings()
    usual.resource_name = name
    usual.socket_name = path or None
    usual.daemon_lifespan = loaded.daemon_lifespan  # for who has to start one
    for attr in Settings.__slots__:
        assert getattr(loaded, attr) == getattr(usual, attr), attr


def test_a_plain_command_is_taken_for_one():
    assert plain._asked(["--", "true"]) == (defaults.RESOURCE, "", ["true"])
    words = ["-r", "R1", "--socket-name", "/tmp/s", "--", "sh", "-c", "true"]
    assert plain._asked(words) == ("R1", "/tmp/s", ["sh", "-c", "true"])
    assert plain._asked(["-d", "-1", "--", "true"]) == (defaults.RESOURCE, "", ["true"])
    assert plain._asked([]) is None
    assert plain._asked(["--"]) is None
