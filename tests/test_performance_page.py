"""docs/why/performance.md is what benchmarks/report.py makes of the figures beside it."""

import pathlib
import runpy
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLACE = ROOT / "docs" / "why"


@pytest.fixture(scope="module")
def report():
    before = sys.path[:]
    sys.path.insert(0, str(ROOT / "benchmarks"))  # where a script finds the others
    try:
        return runpy.run_path(str(ROOT / "benchmarks" / "report.py"))
    finally:
        sys.path[:] = before
        sys.modules.pop("plot", None)


def test_the_page_and_the_drawings_are_up_to_date(report):
    made = report["pages"](report["read"]())
    assert made == {name: (PLACE / name).read_text() for name in made}
    for name in made:
        assert name == "performance.md" or f"({name})" in made["performance.md"]


@pytest.mark.parametrize(
    ("bound", "least", "figure", "verdict"),
    [
        (2.0, False, 2.0, "met"),
        (2.0, False, 3.0, "missed, by a factor of 1.50"),
        (0.6, True, 0.6, "met"),
        (0.6, True, 0.5, "missed, by a factor of 1.20"),
        (0.1, False, 0.0, "met"),
    ],
)
def test_a_target_is_judged(report, bound, least, figure, verdict):
    target = report["Target"]("this", "some/figure", bound, least=least)
    assert target.row({"some": {"figure": figure}}).endswith(f"| {verdict} |")
