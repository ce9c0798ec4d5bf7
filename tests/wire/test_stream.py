"""Splitting bytes into messages (wire.md 2; W-1 to W-8, W-51)."""

import pytest

from flom.errors import RC_BUFFER_OVERFLOW, RC_MSG_DESERIALIZE_ERROR, ProtocolError
from flom.wire import stream as module
from flom.wire.codec import decode, encode
from flom.wire.messages import Answer, Lock, Unlock
from flom.wire.rare import Discover, Ping
from flom.wire.stream import MOST_ENDS, MessageStream

LOCK = Lock("id", b"abc", 5, True, 1, True, 0)
UNLOCK = Unlock(b"abc")
LOCK_BYTES = encode(LOCK)
UNLOCK_BYTES = encode(UNLOCK)
HEAD = b'<msg level="3" verb="4" step="8">'


def stream(*pieces, limit=65536):
    fed = MessageStream(limit)
    for piece in pieces:
        fed.feed(piece)
    return fed


def drain(fed):
    return list(iter(fed.next_message, None))


def refused(fed):
    with pytest.raises(ProtocolError) as caught:
        fed.next_message()
    return caught.value.rc


def padded(size):
    """A discover message of exactly `size` bytes."""
    rest = size - len(HEAD) - len(b"<!----></msg>")
    return HEAD + b"<!--" + b"x" * rest + b"--></msg>"


def test_several_messages_in_one_piece():
    """wire.md 2: in order."""
    assert drain(stream(LOCK_BYTES + UNLOCK_BYTES + LOCK_BYTES)) == [LOCK, UNLOCK, LOCK]


def test_one_message_in_many_pieces():
    """wire.md 2: down to one byte each."""
    fed = stream()
    for byte in LOCK_BYTES[:-1]:
        fed.feed(bytes([byte]))
        assert fed.next_message() is None
        assert fed.mid_message
    fed.feed(LOCK_BYTES[-1:])
    assert fed.next_message() == LOCK
    assert not fed.mid_message


def test_bytes_behind_a_message_are_kept():
    """W-3."""
    fed = stream(LOCK_BYTES + UNLOCK_BYTES[:20])
    assert drain(fed) == [LOCK]
    assert fed.mid_message
    fed.feed(UNLOCK_BYTES[20:])
    assert drain(fed) == [UNLOCK]


@pytest.mark.parametrize("blanks", [b" ", b"\n", b"\r\n", b"\t \n" * 5, b" " * 100000])
def test_white_space_between_messages(blanks):
    """W-3: skipped, never counted, never delays and is not the beginning of a message."""
    fed = stream(blanks)
    assert fed.next_message() is None
    assert not fed.mid_message
    fed.feed(blanks + LOCK_BYTES + blanks)
    assert fed.next_message() == LOCK
    assert not fed.mid_message
    fed.feed(blanks)
    fed.feed(UNLOCK_BYTES)
    assert drain(fed) == [UNLOCK]
    assert not fed.mid_message


def test_nothing_but_white_space_is_never_too_long():
    fed = stream(*[b"\n" * 700] * 3, limit=511)
    assert drain(fed) == []


@pytest.mark.parametrize("limit", [511, 1023, 65536])
def test_the_limit_is_the_largest_message(limit):
    """W-4, W-5, W-6: accepted up to the limit, refused one byte above."""
    assert drain(stream(padded(limit), limit=limit)) == [Discover()]
    assert drain(stream(padded(limit) * 3, limit=limit)) == [Discover()] * 3
    assert refused(stream(padded(limit + 1), limit=limit)) == RC_BUFFER_OVERFLOW


def test_a_message_that_becomes_too_long_is_refused_before_its_end():
    """W-6."""
    assert stream(padded(2000)[:510], limit=511).next_message() is None
    assert refused(stream(padded(2000)[:511], limit=511)) == RC_BUFFER_OVERFLOW


def test_messages_before_one_that_is_too_long_are_delivered():
    fed = stream(LOCK_BYTES + padded(600), limit=511)
    assert fed.next_message() == LOCK
    assert refused(fed) == RC_BUFFER_OVERFLOW


@pytest.mark.parametrize(
    "inside",
    [
        b"<!-- </msg> -->",
        b"<!-- </msg></msg> --><!-- </msg> -->",
        b"<![CDATA[</msg>]]>",
        b"<?x </msg>?>",
        b'<msg level="4"></msg>',
        b"<a><msg></msg></a>",
    ],
)
def test_an_end_tag_inside_a_message(inside):
    """W-2: the scan goes on to the next one."""
    text = HEAD + inside + b"</msg>"
    assert drain(stream(text + LOCK_BYTES)) == [Discover(), LOCK]
    fed = stream()
    for byte in text:
        assert fed.next_message() is None
        fed.feed(bytes([byte]))
    assert fed.next_message() == Discover()


def test_many_end_tags_are_an_attack():
    """W-2 within reason: the cost of a message stays bounded."""
    message = HEAD + b"<!--" + b"</msg>" * (MOST_ENDS - 1) + b"--></msg>"
    assert drain(stream(message * 2)) == [Discover()] * 2
    fed = stream(HEAD + b"<!--" + b"</msg>" * MOST_ENDS + b"--></msg>")
    assert refused(fed) == RC_MSG_DESERIALIZE_ERROR


@pytest.mark.parametrize("end", [b"</msg >", b"</ msg>", b"</MSG>", b"</msg"])
def test_other_ends_are_not_recognised(end):
    """wire.md 2."""
    fed = stream(HEAD + end)
    assert fed.next_message() is None
    assert fed.mid_message


def test_an_empty_element_is_not_the_end():
    """wire.md 2: `<msg .../>` is awaited; with another message behind it is no document."""
    fed = stream(HEAD[:-1] + b"/>")
    assert fed.next_message() is None
    fed.feed(LOCK_BYTES)
    assert refused(fed) == RC_MSG_DESERIALIZE_ERROR


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/1.1",
        b"\xef\xbb\xbf<msg",
        b"\xff\xfe<",
        b"\0",
        b"x",
        b"\v<msg",
        b"</msg>",
        b"<html>",
        b"<ms ",
        b"<!DOCTYPE",
        b"<![CDATA[",
        b"<\0m\0",
        b" \n x",
    ],
)
def test_what_cannot_become_a_message_is_refused_at_once(data):
    """W-51, F-1, F-3: a TLS client on a plain daemon is not waited for."""
    assert refused(stream(data)) == RC_MSG_DESERIALIZE_ERROR
    assert refused(stream(LOCK_BYTES[:0], b"\n", data)) == RC_MSG_DESERIALIZE_ERROR
    fed = stream(LOCK_BYTES + data)
    assert fed.next_message() == LOCK
    assert refused(fed) == RC_MSG_DESERIALIZE_ERROR


@pytest.mark.parametrize("text", [b"<msg a", b"<?xml v", b"<!-- x --", b"<?pi ?><m"])
def test_what_may_become_a_message_is_awaited(text):
    for size in range(len(text) + 1):
        assert stream(text[:size]).next_message() is None


def test_bad_bytes_do_not_hurt_the_message_before():
    """W-11, W-33: what was complete is delivered first."""
    fed = stream(UNLOCK_BYTES + b"<msg></a></msg>")
    assert fed.next_message() == UNLOCK
    assert refused(fed) == RC_MSG_DESERIALIZE_ERROR
    assert refused(fed) == RC_MSG_DESERIALIZE_ERROR


def test_bytes_in_any_buffer_are_taken():
    assert drain(stream(bytearray(LOCK_BYTES), bytearray(b"\n"), bytearray(UNLOCK_BYTES))) == [
        LOCK,
        UNLOCK,
    ]


def count_work(monkeypatch, data, size):
    """How often documents are read while `data` arrives in pieces of `size` bytes."""
    read = []
    monkeypatch.setattr(
        module, "decode", lambda document: read.append(len(document)) or decode(document)
    )
    fed = stream()
    messages = 0
    for at in range(0, len(data), size):
        fed.feed(data[at : at + size])
        messages += len(drain(fed))
    return messages, len(read)


@pytest.mark.parametrize("size", [1, 7, 100000])
def test_a_message_is_read_once_however_it_arrives(monkeypatch, size):
    """W-7: no reading again with every byte."""
    messages = [LOCK, UNLOCK, Answer(24, 1), Ping(8)] * 10
    data = b"".join(map(encode, messages))
    assert count_work(monkeypatch, data, size) == (40, 40)


class Counting(bytearray):
    """A buffer that counts the bytes `find` looks at."""

    looked = 0

    def find(self, sub, start=0):
        Counting.looked += len(self) - start
        return super().find(sub, start)


def test_the_scan_for_the_end_is_linear():
    fed = stream()
    fed.rest = Counting()
    Counting.looked = 0
    data = padded(20000)
    for byte in data:
        fed.feed(bytes([byte]))
        message = fed.next_message()
    assert message == Discover()
    assert Counting.looked < 10 * len(data)
