"""What a daemon takes at most: newcomers are told, others notice nothing (limits.md)."""

import pathlib
import resource

import pytest
from certificates import options
from support import (
    asleep,
    lock_message,
    message,
    stat_fields,
    wait_for,
)

import flom


@pytest.fixture(params=["unix", "127.0.0.1"])
def limited(request, places):
    """Starts a daemon with limits at a fresh place, and has a lock held there."""

    def start(*limits):
        place = places(request.param)
        place.keeper = place.hold("-d", "-1", *limits, "-r", "Keep")
        place.pid = place.daemon()
        return place

    return start


def refused(place, text):
    """A command is told the limit; the keeper is still there, with the same daemon."""
    done = place.run("-d", "0", "-r", "Another", "--", "true")
    assert done.returncode == 99
    assert text in done.stderr
    assert "ret_cod=-607" in done.stderr
    assert done.stderr.count("\n") == 1
    assert place.keeper.poll() is None
    assert place.listeners() == {place.pid}


def finish(place):
    """The keeper ends as if nothing had happened."""
    _, errors = place.keeper.communicate("\n", timeout=60)
    assert (place.keeper.returncode, errors) == (0, "")


@pytest.mark.parametrize("option", ["--max-connections", "--max-connections-per-peer"])
def test_connections(limited, option):
    place = limited(option, 3)
    others = [place.peer() for _ in range(2)]
    assert others[0].lock() == 0
    refused(place, "its limit of 3 connections")
    old = place.peer()
    old.send(lock_message("Another"))
    old.await_close()
    others[1].close()
    wait_for(lambda: place.run("-d", "0", "-r", "N", "--", "true").returncode == 0, "room")
    assert others[0].lock("Second") == 0
    finish(place)


def test_connections_far_beyond_the_limit(limited):
    """Those that cannot even be told are closed at once; -X is heard all the same."""
    place = limited("--max-connections", 2, "--message-timeout", "60000")
    other = place.peer()
    assert other.lock() == 0
    crowd = [place.peer() for _ in range(80)]
    for peer in crowd[64:]:
        peer.await_close()
    assert other.lock("Second") == 0
    for peer in crowd[:10]:
        peer.close()
    wait_for(lambda: asleep(place.pid), "a daemon that has noticed")
    refused(place, "its limit of 2 connections, --max-connections")
    place.shut_down()
    wait_for(lambda: not place.listeners(), "the end of the daemon")


def test_who_is_refused_and_says_nothing_is_closed(limited):
    place = limited("--max-connections", 1, "--message-timeout", 100)
    place.peer().await_close()
    finish(place)


def test_another_user_has_connections_of_his_own(place):
    """A peer of a UNIX socket is a user; limits of one do not concern the other."""
    from support import OTHER_UID, as_user, check_other_users_can_run_flom

    check_other_users_can_run_flom()
    place.folder.chmod(0o755)
    keeper = place.hold("-d", "-1", "--max-connections-per-peer", 1, "-r", "Keep")
    assert "--max-connections-per-peer" in place.run("-d", "0", "--", "true").stderr
    assert place.run("-d", "0", "--", "true", **as_user(OTHER_UID)).returncode == 0
    keeper.communicate("\n", timeout=60)


def test_queue(limited):
    """Holders and waiters count; an old client learns that the resource is busy."""
    place = limited("--max-queue", 2)
    waiter = place.wait("-r", "Keep")
    done = place.run("-d", "0", "-r", "Keep", "--", "true")
    assert (done.returncode, done.stderr.count("\n")) == (99, 1)
    assert "its limit of 2 holders and waiters of one resource, --max-queue" in done.stderr
    old = place.peer()
    assert old.lock("Keep") == 4
    assert old.lock("Other") == 0
    finish(place)
    assert waiter.communicate("\n", timeout=60)[1] == ""


def test_resources(limited):
    place = limited("--max-resources", 2)
    old = place.peer()
    assert old.lock("Second") == 0
    refused(place, "its limit of 2 resources, --max-resources")
    assert old.lock("Third") == 4
    assert place.run("-d", "0", "-r", "Keep", "-o", "0", "--", "true").returncode == 98
    finish(place)


def test_a_program_is_told(place):
    place.hold("-d", "-1", "--max-resources", 1, "-r", "Keep")
    with pytest.raises(flom.LimitReached, match="limit of 1 resources") as caught:
        flom.Client(f"unix://{place.path}").lock("Another").acquire()
    assert caught.value.rc == -607


def test_size_of_a_message(limited):
    place = limited("--max-message-size", 1000)
    peer = place.peer()
    peer.send(message(1, 8, f'<session peerid="{"x" * 1000}"/>'))
    peer.await_close()
    finish(place)


def test_time_for_a_message(limited):
    place = limited("--message-timeout", 100)
    silent, slow = place.peer(), place.peer()
    slow.send(lock_message()[:50])
    slow.await_close()
    assert silent.lock() == 0
    finish(place)


def test_time_until_the_first_message(limited):
    """Later nobody is hurried."""
    place = limited("--first-message-timeout", 300)
    talker = place.peer()
    assert talker.lock() == 0
    place.peer().await_close()
    talker.unlock()
    assert talker.lock() == 0
    finish(place)


def test_time_for_a_handshake(places, certificates):
    place = places("127.0.0.1")
    words = [*options(certificates), "--message-timeout", 100]
    assert place.run("-d", "-1", *words, "--", "true").returncode == 0
    place.peer().await_close()


def test_unread_answers(limited):
    """D-50: closed; what it held is free."""
    place = limited("--max-unread", 262144)
    peer, waiter = place.peer(), place.peer()
    assert peer.lock("Hog") == 0
    assert waiter.lock("Hog") == 1
    peer.sock.settimeout(60)
    with pytest.raises(ConnectionError):
        while True:
            peer.send(lock_message("Keep", wait=0) * 100)
    assert waiter.answer() == 0
    finish(place)


def test_long_names(limited):
    """More bytes or levels than a name may have."""
    place = limited()
    for name in ("a" * 4097, "/a" * 257):
        peer = place.peer()
        assert peer.lock(name) == -14
        peer.await_close()
    for name in ("a" * 4096, "/a" * 256):
        assert place.peer().lock(name) == 0
    finish(place)


@pytest.mark.parametrize("kind", ["unix", "127.0.0.1"])
def test_descriptors_run_out(places, kind):
    """Nobody spins, nobody who is there is hurt, and each end lets a newcomer in."""
    place = places(kind)

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (30, 40))

    assert place.run("-d", "-1", "--", "true", preexec_fn=limit).returncode == 0
    daemon = place.daemon()
    assert soft_limit(daemon) == 40
    crowd = [place.peer() for _ in range(60)]
    served = sum(1 for peer in crowd if answers(peer))
    assert 25 < served < 40
    wait_for(lambda: asleep(daemon), "a daemon at rest")
    before = ticks(daemon)
    with pytest.raises(TimeoutError):
        crowd[-1].sock.recv(1)
    assert ticks(daemon) - before <= 20  # of a second's hundred, in each of more than one second
    for peer in crowd[:served]:
        peer.close()
    for peer in crowd[served : served + 5]:
        peer.sock.settimeout(60)
        assert peer.answer() == 0
    assert place.listeners() == {daemon}


def answers(peer):
    """Whether a new peer is served within a while."""
    peer.sock.settimeout(0.3)
    try:
        return peer.lock(f"N{peer.sock.fileno()}") == 0
    except TimeoutError:
        peer.sock.settimeout(2)
        return False


def ticks(pid):
    """Processor time of a process, in hundredths of a second."""
    fields = stat_fields(pid)
    return int(fields[11]) + int(fields[12])


def soft_limit(pid):
    """Of open files."""
    lines = pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Max open files")).split()[3])


def test_commands_keep_their_descriptor_limit(place):
    """Only the daemon process raises it."""

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (50, 70))

    done = place.run("-d", "-1", "--", "sh", "-c", "ulimit -S -n", preexec_fn=limit)
    assert done.stdout == "50\n"
    assert soft_limit(place.daemon()) == 70
