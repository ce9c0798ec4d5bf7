import pytest

from flom.core import names

VALID = {
    "simple": [b"foo", b"R2D2", b"a", b"_RESOURCE", b"Z9"],
    "numeric": [b"foo[3]", b"a[0]", b"a[007]", b"a[2147483648]"],
    "set": [b"red.green.blue", b"a.a", b"a.b", b"a1.Z"],
    "hierarchical": [b"/a", b"/a/b c/\xc3\xbc", b"/[1]/.", b"/\xff", b'/<&"', b"/a\tb", b"/ "],
    "sequence": [b"_s_a[1]", b"_S_a[4]", b"_s_a9[0]"],
    "timestamp": [b"_t_%Y%m%d.%T#fff[2]", b"_t_a.%s#ff:z[2]", b"_t_%\\S[1]", b"_t_#f[1]"],
}
INVALID = [
    *[b"", b"1a", b"a_b", b"a-b", b" a", b"a ", b"_", b"_resource", b"_RESOURCEX", b"_RESOURCE[2]"],
    *[b"a\n", b"\na", b"a\nb c", b"a\0b", b"a\0", b"/a\0", b"/a\n", b"a b\n/x", b"\n"],
    *[b"a[]", b"a[-1]", b"a[+1]", b"a[ 1]", b"a[1.5]", b"a[0x10]", b"a[1][2]", b"[1]", b"1[1]"],
    *[b"a[1]b", b"a[1", b"a1]", b"a[\xd9\xa3]", b"a[1]\n", b"a[1_0]", b"a\xc3\xbc"],
    *[b".", b"a.", b".a", b"a..b", b"a.1", b"a.b.", b"a.b c", b"a.b[1]", b"a.\xc3\xbc"],
    *[b"/", b"//", b"/a/", b"/a//b", b"//a", b"/a\\b", b"a/b"],
    *[b"_s_[1]", b"_x_a[1]", b"_s_1a[1]", b"_s_a", b"_s_a[]", b"_S_a.b[1]", b"s_a[1]"],
    *[b"_t_[1]", b"_T_%S[1]", b"_t_1%S[1]", b"_t_.%S[1]", b"_t_:[1]", b"_t_\\[1]", b"_t_%S"],
    *[b"_t_%S %M[1]", b"_t_%S-%M[1]", b"_t_%S_%M[1]", b"_t_%S/%M[1]", b"_t_%S+[1]", b"_t_%S,[1]"],
]


@pytest.mark.parametrize(("kind", "text"), [(k, t) for k, texts in VALID.items() for t in texts])
def test_valid(kind, text):
    assert names.kind_of(text) == kind
    assert names.parse(text).text == text


@pytest.mark.parametrize("text", INVALID)
def test_invalid(text):
    assert names.parse(text) is None
    assert names.kind_of(text) is None


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (b"a" * 4096, True),
        (b"a" * 4097, False),
        (b"/a" * 256, True),
        (b"/a" * 257, False),
        (b"/" + b"a" * 4096, False),
    ],
)
def test_length_and_depth_have_limits(text, good):
    assert (names.parse(text) is not None) is good


def test_every_kind_is_shown():
    assert set(VALID) == set(names.KINDS)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (b"a[0]", 0),
        (b"a[007]", 7),
        (b"_s_a[12]", 12),
        (b"_t_%S[3]", 3),
        (b"a.b.c", 3),
        (b"a[2147483648]", 2147483648),
        (b"a[4294967297]", 4294967297),
        (b"a[" + b"0" * 4000 + b"5]", 5),
    ],
)
def test_size_is_the_number_as_written(text, size):
    assert names.parse(text).size == size


def test_a_number_of_any_length_costs_nothing():
    assert names.parse(b"a[" + b"9" * 4000 + b"]").size >= 10**18


def test_parts():
    assert names.parse(b"a.b.a").parts == (b"a", b"b", b"a")
    assert names.parse(b"/a/b c/d").parts == (b"a", b"b c", b"d")
    assert names.parse(b"_t_%S.#f[1]").pattern == b"%S.#f"


def test_a_tree_is_one_resource():
    assert names.parse(b"/a/b/c").root == names.parse(b"/a").root == b"/a"
    assert names.parse(b"/A").root != b"/a"
    assert names.parse(b"a[01]").root == b"a[01]"


def test_transactional():
    assert names.parse(b"_S_a[1]").transactional
    assert not names.parse(b"_s_a[1]").transactional
