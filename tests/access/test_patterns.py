"""Patterns of names, one by one; tests/property/test_access_patterns.py has any of them."""

import pytest

from flom.access.patterns import Pattern

MATCHES = [
    ("", ""),
    ("abc", "abc"),
    ("*", "abc"), ("*", ""), ("**", ""), ("**", "a/b"), ("**", "/a/b"),
    ("a*c", "ac"), ("a*c", "abcbc"), ("a*b*c", "axbyc"),
    ("?", "a"), ("?", "é"), ("a?c", "abc"),
    ("[abc]", "b"), ("[a-c]x", "bx"), ("[!abc]", "d"), ("[!a-c]", "é"), ("[]]", "]"), ("[!]]", "a"),
    ("[a-]", "-"), ("[-a]", "-"), ("[*]", "*"), ("[?]", "?"), ("[[]", "["), ("a]", "a]"),
    ("/a/*", "/a/b"), ("/*/b", "/a/b"),
    ("/a/**", "/a"), ("/a/**", "/a/b"), ("/a/**", "/a/b/c"), ("/a/**", "/a/"),
    ("/a/**/z", "/a/z"), ("/a/**/z", "/a/b/c/z"), ("/**", "/a"), ("/**/z", "/z"), ("/**/z", "/a/z"),
    ("/a/**/**", "/a"), ("/a/**/**", "/a/b"), ("/a/**/**/z", "/a/z"), ("**/z", "/a/z"),
    ("/a**", "/ab/c"), ("/a**/c", "/ab/c"), ("a*/**", "ab"), ("a**/**", "a"), ("/a/***", "/a/b/c"),
    ("_s_*", "_s_Order"), ("gpu0.*", "gpu0.gpu1"),
]  # fmt: skip

DIFFERS = [
    ("abc", "ABC"), ("abc", "abcd"), ("abc", "ab"), ("", "a"),
    ("*", "a/b"), ("*", "/a"), ("?", "/"), ("?", ""), ("?", "ab"), ("[!a]", "/"), ("[!a]", "a"),
    ("[abc]", "d"), ("[abc]", ""), ("a*c", "a/c"),
    ("/a/*", "/a"), ("/a/*", "/a/b/c"), ("/*/b", "/b"),
    ("/a/**", "/ab"), ("/a/**", "/"), ("/a/**", "a"), ("/a/**/z", "/az"), ("/a/**/z", "/a/bz"),
    ("/a/***", "/a"), ("**/z", "z"), ("/**", "a"), ("/a**", "/b/a"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "name"), MATCHES)
def test_stands_for(pattern, name):
    assert Pattern(pattern).matches(name)


@pytest.mark.parametrize(("pattern", "name"), DIFFERS)
def test_does_not_stand_for(pattern, name):
    assert not Pattern(pattern).matches(name)


@pytest.mark.parametrize(
    "text", ["[", "[a", "[]", "[!]", "a[b/c]d", "[z-a]", "[a-Z]", "[0-z]", "[+-/]"]
)
def test_no_pattern(text):
    with pytest.raises(ValueError, match=r"."):
        Pattern(text)


def test_no_name_makes_it_slow():
    """A pattern with many ways to match, and a name of the largest message that fails at the end:
    a matcher that tries them one after the other would be at it for ever.
    """
    assert not Pattern("**a" * 30 + "b").matches("a" * 60000)
