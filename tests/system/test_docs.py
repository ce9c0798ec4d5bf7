"""The tutorial works as it stands, and the pages point to what exists."""

import pathlib
import re

import pytest
import test_use_cases as pages

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))

home = pages.home


def test_the_tutorial_prints_what_it_shows(home):
    elsewhere = home / "without-settings"  # a socket in the settings forbids a daemon's address
    elsewhere.mkdir()
    shown = list(pages.blocks(ROOT / "docs" / "tutorial.md"))
    assert len(shown) > 5
    for script, expected in shown:
        result = pages.run(elsewhere if " -a " in script else home, script)
        assert result.stdout == expected, f"{script}\nstderr: {result.stderr}"


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_page_can_be_found():
    index = (ROOT / "docs" / "README.md").read_text()
    for page in DOCS:
        if page.parent in (ROOT / "docs", ROOT / "docs" / "reference") and page.name != "README.md":
            assert f"({page.relative_to(ROOT / 'docs')})" in index, page
