"""docs/why/faults.md: every known fault of the reference is there, with tests that exist."""

import re

import named_tests
import pytest

PAGE = named_tests.TESTS.parent / "docs" / "why" / "faults.md"
# How many faults each chapter of the specification numbers, and rows of daemon.md 14 say FIX.
FAULTS = [
    *(f"wire F-{number}" for number in range(1, 26)),
    *(f"resources F-{number}" for number in range(1, 21)),
    *(f"D-50.{number}" for number in range(1, 15)),
    "D-51",
    "D-52",
    *(f"daemon F{number}" for number in range(1, 35)),
]


def table():
    """The rows of the page: number of the fault, what it is, what ours does, ids of tests."""
    for line in PAGE.read_text().splitlines():
        if line.startswith("| ") and not line.startswith("| fault |"):
            fault, ours, tests = line.strip("| ").split(" | ")
            number, _, what = fault.partition(": ")
            yield number, what, ours, re.findall("`([^`]+)`", tests)


ROWS = list(table())


def test_every_fault_is_there_once():
    assert [number for number, *_ in ROWS] == FAULTS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_its_tests_exist(row):
    _, what, ours, tests = row
    assert what
    assert ours
    assert tests
    for test in tests:
        named_tests.check(test)
