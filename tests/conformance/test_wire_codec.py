"""Every recorded message, and every recorded daemon answer, against codec and conversations."""

import pytest
from shared import vectors

from flom.errors import RC_PROTOCOL_LEVEL_MISMATCH, FlomError, ProtocolError
from flom.wire import codec, xmlreader
from flom.wire.client import ClientConversation
from flom.wire.codec import decode, decode_datagram, encode
from flom.wire.messages import Answer, Lock
from flom.wire.rare import Discover, Discovered
from flom.wire.server import ServerConversation

PEERID = "5e4d3c2b1a" + "0" * 22
PLACEHOLDERS = {
    "@PEERID@": PEERID,
    "@PORT@": "43125",
    "@TIMESTAMP@": "2024/01/02 03:04:05",
    "@LINKLOCAL@": "fe80::42:1%w0",
}
SCENARIOS = vectors("wire")


def bytes_of(text):
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    return text.encode()


def recorded():
    """Every different message: scenario where it is found first, direction, bytes."""
    found = {}
    for scenario in SCENARIOS:
        for step in scenario["steps"]:
            if "text" in step:
                found.setdefault((step["dir"], bytes_of(step["text"])), scenario["name"])
    return [
        pytest.param(direction, data, id=f"{name} {direction} {number}")
        for number, ((direction, data), name) in enumerate(found.items())
    ]


def kind_of(data):
    if b" quantity=" in data:
        return "numeric"
    return "simple" if b" mode=" in data else "set"


OTHER_LEVEL = b'level="4"'
EXTENDED = b'<ext a="1"/>'


@pytest.mark.parametrize(("direction", "data"), recorded())
def test_recorded_messages_are_read_and_written_byte_for_byte(direction, data):
    """W-9, W-52, W-71; W-69 and W-70 for the ones of scripted peers."""
    if OTHER_LEVEL in data:
        with pytest.raises(ProtocolError) as caught:
            decode(data)
        assert caught.value.rc == RC_PROTOCOL_LEVEL_MISMATCH
        return
    message = decode(data)
    assert xmlreader.read(data) == codec._read_canonical(data)
    from_daemon = isinstance(message, Answer | Discovered)
    assert direction == ("s2c" if from_daemon else "c2s")
    if isinstance(message, Lock):
        message = decode(data.replace(b"</msg>", b"<copy/></msg>"))
        message.kind = kind_of(data)
    assert encode(message) == data.replace(EXTENDED, b"")


def test_nothing_recorded_is_longer_than_allowed():
    """wire.md 2: our own limits would let everything pass."""
    for _, data in (one.values for one in recorded()):
        assert len(data) <= 511


def connections(wanted):
    """The steps of every stream connection of the wanted scenarios, faults left out."""
    found = []
    for scenario in SCENARIOS:
        streams = {}
        for step in scenario["steps"]:
            if step.get("proto") != "udp":
                streams.setdefault(step.get("conn", 1), []).append(step)
        if wanted(scenario) and not scenario.get("reference_fault"):
            for number, steps in streams.items():
                name = scenario["name"]
                found.append(pytest.param(name, steps, id=f"{name} {number}"))
    return found


def with_real_daemon(scenario):
    return scenario.get("server") != "script"


def with_real_client(scenario):
    return scenario["clients"][0]["kind"] != "script"


@pytest.mark.parametrize(("name", "steps"), connections(with_real_daemon))
def test_our_daemon_says_what_was_recorded(name, steps):
    """W-36, W-71: with the recorded codes, every answer has the recorded step and bytes."""
    talk = ServerConversation(PEERID)
    for step in steps:
        if "close" in step:
            break
        data = bytes_of(step["text"])
        if step["dir"] == "s2c":
            answer = decode(data)
            assert talk.answer(answer.rc, answer.element) == data
        elif OTHER_LEVEL in data:
            talk.receive(data)
            with pytest.raises(ProtocolError):
                talk.next_message()
        else:
            talk.receive(data)
            assert talk.next_message() is not None


def client_says(talk, data):
    """The bytes our client makes for what the recorded one wanted."""
    message = decode(data)
    if isinstance(message, Lock):
        wish = (message.mode, message.wait, message.quantity, message.create, message.lifespan)
        return talk.lock(kind_of(data), message.name, *wish)
    if message.verb == 2:
        return talk.unlock(message.name, message.rollback)
    return talk.shutdown(message.immediate)


@pytest.mark.parametrize(("name", "steps"), connections(with_real_client))
def test_our_client_says_what_was_recorded(name, steps):
    """W-71: the same requests; every answer is understood, and refused where it must be."""
    talk = ClientConversation(PEERID)
    for step in steps:
        if "close" in step:
            break
        data = bytes_of(step["text"])
        if step["dir"] == "c2s":
            assert client_says(talk, data) == data
            continue
        talk.receive(data)
        if name.startswith("client-rejects-") and EXTENDED not in data:
            with pytest.raises(ProtocolError):
                talk.next_answer()
        else:
            assert talk.next_answer().rc == decode(data).rc


def test_the_recorded_fault_is_no_grant():
    """F-6, W-19: step 24 rc 6 is a refusal."""
    (scenario,) = (
        one for one in SCENARIOS if one["name"] == "incubator-impossible-reference-fault"
    )
    talk = ClientConversation(PEERID)
    codes = []
    for step in scenario["steps"]:
        if step.get("conn", 1) != scenario["steps"][0].get("conn", 1) or "close" in step:
            continue
        if step["dir"] == "c2s" and decode(bytes_of(step["text"])).verb == 1:
            talk.lock("numeric", b"n[5]", 0, True, 6, False, 0)
        elif step["dir"] == "s2c":
            talk.receive(bytes_of(step["text"]))
            codes.append(talk.next_answer().rc)
    assert codes == [2, 6]


def test_recorded_datagrams():
    """W-52, W-53, W-55."""
    kinds = set()
    for scenario in SCENARIOS:
        for step in scenario["steps"]:
            if step.get("proto") == "udp" and "text" in step:
                message = decode_datagram(bytes_of(step["text"]))
                assert encode(message) == bytes_of(step["text"])
                kinds.add(type(message))
    assert kinds == {Discover, Discovered}


def fake_daemons():
    """The binding's scenarios with a scripted daemon: replies, then what lock gave."""
    for scenario in vectors("api")["scenarios"]:
        replies, expected, element = [], None, None
        for step in scenario["steps"]:
            if step["call"] == "@fake_daemon":
                replies = [one["reply"] for one in step["args"]["script"] if "reply" in one]
            elif step["call"] == "flom_handle_lock" and replies:
                expected = step["expect"]
            elif step["call"] == "flom_handle_get_locked_element" and replies:
                element = step["expect"]
        if replies:
            yield pytest.param(replies, expected, element, id=scenario["name"])


# The binding's code for a refusal after waiting (wire.md 5): the session's business.
REFUSED_LATE = 3


@pytest.mark.parametrize(("replies", "expected", "element"), list(fake_daemons()))
def test_our_client_judges_scripted_answers_as_the_reference(replies, expected, element):
    """wire.md 5, W-16, W-19: the code of the library, and the element."""
    talk = ClientConversation(PEERID)
    talk.lock("simple", b"abc", 5, True, 1, True, 0)
    last = None
    try:
        for reply in replies:
            talk.receive(reply.encode())
            while (answer := talk.next_answer()) is not None:
                last = answer
    except FlomError as error:
        assert error.rc == expected
    else:
        late = last.step == 32 and last.rc != 0
        assert (REFUSED_LATE if late else last.rc) == expected
        assert last.element == element
