"""When the daemon is asked, and how files are read."""

import errno
import os
import stat

import pytest

from flom.daemon.vfs.files import Files
from flom.daemon.vfs.view import EACH, View

NAME = "/status/lockers/3/resource_name"
ROW = {
    "id": 3, "name": "R", "kind": "simple", "created": 1100.25, "changed": 1100.25,
    "holders": [], "waiters": [],
}  # fmt: skip


class Daemon:
    """Answers with what it has, at the time that the test says."""

    def __init__(self):
        self.now = 500.0
        self.rows = [ROW]
        self.asked = 0
        self.view = View(self.answer, lambda: self.now)
        self.files = Files(self.view, 12, 34)

    def answer(self):
        self.asked += 1
        return self.rows


@pytest.fixture
def daemon():
    return Daemon()


def number_of(refused):
    with pytest.raises(OSError) as error:
        refused()
    return error.value.errno


def test_attributes(daemon):
    got = daemon.files.getattr(NAME)
    assert got == {
        "st_mode": stat.S_IFREG | 0o440, "st_nlink": 1, "st_size": 2, "st_uid": 12, "st_gid": 34,
        "st_atime": 0, "st_ctime": 1100250000000, "st_mtime": 1100250000000,
    }  # fmt: skip
    got = daemon.files.getattr("/status/lockers")
    assert (got["st_mode"], got["st_nlink"]) == (stat.S_IFDIR | 0o550, 2)
    assert number_of(lambda: daemon.files.getattr("/status/none")) == errno.ENOENT


def test_nobody_is_asked_for_the_mount_point_itself(daemon):
    daemon.files.getattr("/")
    daemon.files.getattr("/status")
    assert daemon.asked == 0


def test_a_look_around_asks_once(daemon):
    for _ in range(3):
        assert daemon.files.readdir("/status/lockers", 0) == [".", "..", "3"]
        daemon.files.getattr(NAME)
        daemon.now += 0.001
    assert daemon.asked == 1
    daemon.now += 0.05
    daemon.files.getattr(NAME)
    assert daemon.asked == 1, "what exists may be a little old"
    assert number_of(lambda: daemon.files.getattr("/status/lockers/4")) == errno.ENOENT
    assert daemon.asked == 2, "what is not there may have just come"


def test_what_costs_much_is_asked_rarely(daemon):
    daemon.rows = [{**ROW, "id": number} for number in range(1000)]
    daemon.files.readdir("/status/lockers", 0)
    daemon.now += 1000 * EACH
    daemon.files.readdir("/status/lockers", 0)
    assert daemon.asked == 1
    daemon.now += 5 * 1000 * EACH
    daemon.files.readdir("/status/lockers", 0)
    assert daemon.asked == 2


def test_reading_to_the_end_what_has_gone_meanwhile(daemon):
    handle = daemon.files.open(NAME, os.O_RDONLY)
    assert daemon.files.read(NAME, 1, 0, handle) == b"R"
    daemon.rows = []
    daemon.now += 1
    assert daemon.files.read(NAME, 4096, 1, handle) == b"\n"
    assert number_of(lambda: daemon.files.read(NAME, 4096, 0, handle)) == errno.EIO
    daemon.files.release(NAME, handle)
    assert number_of(lambda: daemon.files.open(NAME, os.O_RDONLY)) == errno.ENOENT


@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND])
def test_nothing_is_written(daemon, flags):
    assert number_of(lambda: daemon.files.open(NAME, flags)) == errno.EACCES
