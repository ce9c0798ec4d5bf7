"""Those who hold and those who wait: deaths on either side, order, exclusion (daemon.md 14)."""

import os
import signal
import subprocess

import pytest
from support import gone, kill, wait_for

CROWD = 200


def finish(process, status=0):
    """Lets the command of a holder end."""
    out, errors = process.communicate("\n", timeout=60)
    assert (process.returncode, errors) == (status, "")
    return out


def test_the_next_waiter_runs_when_the_holder_is_killed(any_place):
    """daemon.md 14; the holder's command keeps running, as documented."""
    holder = any_place.hold("-d", "-1")
    waiter = any_place.wait(status=4)
    holder.kill()
    assert waiter.stdout.readline() == "held\n"
    assert finish(waiter, 4) == ""
    assert holder.wait(30) == -signal.SIGKILL


def test_the_next_waiter_is_served_when_one_is_killed(any_place):
    """daemon.md 14."""
    holder = any_place.hold("-d", "-1")
    killed = any_place.wait()
    waiter = any_place.wait(status=4)
    killed.kill()
    killed.wait(30)
    finish(holder)
    assert waiter.stdout.readline() == "held\n"
    finish(waiter, 4)


def test_a_killed_waiter_never_gets_the_lock(any_place):
    """The only waiter dies: the lock is free when the holder goes."""
    holder = any_place.hold("-d", "-1")
    killed = any_place.wait()
    killed.kill()
    finish(holder)
    wait_for(lambda: not any_place.busy(), "a free lock")
    assert killed.communicate(timeout=30)[0] == ""


@pytest.mark.parametrize("end", ["close", "reset", "half close"])
def test_ends_of_a_connection(places, end):
    """daemon.md 14: TCP reset, close, half close by holder and by waiter."""
    place = places("127.0.0.1")
    keeper = place.hold("-d", "-1", "-r", "other")
    holder, dead, waiter = (place.peer() for _ in range(3))
    assert [peer.lock() for peer in (holder, dead, waiter)] == [0, 1, 1]
    for peer in (dead, holder):
        if end == "half close":
            peer.sock.shutdown(1)
            assert peer.answer() is None
        else:
            getattr(peer, end)()
    assert waiter.answer() == 0
    finish(keeper)


def test_two_hundred_are_served_in_order(any_place):
    """A queue of two hundred, and commands in its middle and at its end."""
    keeper = any_place.hold("-d", "-1", "-r", "other")
    holder = any_place.peer()
    assert holder.lock() == 0
    queue = []
    for count in range(CROWD):
        if count in (CROWD // 2, CROWD - 1):
            queue.append(any_place.wait())
        queue.append(any_place.peer())
        assert queue[-1].lock() == 1
    order = []
    holder.unlock()
    for place_in_queue, waiter in enumerate(queue):
        if isinstance(waiter, subprocess.Popen):
            assert waiter.stdout.readline() == "held\n"
            finish(waiter)
        else:
            assert waiter.answer() == 0
            _none_after_it_is_served(queue[place_in_queue + 1 :])
            waiter.unlock()
            waiter.close()
        order.append(place_in_queue)
    assert order == list(range(CROWD + 2))
    finish(keeper)


def _none_after_it_is_served(others):
    for peer in others[:3]:
        if not isinstance(peer, subprocess.Popen):
            peer.sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                peer.sock.recv(1)
            peer.sock.settimeout(30)


def test_thirty_commands_in_order(place):
    """Real commands only: they run in the order in which they were queued."""
    holder = place.hold("-d", "-1")
    waiters = []
    for count in range(30):
        waiters.append(
            place.start(
                "-r", "R", "--", "sh", "-c", 'echo $1 >>"$2"', "sh", count, place.folder / "order"
            )
        )
        place.await_queued(waiters[-1])
    finish(holder)
    assert [waiter.wait(60) for waiter in waiters] == [0] * 30
    assert (place.folder / "order").read_text().split() == [str(count) for count in range(30)]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_holder_and_waiters_die_at_one_moment(any_place, number):
    """One signal to the process group of a holder and its waiters, again and again."""
    survivor = any_place.hold("-d", "-1", "-r", "other")
    daemon = any_place.daemon()
    for _ in range(5):
        leader = any_place.hold(process_group=0)
        group = [any_place.ask(process_group=leader.pid) for _ in range(5)]
        for process in group:
            any_place.await_queued(process)
        outsider = any_place.wait(status=6)
        os.killpg(leader.pid, number)
        for process in (leader, *group):
            assert process.wait(60) == -number
        assert outsider.stdout.readline() == "held\n"
        finish(outsider, 6)
    assert any_place.daemon() == daemon
    assert any_place.run("-r", "R", "-o", "0", "--", "true").returncode == 0
    finish(survivor)


def test_the_command_of_a_killed_flom_is_not_touched(place):
    """daemon.md 14: it keeps running, and ends when it wants to."""
    holder = place.start(
        *("-d", "-1", "-r", "R", "--", "sh", "-c", "echo $$; read line; echo end"),
        stdin=subprocess.PIPE,
    )
    command = int(holder.stdout.readline())
    holder.kill()
    holder.wait(30)
    assert not gone(command)
    holder.stdin.write("\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "end\n"
    wait_for(lambda: gone(command), "the command's end")
    kill(command)


@pytest.mark.parametrize("seconds", [0.2, 0.5])
def test_timeout_leaves_the_queue(any_place, seconds):
    """cli.md C-40: busy, in time, and out of the queue."""
    holder = any_place.hold("-d", "-1")
    done = any_place.run("-r", "R", "-o", int(1000 * seconds), "--", "true")
    assert (done.returncode, done.stdout) == (98, "")
    assert str(int(1000 * seconds)) in done.stderr
    assert any_place.run("-r", "R", "-o", "0", "--", "true").returncode == 98
    finish(holder)
    assert any_place.run("-r", "R", "-o", "0", "--", "true").returncode == 0
