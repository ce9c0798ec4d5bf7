"""The binding as a program finds it that has just been started."""

import pytest

import flom
from flom import trace
from flom.legacy import library


@pytest.fixture
def binding(tmp_path, monkeypatch):
    """The names; no file has been read, HOME and the working directory are empty."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("FLOM_TRACE_MASK", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(library, "settings", None)
    monkeypatch.setattr(library, "defaults", {})
    monkeypatch.setattr(library, "_chosen", {})
    yield flom
    trace.close()
    trace.mask = 0


@pytest.fixture
def handle(binding):
    """An initialised handle."""
    made = binding.flom_handle_t()
    assert binding.flom_handle_init(made) == 0
    return made
