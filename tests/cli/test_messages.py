"""Texts for people (cli.md 8, 9 and 10)."""

import pathlib
import re
import tomllib

import pytest

from flom import errors, version
from flom.cli import help as help_text
from flom.cli import messages
from flom.options import OPTIONS


def test_c28_version():
    lines = messages.version().split("\n")
    assert len(lines) == 8
    assert lines[0] == "FLoM: Free Lock Manager"
    assert re.fullmatch(
        r"Package name: flom; package version: \d+\.\d+\.\d+\S*; release date: \d{4}-\d\d-\d\d",
        lines[3],
    )
    assert re.fullmatch(r"TLS supported protocol\(s\): .+", lines[4])
    assert all(lines[:7])
    assert lines[7] == ""


def test_the_version_is_that_of_the_package():
    root = pathlib.Path(__file__).resolve().parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    if "version" in project:
        assert project["version"] == version.VERSION


def test_c28_signal_list_byte_for_byte():
    assert messages.signal_list() == (
        "1) SIGHUP\t2) SIGINT\t3) SIGQUIT\t4) SIGILL\t\n"
        "5) SIGTRAP\t6) SIGABRT\t7) SIGBUS\t8) SIGFPE\t\n"
        "9) SIGKILL\t10) SIGUSR1\t11) SIGSEGV\t12) SIGUSR2\t\n"
        "13) SIGPIPE\t14) SIGALRM\t15) SIGTERM\t16) SIGSTKFLT\t\n"
        "17) SIGCHLD\t18) SIGCONT\t19) SIGSTOP\t20) SIGTSTP\t\n"
        "21) SIGTTIN\t22) SIGTTOU\t23) SIGURG\t24) SIGXCPU\t\n"
        "25) SIGXFSZ\t26) SIGVTALRM\t27) SIGPROF\t28) SIGWINCH\t\n"
        "29) SIGIO\t30) SIGPWR\t31) SIGSYS\t\n"
    )


def test_c01_help_has_every_option_on_a_line_of_its_own():
    lines = help_text.text().splitlines()
    for option in (option for option in OPTIONS if option.long):
        pattern = rf"  {re.escape(option.spelling)}\b( {re.escape(option.metavar)})?(  |$)"
        assert sum(bool(re.match(pattern, line)) for line in lines) == 1, option.long


def test_c01_help_fits_the_terminal():
    text = help_text.text()
    assert max(map(len, text.splitlines())) < 80
    assert not any(line != line.rstrip() for line in text.splitlines())
    assert text.endswith("\n")


def test_c01_help_shows_usage_and_every_section():
    text = help_text.text()
    assert "  flom [OPTION…] [-- command to execute]\n" in text
    assert "  flom [OPTION?] [-- command to execute]\n" in help_text.text("?")
    assert help_text.text("?").isascii()
    assert {option.section for option in OPTIONS if option.long} == set(help_text.SECTIONS)
    for status in ("96", "97", "98", "99"):
        assert status in text


def test_help_shows_the_defaults_of_numbers():
    for option in OPTIONS:
        if option.type == "I":
            assert f"[{option.default}]" in help_text.text()


LINES = [
    messages.NO_COMMAND,
    messages.warning("x"),
    messages.usage_error("x"),
    messages.busy("A"),
    messages.timed_out("A", 300),
    messages.cannot_wait("A"),
    messages.impossible("N[5]", 9),
    messages.not_executed("prog", "No such file or directory"),
    messages.not_ignorable("SIGKILL"),
    messages.no_unique_id(),
    messages.locked_element("RED"),
]


@pytest.mark.parametrize("text", LINES)
def test_every_message_is_one_line(text):
    assert text.endswith("\n")
    assert text.count("\n") == 1


def test_messages_on_stderr_begin_with_the_program():
    for text in LINES:
        if text != messages.locked_element("RED"):
            assert text.startswith("flom: ")


def test_no_message_twice():
    assert len(set(LINES)) == len(LINES)


def test_what_a_script_may_look_for():
    assert "already locked" in messages.busy("A")
    assert "300 milliseconds" in messages.timed_out("A", 300)
    assert "may become available later" in messages.cannot_wait("A")
    assert "never" in messages.impossible("N[5]", 9)
    assert "prog" in messages.not_executed("prog", "why")
    assert messages.locked_element("RED") == "Locked element is 'RED'\n"


def test_a_bad_setting_shows_its_code():
    text = messages.config_error(errors.ConfigError(-14, "-r '1A': not valid"))
    assert text == "flom: -r '1A': not valid [ret_cod=-14]\n"


@pytest.mark.parametrize("rc", sorted(errors.symbols().values()))
@pytest.mark.parametrize("phase", [messages.CONNECT, messages.LOCK, messages.UNLOCK])
def test_c41_failures_tell_what_to_do_and_the_code(phase, rc):
    for text in ("what", ""):
        line = messages.failure(phase, errors.FlomError(rc, text))
        what = text or re.escape(errors.describe(rc))
        assert re.fullmatch(rf"flom: {what} \(.+\) \[{phase}: ret_cod={rc}\]\n", line)


def test_the_phases_have_the_names_scripts_know():
    assert messages.CONNECT == "flom_client_connect"
    assert messages.LOCK == "flom_client_lock"
    assert messages.UNLOCK == "flom_client_unlock"


def test_advice_of_the_error_comes_first():
    error = errors.FlomError(-105, "what")
    error.advice = "do that"
    line = messages.failure(messages.CONNECT, error)
    assert line == "flom: what (do that) [flom_client_connect: ret_cod=-105]\n"


@pytest.mark.parametrize("rc", [-105, -110, -126, -406])
def test_nobody_who_uses_a_store_is_sent_to_a_daemon(rc):
    for phase in (messages.CONNECT, messages.LOCK, messages.UNLOCK):
        line = messages.failure(phase, errors.FlomError(rc, "what"), "etcd://h")
        assert re.fullmatch(rf"flom: what \(.+\) \[{phase}: ret_cod={rc}\]\n", line)
        assert not re.search(r"daemon|-a|-s\b|--tls", line)


def test_strange_characters_do_not_break_the_line():
    assert messages.line("a\nb\x1b[0m\udce9é") == "flom: a\\nb\\x1b[0m\\udce9é\n"
    assert messages.busy("/a\nb").count("\n") == 1
