"""One starter after the other, and nobody can keep them from starting for ever."""

import fcntl
import os
import stat
import threading
import time

import pytest

from flom.net import turn as module
from flom.net.listen import open_lock
from flom.net.turn import Turn


def soon():
    return time.monotonic() + 30


@pytest.fixture
def turn(tmp_path):
    """Makes turns for one group."""
    return lambda: Turn("239.1.1.1", 28015, str(tmp_path))


def files(tmp_path):
    return list(tmp_path.iterdir())


def test_nobody_else_is_there(turn, tmp_path):
    mine = turn()
    mine.take(0.0)
    assert mine.problem == ""
    (path,) = files(tmp_path)
    assert path.name == f"flom-239.1.1.1-28015-{os.stat('/proc/self/ns/net').st_ino}.lock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o666
    mine.end()
    mine.end()
    assert files(tmp_path) == []


def test_one_after_the_other(turn):
    """Nobody is in while another is, though each removes the file when he leaves."""
    inside, most = [], []

    def start():
        mine = turn()
        mine.take(soon())
        assert mine.problem == ""
        inside.append(mine)
        most.append(len(inside))
        time.sleep(0.002)
        inside.remove(mine)
        mine.end()

    threads = [threading.Thread(target=start) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == 20 * [1]


def test_a_file_that_was_removed_excludes_nobody(turn, monkeypatch):
    """Somebody leaves, and another one comes, between our opening the file and locking it."""
    mine, other = turn(), turn()

    def open_late(path, mode):
        opened = open_lock(path, mode)
        monkeypatch.undo()
        os.unlink(path)
        other.take(0.0)
        return opened

    monkeypatch.setattr(module, "open_lock", open_late)
    mine.take(time.monotonic() + 0.05)
    assert other.problem == ""
    assert "for too long" in mine.problem
    other.end()


def test_another_group_is_another_turn(turn, tmp_path):
    turn().take(soon())
    for group, port in (("239.1.1.2", 28015), ("239.1.1.1", 28016)):
        other = Turn(group, port, str(tmp_path))
        other.take(0.0)
        assert other.problem == ""


def test_a_lock_that_never_ends(turn, tmp_path):
    first, second = turn(), turn()
    first.take(soon())
    begin = time.monotonic()
    second.take(begin + 0.1)
    assert "for too long" in second.problem
    assert time.monotonic() >= begin + 0.1
    second.end()
    assert len(files(tmp_path)) == 1
    first.end()


def test_the_end_counts_though_a_child_has_the_descriptor(turn, tmp_path):
    first = turn()
    first.take(soon())
    (path,) = files(tmp_path)
    copies = [os.dup(int(name)) for name in os.listdir("/proc/self/fd") if _leads(name, path)]
    assert copies
    first.end()
    with open(f"/proc/self/fd/{copies[0]}") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    for copy in copies:
        os.close(copy)


def _leads(name, path):
    try:
        return os.readlink(f"/proc/self/fd/{name}") == str(path)
    except OSError:
        return False


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_something_else_at_the_path(turn, tmp_path, kind):
    mine = turn()
    mine.take(soon())
    (path,) = files(tmp_path)
    mine.end()
    target = tmp_path / "target"
    {
        "link": lambda: path.symlink_to(target),
        "pipe": lambda: os.mkfifo(path),
        "folder": path.mkdir,
    }[kind]()
    mine = turn()
    mine.take(soon())
    assert str(path) in mine.problem
    mine.end()
    assert files(tmp_path) == [path]
