"""The announcement of our extension (wire.md W-65)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flom.wire.tokens import announced, fence, fenced, read, sessions, write

keys = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8).filter(
    lambda key: key != "flom"
)


def test_an_announcement():
    tokens = [("timeout", "30000"), ("user", "carlo"), ("command", "./backup.sh --all=50%")]
    text = "flom timeout=30000 user=carlo command=./backup.sh+--all%3D50%25"
    assert write(tokens) == text
    assert read(text) == {"flom": "", **dict(tokens)}


@given(st.dictionaries(keys, st.text(max_size=30)))
def test_whatever_is_told_arrives(tokens):
    text = write(tokens.items())
    assert text.isascii()
    assert text.isprintable()
    assert not set('<>&"') & set(text)
    told = {key: value.encode("utf-8", "replace").decode() for key, value in tokens.items()}
    assert read(text) == {"flom": "", **told} or any("\ud800" <= c <= "\udfff" for c in text)


def test_bytes_that_are_no_text_do_not_break_it():
    text = write([("command", b"\xff \xc3\xbc".decode("utf-8", "surrogateescape"))])
    assert text == "flom command=%FF+%C3%BC"
    assert read(text)["command"] == "\ufffd \u00fc"


@given(st.text())
def test_anything_can_be_read(text):
    assert all(isinstance(value, str) for value in read(text).values())


@pytest.mark.parametrize(
    ("text", "yes"),
    [("flom", True), ("big flom pid=1", True), ("", False), ("flom=1", False), ("flommish", False)],
)
def test_who_has_announced(text, yes):
    assert announced(text) is yes


def test_the_first_of_a_key_counts():
    assert read("pid=1 pid=2 flom") == {"pid": "1", "flom": ""}


@pytest.mark.parametrize(
    ("ext", "token"),
    [
        (fence(1_700_000_000_000_000), 1_700_000_000_000_000), ("flom token=0", 0),
        ("flom", None), ("", None), ("flom token=", None), ("flom token=-1", None),
        ("flom token=1.5", None), ("flom token=\u0663", None), ("flom token=" + "9" * 5000, None),
    ],
)  # fmt: skip
def test_a_fencing_token(ext, token):
    assert fenced(ext) == token


A, B, C, D, E = (letter * 16 for letter in "abcde")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        (A, (A,)),
        (f"{A},{B}", (A, B)),
        (f"{A},{B},{C},{D},{E}", (B, C, D, E)),
        (f"{A},,{B[:15]},{C}c,{D}", (D,)),
        (f"{A.upper()},{B[:15]}g,-{C[:15]}, {D}", ()),
        ("," * 100000 + A, (A,)),
    ],
)
def test_sessions_are_sixteen_hexadecimal_digits_each(text, found):
    assert sessions(text) == found
