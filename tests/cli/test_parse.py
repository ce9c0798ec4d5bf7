"""The parsing conventions of cli.md 2."""

import pytest

from flom.cli.parse import parse
from flom.errors import RC_INVALID_OPTION, UsageError
from flom.options import OPTIONS


def given(*words):
    return [(option.long, value) for option, value in parse(list(words)).given]


def command(*words):
    return parse(list(words)).command


def show(*words):
    return parse(list(words)).show


def refused(*words):
    with pytest.raises(UsageError) as caught:
        parse(list(words))
    assert caught.value.rc == RC_INVALID_OPTION
    assert "\n" not in caught.value.text
    return caught.value.text


VALUED = [option for option in OPTIONS if option.long and option.type != "F"]
FLAGS = [option for option in OPTIONS if option.type == "F" and option.rule != "show"]


def test_nothing():
    invocation = parse([])
    assert (invocation.given, invocation.command, invocation.show) == ([], [], "")


@pytest.mark.parametrize("option", VALUED, ids=lambda option: option.long)
def test_values_of_every_option(option):
    value = "7"
    assert given(f"--{option.long}={value}", "x") == [(option.long, value)]
    assert given(f"--{option.long}", value, "x") == [(option.long, value)]
    if option.short:
        assert given(f"-{option.short}", value, "x") == [(option.long, value)]


@pytest.mark.parametrize("option", FLAGS, ids=lambda option: option.long)
def test_flags_take_no_word(option):
    assert given(f"--{option.long}", "x") == [(option.long, "")]
    if option.short:
        assert given(f"-{option.short}", "x") == [(option.long, "")]


@pytest.mark.parametrize(
    "words",
    [["-h"], ["--help"], ["--help-all"], ["-?"], ["-Vh"], ["-hV"], ["-h", "-z"], ["a", "-?"]],
)
def test_c01_help_wins_at_the_moment_it_is_met(words):
    assert show(*words) == "help"


def test_c01_help_in_a_cluster_after_a_value():
    assert show("-rh", "A") == "help"


def test_c01_help_wins_over_version_whatever_the_order():
    assert show("-v", "-h") == "help"
    assert show("-h", "-v") == "help"


@pytest.mark.parametrize(
    "word",
    ["--ZZZ", "--ZZZ=1", "--resource-nam", "--Verbose", "--help=1", "--help-all=1", "--help-x",
     "---", "--=", "--=x", "-z", "-Vz", "-zh", "-z-", "-VVz", "-R", "-\udce9", "-é", "-1", "-=",
     "--verbos", "--verbosee"],
)  # fmt: skip
def test_c02_unknown_options(word):
    assert "unknown option" in refused(word)
    assert "unknown option" in refused("ls", word)


def test_c02_an_error_before_help_wins():
    assert "'-z'" in refused("-z", "-h")
    assert "needs a value" in refused("-r")
    assert "integer" in refused("-o", "x", "-h")


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("--resource-nam", "did you mean --resource-name?"),
        ("--Verbose", "did you mean --verbose?"),
        ("--resource", "did you mean --resource-name?"),
        ("--tls-ca-certifcate", "did you mean --tls-ca-certificate?"),
        ("--ZZZ-ZZZ", "flom --help lists all options"),
        ("--help=1", "--help takes no value"),
        ("-R", "did you mean -r?"),
        ("-z", "flom --help lists all options"),
        ("-Vz", "in '-Vz'"),
    ],
)
def test_c02_the_nearest_option_is_named(word, advice):
    assert advice in refused(word)


@pytest.mark.parametrize("option", VALUED, ids=lambda option: option.long)
def test_c03_a_missing_value(option):
    assert option.long in refused(f"--{option.long}")
    if option.short:
        assert option.long in refused(f"-{option.short}")
        assert option.long in refused(f"-V{option.short}")


@pytest.mark.parametrize(
    "option", [option for option in OPTIONS if option.type == "I"], ids=lambda option: option.long
)
def test_c04_integers(option):
    for good in ("8", "010", "0x10", " +5", "-2147483648", "2147483647", "-0"):
        assert given(f"--{option.long}={good}") == [(option.long, good)]
    for bad in ("abc", "", "5 ", "12x", "2147483648", "08", "0x"):
        message = refused(f"--{option.long}={bad}")
        assert f"'{bad}'" in message
        assert option.long in message


def test_c05_the_value_of_a_letter_is_the_next_word():
    assert given("-r", "RA") == [("resource-name", "RA")]
    assert "-r RA" in refused("-rRA", "x")
    assert "-r RA" in refused("-r=RA", "x")
    assert "both take a value" in refused("-or", "9")


def test_c05_clusters():
    expected = [("verbose", ""), ("resource-timeout", "9")]
    assert given("-Vo", "9") == expected
    assert given("-oV", "9") == expected[::-1]
    assert given("-xVoX", "9", "x") == [
        ("quiesce-exit", ""), ("verbose", ""), ("resource-timeout", "9"), ("immediate-exit", ""),
    ]  # fmt: skip


def test_c05_a_value_may_look_like_anything():
    assert given("-o", "-5") == [("resource-timeout", "-5")]
    assert given("-r", "--verbose") == [("resource-name", "--verbose")]
    assert given("--resource-name", "-h") == [("resource-name", "-h")]
    assert given("--resource-name=") == [("resource-name", "")]
    assert given("--resource-name=a=b") == [("resource-name", "a=b")]


def test_c06_the_first_double_dash_is_removed_the_rest_is_kept():
    assert command("--", "echo", "-V", "--", "x") == ["echo", "-V", "--", "x"]
    assert command("echo", "a", "--", "-V") == ["echo", "a", "-V"]
    assert command("--") == []
    assert given("--", "-V") == []
    assert show("--", "-h") == ""


def test_c06_a_double_dash_may_be_a_value():
    assert given("-r", "--", "true") == [("resource-name", "--")]
    assert command("-r", "--", "true") == ["true"]


def test_c07_options_after_the_command_are_ours():
    invocation = parse(["ls", "-V", "x", "-o", "5"])
    assert invocation.command == ["ls", "x"]
    assert [option.long for option, _ in invocation.given] == ["verbose", "resource-timeout"]
    assert "'-Z'" in refused("ls", "-Z")


def test_c07_a_dash_and_an_empty_word_are_words_of_the_command():
    assert command("-", "-V") == ["-"]
    assert command("", "x") == ["", "x"]
    assert command("--", "") == [""]


def test_c08_repeated_options_are_all_reported_in_order():
    words = ["-r", "A", "--ignore-signal", "1", "--resource-name=B", "--ignore-signal=2"]
    assert given(*words) == [
        ("resource-name", "A"), ("ignore-signal", "1"),
        ("resource-name", "B"), ("ignore-signal", "2"),
    ]  # fmt: skip


def test_c08_flags_ignore_a_value():
    assert given("--verbose=no") == [("verbose", "")]
    assert show("--version=1") == "version"


def test_c37_bytes_pass_unchanged():
    assert command("--", "\udce9", "é") == ["\udce9", "é"]
    assert given("-r", "/\udce9") == [("resource-name", "/\udce9")]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["-v"], "version"),
        (["--signal-list"], "signal-list"),
        (["-v", "--signal-list"], "version+signal-list"),
        (["--signal-list", "-v"], "version+signal-list"),
        (["--unique-id"], "unique-id"),
        (["--unique-id", "-v"], "version"),
        (["--unique-id", "--signal-list"], "signal-list"),
        (["-v", "extra", "--", "more"], "version"),
        (["-V", "-r", "A", "true"], ""),
    ],
)
def test_c28_what_to_show(words, what):
    assert show(*words) == what


def test_c28_version_with_an_unknown_option():
    refused("-v", "--nosuch")
