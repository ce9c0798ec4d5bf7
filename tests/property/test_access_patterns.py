"""Patterns of access rules against the regular expressions they stand for."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from flom.access.patterns import Pattern

PATTERNS = st.text("ab/*?", max_size=9) | st.lists(
    st.sampled_from(["a", "b", "/", "*", "**", "/**", "/**/", "?", "[ab]", "[!a]", "é"]), max_size=7
).map("".join)
NAMES = st.text("ab/é", max_size=9)


def expression(pattern):
    """The same in the words of `re`, from left to right."""
    found = ""
    while pattern:
        for piece, meaning in (
            (r"/\*\*(?=/|$)", "(?:/.*)?"),
            (r"\*\*+", ".*"),
            (r"\*", "[^/]*"),
            (r"\?", "[^/]"),
            (r"\[ab\]", "[ab]"),
            (r"\[!a\]", "[^a/]"),
            (r".", None),
        ):
            if match := re.match(piece, pattern):
                found += re.escape(match[0]) if meaning is None else meaning
                pattern = pattern[match.end() :]
                break
    return found


@given(PATTERNS, NAMES)
@example("/a/**/**/b", "/a/b")
@example("*/**", "")
def test_as_the_regular_expression(pattern, name):
    assert Pattern(pattern).matches(name) is bool(re.fullmatch(expression(pattern), name, re.S))


@given(NAMES)
def test_a_name_without_signs_stands_for_itself(name):
    assert Pattern(name).matches(name)
    assert Pattern("**").matches(name)
    assert Pattern("*").matches(name) is ("/" not in name)
