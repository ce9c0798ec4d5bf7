"""Files of every shape (C-12): what is written is read, garbage does no harm."""

from hypothesis import given
from hypothesis import strategies as st

from flom import keyfile

NAMES = st.text("abcXYZ 09-_.é", min_size=1, max_size=8).filter(lambda name: name == name.strip())
TEXTS = st.text("ab;\\ \t\n\r=[]#sé€\x01", max_size=12)
ESCAPED = {"\\": "\\\\", " ": "\\s", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
BLANKS = st.text(" \t", max_size=3)


def escape(text):
    return "".join(ESCAPED.get(char, char) for char in text)


@st.composite
def files(draw):
    """A file as bytes, and the pairs that stand in it."""
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines, pairs = [], []
    for group in draw(st.lists(NAMES, max_size=4)):
        lines.append(f"{draw(BLANKS)}[{group}]{draw(BLANKS)}")
        for key in draw(st.lists(NAMES, max_size=4)):
            value = draw(TEXTS)
            lines.append(f"{draw(BLANKS)}{key}{draw(BLANKS)}={draw(BLANKS)}{escape(value)}")
            pairs.append((len(lines), group, key, value))
            if draw(st.booleans()):
                lines.append(draw(BLANKS) + draw(st.sampled_from(["", "# c", "#=["])))
    text = end.join(lines) + (end if draw(st.booleans()) else "")
    return text.encode(), pairs


@given(files())
def test_what_is_written_is_read(file):
    data, expected = file
    found = [(n, group, key, keyfile.text(raw)) for n, group, key, raw in keyfile.parse(data)]
    assert found == expected


@given(st.lists(st.text("ab;\\ \t\n\rsé", min_size=1, max_size=8), max_size=5))
def test_lists_are_read_back(items):
    raw = ";".join(escape(item).replace(";", "\\;") for item in items)
    assert keyfile.items(raw.encode()) == items


@given(st.one_of(st.binary(max_size=80), st.text("[]=#; \r\n\\ab\0é").map(str.encode)))
def test_garbage_is_refused_or_read_never_worse(data):
    try:
        pairs = keyfile.parse(data)
    except keyfile.KeyFileError as error:
        assert 1 <= error.line <= data.count(b"\n") + 1
        return
    for line, group, key, raw in pairs:
        assert 1 <= line <= data.count(b"\n") + 1
        assert group
        assert key
        keyfile.integer(raw)
        keyfile.text(raw)
        keyfile.items(raw)


@given(st.integers(), st.sampled_from(["", " ", " # x", "x"]))
def test_integers_are_those_of_32_bits(number, tail):
    fits = -(2**31) <= number < 2**31 and tail != "x"
    assert keyfile.integer(f"{number}{tail}".encode()) == (number if fits else None)
