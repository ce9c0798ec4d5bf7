"""Fencing tokens: each holder of a resource has a higher one than all before it."""

import asyncio
import os
import re
import socket
import sqlite3
import subprocess
import sys

import pytest
import test_use_cases as pages
from peer import encoded, lock_message, message, unlock_message
from support import wait_for

import flom

PAGE = pages.ROOT / "docs" / "use-cases" / "fencing.md"
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


def program(name):
    """A program as the page shows it."""
    return re.search(rf"cat >{name} <<'END'\n(.*?)^END$", PAGE.read_text(), re.DOTALL | re.M)[1]


def of_all_at_once(folder, words):
    """Run the same program with each of twenty tokens, out of order; those it has served."""
    tokens = [7 * number % 20 + 1 for number in range(20)]
    running = {
        token: subprocess.Popen(
            [*words, str(token)], cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, env={**os.environ, "FLOM_FENCING_TOKEN": str(token)},
        )
        for token in tokens
    }  # fmt: skip
    ends = {token: process.wait(60) for token, process in running.items()}
    for process in running.values():
        assert process.returncode == 0 or "refused" in process.stderr.read()
        process.stderr.close()
    served = {token for token, status in ends.items() if status == 0}
    assert 20 in served
    return served


def test_files_of_the_page_take_only_the_newest(folder):
    """However many write at once, and in whatever order."""
    (folder / "put").write_text(program("put"))
    for _ in range(5):
        of_all_at_once(folder, ["sh", "-c", "echo $1 | sh put report $1", "sh"])
        assert (folder / "report").read_text() == (folder / "report.token").read_text() == "20\n"
        assert sorted(path.name for path in folder.glob("report*")) == [
            "report", "report.lock", "report.token",
        ]  # fmt: skip
        (folder / "report.token").unlink()
    done = subprocess.run(["sh", "put", "report", ""], cwd=folder, check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (2, b"put: no token\n")


def test_transactions_of_the_page_take_nobody_older(folder):
    """What was refused has changed nothing."""
    (folder / "deposit.py").write_text(program("deposit.py"))
    base = sqlite3.connect(folder / "base")
    base.executescript(
        "CREATE TABLE fence (resource TEXT PRIMARY KEY, token INTEGER NOT NULL);"
        "INSERT INTO fence VALUES ('accounts', 0);"
        "CREATE TABLE accounts (balance INTEGER);"
        "INSERT INTO accounts VALUES (0);"
    )
    served = of_all_at_once(folder, [sys.executable, "deposit.py"])
    assert base.execute("SELECT token FROM fence").fetchone() == (20,)
    assert base.execute("SELECT balance FROM accounts").fetchone() == (sum(served),)
    base.close()
