"""What a client may say when, and how it is answered (wire.md 5, 8; W-11 to W-41)."""

import pytest

from flom.errors import (
    RC_BUFFER_OVERFLOW,
    RC_INVALID_PROPERTY_VALUE,
    RC_MSG_DESERIALIZE_ERROR,
    RC_PROTOCOL_ERROR,
    RC_PROTOCOL_LEVEL_MISMATCH,
    ProtocolError,
)
from flom.wire import messages, rare
from flom.wire import server as module
from flom.wire.codec import decode, encode
from flom.wire.messages import Answer, Lock, Unlock
from flom.wire.rare import Ask, Discover, Discovered, Managed, Ping, Shutdown, Tell
from flom.wire.server import BOUND, ENDED, NEW, PARKED, ServerConversation

LOCK = Lock("id", b"abc", 5, True, 1, True, 0)
UNLOCK = Unlock(b"abc")
SHUTDOWN = Shutdown("id", True)
ASK = Ask(1, "daemon")

SAMPLES = {
    "lock": LOCK,
    "lock 16": Answer(16, 0, None, "id"),
    "lock 24": Answer(24, 0),
    "lock 32": Answer(32, 6),
    "unlock": UNLOCK,
    "ping 8": Ping(8),
    "ping 16": Ping(16),
    "discover": Discover(),
    "discovered": Discovered("", 1),
    "management": SHUTDOWN,
    "managed": Managed(0),
    "ask": ASK,
    "tell 16": Tell(16, 1),
    "tell 24": Tell(24, 1, rc=0),
    "tell 32": Tell(32, 0),
}

# How each state is reached: the answers given to one lock each.
REACHED_BY = {
    NEW: [[]],
    PARKED: [[2]],
    BOUND: [[0], [1], [4], [6], [2, 1], [2, 0]],
    ENDED: [[5], [-14]],
}

GOOD = {
    NEW: {"lock", "management"},
    PARKED: {"lock"},
    BOUND: {"lock", "unlock"},
    ENDED: set(),
}


def conversation(*rcs, **settings):
    """A conversation whose first lock was answered with these codes."""
    talk = ServerConversation("daemon", **settings)
    if rcs:
        talk.receive(encode(LOCK))
        assert talk.next_message() == LOCK
    for rc in rcs:
        talk.answer(rc)
    return talk


def say(talk, *messages):
    talk.receive(b"".join(map(encode, messages)))


def lock(talk):
    say(talk, LOCK)
    assert talk.next_message() == LOCK


def refused(talk):
    with pytest.raises(ProtocolError) as caught:
        talk.next_message()
    return caught.value.rc


def every_way():
    for state, ways in REACHED_BY.items():
        for way in ways:
            for name in SAMPLES:
                yield pytest.param(state, way, name, id=f"{state}{way} {name}")


@pytest.mark.parametrize(("state", "way", "name"), list(every_way()))
def test_every_message_in_every_state(state, way, name):
    """wire.md 8, W-20, W-28, W-40, W-41, W-63, F-11, F-12: accepted, ignored or closed."""
    talk = conversation(*way)
    assert talk.state is state
    say(talk, SAMPLES[name])
    if name in GOOD[state]:
        assert talk.next_message() == SAMPLES[name]
    elif name == "ping 16" or state is ENDED:
        assert talk.next_message() is None
        assert talk.state is state
    else:
        assert refused(talk) == RC_PROTOCOL_ERROR


def test_every_message_has_a_sample():
    assert {(sample.verb, sample.step) for sample in SAMPLES.values()} == set(
        messages.MESSAGES | rare.MESSAGES
    )


@pytest.mark.parametrize("way", [[], [2], [0], [1], [4]])
@pytest.mark.parametrize(
    ("data", "rc"),
    [
        (b"<msg></x></msg>", RC_MSG_DESERIALIZE_ERROR),
        (b"</msg>", RC_MSG_DESERIALIZE_ERROR),
        (b"\xef\xbb\xbf", RC_MSG_DESERIALIZE_ERROR),
        (b"\x16\x03\x01", RC_MSG_DESERIALIZE_ERROR),
        (b'<msg level="4" verb="1" step="8"></msg>', RC_PROTOCOL_LEVEL_MISMATCH),
        (b'<msg level="4" verb="77" step="8"></msg>', RC_PROTOCOL_LEVEL_MISMATCH),
        (b'<msg level="3" verb="6" step="8"></msg>', RC_PROTOCOL_ERROR),
        (b'<msg level="3" verb="7" step="8"></msg>', RC_PROTOCOL_ERROR),
        (b'<msg level="3" verb="1" step="40"></msg>', RC_PROTOCOL_ERROR),
        (b'<msg level="3" verb="5" step="16"></msg>', RC_PROTOCOL_ERROR),
        (b'<msg level="3" verb="5" step="8"><shutdown/></msg>', RC_PROTOCOL_ERROR),
        (b'<msg level="3" verb="2" step="8"></msg>', RC_PROTOCOL_ERROR),
        (b"<msg " + b" " * 65531, RC_BUFFER_OVERFLOW),
    ],
)
def test_bad_input_closes_in_every_state(way, data, rc):
    """W-6, W-11, W-28, W-29, W-51, W-70, F-1."""
    talk = conversation(*way)
    talk.receive(data)
    assert refused(talk) == rc


@pytest.mark.parametrize("rc", [5, -14])
def test_an_ended_conversation_reads_nothing(rc):
    """W-20, F-11: garbage does no harm either."""
    talk = conversation(rc)
    talk.receive(b"\0garbage" * 100000)
    assert talk.next_message() is None
    assert not talk.mid_message
    assert not talk._stream.mid_message  # and nothing piles up


def test_what_was_sent_together_with_a_refused_lock_is_ignored():
    """W-20."""
    talk = ServerConversation()
    say(talk, LOCK, LOCK, UNLOCK)
    assert talk.next_message() == LOCK
    talk.answer(5)
    assert talk.next_message() is None
    assert not talk.mid_message


def test_nothing_is_read_after_a_shutdown():
    """W-61, W-63: the daemon closes at once."""
    talk = ServerConversation()
    say(talk, SHUTDOWN, LOCK)
    assert talk.next_message() == SHUTDOWN
    assert talk.state is ENDED
    assert talk.next_message() is None


def test_several_messages_at_once_and_pongs_between():
    """W-41, wire.md 2."""
    talk = ServerConversation()
    say(talk, Ping(16), LOCK, Ping(16), UNLOCK, Ping(16), LOCK)
    assert talk.next_message() == LOCK
    talk.answer(0)
    assert talk.next_message() == UNLOCK
    assert talk.next_message() == LOCK
    assert talk.next_message() is None


def test_the_default_limit():
    """W-6: 65536 bytes."""
    head = b'<msg level="3" verb="1" step="8">'
    for size, good in ((65536, True), (65537, False)):
        talk = ServerConversation()
        talk.receive(head + b" " * (size - len(head) - 6) + b"</msg>")
        if good:
            assert talk.next_message() == Lock(None, None)
        else:
            assert refused(talk) == RC_BUFFER_OVERFLOW


def test_mid_message():
    """W-8: from the first byte to the last, not between messages."""
    talk = ServerConversation()
    assert not talk.mid_message
    talk.receive(b"\n")
    assert not talk.mid_message
    for byte in encode(LOCK)[:-1]:
        talk.receive(bytes([byte]))
        assert talk.next_message() is None
        assert talk.mid_message
    talk.receive(b">\n")
    assert talk.next_message() == LOCK
    assert not talk.mid_message


# --- answers ---


@pytest.mark.parametrize("rc", [0, 1, 2, 4, 5, 6, -14])
def test_first_answers_are_step_16_with_session(rc):
    """W-36, wire.md 4.3, 5."""
    talk = conversation()
    lock(talk)
    assert talk.answer(rc) == encode(Answer(16, rc, None, "daemon"))


@pytest.mark.parametrize("first", [1, 2])
@pytest.mark.parametrize(("rc", "step"), [(0, 24), (1, 24), (6, 32), (4, 32), (5, 32)])
def test_later_answers(first, rc, step):
    """W-17, W-36: only 0 and 1 in step 24, a refusal is step 32; no session."""
    assert conversation(first).answer(rc) == encode(Answer(step, rc))


def test_a_parked_lock_moves_to_the_queue_and_is_granted():
    """wire.md 9, create-no-wait-then-enqueued-then-granted."""
    talk = conversation(2)
    assert talk.state is PARKED
    assert talk.answer(1) == encode(Answer(24, 1))
    assert talk.state is BOUND
    assert talk.answer(0, "a") == encode(Answer(24, 0, "a"))


def test_a_late_refusal_leaves_the_connection_open():
    """W-17, W-21, design.md 5 (impossible quantity)."""
    talk = conversation(2)
    talk.answer(6)
    assert talk.state is BOUND
    lock(talk)
    assert talk.answer(0) == encode(Answer(16, 0, None, "daemon"))


@pytest.mark.parametrize("rc", [0, 4, 6])
def test_the_next_request_is_answered_from_step_16_again(rc):
    """W-21, W-36, script-relock-same-connection, script-relock-after-busy."""
    talk = conversation(rc)
    if rc == 0:
        say(talk, UNLOCK)
        assert talk.next_message() == UNLOCK
    lock(talk)
    assert talk.answer(0) == encode(Answer(16, 0, None, "daemon"))


@pytest.mark.parametrize("way", [[1], [2], [2, 1]])
def test_a_pending_request_that_is_replaced_starts_at_16_again(way):
    """W-35."""
    talk = conversation(*way)
    lock(talk)
    assert talk.answer(1) == encode(Answer(16, 1, None, "daemon"))
    assert talk.answer(0) == encode(Answer(24, 0))


def test_a_second_lock_while_holding_may_wait_for_its_creation():
    """W-34, design.md 5: what is held can still be unlocked."""
    talk = conversation(0)
    lock(talk)
    talk.answer(2)
    assert talk.state is BOUND
    say(talk, UNLOCK)
    assert talk.next_message() == UNLOCK


def test_elements():
    """W-12, wire.md 4.3."""
    talk = conversation()
    lock(talk)
    assert talk.answer(0, "a<b") == encode(Answer(16, 0, "a<b", "daemon"))


def test_no_answer_is_longer_than_a_client_reads():
    """W-5: the connection is closed instead."""
    fixed = len(encode(Answer(16, 0, "", "daemon")))
    talk = conversation()
    lock(talk)
    assert len(talk.answer(0, "x" * (1023 - fixed))) == 1023
    lock(talk)
    with pytest.raises(ProtocolError) as caught:
        talk.answer(0, "x" * (1024 - fixed))
    assert caught.value.rc == RC_BUFFER_OVERFLOW


def test_no_answer_holds_what_xml_cannot_carry():
    """W-11."""
    talk = conversation()
    lock(talk)
    with pytest.raises(ProtocolError) as caught:
        talk.answer(0, "a\x01b")
    assert caught.value.rc == RC_INVALID_PROPERTY_VALUE


def test_without_an_id_the_session_is_empty():
    """W-26."""
    talk = ServerConversation()
    lock(talk)
    assert b'<session peerid=""/>' in talk.answer(0)


def test_capabilities_are_announced_to_those_who_announce():
    """W-65: in step 16, per request; nothing for an old client."""
    talk = ServerConversation("daemon", ext="flom")
    lock(talk)
    assert decode(talk.answer(1)).ext == ""
    announce(talk, "flommish big")
    assert decode(talk.answer(1)).ext == ""
    assert not talk.extended
    announce(talk, "big flom pid=7")
    assert not talk.extended
    assert decode(talk.answer(1)) == Answer(16, 1, None, "daemon", "flom")
    assert talk.extended
    assert decode(talk.answer(0)) == Answer(24, 0)
    lock(talk)
    assert decode(talk.answer(1)).ext == ""


def test_who_understands_a_code_of_our_own():
    """W-67: whoever announces the extension with the lock, or did so before."""
    talk = ServerConversation("daemon", ext="flom")
    for ext, understands in (("", False), ("flom", True), ("", True)):
        announce(talk, ext)
        assert talk.understands is understands
        assert decode(talk.answer(4)).ext == ("flom" if ext else "")


def announce(talk, ext):
    say(talk, Lock("id", b"abc", ext=ext))
    assert talk.next_message().ext == ext


@pytest.mark.parametrize("rcs", [[2], [1], [0], [4], [2, 1], [2, 0]])
def test_questions_are_taken_from_those_who_were_answered_so(rcs):
    """W-67: whatever became of the lock; the state does not change."""
    talk = ServerConversation("daemon", ext="flom")
    announce(talk, "flom")
    for rc in rcs:
        talk.answer(rc)
    state = talk.state
    say(talk, ASK, ASK)
    assert talk.next_message() == ASK
    assert talk.next_message() == ASK
    assert talk.next_message() is None
    assert talk.state is state
    assert talk.part(1, b"YWJj") == encode(Tell(16, 1, b"abc"))
    assert talk.end(1, -28, "no") == encode(Tell(24, 1, rc=-28, text="no"))
    assert talk.notice(b"YWJj") == encode(Tell(32, 0, b"abc"))


@pytest.mark.parametrize("ext", ["", "flom"])
def test_a_question_before_the_answer_closes(ext):
    """W-67: nobody asks a daemon that has not announced itself."""
    talk = ServerConversation("daemon", ext=ext)
    say(talk, ASK)
    assert refused(talk) == RC_PROTOCOL_ERROR
    talk = ServerConversation("daemon", ext=ext)
    if not ext:
        announce(talk, "flom")
        talk.answer(2)
        say(talk, ASK)
        assert refused(talk) == RC_PROTOCOL_ERROR


def test_an_element_comes_before_the_announcement():
    """W-68."""
    longest = 1023 - len(encode(Answer(16, 0, "", "daemon")))
    for size, ext in ((longest, ""), (longest - len(' ext="flom"'), "flom")):
        talk = ServerConversation("daemon", ext="flom")
        announce(talk, "flom")
        answer = talk.answer(0, "e" * size)
        assert len(answer) == 1023
        assert decode(answer) == Answer(16, 0, "e" * size, "daemon", ext)
        assert talk.extended == bool(ext)


def test_an_element_comes_before_what_is_told_beyond_the_announcement():
    """W-68: then the announcement, and only then the rest."""
    token = "flom token=1700000000000000"
    longest = 1023 - len(encode(Answer(16, 0, "", "daemon")))
    for size, ext in (
        (longest, ""),
        (longest - len(' ext="flom"'), "flom"),
        (longest - len(f' ext="{token}"'), token),
    ):
        talk = ServerConversation("daemon", ext="flom")
        announce(talk, "flom")
        assert decode(talk.answer(0, "e" * size, token)) == Answer(16, 0, "e" * size, "daemon", ext)


def test_a_grant_with_a_token_is_not_given_again():
    talk = ServerConversation("daemon", ext="flom")
    announce(talk, "flom")
    assert decode(talk.answer(0, ext="flom token=1")).ext == "flom token=1"
    assert talk.grant == b""
    announce(talk, "")
    assert talk.answer(0, ext="flom token=2") == talk.grant
    assert decode(talk.grant).ext == ""


def test_a_shutdown_is_answered_for_those_who_announce():
    """design.md 5 (shutdown)."""
    for ext, answer in (("", b""), ("big", b""), ("flom", encode(Managed(0, "flom")))):
        talk = ServerConversation("daemon", ext="flom")
        say(talk, Shutdown("id", True, ext=ext))
        assert talk.next_message() == Shutdown("id", True, ext=ext)
        assert talk.managed(0) == answer


def test_short_answers_are_kept_and_bounded(monkeypatch):
    monkeypatch.setattr(module, "_cache", {})
    talk = conversation()
    for rc in [0, 1, 2, 4, 6] * 200:
        lock(talk)
        assert talk.answer(rc) == encode(Answer(16, rc, None, "daemon"))
    assert len(module._cache) == 5
    for number in range(2 * module._CACHE_ENTRIES):
        other = ServerConversation(f"daemon {number}")
        lock(other)
        assert other.answer(0) == encode(Answer(16, 0, None, f"daemon {number}"))
    assert len(module._cache) <= module._CACHE_ENTRIES


@pytest.mark.parametrize("before", [(), (2,)])
def test_a_refusal_may_tell_more_to_who_announced_it(before):
    for ext, told in ("flom", "flom pid=1"), ("", ""):
        talk = ServerConversation("me", ext="flom")
        talk.receive(encode(Lock("id", b"abc", 5, True, 1, True, 0, ext)))
        assert talk.next_message()
        for rc in before:
            talk.answer(rc)
        assert decode(talk.answer(4, ext="flom pid=1")).ext == told
        long = decode(talk.answer(4, ext="flom name=" + "x" * 1000))
        assert long.rc == 4
        assert "name" not in long.ext
