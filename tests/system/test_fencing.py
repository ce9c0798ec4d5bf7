"""Fencing tokens: each holder of a resource has a higher one than all before it."""

import asyncio
import re
import socket

import pytest
from peer import encoded, lock_message, message, unlock_message
from support import wait_for

import flom

TELL = ("--", "sh", "-c", "echo $FLOM_FENCING_TOKEN")
OURS = f'<session peerid=""/><resource name="{encoded("R")}" mode="5" wait="1" create="1"/>'


def told(place, *words, **more):
    """The token that a command finds."""
    done = place.run("-r", "R", *words, *TELL, **more)
    assert (done.returncode, done.stderr) == (0, "")
    return int(done.stdout)


def test_tokens_rise_from_command_to_command_and_across_restarts(any_place):
    tokens = [told(any_place, "-d", "-1") for _ in range(3)]
    any_place.shut_down()
    any_place.await_no_daemon()
    # An outer flom does not speak for an inner one.
    tokens.append(told(any_place, "-d", "-1", env={"FLOM_FENCING_TOKEN": "1" * 18}))
    assert tokens == sorted(set(tokens))


def test_a_waiter_is_told_as_well(place):
    holder = place.hold("-d", "-1")
    waiter = place.start("-r", "R", *TELL)
    place.await_queued(waiter)
    between = told(place, "-r", "S")
    holder.communicate("\n", timeout=60)
    assert int(waiter.communicate(timeout=60)[0]) > between


@pytest.mark.parametrize("name", ["a.b", "_s_n[2]", "/x/y", "n[3]"])
def test_programs_of_both_kinds_are_told(place, name):
    endpoint = f"unix://{place.path}"

    async def awaited():
        async with flom.aio.Client(endpoint).lock(name) as held:
            assert held.environ()["FLOM_FENCING_TOKEN"] == str(held.token)
            return held.token

    client = flom.Client(endpoint)
    with client.lock(name) as first:
        assert first.environ()["FLOM_FENCING_TOKEN"] == str(first.token)
    second = asyncio.run(awaited())
    with client.lock(name) as third:
        assert first.token < second < third.token
    place.shut_down()


def test_a_busy_connection_gets_a_new_one_each_time_and_an_old_client_none(any_place):
    """The daemon knows a repeated message without reading it again; its answer differs."""
    assert any_place.run("-d", "-1", "--", "true").returncode == 0
    ours, old = any_place.peer(), any_place.peer()
    lock = message(1, 8, OURS).replace(b'step="8"', b'step="8" ext="flom"')
    tokens = []
    for _ in range(20):
        ours.send(lock)
        tokens.append(int(re.search(rb' ext="flom token=([0-9]+)"', answer_of(ours))[1]))
        ours.send(unlock_message())
        old.send(lock_message("S"))
        assert b"ext" not in answer_of(old)
        old.send(unlock_message("S"))
    assert tokens == sorted(set(tokens))


def answer_of(peer):
    """The bytes of one answer."""
    wait_for(lambda: peer.sock.recv(4096, socket.MSG_PEEK).endswith(b"</msg>"), "an answer")
    return peer.sock.recv(4096)
