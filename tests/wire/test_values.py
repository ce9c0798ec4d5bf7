"""Numbers, base64 and escaped text (wire.md 3, 4.2; W-12, W-14)."""

import base64 as standard

import pytest

from flom.errors import RC_INVALID_PROPERTY_VALUE, ProtocolError
from flom.wire.base64 import base64
from flom.wire.unbase64 import unbase64
from flom.wire.values import LARGEST, escape, leading_number, number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("3", 3),
        (" 3", 3),
        ("\t\n 3", 3),
        ("03", 3),
        ("3x", 3),
        ("3 4", 3),
        ("+3", 3),
        ("-14", -14),
        (" -14rest", -14),
        ("2147483648", 2147483648),
        ("9" * 18, 10**18 - 1),
        ("1" + "0" * 18, 10**18),
        ("9223372036854775806", LARGEST - 1),
        ("-9223372036854775806", 1 - LARGEST),
        ("9223372036854775808", LARGEST),
        ("0" * 5000 + "7", 7),
    ],
)
def test_the_leading_digits_count(text, value):
    assert number(text) == leading_number(text) == value


@pytest.mark.parametrize(
    "text", ["", " ", "x", "x3", "-", "+", "--3", "- 3", ".5", "\u0663", "\uff13", "²"]
)
def test_a_text_is_zero_and_no_number(text):
    assert number(text) == 0
    assert leading_number(text) is None


def test_thousands_of_digits_cost_nothing_and_stay_bounded():
    assert number("9" * 60000) == LARGEST
    assert number("-" + "9" * 60000) == -LARGEST
    assert number("1" * 20) == LARGEST


@pytest.mark.parametrize("length", range(20))
def test_base64_is_the_standard_one(length):
    name = bytes(range(250, 250 - length, -1))
    assert base64(name) == standard.b64encode(name).decode()
    assert unbase64(base64(name)) == name


def test_base64_of_the_longest_names():
    for length in (239, 240, 241, 49149):
        name = bytes(index * 7 % 256 for index in range(length))
        assert base64(name) == standard.b64encode(name).decode()
        assert unbase64(base64(name)) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("YWJj", b"abc"),
        ("Y W\nJ\tj", b"abc"),
        ("-Y*W_J.j!", b"abc"),
        ("YéWJ\u20acj", b"abc"),
        ("YWJjZA==", b"abcd"),
        ("YWJjZA=", b"abc"),
        ("YWJjZA", b"abc"),
        ("YWJjZ", b"abc"),
        ("YWJjZGU=", b"abcde"),
        ("YWJjZGU", b"abc"),
        ("YQ==YWJj", b"aabc"),
        ("YWI=YWJj", b"ababc"),
        ("", b""),
        ("Y", b""),
        ("YWJ", b""),
        ("!!!!", b""),
        ("=", b""),
        ("===", b""),
    ],
)
def test_base64_foreign_characters_and_missing_padding(text, name):
    """wire.md 4.2: skipped; the incomplete group is dropped."""
    assert unbase64(text) == name


@pytest.mark.parametrize("text", ["====", "=AAA", "A=AA", "A===", "==AAAAAA", "AA=A"])
def test_base64_with_misplaced_padding_gives_something(text):
    assert isinstance(unbase64(text), bytes)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("", ""),
        ("red", "red"),
        ("2024/01/02 03:04:05", "2024/01/02 03:04:05"),
        ('<a & "b">', "&lt;a &amp; &quot;b&quot;&gt;"),
        ("it's", "it's"),
        ("a\tb\nc\rd", "a&#9;b&#10;c&#13;d"),
        ("grün €", "grün €"),
        ("\U0001f512", "\U0001f512"),
    ],
)
def test_text_is_escaped(text, escaped):
    """W-12."""
    assert escape(text) == escaped


@pytest.mark.parametrize("bad", ["\0", "\x01", "\x1f", "\ud800", "\udcff", "\ufffe", "\uffff"])
def test_what_xml_cannot_carry_is_refused(bad):
    with pytest.raises(ProtocolError) as caught:
        escape(f"a{bad}b")
    assert caught.value.rc == RC_INVALID_PROPERTY_VALUE
