"""Signal names and the rule of cli.md 3.3."""

import signal

import pytest

from flom import signals


def test_the_31_names_are_those_of_this_system():
    assert len(signals.NAMES) == 31
    for number, name in enumerate(signals.NAMES, 1):
        # On Linux SIGIO and SIGPOLL, SIGABRT and SIGIOT share a number.
        assert getattr(signal, name) == number


def test_numbers_written_out():
    for name in vars(signals):
        if name.startswith("SIG") and name in signals.NAMES:
            assert signals.NAMES[getattr(signals, name) - 1] == name


def test_calls_are_the_real_ones():
    assert signals.getsignal(signals.SIGTERM) == signal.getsignal(signal.SIGTERM)
    assert signals.SIG_IGN == signal.SIG_IGN
    before = signals.pthread_sigmask(signals.SIG_BLOCK, [signals.SIGCONT])
    blocked = signals.pthread_sigmask(signals.SIG_SETMASK, before)
    assert signals.SIGCONT in blocked


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("SIGTERM", 15),
        ("SIGHUP", 1),
        ("SIGSYS", 31),
        ("15", 15),
        (" 15", 15),
        ("15abc", 15),
        ("+9", 9),
        ("1", 1),
        ("31", 31),
        ("0000015", 15),
        ("TERM", None),
        ("sigterm", None),
        ("SIGTERM ", None),
        ("SIGTERM;SIGQUIT", None),
        ("SIGRTMIN", None),
        ("", None),
        ("0", None),
        ("32", None),
        ("99", None),
        ("-5", None),
        ("4294967297", None),
        ("1" * 6000, None),
        ("٣", None),
    ],
)
def test_words_for_signals(word, number):
    assert signals.parse_signal(word) == number


def test_names_of_numbers():
    assert signals.name(9) == "SIGKILL"
    assert signals.name(40) == "signal 40"
    assert signals.name(0) == "signal 0"
