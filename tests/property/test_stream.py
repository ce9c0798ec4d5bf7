"""Streams cut anywhere, and conversations fed with anything (design.md 6)."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from property.wire_documents import (
    first_answers,
    later_answers,
    locks,
    messages,
    mutated,
    unlocks,
)

from flom.errors import ProtocolError
from flom.wire.client import ClientConversation
from flom.wire.codec import encode
from flom.wire.messages import Answer, Lock
from flom.wire.server import ENDED, ServerConversation
from flom.wire.stream import MessageStream

lean = settings(max_examples=200, deadline=None)
blanks = st.text(" \t\r\n", max_size=3).map(str.encode)
documents = st.one_of(st.builds(encode, messages), mutated())


def read(pieces, limit=65536):
    """What a stream gives for pieces: messages, then the code it ended with, if it did."""
    stream = MessageStream(limit)
    found = []
    for piece in pieces:
        stream.feed(piece)
        try:
            found.extend(iter(stream.next_message, None))
        except ProtocolError as error:
            return [*found, error.rc], None
    return found, stream.mid_message


def cut(data, places):
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@lean
@given(st.lists(st.tuples(blanks, messages), max_size=4), st.lists(st.integers(0, 5000)))
def test_messages_arrive_however_the_bytes_are_cut(sequence, places):
    """W-2, W-3: the same messages, and nothing left over."""
    data = b"".join(blank + encode(message) for blank, message in sequence) + b"\n"
    found, rest = read(cut(data, places))
    assert [encode(message) for message in found] == [encode(one) for one in read([data])[0]]
    assert len(found) == len(sequence)
    assert not rest


@lean
@given(st.lists(documents, min_size=1, max_size=3), st.lists(st.integers(0, 5000)))
def test_cutting_changes_nothing(sequence, places):
    """Bytewise, in pieces or at once: the same messages and the same end."""
    data = b"".join(sequence)
    once = read([data])
    assert read(cut(data, places)) == once
    bytewise = read([data[at : at + 1] for at in range(len(data))])
    assert bytewise == once


@lean
@given(st.lists(documents, max_size=3), st.integers(100, 300))
def test_a_smaller_limit_only_cuts_off(sequence, limit):
    """W-6."""
    found, _ = read([b"".join(sequence)], limit)
    whole, _ = read([b"".join(sequence)])
    assert found[:-1] == whole[: len(found) - 1]


@lean
@given(st.binary(max_size=300))
def test_any_bytes_give_messages_or_an_error(data):
    """W-11, W-51."""
    found, rest = read([data])
    assert rest is not None or isinstance(found[-1], int)
    if data.lstrip(b" \t\r\n") and data.lstrip(b" \t\r\n")[:1] != b"<":
        assert isinstance(found[-1], int)


@lean
@given(st.lists(documents, max_size=6), st.lists(st.sampled_from([0, 1, 2, 4, 5, 6, -14])))
def test_a_server_survives_any_client(pieces, rcs):
    """W-11, W-28: messages or a ProtocolError; answers are readable whatever was asked."""
    talk = ServerConversation("id", ext="e")
    rcs = iter(rcs)
    try:
        for piece in pieces:
            talk.receive(piece)
            while (message := talk.next_message()) is not None:
                if isinstance(message, Lock):
                    talk.answer(next(rcs, 0), None)
    except ProtocolError:
        assert talk.state is not ENDED


busy = st.one_of(st.builds(encode, locks), st.builds(encode, unlocks))


def taken(talk, rcs, data, *, at_once):
    """What a conversation takes out of some bytes; the code of the error, if there is one."""
    found = []
    if at_once and (messages := talk.usual(data)):
        for message in messages:
            if isinstance(message, Lock):
                talk.accept(message)
                talk.answer(next(rcs))
            found.append(message)
            if talk.state is ENDED:
                break
        return found
    talk.receive(data)
    try:
        while (message := talk.next_message()) is not None:
            if isinstance(message, Lock):
                talk.answer(next(rcs))
            found.append(message)
    except ProtocolError as error:
        found.append(error.rc)
    return found


@lean
@given(
    st.lists(st.lists(st.one_of(busy, busy, documents, blanks), max_size=3).map(b"".join)),
    st.lists(st.integers(0, 1000), max_size=3),
    st.booleans(),
    st.lists(st.sampled_from([0, 1, 2, 4, 5, -14]), max_size=4),
)
def test_what_is_known_as_a_whole_is_what_stands_there(pieces, places, bound, rcs):
    """Pieces that come again are looked up, not read: it makes no difference."""
    said = [part for piece in pieces for part in (piece, *cut(piece, places), piece)]
    said += [*cut(b"".join(said[:1]), places[:1])[:1], *said]
    if bound:
        said.insert(0, encode(Lock("p", b"first", create=True)))
        rcs = [0, *rcs]
    talk, other = (ServerConversation("id", ext="flom") for _ in range(2))
    answers, again = (itertools.chain(rcs, itertools.repeat(0)) for _ in range(2))
    for piece in said:
        found = taken(talk, answers, piece, at_once=True)
        assert found == taken(other, again, piece, at_once=False)
        if any(isinstance(one, int) for one in found):
            return
        assert (talk.state, talk.mid_message) == (other.state, other.mid_message)


answers = st.one_of(first_answers, later_answers)


@lean
@given(st.lists(st.one_of(st.builds(encode, answers), documents), max_size=6))
def test_a_client_survives_any_daemon(pieces):
    """W-16, W-19: a grant is only ever an answer with rc 0, and nothing follows it."""
    talk = ClientConversation("id")
    talk.lock("simple", b"abc", 5, True, 1, True, 0)
    granted = False
    try:
        for piece in pieces:
            talk.receive(piece)
            while (answer := talk.next_answer()) is not None:
                assert isinstance(answer, Answer)
                assert not granted
                assert answer.element is None or answer.rc == 0
                granted = answer.rc not in (1, 2)
    except ProtocolError as error:
        assert error.rc < 0


@lean
@given(
    st.binary(min_size=1, max_size=40),
    st.lists(st.sampled_from([0, 1, 2, 4, 5, 6]), min_size=1, max_size=4),
    st.lists(st.integers(0, 1000), max_size=6),
)
def test_both_sides_understand_each_other(name, rcs, places):
    """W-17, W-36: what our daemon answers, our client takes for what was meant."""
    client, server = ClientConversation("c"), ServerConversation("s")
    server.receive(client.lock("simple", name, 5, True, 1, True, 0))
    assert server.next_message().name == name
    for index, rc in enumerate(rcs):
        if index and rc == 2:
            return
        element = "e" if rc == 0 else None
        for piece in cut(server.answer(rc, element), places):
            client.receive(piece)
        answer = client.next_answer()
        assert (answer.rc, answer.element) == (rc, element)
        if rc not in (1, 2):
            return
