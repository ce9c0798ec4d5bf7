"""How single values are read (cli.md 2, 3 and 5.1)."""

import sys

import pytest

from flom import errors, values
from flom.options import OPTIONS


def refused(call, *arguments):
    with pytest.raises(errors.ConfigError) as caught:
        call(*arguments)
    return caught.value


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("-0", 0),
        ("+5", 5),
        (" +5", 5),
        ("\t\n\v\f\r 5", 5),
        ("-5", -5),
        ("010", 8),
        ("-010", -8),
        ("0x10", 16),
        ("0X1f", 31),
        ("-0xF", -15),
        ("00", 0),
        ("2147483647", 2147483647),
        ("-2147483648", -2147483648),
        ("0x7fffffff", 2147483647),
        ("0" * 6000 + "7", 7),
        ("2147483648", None),
        ("-2147483649", None),
        ("0x80000000", None),
        ("9" * 6000, None),
        ("f" * 10, None),
        ("", None),
        (" ", None),
        ("5 ", None),
        ("12x", None),
        ("abc", None),
        ("08", None),
        ("0x", None),
        ("0xg", None),
        ("+", None),
        ("- 5", None),
        ("+-5", None),
        ("--5", None),
        ("3.5", None),
        ("1_0", None),
        ("1e3", None),
        ("٣", None),
        ("5\0", None),
        ("5\udce9", None),
    ],
)
def test_c04_integers_in_c_syntax(text, number):
    assert values.c_integer(text) == number


@pytest.mark.parametrize(
    ("text", "number", "rest"),
    [
        ("04junk", 4, "junk"),
        ("0x", 0, "x"),
        ("0xg", 0, "xg"),
        ("08", 0, "8"),
        ("12 3", 12, " 3"),
        ("0xfg", 15, "g"),
    ],
)
def test_the_integer_at_the_start_of_a_text(text, number, rest):
    assert values.c_prefix(text) == (number, rest)


def test_no_integer_at_the_start():
    assert values.c_prefix("abc") == (None, "abc")


@pytest.mark.parametrize("text", ["yes", "YES", "y", "Y", " yes ", "yEs\t"])
def test_c16_yes(text):
    assert values.TEXT_RULES["boolean"](text, "/") is True


@pytest.mark.parametrize("text", ["no", "NO", "n", "N", " no "])
def test_c16_no(text):
    assert values.TEXT_RULES["boolean"](text, "/") is False


@pytest.mark.parametrize("text", ["on", "off", "maybe", "nyes", "1", "0", "true", "false", ""])
def test_c16_neither_yes_nor_no(text):
    assert "yes" in refused(values.TEXT_RULES["boolean"], text, "/").text


MODES = (
    ("NL", "NullLock"),
    ("CR", "ConcurrentRead"),
    ("CW", "ConcurrentWrite"),
    ("PR", "ProtectedRead"),
    ("PW", "ProtectedWrite"),
    ("EX", "Exclusive"),
)


@pytest.mark.parametrize("mode", range(6))
def test_c16_names_of_modes_in_any_case(mode):
    for name in MODES[mode]:
        for text in (name, name.lower(), name.upper(), f" {name} "):
            assert values.TEXT_RULES["mode"](text, "/") == mode


@pytest.mark.parametrize("text", ["Next", "ZZ", "5", "", "E X", "EXX", "lock EX"])
def test_c16_no_mode(text):
    assert "EX" in refused(values.TEXT_RULES["mode"], text, "/").text


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("RA123", "simple"),
        ("RA[12]", "numeric"),
        ("RED.BLUE", "set"),
        ("/a/b c", "hierarchical"),
        ("/a:b*?", "hierarchical"),
        ("/é", "hierarchical"),
        ("/\udce9", "hierarchical"),
        ("_s_A[3]", "sequence"),
        ("_S_A[3]", "sequence"),
        ("_t_%D.%T[4]", "timestamp"),
        ("_t_%D\\x[4]", "timestamp"),
    ],
)
def test_c17_valid_names(name, kind):
    assert values.TEXT_RULES["name"](name, "/") == name
    assert values.resource_kind(name) == kind


@pytest.mark.parametrize(
    "name",
    [
        "", "1A", "A_B", "A-B", "A B", "N[]", "N[5]x", "A.", "A..B", "/x/", "//", "/", "/a\\b",
        "_s_", "_s_A.B[3]", "_T_%D[4]", "_t_.x[4]", "_RESOURCEX", "AB\n", "\nAB", "é", "--", "AB ",
    ],
)  # fmt: skip
def test_c17_names_that_are_not_valid(name):
    error = refused(values.TEXT_RULES["name"], name, "/")
    assert error.rc == errors.RC_INVALID_RESOURCE_NAME


def test_c17_the_default_name_is_reserved():
    error = refused(values.TEXT_RULES["name"], "_RESOURCE", "/")
    assert error.rc == errors.RC_INVALID_RESOURCE_NAME
    assert "reserved" in error.text


@pytest.mark.parametrize(
    ("rule", "value", "kept"),
    [
        ("integer", -5, -5),
        ("absolute", -5, 5),
        ("absolute", 0, 0),
        ("absolute", -2147483648, 2147483647),
        ("positive", 0, 1),
        ("positive", -3, 3),
        ("positive", -2147483648, 2147483647),
        ("quantity", 3, 3),
        ("quantity", -3, 3),
        ("quantity", 0, None),
        ("port", 1, 1),
        ("port", 65535, 65535),
        ("port", -28, 28),
        ("seconds", 1, 1),
        ("seconds", -32767, 32767),
        ("probes", 127, 127),
    ],
)
def test_c13_adjustments_of_numbers(rule, value, kept):
    assert values.INTEGER_RULES[rule](value, "/") == kept


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("port", 0),
        ("port", 65536),
        ("port", -65536),
        ("port", -2147483648),
        ("seconds", 0),
        ("seconds", 32768),
        ("probes", 0),
        ("probes", 128),
    ],
)
def test_c13_numbers_out_of_range(rule, value):
    assert "from 1 to" in refused(values.INTEGER_RULES[rule], value, "/").text


def socket(path, cwd="/"):
    return values.TEXT_RULES["socket"](path, cwd)


def test_c18_a_socket_name_of_107_bytes_is_accepted_108_refused():
    assert socket("/" + "x" * 106) == "/" + "x" * 106
    error = refused(socket, "/" + "x" * 107)
    assert error.rc == errors.RC_BUFFER_OVERFLOW
    assert "108" in error.text


def test_c18_bytes_count_not_characters():
    assert socket("/" + "é" * 53)
    assert refused(socket, "/" + "é" * 54).rc == errors.RC_BUFFER_OVERFLOW
    assert socket("/" + "\udce9" * 106)


def test_a_relative_socket_name_starts_at_the_working_directory():
    assert socket("s", "/tmp/d") == "/tmp/d/s"
    assert socket("./s", "/") == "/./s"
    assert socket("@s", "/d") == "/d/@s"
    assert refused(socket, "x" * 101, "/tmp/d").rc == errors.RC_BUFFER_OVERFLOW


def test_an_empty_socket_name_stays_to_be_refused_later():
    assert socket("", "/d") == ""


def test_directories(tmp_path):
    directory = values.TEXT_RULES["directory"]
    assert directory(".", str(tmp_path)) == f"{tmp_path}/."
    assert directory(str(tmp_path), "/") == str(tmp_path)
    (tmp_path / "file").touch()
    for bad in ("file", "absent", ""):
        assert refused(directory, bad, str(tmp_path)).rc == errors.RC_OPENDIR_ERROR


def test_files_become_real_paths(tmp_path):
    file = values.TEXT_RULES["file"]
    (tmp_path / "a.pem").touch()
    (tmp_path / "link").symlink_to("a.pem")
    real = str((tmp_path / "a.pem").resolve())
    assert file("a.pem", str(tmp_path)) == real
    assert file("link", str(tmp_path)) == real
    assert file(f"{tmp_path}/./link", "/") == real
    for bad in ("absent", "", "a.pem/x"):
        assert refused(file, bad, str(tmp_path)).rc == errors.RC_REALPATH_ERROR


def test_interfaces_are_those_with_an_ipv6_address(tmp_path, monkeypatch):
    import _socket

    monkeypatch.setattr(_socket, "if_nameindex", lambda: [(1, "lo"), (2, "eth0"), (3, "eth1")])
    table = tmp_path / "if_inet6"
    address = "fe80000000000000000000000000000"
    table.write_text(f"{address}1 03 40 20 80     eth1\n{address}2 01 80 10 80       lo\n\n")
    assert values.interfaces(str(table)) == ["lo", "eth1"]
    assert values.interfaces(str(tmp_path / "absent")) == []


def test_suitable_interfaces_have_a_link_local_address(tmp_path, monkeypatch):
    import _socket

    names = ["lo", "eth0", "eth1"]
    monkeypatch.setattr(_socket, "if_nameindex", lambda: list(enumerate(names, 1)))
    table = tmp_path / "if_inet6"
    address = "000000000000000000000000000000"
    alone = f"00{address} 01 80 10 80       lo\n"
    table.write_text(alone)
    assert values.suitable_interfaces(str(table)) == ["lo"]
    table.write_text(f"{alone}20{address} 02 40 00 80     eth0\nfe{address} 03 40 20 80     eth1\n")
    assert values.suitable_interfaces(str(table)) == ["eth1"]


def test_an_unknown_interface_is_refused_and_the_candidates_named(monkeypatch):
    for name in ("interfaces", "suitable_interfaces"):
        monkeypatch.setattr(values, name, lambda: ["lo", "eth1"])
    assert values.TEXT_RULES["interface"]("eth1", "/") == "eth1"
    error = refused(values.TEXT_RULES["interface"], "nosuch0", "/")
    assert error.rc == errors.RC_INVALID_IPV6_NETWORK_INTERFACE
    assert "lo, eth1" in error.text
    assert "is up" in error.text
    monkeypatch.setattr(values, "interfaces", list)
    monkeypatch.setattr(values, "suitable_interfaces", list)
    assert "none here" in refused(values.TEXT_RULES["interface"], "lo", "/").text


@pytest.mark.parametrize(("text", "mode"), [("0660", 0o660), ("777", 0o777), ("000", 0)])
def test_permissions(text, mode):
    assert values.TEXT_RULES["octal"](text, "/") == mode


@pytest.mark.parametrize("text", ["", "66", "0888", "1777", "07777", "rw-", "-660", "\u0667" * 3])
def test_no_permissions(text):
    assert "octal" in refused(values.TEXT_RULES["octal"], text, "/").text


def test_signals_are_sorted_unique_and_unknown_ones_skipped():
    words = ["SIGTERM", "3", "15", "TERM", "sigint", "99", "SIGHUP"]
    assert values.signals(words) == (1, 3, 15)
    assert values.signals([]) == ()


def test_quoted_is_one_line():
    assert values.quoted("é b") == "'é b'"
    assert values.quoted("a\nb\udce9") == "'a\\nb\\udce9'"


def test_texts_of_files_look_like_words_of_the_command_line(monkeypatch):
    assert values.raw(values.native("é")) == "é".encode()
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "iso8859-1")
    assert values.native("é") == "Ã©"
    assert values.raw(values.native("é")) == "é".encode()


def test_every_rule_is_used():
    used = {option.rule for option in OPTIONS}
    assert set(values.INTEGER_RULES) | set(values.TEXT_RULES) <= used
