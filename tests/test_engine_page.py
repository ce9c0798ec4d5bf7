"""docs/why/which-engine.md: every promise of a store names tests that exist."""

import re

import named_tests
import pytest

PAGE = named_tests.TESTS.parent / "docs" / "why" / "which-engine.md"


def table():
    """The rows of promises: what is promised, ids of tests for a daemon, for a store."""
    _, _, text = PAGE.read_text().partition("\n| Promise |")
    for line in text.splitlines()[2:]:
        promise, *engines = line.strip("|").split("|")
        yield promise.strip(), *(re.findall("`([^`]+)`", engine) for engine in engines)


ROWS = list(table())


def test_there_are_promises():
    assert len(ROWS) > 10


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_has_tests_that_exist(row):
    _, daemon, store = row
    assert store
    for test in daemon + store:
        named_tests.check(test)
