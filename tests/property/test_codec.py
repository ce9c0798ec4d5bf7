"""The codec for all messages and all bytes (design.md 6)."""

import base64 as standard
import binascii

from hypothesis import example, given, settings
from hypothesis import strategies as st
from property.wire_documents import canonical_like, messages, mutated, names, texts

from flom.errors import FlomError, ProtocolError
from flom.wire import codec, xmlreader
from flom.wire.base64 import base64
from flom.wire.codec import decode, decode_datagram, encode
from flom.wire.messages import LOCK_ATTRIBUTES, Answer, Lock, Message
from flom.wire.unbase64 import unbase64
from flom.wire.values import number

lean = settings(max_examples=300, deadline=None)


def as_sent(message):
    """The message without what its canonical form does not carry."""
    if isinstance(message, Lock):
        carried = LOCK_ATTRIBUTES[message.kind]
        mode = message.mode if "mode" in carried else 0
        quantity = message.quantity if "quantity" in carried else 1
        return Lock(
            message.peerid,
            message.name,
            mode,
            message.wait,
            quantity,
            message.create,
            message.lifespan,
            message.ext,
        )
    return message


@lean
@given(messages)
def test_what_is_written_is_read(message):
    data = encode(message)
    assert decode(data) == as_sent(message)
    assert data.startswith(b'<?xml version="1.0" encoding="UTF-8" ?><msg level="3" verb="')
    assert data.endswith(b"</msg>")
    assert data.count(b"</msg>") == 1


def outcome(read, data):
    try:
        return read(data)
    except ProtocolError as error:
        return error.rc


@settings(max_examples=1000, deadline=None)
@given(st.one_of(mutated(), canonical_like(), st.builds(encode, messages)))
@example(b'<?xml version="1.0" encoding="UTF-8" ?><msg></msg>"')
@example(b'<?xml version="1.0" encoding="UTF-8" ?><msg a="1"></msg>"x</msg>')
@example(b'<?xml version="1.0" encoding="UTF-8" ?><msg a="<x></msg>')
@example(b'<?xml version="1.0" encoding="UTF-8" ?><msg a="" a=""></msg>')
@example(b'<?xml version="1.0" encoding="UTF-8" ?><msg ><a /><b/></msg>')
@example(b'<?xml version="1.0" encoding="UTF-8" ?><msg a="1"b="2"></msg>')
@example(b'<?xml version="1.0" encoding="UTF-8" ?><msg a= "1"></msg>')
@example(b'<?xml version="1.0" encoding="UTF-8" ?><msg a="\x7f"></msg>')
@example(b'<?xml version="1.0" encoding="UTF-8" ?><msg a="\x01"></msg>')
@example(b'<?xml version="1.0" encoding="UTF-8" ?><msg a="\t"></msg>')
@example(b'<?xml version="1.0" encoding="UTF-8" ?>x<msg a="1"></msg>')
@example(
    b'<?xml version="1.0" encoding="UTF-8" ?><msg a="1">'
    + b"".join(b"<x%d />" % number for number in range(64))
    + b"</msg>"
)
def test_the_fast_reader_agrees_with_expat(data):
    """What the fast reader accepts, expat reads as the same; it never raises."""
    fast = codec._read_canonical(data)
    if fast is not None:
        assert outcome(xmlreader.read, data) == fast


@lean
@given(st.lists(st.one_of(mutated(), st.builds(encode, messages)), max_size=4))
def test_what_is_remembered_changes_nothing(documents):
    """Decode is pure: with its memories and without."""
    for data in documents * 2:
        before = outcome(decode, data)
        codec._memo.clear()
        codec._shapes.clear()
        assert outcome(decode, data) == before


@lean
@given(st.one_of(mutated(), canonical_like(), st.binary(max_size=200)))
def test_no_document_raises_anything_else(data):
    """W-11: a message, None, or a ProtocolError with a code."""
    got = outcome(decode, data)
    assert got is None or isinstance(got, Message | int)
    datagram = decode_datagram(data)
    assert datagram == (None if isinstance(got, int) else got)


@lean
@given(st.one_of(mutated(), canonical_like()))
def test_what_was_read_can_be_written(data):
    """Whatever was decoded is a value the codec itself can send again."""
    try:
        message = decode(data)
    except ProtocolError:
        return
    if message is not None and not (isinstance(message, Answer) and message.rc is None):
        assert decode(encode(message)) is not None


@lean
@given(st.text(st.characters(), max_size=10))
def test_any_text_is_escaped_or_refused(text):
    """W-12."""
    try:
        data = encode(Answer(24, 0, text))
    except FlomError:
        return
    assert decode(data).element == text


@lean
@given(names)
def test_base64_agrees_with_the_library(name):
    assert base64(name) == standard.b64encode(name).decode()
    assert unbase64(base64(name)) == name


@lean
@given(names, st.lists(st.tuples(st.integers(0, 60), st.sampled_from(" \n\t*-_.,~é€\0"))))
def test_foreign_characters_in_base64_are_skipped(name, foreign):
    """wire.md 4.2."""
    text = base64(name)
    for at, character in foreign:
        text = text[:at] + character + text[at:]
    assert unbase64(text) == name


@lean
@given(st.text(st.sampled_from("ABab01+/"), max_size=30))
def test_an_incomplete_group_is_dropped(text):
    """wire.md 4.2: as the library reads the complete groups."""
    whole = text[: len(text) // 4 * 4]
    assert unbase64(text) == binascii.a2b_base64(whole)


@lean
@given(st.text(st.sampled_from("AZaz09+/=== \n"), max_size=40))
def test_no_base64_raises(text):
    assert len(unbase64(text)) <= len(text)


@lean
@given(st.one_of(texts, st.from_regex(r"\s*[-+]?[0-9]*.*", fullmatch=True)))
def test_no_number_raises(text):
    assert -(2**63) < number(text) < 2**63
