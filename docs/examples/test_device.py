"""Tests that share one device, although pytest runs them in many processes.

    pytest -n 4 test_device.py

Move the fixture to `conftest.py` to share it between files.
"""

import os
import pathlib
from collections.abc import Iterator

import pytest

import flom

DEVICE = pathlib.Path(os.environ.get("DEVICE", "/tmp/device"))


class Device:
    """Something that breaks when two use it at once."""

    def __init__(self, path: pathlib.Path) -> None:
        self.in_use = path.with_suffix(".in-use")
        self.in_use.touch(exist_ok=False)

    def measure(self) -> int:
        """Use it."""
        return 42

    def close(self) -> None:
        """Leave it to the next one."""
        self.in_use.unlink()


@pytest.fixture
def device() -> Iterator[Device]:
    """The device, for this test alone, whatever other processes do."""
    with flom.lock("device", timeout=600):
        opened = Device(DEVICE)
        yield opened
        opened.close()


@pytest.mark.parametrize("number", range(20))
def test_measure(device: Device, number: int) -> None:
    assert device.measure() == 42
