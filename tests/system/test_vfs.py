"""The state of a daemon as a file system (`-m`), on real mounts (daemon.md 13, D-49)."""

import contextlib
import errno
import os
import pathlib
import signal
import stat
import subprocess
import threading
import time

import pytest
from support import (
    BOUND,
    FLOM,
    FLOMCTL,
    OTHER_UID,
    comm,
    environment,
    gone,
    kill,
    need,
    need_program,
    need_root,
    pids,
    wait_for,
    words_of,
)  # fmt: skip

from flom import mounts

PROCESS = "lock-vfs"
EVERYTHING = "cat status/lockers/*/*/*/* status/incubator/*/*"


def servers(directory):
    """The processes that show a state in the directory."""
    return [pid for pid in pids() if comm(pid) == PROCESS and words_of(pid)[-1:] == [directory]]


class Mount:
    """A directory for `-m`."""

    def __init__(self, path):
        self.path = path
        self.words = ("-m", str(path))

    def shown(self):
        return mounts.is_ours(str(self.path))

    def server(self):
        (pid,) = servers(str(self.path))
        return pid

    def await_end(self):
        wait_for(lambda: not self.shown(), "the end of the mount")
        wait_for(lambda: all(map(gone, servers(str(self.path)))), "the end of its process")

    def tree(self):
        """Path -> content of every file, None of a directory."""
        found = {}
        for folder, _, names in os.walk(self.path):
            place = pathlib.Path(folder)
            found[str(place.relative_to(self.path))] = None
            found |= {
                str((place / n).relative_to(self.path)): (place / n).read_text() for n in names
            }
        return found

    def below(self, place):
        """The files below a directory: path -> content."""
        start = f"status/{place}/"
        return {
            path.removeprefix(start): content
            for path, content in self.tree().items()
            if path.startswith(start) and content is not None
        }


@pytest.fixture
def mount(place, folder):
    """A directory with a name that a shell would misunderstand; nothing may stay mounted there."""
    need(os.access("/dev/fuse", os.R_OK | os.W_OK), "needs /dev/fuse")
    need_program("fusermount3")
    path = folder / "it's a; $(place)"
    path.mkdir()
    made = Mount(path)
    yield made
    place.clear()
    try:
        made.await_end()
    finally:
        for pid in servers(str(path)):
            kill(pid)
        if made.shown():
            subprocess.run(["fusermount3", "-u", "-z", path], check=True)


def test_tree_and_contents(place, mount):
    """The example of the specification, with the numbers that a fresh daemon gives."""
    holder = place.start(
        *mount.words, "-r", "N[5]", "-q", "3", "--", "sh", "-c", "echo held; read line",
        stdin=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout.readline() == "held\n", holder.stderr.read()
    waiter = place.start("-r", "N[5]", "-q", "4", "--", "true")
    place.await_queued(waiter)
    assert mount.tree() == {
        ".": None,
        "status": None,
        "status/incubator": None,
        "status/lockers": None,
        "status/lockers/3": None,
        "status/lockers/3/resource_name": "N[5]\n",
        "status/lockers/3/resource_type": "numeric\n",
        "status/lockers/3/holders": None,
        "status/lockers/3/holders/2": None,
        "status/lockers/3/holders/2/peer_name": "localhost/\n",
        "status/lockers/3/holders/2/quantity": "3\n",
        "status/lockers/3/waitings": None,
        "status/lockers/3/waitings/4": None,
        "status/lockers/3/waitings/4/peer_name": "localhost/\n",
        "status/lockers/3/waitings/4/quantity": "4\n",
    }
    holder.communicate("\n", timeout=BOUND)
    waiter.communicate(timeout=BOUND)
    wait_for(
        lambda: not os.listdir(mount.path / "status/lockers/3/holders"), "an unlocked resource"
    )
    wait_for(lambda: not os.listdir(mount.path / "status/lockers"), "the end of the resource")


def test_contents_of_the_other_kinds(place, mount):
    assert place.run(*mount.words, "-d", "-1", "--", "true").returncode == 0
    peers = [place.peer() for _ in range(8)]
    assert peers[0].lock("R", mode=1) == 0
    assert peers[1].lock("/x/y", mode=3) == 0
    assert peers[2].lock("/x/y/z", mode=5) == 1
    assert peers[3].lock("_s_q[1]") == 0
    assert peers[4].lock("_s_q[1]") == 1
    assert peers[5].lock("a.b") == 0
    assert peers[6].lock("_t_%Y%m%d.%H%M%S[1]") == 0
    assert peers[7].lock("/nobody", create=0, wait=1) == 2
    shown = mount.below("lockers")
    number = {content: path.split("/")[0] for path, content in shown.items() if "_name" in path}

    def claims(name):
        start = f"{number[name]}/"
        return sorted(
            (path.split("/")[1], path.split("/")[3], content)
            for path, content in shown.items()
            if path.startswith(start) and path.count("/") == 3 and "peer_name" not in path
        )

    assert claims("R\n") == [("holders", "lock_mode", "ConcurrentRead")]
    assert claims("/x/y\n") == [
        ("holders", "lock_mode", "ProtectedRead"), ("waitings", "lock_mode", "Exclusive"),
    ]  # fmt: skip
    assert claims("_s_q[1]\n") == [("holders", "sequence_value", "1\n")]
    assert claims("a.b\n") == []
    ((_, name, value),) = claims("_t_%Y%m%d.%H%M%S[1]\n")
    assert name == "timestamp_value"
    assert value.startswith(time.strftime("%Y"))
    assert {c for p, c in shown.items() if p.endswith("peer_name")} == {"localhost/\n"}
    assert {p.split("/")[1]: c for p, c in mount.below("incubator").items()} == {
        "peer_name": "localhost/\n", "resource_name": "/nobody\n",
        "resource_type": "hierarchical\n",
    }  # fmt: skip
    waiter = next(p.split("/")[2] for p in shown if f"{number['_s_q[1]' + chr(10)]}/waitings" in p)
    peers[3].unlock("_s_q[1]")
    moved = mount.path / f"status/lockers/{number['_s_q[1]' + chr(10)]}/holders/{waiter}"
    wait_for(moved.exists, "the waiter among the holders, with its number")
    assert (moved / "sequence_value").read_text() == "2\n"
    peers[7].sock.close()
    incubator = mount.path / "status/incubator"
    wait_for(lambda: not os.listdir(incubator), "an incubator without who has left")


def test_attributes(place, mount):
    before = time.time()
    place.hold(*mount.words, "-r", "R")
    lock = mount.path / "status/lockers/3"
    file, folder, root = (os.stat(p) for p in (lock / "resource_type", lock, mount.path))
    assert (stat.filemode(file.st_mode), file.st_nlink, file.st_size) == ("-r--r-----", 1, 7)
    assert (stat.filemode(folder.st_mode), folder.st_nlink) == ("dr-xr-x---", 2)
    assert {(s.st_uid, s.st_gid) for s in (file, folder, root)} == {(os.getuid(), os.getgid())}
    assert root.st_ino == 1
    assert file.st_atime == 0
    assert before - 1 < file.st_ctime <= file.st_mtime < time.time() + 1
    with open("/proc/self/mountinfo") as table:
        (line,) = [
            line for line in table if " fuse.flom flom " in line and place.folder.name in line
        ]
    assert {"rw", "nosuid", "nodev"} <= set(line.split()[5].split(","))


def test_nothing_can_be_changed(place, mount):
    place.hold(*mount.words, "-r", "R")
    file = mount.path / "status/lockers/3/resource_name"

    def number_of(attempt, *arguments):
        with pytest.raises(OSError) as refused:
            attempt(*arguments)
        return refused.value.errno

    for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND):
        assert number_of(os.open, file, flags) == errno.EACCES
    for attempt in (
        (os.open, mount.path / "new", os.O_CREAT | os.O_WRONLY), (os.mkdir, mount.path / "new"),
        (os.unlink, file), (os.rmdir, mount.path / "status"), (os.chmod, file, 0o777),
        (os.truncate, file, 0), (os.rename, file, mount.path / "new"),
    ):  # fmt: skip
        assert number_of(*attempt) == errno.ENOSYS, attempt
    assert number_of(os.setxattr, file, "user.a", b"b") == errno.EOPNOTSUPP
    assert file.read_text() == "R\n"


def test_other_users_are_refused(place, mount):
    need_root()
    place.hold(*mount.words, "-r", "R")
    mount.path.parent.chmod(0o755)
    look = ["cat", str(mount.path / "status/lockers/3/resource_name")]
    assert subprocess.run(look, capture_output=True, check=False).stdout == b"R\n"
    refused = subprocess.run(
        look, capture_output=True, check=False, user=OTHER_UID, group=OTHER_UID, extra_groups=[]
    )
    assert b"Permission denied" in refused.stderr


def test_a_file_of_who_has_gone_reads_as_an_error(place, mount):
    place.hold(*mount.words, "-d", "-1", "-r", "R")
    peer = place.peer()
    assert peer.lock("R") == 1
    (number,) = os.listdir(mount.path / "status/lockers/3/waitings")
    with open(mount.path / f"status/lockers/3/waitings/{number}/lock_mode") as file:
        assert file.read() == "Exclusive"
        peer.sock.close()
        waitings = mount.path / "status/lockers/3/waitings"
        wait_for(lambda: not os.listdir(waitings), "the waiter's end")
        with pytest.raises(OSError, match="Input/output error"):
            os.pread(file.fileno(), 100, 0)


ENDS = {
    "quiesce": lambda place: place.run("-x"),
    "immediate": lambda place: place.shut_down(),
    "TERM": lambda place: kill(place.daemon(), signal.SIGTERM),
    "INT": lambda place: kill(place.daemon(), signal.SIGINT),
    "KILL": lambda place: kill(place.daemon()),
}


@pytest.mark.parametrize("end", ENDS)
def test_unmounted_at_every_end(end, place, mount):
    """Also while somebody stands in it and reads a file there."""
    assert place.run(*mount.words, "-d", "-1", "--", "true").returncode == 0
    inside = subprocess.Popen(["sleep", "1000"], cwd=mount.path / "status")
    try:
        assert mount.shown()
        ENDS[end](place)
        if end == "immediate":
            assert not mount.shown(), "-X returns when it is unmounted"
        mount.await_end()
        assert os.listdir(mount.path) == []
    finally:
        inside.kill()
        inside.wait()


def test_it_keeps_no_daemon_alive(place, mount):
    assert place.run(*mount.words, "-d", "300", "--", "true").returncode == 0
    looks = 0
    with contextlib.suppress(FileNotFoundError, OSError):
        while os.listdir(mount.path / "status"):
            looks += 1
            time.sleep(0.01)
    assert looks
    mount.await_end()
    place.await_no_daemon()


def test_its_process_is_killed(place, mount):
    """Locks go on, nothing dead stays behind, and the log says so."""
    daemon = place.start(*mount.words, program=(FLOMCTL, "daemon"))
    wait_for(lambda: place.listeners() and mount.shown(), "the daemon")
    holder = place.hold("-d", "0", "-r", "R")
    kill(mount.server())
    mount.await_end()
    assert os.listdir(mount.path) == []
    assert place.busy("R")
    holder.communicate("\n", timeout=BOUND)
    assert holder.returncode == 0
    daemon.terminate()
    _, log = daemon.communicate(timeout=BOUND)
    codes = [line[3:10] for line in log.splitlines() if "FLM015I" not in line]
    assert codes == ["FLM000I", "FLM003N", "FLM022I", "FLM121W", "FLM023I", "FLM007N", "FLM004N"]


def test_what_a_killed_daemon_left_is_unmounted_by_the_next(place, mount):
    assert place.run(*mount.words, "-d", "-1", "--", "true").returncode == 0
    server, daemon = mount.server(), place.daemon()
    kill(server, signal.SIGSTOP)  # so that it cannot unmount
    kill(daemon)
    wait_for(lambda: gone(daemon), "the daemon's end")
    kill(server)
    wait_for(lambda: gone(server), "the end of its file system")
    assert mount.shown()
    assert mounts.is_dead(str(mount.path))
    done = place.run(*mount.words, "--", "ls", mount.path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "status\n", "")


def test_in_the_foreground(place, mount):
    """Mounted before readiness is told, unmounted when it has ended."""
    daemon = place.start(*mount.words, program=(FLOMCTL, "daemon"))
    wait_for(place.listeners, "the daemon")
    wait_for(mount.shown, "the mount")
    daemon.terminate()
    _, log = daemon.communicate(timeout=BOUND)
    assert not mount.shown()
    codes = [line[3:10] for line in log.splitlines()]
    assert codes == ["FLM000I", "FLM003N", "FLM022I", "FLM007N", "FLM023I", "FLM004N"]
    assert str(mount.path) in log


def test_a_relative_directory(place, mount):
    done = place.run("-m", mount.path.name, "--", "ls", mount.path.name)
    assert (done.returncode, done.stdout) == (0, "status\n"), done.stderr


def test_a_network_daemon(places, mount):
    place = places("127.0.0.1")
    holder = place.hold(*mount.words, "-r", "R")
    name = mount.path / "status/lockers"
    (peer,) = name.glob("*/holders/*/peer_name")
    assert peer.read_text().startswith("127.0.0.1/")
    assert peer.read_text().split("/")[1].strip().isdigit()
    holder.communicate("\n", timeout=BOUND)
    place.shut_down()
    mount.await_end()


NOT_SHOWN = "flom: warning: the state is not shown in '"


def test_a_mount_that_fails_is_told_before_the_command_runs(place, mount):
    """Everything else works as without -m."""
    need_root()
    need_program("unshare")
    without = 'exec unshare -m sh -c \'mount --bind /dev/null /dev/fuse && exec "$@"\' sh "$@"'
    command = ("sh", "-c", "echo runs >&2; exit 7")
    done = place.run(*mount.words, "-d", "-1", "--", *command, shell=without)
    warning, ran = done.stderr.splitlines()
    assert done.returncode == 7
    assert ran == "runs"
    assert warning.startswith(f"{NOT_SHOWN}{mount.path}', but locks work: ")
    assert not mount.shown()
    assert place.run(*mount.words, "--", "true").stderr == "", "only who starts it is concerned"


def test_a_library_that_is_missing(place, mount):
    environ = {"FUSE_LIBRARY_PATH": "/nonexistent/libfuse3.so"}
    done = place.run(*mount.words, "-d", "-1", "--", "true", env=environ)
    assert done.returncode == 0
    assert "libfuse" in done.stderr
    assert "apt install fuse3" in done.stderr
    quiet = place.run("-X").returncode == 0 and place.run(
        *mount.words, "--quiet", "--", "true", env=environ
    )
    assert (quiet.returncode, quiet.stderr) == (0, "")


def test_a_directory_where_another_daemon_shows_its_state(places, place, mount):
    place.hold(*mount.words, "-r", "R")
    done = places().run(*mount.words, "-d", "100", "--", "true")
    assert done.returncode == 0
    assert "another daemon" in done.stderr
    assert done.stderr.count("\n") == 1, "one start is enough"
    assert (mount.path / "status/lockers/3/resource_name").read_text() == "R\n"


def test_a_program_starts_it_too(place, mount):
    program = (
        "import os, sys; from flom.cli.parse import parse; from flom.client.blocking import Lock\n"
        "from flom.settings import load\n"
        "s = load(parse(sys.argv[1:]).given, os.environ, os.getcwd(), print); s.check(print)\n"
        "lock = Lock(s, print); lock.connect(); lock.acquire()\n"
        "print(os.listdir(s.mount_point_vfs))"
    )
    python = str(pathlib.Path(FLOM).parent / "python")
    done = place.run(*mount.words, program=(python, "-c", program))
    assert (done.stdout, done.stderr) == ("['status']\n", "")
    place.shut_down()
    environ = {"FUSE_LIBRARY_PATH": "/nonexistent/libfuse3.so"}
    done = place.run(*mount.words, program=(python, "-c", program), env=environ)
    assert done.stdout.startswith("2 the state is not shown in ")


def test_a_process_that_stalls_harms_only_its_readers(place, mount):
    assert place.run(*mount.words, "-d", "-1", "--", "true").returncode == 0
    server = mount.server()
    kill(server, signal.SIGSTOP)
    reader = subprocess.Popen(["ls", "-lR", mount.path], stdout=subprocess.PIPE)
    try:
        for _ in range(20):
            assert place.run("-o", "20000", "--", "true").returncode == 0
        assert reader.poll() is None
    finally:
        kill(server, signal.SIGCONT)
        assert b"lockers" in reader.communicate(timeout=BOUND)[0]


def test_readers_of_a_stopped_daemon_are_told_of_an_error(place, mount):
    assert place.run(*mount.words, "-d", "-1", "--", "true").returncode == 0
    daemon = place.daemon()
    kill(daemon, signal.SIGSTOP)
    try:
        assert os.path.isdir(mount.path / "status"), "the mount point itself asks nobody"
        with pytest.raises(OSError, match="Input/output error"):
            os.listdir(mount.path / "status/lockers")
    finally:
        kill(daemon, signal.SIGCONT)
    shown = place.run("-d", "0", "--", "ls", mount.path / "status/lockers").stdout
    assert shown.strip().isdigit(), "and of the truth when it goes on"


def test_readers_and_locks_at_once(place, mount):
    """`find` and `cat` all the time while clients come, wait, and go."""
    assert place.run(*mount.words, "-d", "-1", "--", "true").returncode == 0
    over = threading.Event()
    seen = set()

    def watch():
        while not over.is_set():
            found = subprocess.run(
                f"ls -lR . && find . -type f && {EVERYTHING}", shell=True, cwd=mount.path,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            seen.update(found.stdout.splitlines())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        script = 'for i in 1 2 3 4 5 6 7 8; do flom -s "$0" -r R -- sleep 0.02 || exit; done'
        environ = {
            **environment(place.folder),
            "PATH": f"{pathlib.Path(FLOM).parent}:{os.environ['PATH']}",
        }
        loads = [subprocess.Popen(["sh", "-c", script, place.path], env=environ) for _ in range(4)]
        assert [load.wait(60) for load in loads] == [0] * 4
    finally:
        over.set()
        watcher.join(60)
    assert any("Exclusive" in line for line in seen)
