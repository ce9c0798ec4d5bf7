import pytest

from flom.spelling import distance, nearest


@pytest.mark.parametrize(
    ("left", "right", "steps"),
    [
        ("", "", 0),
        ("a", "", 1),
        ("", "abc", 3),
        ("kitten", "sitting", 3),
        ("ab", "ba", 1),
        ("Nmae", "Name", 1),
    ],
)
def test_distance(left, right, steps):
    assert distance(left, right) == steps
    assert distance(right, left) == steps


def test_the_nearest_wins_whatever_the_case():
    words = ["resource-name", "resource-timeout", "verbose"]
    assert nearest("resource-nam", words) == "resource-name"
    assert nearest("Verbose", words) == "verbose"
    assert nearest("resource-tiemout", words) == "resource-timeout"


def test_the_beginning_of_a_word_is_near():
    assert nearest("verb", ["debug-feature", "verbose"]) == "verbose"


def test_nothing_near():
    assert nearest("ZZZ-ZZZ", ["resource-name", "verbose"]) == ""
    assert nearest("", ["verbose"]) == ""


def test_tolerance():
    assert nearest("Timout", ["Timeout", "Name"], 2) == "Timeout"
    assert nearest("Wait", ["Name", "Create"], 2) == ""
    assert nearest("Quantityyyy", ["Quantity"], 2) == ""
    assert nearest("Quan", ["Quantity"], 2) == ""


def test_a_long_word_costs_little():
    assert nearest("x" * 1_000_000, ["verbose"]) == ""
