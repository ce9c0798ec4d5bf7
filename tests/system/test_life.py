"""The daemon from its start to its end (daemon.md 3 to 7)."""

import os
import resource
import signal
import time

import pytest
from support import (
    OTHER_UID,
    Peer,
    gone,
    lock_message,
    need_program,
    need_root,
    shutdown_message,
    signal_set,
    stat_fields,
    status_of,
    wait_for,
    words_of,
)

DEFAULT_LIFESPAN = 5.0


class Moment:
    """Seconds since a moment; lower bounds are strict, upper ones ten times wider."""

    def __init__(self):
        self._began = time.monotonic()

    def past(self):
        return time.monotonic() - self._began


# Whom to start, whom not


def test_no_daemon_is_started_for_lifespan_zero(any_place):
    """D-4."""
    done = any_place.run("-d", "0", "--", "true")
    assert done.returncode == 99
    assert "flom_client_connect: ret_cod=-105" in done.stderr
    assert not any_place.daemons()
    assert [entry.name for entry in any_place.folder.iterdir()] == []


def test_a_daemon_is_started_for_the_default_lifespan(any_place):
    """D-5."""
    done = any_place.run("--", "sh", "-c", "echo out; echo err >&2; exit 42")
    assert (done.returncode, done.stdout, done.stderr) == (42, "out\n", "err\n")
    assert any_place.daemons() == {any_place.daemon()}


def test_the_daemon_that_runs_is_used(any_place):
    """D-5."""
    assert any_place.run("--", "true").returncode == 0
    daemon = any_place.daemon()
    assert any_place.run("-d", "0", "--", "true").returncode == 0
    assert any_place.run("--", "true").returncode == 0
    assert any_place.daemons() == {daemon}


def test_no_daemon_for_an_address_that_is_not_ours(places):
    """D-7: the port is closed on the other host, and here it cannot be bound."""
    place = places("127.0.0.1")
    # Nobody's address (RFC 5737), and the time limit bounds a network that drops packets.
    place.words = ["-a", "192.0.2.1", "-p", str(place.port)]
    done = place.run("-d", "1000", "-o", "1500", "--", "true")
    assert done.returncode == 99
    assert "flom_client_connect: ret_cod=-2" in done.stderr
    assert not place.daemons()


def test_no_daemon_for_a_name_that_cannot_be_resolved(places):
    """D-6."""
    place = places("127.0.0.1")
    place.words = ["-a", "no.such.host.invalid", "-p", str(place.port)]
    done = place.run("--", "true")
    assert (done.returncode, "ret_cod=-110" in done.stderr) == (99, True), done.stderr
    assert not place.daemons()


def test_socket_and_address_exclude_each_other(place):
    """D-2."""
    done = place.run("-a", "127.0.0.1", "--", "true")
    assert (done.returncode, done.stdout) == (99, "")
    assert done.stderr
    assert not place.daemons()
    assert not place.path.exists()


def test_a_refusing_address_before_a_serving_one(places, folder):
    """D-11: one name, two addresses; the daemon is at the second."""
    need_root()
    need_program("unshare")
    place = places("127.0.0.1")
    assert place.run("-d", "-1", "--", "true").returncode == 0
    (folder / "hosts").write_text("127.0.0.2 two.test\n127.0.0.1 two.test\n")
    place.words = ["-a", "two.test", "-p", str(place.port)]
    # Hosts files of our own are for us alone, and so is the view of the file system they are in.
    mount = f'mount --bind {folder}/hosts /etc/hosts && exec "$@"'
    done = place.run(
        *("-d", "0", "--", "sh", "-c", "exit 3"),
        shell=f"exec unshare -m sh -c '{mount}' sh \"$@\"",
    )
    place.words = ["-a", "127.0.0.1", "-p", str(place.port)]
    assert done.returncode == 3, done.stderr


# The process


def test_shape_of_the_daemon(place):
    """D-12, and daemon.md 4.2."""
    starter = place.start("-d", "-1", "--", "true")
    assert starter.wait(30) == 0
    daemon = place.daemon()
    fields = stat_fields(daemon)
    parent, group, session, terminal = map(int, fields[1:5])
    assert parent in (1, _reaper(parent))
    assert group == session != daemon
    assert session != os.getsid(0)
    assert terminal == 0
    assert os.readlink(f"/proc/{daemon}/cwd") == "/"
    assert words_of(daemon)[-len(starter.args) + 1 :] == starter.args[1:]
    status = status_of(daemon)
    assert status["Name"] == "flom"
    assert int(status["Umask"], 8) == 0
    assert signal_set(status["SigIgn"]) >= {signal.SIGHUP, signal.SIGPIPE}
    assert not signal_set(status["SigBlk"])


def _reaper(pid):
    """The process if it is a subreaper's or init's place for orphans: nothing of ours."""
    return pid if pid not in (os.getpid(), os.getppid()) else 1


def test_descriptors_of_the_daemon(place, folder):
    """daemon.md 4.2: null device, and nothing of the caller's."""
    with open(folder / "callers", "w") as file:
        place.run(
            *("-d", "-1", "--", "true"), shell='exec "$@" 3>&1 9>&1', pass_fds=[file.fileno()]
        )
    opened = {
        number: os.readlink(f"/proc/{place.daemon()}/fd/{number}")
        for number in os.listdir(f"/proc/{place.daemon()}/fd")
    }
    assert [opened.pop(number) for number in "012"] == ["/dev/null"] * 3
    kinds = sorted(target.partition(":")[0] for target in opened.values())
    allowed = {"socket", "anon_inode", "pipe", str(place.lock_file)}
    assert set(kinds) <= allowed, opened
    # A pipe to itself for signals, nobody else's: its reader and its writer are both here.
    pipes = [target for target in opened.values() if target.startswith("pipe")]
    assert all(pipes.count(target) == 2 for target in pipes)


def test_output_of_the_starter_ends_with_its_command(place):
    """D-13: nobody waits for the daemon; `run` reads both pipes to their ends."""
    script = 'x=$("$@" -d -1 -- echo hi); echo "<$x>"'
    done = place.run(shell=script)
    assert done.stdout == "<hi>\n"
    assert place.daemons()


def test_a_pipe_on_a_high_descriptor_does_not_stay_open(place):
    """D-13: the pipe has its end when the command has ended."""
    need_program("bash")
    script = f"""bash -c '"$@" -d -1 -- echo hi 77>&1' sh {" ".join(_flom(place))} | cat"""
    done = place.run(shell=script)
    assert done.stdout == "hi\n"
    assert place.daemons()


def _flom(place):
    from support import FLOM

    return [FLOM, *place.words]


def test_path_of_107_bytes(places, folder):
    """D-3."""
    place = places()
    longest = str(folder / ("x" * (107 - len(str(folder)) - 1)))
    place.words = ["-s", longest]
    assert place.run("-d", "1", "--", "true").returncode == 0
    place.await_no_daemon()
    place.words = ["-s", longest + "x"]
    done = place.run("--", "true")
    assert (done.returncode, "ret_cod=-9" in done.stderr) == (99, True)
    assert not place.daemons()


def test_relative_path_belongs_to_the_callers_folder(places):
    """daemon.md 2 (F20)."""
    place = places()
    place.words = ["-s", place.path.name]
    assert place.run("-d", "-1", "--", "true").returncode == 0
    assert place.path.is_socket()
    assert not (place.path.parent.parent / place.path.name).exists()
    assert place.listeners()


def test_environment_of_the_daemon_is_the_starters(place):
    """daemon.md 4.2."""
    assert place.run("-d", "-1", "--", "true", env={"TOLD_TO": "keep"}).returncode == 0
    with open(f"/proc/{place.daemon()}/environ", "rb") as file:
        assert b"TOLD_TO=keep" in file.read().split(b"\0")


# What is at the path already


def test_stale_socket(place):
    """D-18."""
    assert place.run("-d", "-1", "--", "true").returncode == 0
    os.kill(place.daemon(), signal.SIGKILL)
    place.await_no_daemon()
    refused = place.run("-d", "0", "--", "true")
    assert (refused.returncode, "ret_cod=-105" in refused.stderr) == (99, True)
    assert place.run("--", "true").returncode == 0


def test_regular_file_is_left_alone(place):
    """D-19."""
    place.path.write_text("precious")
    done = place.run("--", "true")
    assert (done.returncode, "ret_cod=-" in done.stderr) == (99, True)
    assert place.path.read_text() == "precious"
    assert not place.daemons()


def test_folder_at_the_path(place):
    """D-19."""
    place.path.mkdir()
    done = place.run("--", "true")
    assert done.returncode == 99
    assert "flom_client_connect: ret_cod=-141" in done.stderr
    assert place.path.is_dir()


def test_folder_of_the_path_is_missing(places):
    """daemon.md 4.3."""
    place = places()
    place.words = ["-s", f"{place.path}/missing"]
    done = place.run("--", "true")
    assert done.returncode == 99
    assert "flom_client_connect: ret_cod=-120" in done.stderr


def test_socket_and_lock_file(place):
    """D-20: everybody may use a path that was given; the lock file stays."""
    assert place.run("--", "true").returncode == 0
    assert place.path.stat().st_mode & 0o7777 == 0o777
    assert place.lock_file.stat().st_mode & 0o7777 == 0o666
    place.shut_down()
    place.await_no_daemon()
    assert not place.path.exists()
    assert place.lock_file.exists()


def test_process_limit(place):
    """D-21: whatever fork fails, the command says so and nothing hangs or stays."""
    need_root()
    place.folder.chmod(0o777)
    probe = place.start("-v", user=OTHER_UID, group=OTHER_UID, extra_groups=[])
    if probe.wait(30) != 0:
        pytest.skip("another user cannot run the interpreter where it is installed")
    statuses = []
    # The shell that starts the interpreter needs two processes itself.
    for limit in range(2, 6):
        done = place.run(
            *("-d", "-1", "--", "true"),
            user=OTHER_UID,
            group=OTHER_UID,
            extra_groups=[],
            preexec_fn=lambda most=limit: resource.setrlimit(resource.RLIMIT_NPROC, (most, most)),
        )
        statuses.append(done.returncode)
        if done.returncode == 0:
            break
        assert done.stderr
        assert not place.daemons()
        assert not place.path.exists()
    assert statuses[-1] == 0
    assert statuses[:-1]
    assert set(statuses[:-1]) == {99}


# How long


def test_two_seconds_and_the_lifespan(place):
    """D-22."""
    assert place.run("-d", "3000", "--", "true").returncode == 0
    unlocked = Moment()
    daemon = place.daemon()
    wait_for(lambda: gone(daemon), "the daemon's end", bound=60)
    assert unlocked.past() >= 1.0
    assert not place.path.exists()


@pytest.mark.parametrize("idle", [0, 300])
def test_window_of_the_end_after_a_lock(place, idle):
    """daemon.md 6.1, and its promise: the full lifespan at least."""
    assert place.run("-d", "600", "-i", idle, "--", "true").returncode == 0
    unlocked = Moment()
    daemon = place.daemon()
    wait_for(lambda: gone(daemon), "the daemon's end", bound=10 * (2.5 + 0.6 + idle / 1000))
    assert unlocked.past() >= 0.6


def test_window_of_the_end_after_a_bare_connection(any_place):
    """daemon.md 6.1: no resource exists."""
    assert any_place.run("-d", "900", "-e", "no", "-o", "0", "--", "true").returncode == 96
    daemon = any_place.daemon()
    any_place.connect().close()
    closed = Moment()
    wait_for(lambda: gone(daemon), "the daemon's end", bound=34)
    assert closed.past() >= 0.9


def test_tiny_lifespan_does_not_cheat_the_starter(place):
    """F29."""
    for lifespan in range(1, 5):
        assert place.run("-d", lifespan, "-i", "1", "--", "true").returncode == 0


@pytest.mark.parametrize("user", ["holder", "silent connection", "waiting for a creation"])
def test_whoever_is_connected_keeps_the_daemon_alive(any_place, user):
    """D-23, D-31, daemon.md 6.1: three lifespans long, and then it ends."""
    assert any_place.run("-d", "500", "-e", "no", "-o", "0", "--", "true").returncode == 96
    peer = any_place.peer()
    if user == "holder":
        assert peer.lock() == 0
    elif user != "silent connection":
        assert peer.lock(create=0) == 2
    daemon = any_place.daemon()
    connected = Moment()
    wait_for(lambda: gone(daemon) or connected.past() > 1.5, "time")
    assert not gone(daemon)
    peer.close()
    left = Moment()
    wait_for(lambda: gone(daemon), "the daemon's end", bound=30)
    assert left.past() >= 0.5


def test_commands_that_hold_for_long(place):
    """D-23: the holder lives several lifespans."""
    holder = place.hold("-d", "300", status=7)
    daemon = place.daemon()
    since = Moment()
    wait_for(lambda: gone(daemon) or since.past() > 1.5, "time")
    assert not gone(daemon)
    holder.communicate("\n", timeout=30)
    assert holder.returncode == 7
    wait_for(lambda: gone(daemon), "the daemon's end", bound=35)


def test_a_later_command_does_not_prolong(place):
    """D-10."""
    assert place.run("-d", "300", "--", "true").returncode == 0
    daemon = place.daemon()
    assert place.run("-d", "-1", "--", "true").returncode == 0
    assert place.daemon() == daemon
    wait_for(lambda: gone(daemon), "the daemon's end", bound=30)


def test_negative_lifespan(place):
    """D-24: idle for longer than a short-lived daemon needs to end."""
    other_words = ["-s", str(place.folder / "short")]
    assert place.run("-d", "-1", "--", "true").returncode == 0
    daemon = place.daemon()
    mine, place.words = place.words, other_words
    assert place.run("-d", "1000", "--", "true").returncode == 0
    place.await_no_daemon()
    place.words = mine
    assert not gone(daemon)


# Shutdown requests


def test_quiesce_of_an_idle_daemon(any_place):
    """D-25."""
    assert any_place.run("-d", "-1", "-e", "no", "-o", "0", "--", "true").returncode == 96
    done = any_place.run("-x")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Starting FLoM daemon quiesce shutdown...\n"
    any_place.await_no_daemon()


def test_quiesce_waits_for_holder_and_waiters(any_place):
    """D-25, D-26: everybody is served and keeps the exit code of the command."""
    holder = any_place.hold("-d", "-1", status=7)
    waiters = [any_place.wait("-d", "-1", status=status) for status in (8, 9)]
    assert any_place.run("-x").returncode == 0
    for status, process in zip((7, 8, 9), (holder, *waiters), strict=True):
        out, err = process.communicate("\n", timeout=60)
        assert (process.returncode, err) == (status, "")
        assert out in ("", "held\n")
    any_place.await_no_daemon()


def test_quiesce_does_not_wait_for_creations(any_place):
    """F22."""
    assert any_place.run("-d", "-1", "-e", "no", "-o", "0", "--", "true").returncode == 96
    parked = any_place.peer()
    assert parked.lock(create=0) == 2
    assert any_place.run("-x").returncode == 0
    assert parked.answer() is None
    any_place.await_no_daemon()


@pytest.mark.parametrize("how", ["-x", "-X"])
def test_nobody_to_shut_down(any_place, how):
    """D-28."""
    done = any_place.run(how, "-d", "-1", "--", "touch", any_place.folder / "ran")
    assert done.returncode == 99
    assert done.stdout.startswith("Starting FLoM daemon ")
    assert "ret_cod=-2" in done.stderr
    assert not any_place.daemons()
    assert not (any_place.folder / "ran").exists()


def test_shutdown_does_not_run_a_command(place):
    """cli.md C-49."""
    assert place.run("--", "true").returncode == 0
    assert place.run("-X", "--", "touch", place.folder / "ran").returncode == 0
    place.await_no_daemon()
    assert not (place.folder / "ran").exists()


@pytest.mark.parametrize("immediate", [0, 1])
def test_shutdown_by_somebody_who_does_not_wait(any_place, immediate):
    """daemon.md 7: what was sent is read before the close is acted upon."""
    assert any_place.run("-d", "-1", "-e", "no", "-o", "0", "--", "true").returncode == 96
    peer = any_place.peer()
    peer.send(shutdown_message(immediate))
    peer.close()
    any_place.await_no_daemon()


def test_immediate_shutdown_stops_a_daemon_without_end(any_place):
    """D-27, without anybody else."""
    assert any_place.run("-d", "-1", "--", "true").returncode == 0
    done = any_place.run("-X")
    assert (done.returncode, done.stderr) == (0, "")
    any_place.await_no_daemon()
    if any_place.words[0] == "-s":
        assert not any_place.path.exists()


# Signals to the daemon


def test_signals_that_do_not_matter(any_place):
    """D-30: HUP, PIPE, STOP and CONT leave locks and queues as they are."""
    holder = any_place.hold("-d", "-1", status=5)
    waiter = any_place.wait(status=6)
    daemon = any_place.daemon()
    for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGSTOP, signal.SIGCONT):
        os.kill(daemon, number)
        if number == signal.SIGSTOP:
            wait_for(lambda: stat_fields(daemon)[0] == "T", "a stopped daemon")
    assert any_place.busy()
    assert holder.communicate("\n", timeout=60)[1] == ""
    assert waiter.communicate("\n", timeout=60)[1] == ""
    assert (holder.returncode, waiter.returncode) == (5, 6)


def test_a_stopped_daemon_serves_when_it_goes_on(any_place):
    """D-30: a command that came meanwhile has waited."""
    assert any_place.run("-d", "-1", "--", "true").returncode == 0
    daemon = any_place.daemon()
    os.kill(daemon, signal.SIGSTOP)
    asker = any_place.start("--", "sh", "-c", "exit 3")
    peer = Peer(any_place.connect())
    peer.send(lock_message("other"))
    os.kill(daemon, signal.SIGCONT)
    assert asker.wait(60) == 3
    assert peer.answer() == 0
    peer.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_that_end_the_daemon_leave_nothing(place, number):
    """daemon.md 8."""
    assert place.run("-d", "-1", "--", "true").returncode == 0
    os.kill(place.daemon(), number)
    place.await_no_daemon()
    assert not place.path.exists()
