"""Reading with expat (W-10). What is accepted and refused is tested through the codec."""

import subprocess
import sys

import pytest

from flom.errors import RC_MSG_DESERIALIZE_ERROR, ProtocolError
from flom.wire.messages import MOST_ELEMENTS
from flom.wire.xmlreader import read


def test_elements_are_found_at_any_depth_and_the_last_one_counts():
    """wire.md 3."""
    document = b"<msg a='1'><x><y b='2'/></x><y/><y b='3' c='4'/></msg>"
    assert read(document) == {"msg": {"a": "1"}, "x": {}, "y": {"b": "3", "c": "4"}}


def test_the_number_of_elements_is_bounded():
    inside = MOST_ELEMENTS - 2
    assert read(b"<msg>" + b"<x/>" * inside + b"</msg>") == {"msg": {}, "x": {}}
    with pytest.raises(ProtocolError) as caught:
        read(b"<msg>" + b"<x/>" * (inside + 1) + b"</msg>")
    assert caught.value.rc == RC_MSG_DESERIALIZE_ERROR


def test_expat_is_not_loaded_for_what_everybody_writes():
    """design.md 2.4: neither expat nor binascii on the way of a plain lock."""
    program = """
import sys
from flom.wire.client import ClientConversation
from flom.wire.server import ServerConversation
client, server = ClientConversation("id", ext="x"), ServerConversation("id", ext="y")
server.receive(client.lock("simple", b"abc", 5, True, 1, True, 0))
assert server.next_message().name == b"abc"
for rc in (1, 0):
    client.receive(server.answer(rc))
    assert client.next_answer().rc == rc
server.receive(client.unlock(b"abc", False))
assert server.next_message().name == b"abc"
print(*sorted(set(sys.modules) & {"pyexpat", "binascii", "re", "flom.wire.xmlreader"}))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout == "\n"
