"""The table of messages (wire.md 1)."""

import pytest

from flom.wire import messages, rare
from flom.wire.messages import Answer, Lock, Unlock
from flom.wire.rare import Ask, Discover, Discovered, Managed, Ping, Shutdown, Tell

ALL = [
    Lock("p", b"n"),
    Answer(16, 0),
    Answer(24, 1),
    Answer(32, 6),
    Unlock(b"n"),
    Ping(8),
    Ping(16),
    Discover(),
    Discovered("", 1),
    Shutdown("p", True),
    Managed(0),
    Ask(1, "daemon", {}),
    Tell(16, 1, b"{}"),
    Tell(24, 1, rc=0),
    Tell(32, 0, b"{}"),
]


def test_the_table_has_every_message_under_its_numbers():
    """wire.md 1: the pair (verb, step) tells a message; ten pairs are the reference's."""
    assert {
        (message.verb, message.step): type(message) for message in ALL
    } == messages.MESSAGES | rare.MESSAGES
    assert list(messages.MESSAGES | rare.MESSAGES) == [
        *[(1, 8), (1, 16), (1, 24), (1, 32)],
        *[(2, 8), (3, 8), (3, 16), (4, 8), (4, 16), (5, 8)],
        *[(5, 16), (6, 8), (6, 16), (6, 24), (6, 32)],
    ]


def test_messages_are_compared_by_what_they_say():
    assert Lock("p", b"n", kind="simple") == Lock("p", b"n", kind="set")
    assert Lock("p", b"n") != Lock("p", b"m")
    assert Lock("p", b"n") != Lock("p", b"n", ext="big")
    assert Discover() != Ping(8)
    assert Answer(16, 0) != Answer(24, 0)
    assert Unlock(b"n") != "Unlock"


@pytest.mark.parametrize("message", ALL, ids=repr)
def test_messages_have_no_other_attributes(message):
    with pytest.raises(AttributeError):
        message.other = 1


def test_messages_show_their_values():
    assert repr(Discovered("::1", 7)) == "Discovered('::1', 7, '')"
