"""The daemon is lost while others use it (daemon.md 7, 8; cli.md 13)."""

import os
import signal

import pytest
from support import wait_for

HOW = ["KILL", "TERM", "-X"]


def end_daemon(place, how):
    """Ends the daemon in one of three ways and returns when it has ended."""
    if how == "-X":
        place.shut_down()
    else:
        os.kill(place.daemon(), signal.Signals[f"SIG{how}"])
    wait_for(lambda: not place.listeners(), "the daemon's end")


@pytest.mark.parametrize("how", HOW)
def test_those_who_wait_and_who_hold(any_place, how):
    """D-27, D-29, C-48: waiters end at once, the holder's command runs on to its end."""
    holder = any_place.hold("-d", "-1", status=5)
    waiters = [
        any_place.wait(),
        any_place.wait("-o", "600000"),
        any_place.wait("-r", "NobodyCreatesIt", "-e", "no"),
    ]
    end_daemon(any_place, how)
    for waiter in waiters:
        _, errors = waiter.communicate(timeout=60)
        assert waiter.returncode == 99
        assert "flom_client_lock: ret_cod=-126" in errors
        assert errors.count("\n") == 1
    assert holder.poll() is None
    _, errors = holder.communicate("\n", timeout=60)
    assert holder.returncode == 99
    assert "flom_client_unlock: ret_cod=-130" in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize("how", HOW)
def test_what_is_left_behind(place, how):
    """D-27, F21: only a daemon that was killed leaves its socket."""
    assert place.run("-d", "-1", "--", "true").returncode == 0
    end_daemon(place, how)
    place.await_no_daemon()
    assert place.path.exists() == (how == "KILL")


@pytest.mark.parametrize("how", HOW)
def test_the_next_command_heals(any_place, how):
    """D-18, D-29."""
    holder = any_place.hold("-d", "-1")
    end_daemon(any_place, how)
    refused = any_place.run("-d", "0", "-r", "R", "--", "true")
    assert (refused.returncode, "ret_cod=-105" in refused.stderr) == (99, True)
    # Locks do not survive the daemon: the new one does not know the old holder.
    done = any_place.run("-d", "-1", "-r", "R", "--", "sh", "-c", "exit 3")
    assert (done.returncode, done.stderr) == (3, "")
    holder.communicate("\n", timeout=60)
    assert holder.returncode == 99
    assert any_place.run("-d", "0", "-r", "R", "--", "true").returncode == 0


def test_commands_of_every_status_lose_it_alike(place):
    """cli.md 13: the lock may have been given to somebody else, whatever the command returned."""
    for status in (0, 1, 97):
        holder = place.hold("-d", "-1", status=status)
        end_daemon(place, "KILL")
        _, errors = holder.communicate("\n", timeout=60)
        assert (holder.returncode, "ret_cod=-130" in errors) == (99, True)


def test_loss_again_and_again(any_place):
    """D-29: twenty daemons are killed, and every command after that is served."""
    for count in range(20):
        done = any_place.run("-d", "-1", "--", "sh", "-c", f"exit {count}")
        assert (done.returncode, done.stderr) == (count, "")
        end_daemon(any_place, "KILL")
