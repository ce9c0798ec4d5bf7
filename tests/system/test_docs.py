"""The tutorial works as it stands, and the pages point to what exists."""

import pathlib
import re

import pytest
import test_use_cases as pages

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [*DOCS, *sorted(ROOT.glob("*.md"))]

home = pages.home


def test_the_tutorial_prints_what_it_shows(home):
    elsewhere = home / "without-settings"  # a socket in the settings forbids a daemon's address
    elsewhere.mkdir()
    shown = list(pages.blocks(ROOT / "docs" / "tutorial.md"))
    assert len(shown) > 5
    for script, expected in shown:
        result = pages.run(elsewhere if " -a " in script else home, script)
        assert result.stdout == expected, f"{script}\nstderr: {result.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_page_can_be_found():
    index = (ROOT / "docs" / "README.md").read_text()
    for page in DOCS:
        if page.parent in (ROOT / "docs", ROOT / "docs" / "reference") and page.name != "README.md":
            assert f"({page.relative_to(ROOT / 'docs')})" in index, page


@pytest.mark.parametrize("page", ["docs/why/reliability.md", "SECURITY.md"])
def test_tests_and_scripts_that_are_named_exist(page):
    text = (ROOT / page).read_text()
    named = set(re.findall(r"\b(?:tests|scripts)/[\w./]*\w", text))
    assert len(named) > 3
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_promise_has_a_test():
    text = (ROOT / "docs" / "why" / "reliability.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    for row in rows:
        assert re.findall(r"\]\(\.\./\.\./tests/[\w/]+/test_\w+\.py\)", row), row
