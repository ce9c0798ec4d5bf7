"""What a client may ask when, and what it makes of answers (wire.md 5, 6, 11, 14)."""

import pytest

from flom.errors import (
    OWN_RC_LOCK_NESTED,
    OWN_RC_NO_STATE,
    RC_API_INVALID_SEQUENCE,
    RC_BUFFER_OVERFLOW,
    RC_CONTAINER_FULL,
    RC_MSG_DESERIALIZE_ERROR,
    RC_PROTOCOL_ERROR,
    RC_PROTOCOL_LEVEL_MISMATCH,
    FlomError,
    ProtocolError,
)
from flom.wire.client import ASKED, BOUND, ENDED, NEW, WAITING, ClientConversation
from flom.wire.codec import decode, encode
from flom.wire.messages import Answer, Lock, Unlock
from flom.wire.rare import Ask, Discover, Discovered, Managed, Ping, Shutdown, Tell

ID = "0" * 32


def asked(*answers, **settings):
    """A conversation that has sent a lock and taken these answers."""
    talk = ClientConversation(ID, **settings)
    lock(talk)
    for answer in answers:
        talk.receive(encode(answer))
        assert talk.next_answer() is not None
    return talk


def lock(talk, name=b"abc", kind="simple", quantity=1, lifespan=0):
    return talk.lock(kind, name, 5, True, quantity, True, lifespan)


def first(rc, element=None):
    return Answer(16, rc, element, "d")


def answered(talk, answer):
    talk.receive(encode(answer) if not isinstance(answer, bytes) else answer)
    return talk.next_answer()


def refused(talk, answer):
    with pytest.raises(ProtocolError) as caught:
        answered(talk, answer)
    return caught.value.rc


# --- requests ---


def test_requests_are_canonical():
    """W-9."""
    talk = ClientConversation(ID)
    assert lock(talk) == encode(Lock(ID, b"abc", 5, True, 1, True, 0))
    answered(talk, first(0))
    assert talk.unlock(b"abc", True) == encode(Unlock(b"abc", True))
    assert ClientConversation(ID).shutdown(True) == encode(Shutdown(ID, True))
    assert b'peerid=""' in lock(ClientConversation())


@pytest.mark.parametrize(
    ("kind", "quantity", "lifespan", "longest"),
    [
        ("simple", 1, 0, 240),
        ("hierarchical", 1, 0, 240),
        ("numeric", 1, 0, 237),
        ("set", 1, 0, 246),
        ("sequence", 1, 0, 246),
        ("timestamp", 1, 0, 246),
        ("simple", 1, 1000, 237),
        ("numeric", 10, 0, 234),
    ],
)
def test_the_longest_names(kind, quantity, lifespan, longest):
    """W-4, table of wire.md 2: above 511 bytes the request is refused here."""
    talk = ClientConversation(ID)
    with pytest.raises(ProtocolError) as caught:
        lock(talk, b"n" * (longest + 1), kind, quantity, lifespan)
    assert caught.value.rc == RC_CONTAINER_FULL
    assert "511" in str(caught.value)
    assert talk.state is NEW
    assert len(lock(talk, b"n" * longest, kind, quantity, lifespan)) <= 511


def test_a_long_unlock_is_refused_too():
    """W-4."""
    with pytest.raises(ProtocolError) as caught:
        asked(first(0)).unlock(b"n" * 400, False)
    assert caught.value.rc == RC_CONTAINER_FULL


def test_capabilities_are_announced_if_there_is_room():
    """W-65, W-68, design.md 5 (extension attributes)."""
    talk = ClientConversation(ID, ext="ping")
    assert decode(lock(talk)).ext == "ping"
    data = lock(ClientConversation(ID, ext="ping"), b"n" * 240)
    assert decode(data).ext == ""
    assert data == lock(ClientConversation(ID), b"n" * 240)


def test_the_least_important_capabilities_are_left_out_first():
    """W-68, design.md 5 (extension attributes): the longest beginning that fits."""
    steps = ["", "flom", "flom a=1", "flom a=1 b=2", f"flom a=1 b=2 c={'3' * 100}"]
    seen = set()
    for length in range(150, 241):
        data = lock(ClientConversation(ID, ext=steps[-1]), b"n" * length)
        ext = decode(data).ext
        assert len(data) <= 511
        for longer in steps[steps.index(ext) + 1 :][:1]:
            assert len(data) + len(longer) - len(ext) + (0 if ext else len(' ext=""')) > 511
        seen.add(ext)
    assert len(seen) >= 3


def announced(*answers, ext="flom"):
    """A conversation that has announced the extension, and heard these answers."""
    talk = ClientConversation(ID, ext=ext)
    lock(talk)
    talk.receive(b"".join(map(encode, answers)))
    return talk


FIRST = Answer(16, 2, None, ID, "flom")


@pytest.mark.parametrize(
    ("talk", "extended"),
    [
        (lambda: announced(FIRST), True),
        (lambda: announced(Answer(16, 0, None, ID, "big flom x")), True),
        (lambda: announced(Answer(16, 0, None, ID, "flommish")), False),
        (lambda: announced(first(0)), False),
        (lambda: announced(FIRST, ext=""), False),
    ],
)
def test_nobody_is_asked_who_has_not_announced_it(talk, extended):
    """W-65, W-67."""
    talk = talk()
    assert talk.next_answer() is not None
    assert talk.extended == extended
    if extended:
        assert talk.ask("queue", {"name": "YQ=="}) == (1, encode(Ask(1, "queue", {"name": "YQ=="})))
        assert talk.ask("daemon", {}) == (2, encode(Ask(2, "daemon")))
    else:
        with pytest.raises(FlomError) as caught:
            talk.ask("daemon", {})
        assert caught.value.rc == OWN_RC_NO_STATE


@pytest.mark.parametrize(
    "answers",
    [
        [Answer(16, OWN_RC_LOCK_NESTED, None, ID, "flom pid=1")],
        [FIRST, Answer(32, OWN_RC_LOCK_NESTED, ext="flom pid=1")],
    ],
)
def test_a_refusal_may_tell_who_is_in_the_way(answers):
    talk = announced(*answers)
    for _ in answers[1:]:
        assert talk.next_answer().rc == 2
    answer = talk.next_answer()
    assert (answer.rc, answer.ext, talk.state) == (OWN_RC_LOCK_NESTED, "flom pid=1", "bound")


def test_what_is_told_waits_for_who_wants_it():
    """Between the answers to a lock, longer than those may be."""
    long = Tell(16, 1, b"x" * 4000)
    talk = announced(
        FIRST, long, Answer(24, 1), Tell(24, 1, rc=0), Answer(24, 0), Tell(32, 0, b"{}")
    )
    assert [talk.next_answer().rc for _ in range(3)] == [2, 1, 0]
    assert talk.next_answer() is None
    assert talk.told == [long, Tell(24, 1, rc=0), Tell(32, 0, b"{}")]


def test_who_has_not_announced_it_tells_nothing():
    for talk in (announced(first(0), Tell(32, 0, b"{}")), announced(Tell(32, 0), FIRST)):
        with pytest.raises(ProtocolError):
            while talk.next_answer():
                pass
        assert talk.told == []


def test_a_shutdown_may_be_refused():
    """design.md 5 (shutdown): by daemons of ours only; nothing said is an acceptance."""
    for answer, rc in (
        (b"", 0),
        (encode(Managed(0, "flom")), 0),
        (encode(Managed(-602, "flom")), -602),
        (encode(Managed(-602))[:-3], 0),
        (b'<msg level="3" verb="5" step="16"/></msg>', 0),
        (encode(first(0)), 0),
    ):
        talk = ClientConversation(ID, ext="flom")
        assert talk.shutdown(True) == encode(Shutdown(ID, True, "flom"))
        talk.receive(answer)
        assert talk.verdict() == rc


ALLOWED = {
    NEW: {"lock", "shutdown"},
    ASKED: set(),
    WAITING: set(),
    BOUND: {"lock", "unlock"},
    ENDED: set(),
}
REACHED_BY = {
    NEW: [lambda: ClientConversation(ID)],
    ASKED: [asked],
    WAITING: [lambda: asked(first(1)), lambda: asked(first(2), Answer(24, 1))],
    BOUND: [
        lambda: asked(first(0)),
        lambda: asked(first(4)),
        lambda: asked(first(6)),
        lambda: asked(first(1), Answer(24, 0)),
        lambda: asked(first(1), Answer(32, 4)),
    ],
    ENDED: [lambda: asked(first(5))],
}
REQUESTS = {
    "lock": lock,
    "unlock": lambda talk: talk.unlock(b"abc", False),
    "shutdown": lambda talk: talk.shutdown(False),
}


@pytest.mark.parametrize("state", ALLOWED)
@pytest.mark.parametrize("request_name", REQUESTS)
def test_every_request_in_every_state(state, request_name):
    """W-22: nothing while a request is pending; W-63: management comes first or never."""
    for reach in REACHED_BY[state]:
        talk = reach()
        assert talk.state is state
        if request_name in ALLOWED[state]:
            assert REQUESTS[request_name](talk)
        else:
            with pytest.raises(FlomError) as caught:
                REQUESTS[request_name](talk)
            assert caught.value.rc == RC_API_INVALID_SEQUENCE
            assert talk.state is state


# --- answers: the table of wire.md 5 ---


@pytest.mark.parametrize(
    ("rc", "state"),
    [
        (0, BOUND),
        (1, WAITING),
        (2, WAITING),
        (4, BOUND),
        (5, ENDED),
        (6, BOUND),
        (-605, BOUND),
        (-607, BOUND),
    ],
)
def test_first_answers(rc, state):
    talk = asked()
    assert answered(talk, first(rc)) == first(rc)
    assert talk.state is state


@pytest.mark.parametrize("rc", [3, 7, 9, 99, -1, -13, -14])
def test_other_codes_in_a_first_answer(rc):
    """wire.md 5, W-19."""
    assert refused(asked(), first(rc)) == RC_PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("step", "rc", "state"),
    [
        (24, 0, BOUND),
        (24, 1, WAITING),
        (24, 3, BOUND),
        (24, 4, BOUND),
        (24, 6, BOUND),
        (24, 77, BOUND),
        (32, 0, BOUND),
        (32, 3, BOUND),
        (32, 4, BOUND),
        (32, 6, BOUND),
        (32, 77, BOUND),
    ],
)
def test_answers_after_waiting(step, rc, state):
    """W-19, W-37, F-6, F-7: only 0 is a grant, the rest is delivered as the refusal it is."""
    for before in ([first(1)], [first(2)], [first(2), Answer(24, 1)]):
        talk = asked(*before)
        assert answered(talk, Answer(step, rc)) == Answer(step, rc)
        assert talk.state is state


@pytest.mark.parametrize("step", [24, 32])
@pytest.mark.parametrize("rc", [-1, -14, 2])
def test_impossible_codes_after_waiting(step, rc):
    """W-19: negative is a protocol error; 2 would mean to wait for what exists."""
    assert refused(asked(first(1)), Answer(step, rc)) == RC_PROTOCOL_ERROR


def test_a_last_answer_does_not_say_wait():
    assert refused(asked(first(1)), Answer(32, 1)) == RC_PROTOCOL_ERROR


@pytest.mark.parametrize("body", ["", "<answer/>", '<answer rc=""/>', '<answer rc="granted"/>'])
@pytest.mark.parametrize(("before", "step"), [([], 16), ([first(1)], 24), ([first(1)], 32)])
def test_an_answer_without_a_code_is_no_grant(body, before, step):
    """W-16, F-7."""
    data = f'<msg level="3" verb="1" step="{step}">{body}</msg>'.encode()
    assert refused(asked(*before), data) == RC_PROTOCOL_ERROR


@pytest.mark.parametrize("step", [24, 32])
def test_the_first_answer_is_step_16(step):
    """wire.md 5, client-rejects-first-answer-step-24."""
    assert refused(asked(), Answer(step, 0)) == RC_PROTOCOL_ERROR


def test_step_16_while_waiting():
    """wire.md 5, F-23."""
    assert refused(asked(first(1)), first(0)) == RC_PROTOCOL_ERROR


OTHERS = [
    Lock(ID, b"abc"),
    Unlock(b"abc"),
    Ping(16),
    Discover(),
    Discovered("", 1),
    Shutdown(ID, True),
]


@pytest.mark.parametrize("message", OTHERS, ids=repr)
@pytest.mark.parametrize("before", [[], [first(1)], [first(0)]])
def test_other_messages_are_protocol_errors(message, before):
    """F-24, W-70."""
    assert refused(asked(*before), message) == RC_PROTOCOL_ERROR


@pytest.mark.parametrize("answer", [first(0), Answer(24, 0), Answer(32, 0)], ids=repr)
@pytest.mark.parametrize("before", [[first(0)], [first(4)], [first(1), Answer(24, 0)]])
def test_answers_nobody_asked_for(answer, before):
    assert refused(asked(*before), answer) == RC_PROTOCOL_ERROR


def test_an_element_comes_with_a_grant_only():
    """wire.md 4.3."""
    assert answered(asked(), first(0, "red")).element == "red"
    assert answered(asked(first(1)), Answer(24, 0, "red")).element == "red"
    assert answered(asked(first(1)), Answer(32, 0, "red")).element == "red"
    for rc in (1, 2, 4, 5, 6):
        assert answered(asked(), first(rc, "red")) == first(rc)
    assert answered(asked(first(1)), Answer(24, 1, "red", ext="x")) == Answer(24, 1, ext="x")


def test_two_answers_in_one_piece():
    """client-accepts-enqueued-and-granted-in-one-segment."""
    talk = asked()
    talk.receive(encode(first(1)) + encode(Answer(24, 0)))
    assert talk.next_answer() == first(1)
    assert talk.next_answer() == Answer(24, 0)
    assert talk.next_answer() is None


def test_an_answer_in_pieces():
    talk = asked()
    data = encode(first(0))
    for byte in data[:-1]:
        talk.receive(bytes([byte]))
        assert talk.next_answer() is None
    talk.receive(data[-1:])
    assert talk.next_answer() == first(0)


def test_repeated_enqueued():
    """W-37, client-accepts-repeated-enqueued."""
    talk = asked(first(1), *[Answer(24, 1)] * 5)
    assert answered(talk, Answer(24, 0)) == Answer(24, 0)


def test_the_connection_serves_the_next_lock():
    """W-21, wire.md 6: after busy, after impossible, after unlock."""
    talk = asked(first(4))
    lock(talk)
    assert answered(talk, first(0)) == first(0)
    talk.unlock(b"abc", False)
    lock(talk)
    assert answered(talk, first(6)) == first(6)


@pytest.mark.parametrize(
    ("data", "rc"),
    [
        (b"garbage</msg>", RC_MSG_DESERIALIZE_ERROR),
        (b'<msg verb="1" step="16"><answer rc="0"></msg>', RC_MSG_DESERIALIZE_ERROR),
        (b'<msg level="4" verb="1" step="16"><answer rc="0"/></msg>', RC_PROTOCOL_LEVEL_MISMATCH),
        (b'<msg level="3" verb="1" step="40"><answer rc="0"/></msg>', RC_PROTOCOL_ERROR),
        (b"<msg " + b" " * 1018, RC_BUFFER_OVERFLOW),
    ],
)
@pytest.mark.parametrize("before", [[], [first(1)]])
def test_bad_answers(data, rc, before):
    """W-11, W-70."""
    assert refused(asked(*before), data) == rc


def test_the_largest_answer():
    """wire.md 2: 1023 bytes are accepted, 1024 refused."""
    fixed = len(encode(first(0, "")))
    element = "x" * (1023 - fixed)
    assert answered(asked(), first(0, element)).element == element
    assert refused(asked(), first(0, element + "x")) == RC_BUFFER_OVERFLOW


def test_unknown_attributes_and_elements_are_ignored():
    """W-69."""
    data = (
        b'<msg level="3" verb="1" step="16" ext="1" x="2"><session peerid="d" y="3"/>'
        b'<answer rc="0" token="4"/><ext a="1"/><foo>text</foo></msg>'
    )
    assert answered(asked(), data) == Answer(16, 0, None, "d", "1")


# --- ping ---


@pytest.mark.parametrize("before", [[], [first(1)], [first(0)]])
def test_pings_are_answered_at_any_time(before):
    """W-41."""
    talk = asked(*before)
    assert talk.data_to_send() == b""
    talk.receive(encode(Ping(8)) * 2)
    assert talk.next_answer() is None
    assert talk.data_to_send() == encode(Ping(16)) * 2
    assert talk.data_to_send() == b""


def test_pings_between_answers():
    """W-41: otherwise ignored."""
    talk = asked(first(1))
    talk.receive(encode(Ping(8)) + encode(Answer(24, 1)) + encode(Ping(8)) + encode(Answer(24, 0)))
    assert talk.next_answer() == Answer(24, 1)
    assert talk.next_answer() == Answer(24, 0)
    assert talk.data_to_send() == encode(Ping(16)) * 2


# --- the end ---


@pytest.mark.parametrize("immediate", [False, True])
def test_whatever_comes_after_a_shutdown_is_ignored(immediate):
    """wire.md 14, W-64."""
    talk = ClientConversation(ID)
    talk.shutdown(immediate)
    talk.receive(b"garbage</msg>" * 1000)
    assert talk.next_answer() is None
    assert talk.data_to_send() == b""


def test_nothing_is_read_after_cannot_wait():
    """W-20."""
    talk = asked(first(5))
    assert answered(talk, b"garbage") is None
    assert not talk._stream.mid_message
    talk = asked()
    talk.receive(encode(first(5)) + b"garbage")
    assert talk.next_answer() == first(5)
    assert talk.next_answer() is None
