"""Bounded runs of every target; `scripts/fuzz` runs them for as long as one likes."""

import importlib.util

import pytest
from fuzz import drive
from fuzz.targets import BY_NAME

# A party of three and a simulated daemon takes some milliseconds.
SLOW = ("server", "conversation", "words")


@pytest.mark.parametrize("target", BY_NAME)
def test_corpus_and_its_mutations(target):
    drive.by_mutation(target, BY_NAME[target], 300 if target in SLOW else 3000, seed=0)


@pytest.mark.parametrize("target", BY_NAME)
def test_guided_by_coverage(target):
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed")
    assert drive.by_coverage(target, 300 if target in SLOW else 5000, seed=0, keeping=False)


def test_every_corpus_belongs_to_a_target():
    assert {path.stem for path in drive.CORPUS.iterdir()} == set(BY_NAME)


def test_a_broken_promise_is_found_and_told(monkeypatch, capsys):
    """A parser that falls over one byte in a place."""

    def fragile(data):
        assert b"\x00" not in data[:3]

    monkeypatch.setattr(drive, "corpus", lambda target: [b"abc"])
    with pytest.raises(AssertionError):
        drive.by_mutation("fragile", fragile, 100_000, seed=0)
    assert "\\x00" in capsys.readouterr().err
