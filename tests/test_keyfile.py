"""The grammar of configuration files, line by line of the table in cli.md 5 (C-12)."""

import pytest

from flom import keyfile


def pairs(text):
    data = text if isinstance(text, bytes) else text.encode()
    return [(group, key, value) for _, group, key, value in keyfile.parse(data)]


def malformed(text):
    with pytest.raises(keyfile.KeyFileError) as caught:
        pairs(text)
    return caught.value


@pytest.mark.parametrize(
    "text",
    ["[G]\nk=v\n", "[G]\r\nk=v\r\n", "[G]\nk=v", "\n\n[G]\n\nk=v\n\n", "[G]\n \t\nk=v\n"],
)
def test_lines_end_with_lf_or_crlf_and_the_last_may_lack_it(text):
    assert pairs(text) == [("G", "k", b"v")]


def test_only_whole_lines_are_comments():
    assert pairs("# c\n  # c=1\n[G]\nk=v # w\n#k=2\n") == [("G", "k", b"v # w")]


def test_a_semicolon_starts_no_comment():
    assert malformed("; c\n[G]\n").line == 1


def test_blanks_around_keys_go_leading_ones_of_values_too_trailing_stay():
    assert pairs("  [G]  \n  k  =  v  \n") == [("G", "k", b"v  ")]


def test_a_key_may_hold_blanks_and_a_value_equals_signs():
    assert pairs("[G]\na key=b=c\n") == [("G", "a key", b"b=c")]


def test_quotes_are_ordinary():
    assert pairs('[G]\nk="v"\n') == [("G", "k", b'"v"')]


def test_an_empty_value_is_a_value():
    assert pairs("[G]\nk=\n") == [("G", "k", b"")]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("k=v\n[G]\n", 1, "before the first"),
        ("[G]\n\ngarbage\n", 3, "neither"),
        ("[G]\n=v\n", 2, "no key"),
        ("[G]\n  =v\n", 2, "no key"),
        ("[G\nk=v\n", 1, "neither"),
        ("[G\n", 1, "neither"),
        ("[]\n", 1, "without a name"),
        ("[G] x\n", 1, "neither"),
        ("[G] x=1\n", 1, "bracket"),
        ("[G\x01]\n", 1, "control"),
        ("[G[H]\n", 1, "'['"),
        ("[G]\nk[=v\n", 2, "bracket"),
        ("[G]\nk]=v\n", 2, "bracket"),
        ("[G]\nk[de]x=v\n", 2, "bracket"),
        ("[G]\n[de]k=v\n", 2, "bracket"),
        ("[G]\nk [de]=v\n", 2, "bracket"),
        ("[G]\nk[d e]=v\n", 2, "bracket"),
        ("\ufeff[G]\nk=v\n", 1, "neither"),
        ("\ufeffk=v\n[G]\n", 1, "before the first"),
        ("[G]\nk=v\ngarbage", 3, "neither"),
    ],
)
def test_malformed(text, line, why):
    error = malformed(text)
    assert error.line == line
    assert why in error.why
    assert str(error) == f"line {line}: {error.why}"


def test_a_key_with_a_locale_is_a_key_of_its_own():
    assert pairs("[G]\nk[de_DE.UTF-8@euro]=v\n") == [("G", "k[de_DE.UTF-8@euro]", b"v")]


def test_duplicates_come_in_their_order():
    found = pairs("[G]\nk=1\nk=2\n[H]\n[G]\nk=3\n")
    assert found == [("G", "k", b"1"), ("G", "k", b"2"), ("G", "k", b"3")]


def test_names_are_case_sensitive():
    assert pairs("[g]\nK=1\n[G]\nk=2\n") == [("g", "K", b"1"), ("G", "k", b"2")]


def test_a_nul_ends_the_line():
    assert pairs(b"[G]\nk=A\0B\n\0garbage\nl=C\n") == [("G", "k", b"A"), ("G", "l", b"C")]
    assert malformed(b"[G\0]\n").line == 1


def test_line_numbers():
    numbers = [line for line, *_ in keyfile.parse(b"\n[G]\n# c\nk=1\n\nl=2")]
    assert numbers == [4, 6]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"0", 0),
        (b"10", 10),
        (b"010", 10),
        (b"+5", 5),
        (b"-5", -5),
        (b"8 # x", 8),
        (b"3 5", 3),
        (b"8\t", 8),
        (b"2147483647", 2147483647),
        (b"-2147483648", -2147483648),
        (b"0" * 5000 + b"7", 7),
        (b"2147483648", None),
        (b"-2147483649", None),
        (b"99999999999", None),
        (b"9" * 5000, None),
        (b"", None),
        (b"0x10", None),
        (b"3.5", None),
        (b"abc", None),
        (b"12x", None),
        (b"-", None),
        (b"+-5", None),
        (b"- 5", None),
        (b"1_0", None),
        (b" 5", None),
        ("٣".encode(), None),
    ],
)
def test_integers(raw, value):
    assert keyfile.integer(raw) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"plain", "plain"),
        (b"v  ", "v  "),
        (rb"\sa\tb\nc\rd\\e", " a\tb\nc\rd\\e"),
        (rb"\q\;", r"\q\;"),
        (b"end\\", "end\\"),
        ("é".encode(), "é"),
        (b"\xe9", None),
        (b"", ""),
    ],
)
def test_texts(raw, value):
    assert keyfile.text(raw) == value


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"", []),
        (b"a", ["a"]),
        (b"a;b", ["a", "b"]),
        (b"a;b;", ["a", "b"]),
        (b"15 ; 3 ;", ["15 ", " 3 "]),
        (b"a;;b", ["a", "", "b"]),
        (rb"a\;b;c\\;d", ["a;b", "c\\", "d"]),
        (rb"\q;x\s", [r"\q", "x "]),
        (b"\xe9;a", None),
    ],
)
def test_lists(raw, found):
    assert keyfile.items(raw) == found
