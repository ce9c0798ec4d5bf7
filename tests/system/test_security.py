"""Users among each other: default paths, shared paths, modes (design, security of the socket)."""

import fcntl
import os
import pathlib
import pwd
import socket

import pytest
from support import OTHER_UID, Place, as_user, check_other_users_can_run_flom, need, status_of

# Users with a name, and without daemons or processes of their own.
LOGINS = ("nobody", "games", "man", "mail", "news", "backup", "list", "irc")


class DefaultPlace(Place):
    """The default path of a user."""

    def __init__(self, folder, login):
        super().__init__(folder, [])
        account = pwd.getpwnam(login)
        self.uid, self.gid = account.pw_uid, account.pw_gid
        self.path = pathlib.Path(f"/tmp/flom-{login}")
        self.lock_file = pathlib.Path(f"/tmp/flom-{login}.lock")

    def start(self, *words, **options):
        options = {"user": self.uid, "group": self.gid, "extra_groups": [], **options}
        return super().start(*words, **options)

    def daemons(self):
        return self.listeners()

    connect = None

    def inodes(self):
        lines = pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]
        rows = [line.split(maxsplit=7) for line in lines]
        return [r[6] for r in rows if r[7:] == [str(self.path)] and int(r[3], 16) & 0x10000]


def free_place(folder):
    """The default path of the first user that nobody has used, or left something of."""
    known = {account.pw_name for account in pwd.getpwall()}
    places = [DefaultPlace(folder, login) for login in LOGINS if login in known]
    for place in places:
        if not os.path.lexists(place.path) and not os.path.lexists(place.lock_file):
            return place
    return need(False, f"in use: {', '.join(str(place.path) for place in places)}")


@pytest.fixture
def default(folder):
    """The default path of a user that is not in use; one test at a time."""
    check_other_users_can_run_flom()
    folder.chmod(0o777)
    with open(__file__) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        place = free_place(folder)
        paths = (place.path, place.lock_file)
        yield place
        place.clear()
        for path in paths:
            if os.path.lexists(path):
                path.unlink()


def test_the_default_path_is_private(default):
    """Nobody else may connect, and nobody else may hold the lock file."""
    # D-1: whatever the environment says.
    liar = {"USER": "liar", "LOGNAME": "liar", "TMPDIR": "/var/tmp"}
    assert default.run("-d", "-1", "--", "true", env=liar).returncode == 0
    assert default.listeners()
    assert default.path.stat().st_mode & 0o7777 == 0o700
    assert default.lock_file.stat().st_mode & 0o7777 == 0o600
    assert {default.path.stat().st_uid, default.lock_file.stat().st_uid} == {default.uid}
    done = default.run("-X")
    assert done.returncode == 0
    assert not default.path.exists()


def test_another_user_cannot_use_the_default_path(default):
    """Its mode says so."""
    assert default.run("-d", "-1", "--", "true").returncode == 0
    for words in (("-X",), ("--", "true")):
        done = default.run("-s", default.path, *words, **as_user(OTHER_UID))
        assert (done.returncode, "ret_cod=-105" in done.stderr) == (99, True)
    assert default.listeners()


def squat(path, uid):
    """A socket at `path` that somebody else listens on."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(5)
    os.chmod(path, 0o777)
    os.chown(path, uid, uid)
    return listener


@pytest.mark.parametrize("words", [("--", "true"), ("-d", "0", "--", "true"), ("-X",)])
def test_squatted_socket(default, words):
    """The socket belongs to somebody else: not trusted, said in one line, nothing sent."""
    with squat(default.path, OTHER_UID) as listener:
        done = default.run(*words)
        assert done.returncode == 99
        assert f"belongs to user id {OTHER_UID}" in done.stderr
        assert str(default.path) in done.stderr
        assert "-s" in done.stderr
        assert done.stderr.count("\n") == 1
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_socket_with_somebody_else_behind_it(default, folder):
    """The path leads elsewhere: who listens there counts, and is told nothing."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "theirs"))
        os.chmod(folder / "theirs", 0o777)
        os.seteuid(OTHER_UID)
        try:
            listener.listen(5)  # the kernel notes who does this
        finally:
            os.seteuid(0)
        default.path.symlink_to(folder / "theirs")
        done = default.run("--", "true")
        assert done.returncode == 99
        assert f"user id {OTHER_UID}" in done.stderr
        peer, _ = listener.accept()
        with peer:
            assert peer.recv(100) == b""


def test_stale_socket_of_somebody_else(default):
    """Not removed, not replaced, refused."""
    squat(default.path, OTHER_UID).close()
    done = default.run("--", "true")
    assert done.returncode == 99
    assert f"user id {OTHER_UID}" in done.stderr
    assert default.path.is_socket()


def test_socket_of_root(default):
    """Root may serve everybody."""
    listener = squat(default.path, 0)
    with listener:
        done = default.run("-o", "300", "--", "true")
    # Nobody answers there, but it was trusted.
    assert done.returncode == 98, done.stderr


def test_squatted_lock_file(default):
    """Somebody else could hold it for ever."""
    default.lock_file.touch(0o666)
    default.lock_file.chmod(0o666)
    os.chown(default.lock_file, OTHER_UID, OTHER_UID)
    done = default.run("--", "true")
    assert done.returncode == 99
    assert "ret_cod=-120" in done.stderr
    assert str(default.lock_file) in done.stderr
    assert f"user id {OTHER_UID}" in done.stderr
    assert not default.path.exists()


def test_lock_file_that_points_elsewhere(default, folder):
    """Links are not followed: nothing is created at their end."""
    default.lock_file.symlink_to(folder / "elsewhere")
    done = default.run("--", "true")
    assert (done.returncode, "ret_cod=-120" in done.stderr) == (99, True)
    assert not (folder / "elsewhere").exists()


def test_lock_file_that_is_a_pipe(default):
    """It would block whoever opens it."""
    os.mkfifo(default.lock_file, 0o666)
    os.chown(default.lock_file, default.uid, default.gid)
    done = default.run("--", "true")
    assert (done.returncode, "ret_cod=-120" in done.stderr) == (99, True)


def test_lock_file_of_older_versions(default):
    """One's own with mode 0666 is used and closed to others."""
    default.lock_file.touch()
    default.lock_file.chmod(0o666)
    os.chown(default.lock_file, default.uid, default.gid)
    assert default.run("--", "true").returncode == 0
    assert default.lock_file.stat().st_mode & 0o7777 == 0o600


# Paths that are named


@pytest.fixture
def shared(place):
    """A path that two users name; the folder is like /tmp."""
    check_other_users_can_run_flom()
    place.folder.chmod(0o1777)
    return place


def test_two_users_share_a_path(shared):
    """D-20: lock against each other, and shut down."""
    holder = shared.hold("-d", "-1")
    theirs = as_user(OTHER_UID)
    assert shared.run("-r", "R", "-o", "0", "--", "true", **theirs).returncode == 98
    waiter = shared.ask("-r", "R", status=3, **theirs)
    shared.await_queued(waiter)
    holder.communicate("\n", timeout=30)
    assert waiter.stdout.readline() == "held\n"
    waiter.communicate("\n", timeout=30)
    assert waiter.returncode == 3
    assert shared.run("-X", **theirs).returncode == 0
    shared.await_no_daemon()


def test_either_user_starts_the_daemon(shared):
    """The lock file stays from the first, in a sticky folder, and does not hinder the second."""
    for user in (0, OTHER_UID, 0):
        assert shared.run("-d", "-1", "--", "true", **as_user(user)).returncode == 0
        assert shared.run("-X", **as_user(user)).returncode == 0
        shared.await_no_daemon()


def test_stale_socket_of_another_user_in_a_sticky_folder(shared):
    """daemon.md 4.3: it cannot be removed, and that is said."""
    assert shared.run("-d", "-1", "--", "true").returncode == 0
    os.kill(shared.daemon(), 9)
    shared.await_no_daemon()
    done = shared.run("--", "true", **as_user(OTHER_UID))
    assert (done.returncode, "ret_cod=-141" in done.stderr) == (99, True)
    assert not shared.daemons()


@pytest.mark.parametrize(("mode", "status"), [("0700", 99), ("0777", 0)])
def test_socket_mode(shared, mode, status):
    """--socket-mode decides who may connect."""
    assert shared.run("-d", "-1", "--socket-mode", mode, "--", "true").returncode == 0
    assert shared.path.stat().st_mode & 0o7777 == int(mode, 8)
    done = shared.run("--", "true", **as_user(OTHER_UID))
    assert done.returncode == status
    if status:
        assert "flom_client_connect: ret_cod=-105" in done.stderr


def test_socket_mode_from_a_file(place):
    """[Daemon]/SocketMode, and the starter's umask does not matter."""
    (place.folder / "conf").write_text("[Daemon]\nSocketMode=0750\n")
    done = place.run(
        *("-c", place.folder / "conf", "-d", "-1", "--", "sh", "-c", "umask"), umask=0o077
    )
    assert (done.returncode, done.stdout) == (0, "0077\n")
    assert place.path.stat().st_mode & 0o7777 == 0o750


# Links and permissions


@pytest.mark.parametrize("end", ["file", "nothing"])
def test_a_link_at_the_socket(place, end):
    """Neither followed nor replaced: what it leads to stays as it is, or stays absent."""
    target = place.folder / "target"
    if end == "file":
        target.write_text("precious")
    place.path.symlink_to(target)
    done = place.run("--", "true")
    assert done.returncode == 99
    assert str(place.path) in done.stderr
    assert place.path.is_symlink()
    assert (target.read_text() if end == "file" else target.exists()) in ("precious", False)


def test_a_link_at_the_lock_file_of_a_named_socket(place):
    """Whoever may write into the folder could otherwise let others create files for him."""
    place.lock_file.symlink_to(place.folder / "target")
    done = place.run("--", "true")
    assert (done.returncode, "ret_cod=-120" in done.stderr) == (99, True)
    assert not (place.folder / "target").exists()


@pytest.mark.parametrize("kind", ["pipe", "folder", "theirs"])
@pytest.mark.parametrize("option", ["-t", "-T"])
def test_a_trace_file_that_cannot_be_written(shared, option, kind):
    """It delays nobody and fails nothing but the trace, and it stays as it is."""
    trace = shared.folder / "trace"
    if kind == "pipe":
        os.mkfifo(trace, 0o666)
    elif kind == "folder":
        trace.mkdir()
    else:
        trace.write_text("precious")
        trace.chmod(0o600)
    mask = {"FLOM_TRACE_MASK": "0xffff"}
    done = shared.run(option, trace, "--", "true", env=mask, **as_user(OTHER_UID))
    assert done.returncode == 0, done.stderr
    if kind == "theirs":
        assert trace.read_text() == "precious"


def test_a_mount_point_of_somebody_else(shared):
    """Not hidden behind files of ours; the lock does not depend on it."""
    point = shared.folder / "theirs"
    point.mkdir(0o755)
    (point / "precious").touch()
    done = shared.run("-m", point, "-d", "-1", "--", "true", **as_user(OTHER_UID))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in point.iterdir()] == ["precious"]
    assert shared.run("-X", **as_user(OTHER_UID)).returncode == 0


# What callers bring along

HOSTILE = {
    "long": "x" * 100_000,
    "quotes": "\"'><msg/>&amp;",
    "lines": "a\nb\r\n",
    "not text": os.fsdecode(b"\xff\xfe"),
    "numbers": "-99999999999999999999999999",
}
NAMES = ("FLOM_SESSION", "FLOM_TRACE_MASK", "FLOM_TRACE_FILE", "FLOM_RESOURCE", "USER", "LANG")


@pytest.mark.parametrize("value", HOSTILE)
def test_an_environment_full_of_nonsense(place, value):
    """It is not believed, and not answered with a traceback; the command gets it as it is."""
    hostile = dict.fromkeys(NAMES, HOSTILE[value])
    assert place.run("-d", "-1", "--", "true").returncode == 0
    done = place.run("--", "sh", "-c", 'printf %s "$USER" | wc -c', env=hostile)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert int(done.stdout) == len(os.fsencode(HOSTILE[value]))
    assert place.run("-o", "0", "--", "true").returncode == 0


def test_modules_of_the_caller_are_not_loaded(place):
    """PYTHONPATH and the working folder say what Python programs load, and flom is none of them."""
    evil = "import sys; sys.exit(66)\n"
    for name in ("errno.py", "fcntl.py", "heapq.py", "flom.py", "sitecustomize.py"):
        (place.folder / name).write_text(evil)
    (place.folder / "start").write_text(evil)
    python = {"PYTHONPATH": str(place.folder), "PYTHONSTARTUP": str(place.folder / "start")}
    done = place.run("-d", "-1", "--", "true", env=python)
    assert (done.returncode, done.stderr) == (0, "")


HUGE = {
    "units": {"name": "n[99999999999999999999]"},
    "many units": {"name": "n[2000000000]", "quantity": 2_000_000_000},
    "quantity": {"name": "n[5]", "quantity": 10**30},
    "negative quantity": {"name": "n[5]", "quantity": -(10**30)},
    "places of a sequence": {"name": "_s_n[99999999999]"},
    "places of a timestamp": {"name": "_t_%S#ff[99999999999]"},
    "width of a timestamp": {"name": "_t_%999999999S[2]"},
    "members": {"name": ".".join("abcdefgh"[i % 8] for i in range(100))},
    "levels": {"name": "/a" * 100},
    "lifespan": {"name": "R", "lifespan": 10**30},
}


@pytest.mark.parametrize("what", HUGE)
def test_huge_numbers_cost_nothing(place, what):
    """Answered, or the end of that one connection; the others are served as before."""
    holder = place.hold("-d", "-1")
    pid = place.daemon()
    before = int(status_of(pid)["VmRSS"].split()[0])
    for _ in range(20):
        peer = place.peer()
        peer.lock(wait=0, **HUGE[what])
        peer.close()
    assert place.busy()
    assert int(status_of(pid)["VmRSS"].split()[0]) < before + 20_000
    holder.communicate("\n", timeout=30)
    assert place.run("-o", "1000", "-r", "R", "--", "true").returncode == 0
    assert place.daemon() == pid


HUGE_WORDS = (
    ("-r", "n[" + "9" * 4000 + "]"),
    ("-r", "n[5]", "-q", "9" * 5000),
    ("-r", "a" * 100_000),
    ("-r", "/a" * 50_000),
    ("-o", "9" * 5000),
    ("-d", "-" + "9" * 5000),
)


@pytest.mark.parametrize("words", HUGE_WORDS, ids=lambda words: f"{words[0]} {words[-1][:3]}")
def test_huge_arguments(place, words):
    """Refused in one line, or taken for what they mean; never a traceback."""
    done = place.run(*words, "--", "true")
    assert done.returncode in (0, 99)
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 1
