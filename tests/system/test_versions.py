"""Commands and daemons of earlier versions of ours with those of today, and an upgrade under load.

Each file in tests/releases is the package of an earlier version as it was.
"""

import pathlib
import random
import sys
import tarfile
import threading

import pytest
from support import BOUND, FLOM, gone, wait_for

RELEASES = sorted((pathlib.Path(__file__).resolve().parent.parent / "releases").glob("*.tar.xz"))
OLD = (sys.executable, "-S", "-m", "flom")
NEW = (FLOM,)
COUNT = "n=$(cat count); sleep 0.01; echo $((n + 1)) >count"


@pytest.fixture(params=RELEASES, ids=lambda path: path.name.partition(".")[0])
def old(request, folder):
    """The keywords that start a command of an earlier version."""
    with tarfile.open(request.param) as archive:
        archive.extractall(folder / "old", filter="data")
    return {"program": OLD, "env": {"PYTHONPATH": str(folder / "old/src")}}


@pytest.fixture(params=["old command, new daemon", "new command, old daemon"])
def pair(request, old):
    """The keywords of a command and of a daemon, of different versions."""
    new = {"program": NEW}
    return (old, new) if request.param.startswith("old") else (new, old)


def is_old(place, pid):
    return (
        f"PYTHONPATH={place.folder}/old".encode()
        in pathlib.Path(f"/proc/{pid}/environ").read_bytes()
    )


def test_locks_of_all_kinds(any_place, pair):
    """Hold, wait, be refused, give up, get elements and values, roll back."""
    command, daemon = pair
    place = any_place
    assert place.run("-d", "-1", "--", "true", **daemon).returncode == 0
    assert is_old(place, place.daemon()) == (daemon["program"] is OLD)
    holder = place.hold(**command)
    waiter = place.ask(**command)
    place.await_queued(waiter)
    for limit in ("0", "100"):
        done = place.run("-r", "R", "-o", limit, "--", "true", **command)
        assert done.returncode == 98, done.stderr
    holder.communicate("\n", timeout=BOUND)
    assert waiter.stdout.readline() == "held\n"
    waiter.communicate("\n", timeout=BOUND)
    assert (holder.returncode, waiter.returncode) == (0, 0)

    def value(name, *words, status=0):
        script = f"echo $FLOM_ELEMENT; exit {status}"
        done = place.run("-r", name, "-i", "60000", *words, "--", "sh", "-c", script, **command)
        assert (done.returncode, done.stderr) == (status, "")
        return done.stdout.strip()

    assert {value("red.green"), value("red.green")} == {"red", "green"}
    assert [value("_S_n[1]", status=status) for status in (0, 1, 0)] == ["1", "2", "2"]
    assert value("n[4]", "-q", "3") == ""
    assert value("/a/b", "-l", "PR") == ""
    done = place.run("-r", "absent", "-e", "no", "-o", "0", "--", "true", **command)
    assert done.returncode == 96
    assert place.run("-X", **command).returncode == 0
    place.await_no_daemon()


def test_one_queue_for_all(place, pair):
    """Commands of both versions wait for each other, in order."""
    command, daemon = pair
    holder = place.hold("-d", "-1", **daemon)
    queue = []
    for version in (command, daemon, command):
        queue.append(place.ask(**version))
        place.await_queued(queue[-1])
    for process in (holder, *queue):
        if process is not holder:
            assert process.stdout.readline() == "held\n"
        process.communicate("\n", timeout=BOUND)
        assert process.returncode == 0


def test_upgrade_under_load(place, old, folder):
    """An old daemon is told to end when its clients have; commands come all the time, with pauses
    now and then, and one of them starts the new daemon. No command fails, and no lock is held
    twice.
    """
    (folder / "count").write_text("0\n")
    assert place.run("-d", "-1", "--", "true", **old).returncode == 0
    first = place.daemon()
    upgrading, enough = threading.Event(), threading.Event()
    done = []

    def load(until, pause, version):
        chance = random.Random(pause)
        while not until.wait(chance.random() * pause):
            words = ("-r", "R", "-i", "1", "-d", "-1", "--", "sh", "-c", COUNT)
            done.append(place.run(*words, **version))

    # An old command that comes later would start an old daemon again: commands go first.
    threads = [threading.Thread(target=load, args=(upgrading, 0.1, old)) for _ in range(3)]
    threads += [threading.Thread(target=load, args=(enough, 6.0, {})) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: len(done) > 20, "some load")
        upgrading.set()
        for thread in threads[:3]:
            thread.join(BOUND)
        assert place.run("-x").returncode == 0
        # A resource outlives its last use by a second, and a daemon that ends its last client.
        wait_for(lambda: gone(first), "the end of the old daemon", 2 * BOUND)
        before = len(done)
        wait_for(lambda: len(done) > before + 4, "some load at the new daemon")
        assert not is_old(place, place.daemon())
    finally:
        upgrading.set()
        enough.set()
        for thread in threads:
            thread.join(BOUND)
    assert [(one.returncode, one.stderr) for one in done if one.returncode] == []
    assert int((folder / "count").read_text()) == len(done)
