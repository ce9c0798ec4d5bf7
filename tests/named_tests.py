"""Tests that pages of the documentation name: `FILE::NAME`, as paths below tests/."""

import pathlib
import re

TESTS = pathlib.Path(__file__).resolve().parent


def check(name):
    """Assert that there is exactly one test of that name."""
    path, *groups, function = name.partition("[")[0].split("::")
    text = (TESTS / path).read_text()
    assert all(re.search(rf"^class {group}\b", text, re.M) for group in groups), name
    assert len(re.findall(rf"^ *def {function}\(", text, re.M)) == 1, name
