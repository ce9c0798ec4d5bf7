"""The daemon's side of the line to the process that shows its state."""

import json
import sys
import threading

import pytest

from flom.daemon.reactor import Reactor
from flom.daemon.vfs import mount, process
from flom.daemon.vfs.line import Line
from flom.daemon.vfs.start import Mounting

ROW = '{"parked":[' + "0," * 500 + "0]}\n"


class Log:
    def __init__(self):
        self.codes = []

    def record(self, code, text):
        self.codes.append(code)


class Daemon:
    """A reactor with nothing but a mount; `step` serves what is ready."""

    def __init__(self, pieces, directory="/nowhere"):
        self.reactor = Reactor()
        self.made = 0
        self.settled = 0
        self.log = Log()
        self.pieces = pieces
        mounting = Mounting(directory)
        self.process = mounting._theirs
        self.mount = mount.Mount(
            self.reactor, mounting, self.log, self.snapshot, settled=self._settled
        )

    def snapshot(self):
        for piece in self.pieces:
            self.made += 1
            yield piece

    def _settled(self):
        self.settled += 1

    def serve(self, seconds):
        """Runs the loop, which would go on for ever if nothing is left to do."""
        self.reactor._stopped = False
        self.reactor.call_at(self.reactor.now + seconds, self.reactor.stop)
        self.reactor.run()


@pytest.fixture
def daemon():
    return Daemon([ROW[:100], ROW[100:]])


def test_question_and_answer(daemon):
    line = Line(daemon.process)
    line.ready()
    heard = []
    reader = threading.Thread(target=lambda: heard.extend([line.rows(), line.rows()]))
    reader.start()
    while reader.is_alive():
        daemon.serve(0.05)
    assert heard == [[json.loads(ROW)]] * 2
    assert (daemon.settled, daemon.log.codes) == (1, ["FLM022I"])


def test_no_more_is_made_than_the_process_takes():
    daemon = Daemon([ROW] * 10_000)
    daemon.process.send(b"!?")
    daemon.serve(0.3)
    assert 0 < daemon.made < 5_000


def test_others_are_served_between_two_portions():
    daemon = Daemon([ROW] * 10_000)
    daemon.process.send(b"!?")
    daemon.reactor.call_at(daemon.reactor.now, daemon.reactor.stop)
    daemon.reactor.run()
    assert daemon.made * len(ROW) < 2 * mount.PORTION + len(ROW)


def test_a_process_that_could_not_mount_is_no_news(daemon):
    daemon.process.close()
    daemon.serve(0.05)
    assert (daemon.settled, daemon.log.codes) == (1, [])
    daemon.mount.end()
    daemon.mount.close()
    assert daemon.log.codes == []


def test_a_process_that_ends_before_the_daemon(daemon):
    daemon.process.send(b"!")
    daemon.process.close()
    daemon.serve(0.05)
    assert daemon.log.codes == ["FLM022I", "FLM121W"]


def test_a_process_that_does_not_end(daemon, monkeypatch):
    monkeypatch.setattr(mount, "LATEST", 0.01)
    daemon.process.send(b"!")
    daemon.serve(0.05)
    daemon.mount.end()
    assert daemon.process.recv(10) == b"", "it is told that the daemon ends"
    daemon.mount.close()
    assert daemon.log.codes == ["FLM022I", "FLM023I", "FLM024W"]


@pytest.mark.parametrize(
    ("cause", "advice"),
    [(ImportError, "pip install 'pyflom[vfs]'"), (OSError, "apt install fuse3")],
)
def test_what_is_missing_is_named(cause, advice, monkeypatch):
    class Nothing:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "mfusepy":
                raise cause

    monkeypatch.delenv("FUSE_LIBRARY_PATH", raising=False)
    monkeypatch.setitem(sys.modules, "mfusepy", None)
    if cause is OSError:
        monkeypatch.delitem(sys.modules, "mfusepy")
        monkeypatch.setattr(sys, "meta_path", [Nothing, *sys.meta_path])
    with pytest.raises(process.Unmountable, match="missing") as problem:
        process._library()
    assert advice in str(problem.value)
