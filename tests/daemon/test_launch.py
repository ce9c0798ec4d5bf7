"""Starting a daemon: what the system log hears of it."""

import pytest

from flom.daemon import launch
from flom.errors import FlomError
from flom.net.unix import UnixEndpoint
from flom.settings import Settings


def test_a_bind_that_fails_is_logged(tmp_path, monkeypatch):
    """FLM019E (daemon.md 12); a path that is merely taken is no failure."""
    records = []
    monkeypatch.setattr(launch.SystemLog, "record", lambda _, code, text: records.append(code))
    endpoint = UnixEndpoint(str(tmp_path / ("x" * 120)))
    with pytest.raises(FlomError) as failure:
        launch.listen(endpoint, Settings())
    assert failure.value.rc == -101
    assert records == ["FLM019E"]
    served = UnixEndpoint(str(tmp_path / "s"))
    listener = launch.listen(served, Settings())
    with pytest.raises(FlomError):
        launch.listen(served, Settings())
    listener.close()
    assert records == ["FLM019E"]
