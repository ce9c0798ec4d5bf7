"""Whatever the words: an invocation or a UsageError, and nothing lost (cli.md 2)."""

import importlib

from hypothesis import given
from hypothesis import strategies as st

from flom.errors import UsageError
from flom.options import OPTIONS

parse = importlib.import_module("flom.cli.parse").parse

WITH_WORDS = [option for option in OPTIONS if option.long]
SPELLINGS = [f"--{option.long}" for option in WITH_WORDS]
SPELLINGS += [f"-{option.short}" for option in OPTIONS if option.short]
WORDS = st.one_of(
    st.sampled_from(SPELLINGS),
    st.sampled_from(SPELLINGS).map(lambda word: word + "=7"),
    st.text("-?hVorxq=5 é\udce9\0", max_size=6),
    st.sampled_from(["--", "-", "", "7", "true"]),
)


@given(st.lists(WORDS, max_size=8))
def test_any_words(words):
    before = list(words)
    try:
        invocation = parse(words)
    except UsageError as error:
        assert error.text
    else:
        assert isinstance(invocation.command, list)
    assert words == before


@st.composite
def lines(draw):
    """Words with a known meaning, and that meaning."""
    words, expected, command = [], [], []
    for option in draw(st.lists(st.sampled_from(WITH_WORDS), max_size=6)):
        if option.rule == "show":
            continue
        value = draw(st.sampled_from(["7", "-8", "0x9"]))
        spelling = f"--{option.long}"
        if option.short and draw(st.booleans()):
            spelling = f"-{option.short}"
        if option.type == "F":
            words.append(spelling)
            value = ""
        elif spelling.startswith("--") and draw(st.booleans()):
            words.append(f"{spelling}={value}")
        else:
            words += [spelling, value]
        expected.append((option, value))
        if draw(st.booleans()):
            word = draw(st.sampled_from(["true", "", "-", "a=b"]))
            words.append(word)
            command.append(word)
    rest = draw(st.lists(WORDS, max_size=3))
    if draw(st.booleans()):
        return [*words, "--", *rest], expected, command + rest
    return words, expected, command


@given(lines())
def test_what_is_meant_is_understood(line):
    words, expected, command = line
    invocation = parse(words)
    assert invocation.given == expected
    assert invocation.command == command
    assert invocation.show == ""
