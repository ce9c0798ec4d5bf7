"""What becomes of a command when its lock in a store is lost while it runs (`--on-lost`)."""

import re
import signal

import pytest
from etcd import etcd
from support import BOUND, state
from test_on_lost import READS, STAYS, ended, running
from test_store_faces import StorePlace

SHORT = ("--store-session-ttl", "5")


@pytest.fixture(scope="module")
def silent():
    """A store of these tests alone, which can fall silent."""
    with etcd() as cluster:
        yield cluster


@pytest.fixture
def place(silent, folder):
    made = StorePlace(silent, folder)
    yield made
    silent.nodes[0].go_on()
    made.clear()


@pytest.mark.parametrize(("words", "number"), [((), "TERM"), (("--on-lost", "kill"), "KILL")])
def test_a_store_that_falls_silent_ends_the_command(place, silent, words, number):
    holder, child = running(place, *SHORT, *words)
    silent.nodes[0].stop()
    status, lines = ended(holder)
    assert (status, state(child)) == (95, "")
    assert f"has been sent SIG{number}" in lines[-1]


def test_who_ignores_sigterm_is_killed_before_others_can_have_the_lock(place, silent):
    """However long --kill-after would be."""
    stubborn = ("sh", "-c", "trap '' TERM; echo $$; while :; do sleep 0.01; done")
    holder, child = running(place, *SHORT, "--kill-after", "600000", command=stubborn)
    silent.nodes[0].stop()
    status, lines = ended(holder)
    assert (status, state(child)) == (95, "")
    assert re.search(r"SIGKILL follows in [01]\.\d s", lines[-2])
    assert "still runs" in lines[-1]


def test_a_session_that_somebody_ends(place, silent):
    before = silent.leases()
    holder, child = running(place, *SHORT)
    for lease in set(silent.leases()) - set(before):  # the resource's state has one as well
        silent.ctl("lease", "revoke", lease)
    status, lines = ended(holder)
    assert (status, state(child), len(lines)) == (95, "", 1)
    assert "SIGTERM" in lines[0]


def test_with_a_warning_the_command_goes_on(place, silent):
    holder, _ = running(place, *SHORT, "--on-lost", "warn", "--quiet", command=READS)
    silent.nodes[0].stop()
    assert "(the command goes on)" in holder.stderr.readline()
    out, errors = holder.communicate("late", timeout=BOUND)
    assert (holder.returncode, out, errors) == (95, "late", "")


def test_a_store_that_answers_again_in_time(place, silent):
    """Half of the time without an answer is told; nothing is lost."""
    holder, _ = running(place, "--on-lost", "warn", command=READS)  # 15 s
    silent.nodes[0].stop()
    assert "unless it does" in holder.stderr.readline()
    silent.nodes[0].go_on()
    assert "was never lost" in holder.stderr.readline()
    out, errors = holder.communicate("on time", timeout=BOUND)
    assert (holder.returncode, out, errors) == (0, "on time", "")


def test_signals_are_passed_on_as_ever(place):
    """The threads of the session take none of them."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        holder, _ = running(place, *SHORT, command=STAYS)
        holder.send_signal(number)
        assert ended(holder) == (-number, [])
