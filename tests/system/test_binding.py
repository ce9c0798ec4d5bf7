"""The reference's binding with daemons of ours: threads, losses, TLS, signals."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from certificates import options
from support import BOUND, kill, wait_for

import flom
from flom.legacy import library


@pytest.fixture(autouse=True)
def no_files(folder, monkeypatch):
    """The settings of the user who runs the tests do not count."""
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setattr(library, "settings", None)
    monkeypatch.setattr(library, "defaults", {})


class Handle:
    """A handle for one resource at a place; calls by the ends of their names."""

    def __init__(self, place, resource="r", timeout=-1):
        self.handle = flom.flom_handle_new()
        kind = place.words[0]
        if kind == "-s":
            assert self.set_socket_name(place.words[1]) == 0
        else:
            assert self.set_unicast_address(place.words[1]) == 0
            assert self.set_unicast_port(int(place.words[3])) == 0
        assert self.set_resource_name(resource) == 0
        assert self.set_resource_timeout(timeout) == 0

    def __getattr__(self, name):
        call = getattr(flom, f"flom_handle_{name}")
        return lambda *args: call(self.handle, *args)

    @property
    def state(self):
        return self.handle.state


@pytest.fixture
def served(any_place):
    """A place with a daemon."""
    return serve(any_place)


def serve(place, *words):
    """Starts a daemon there."""
    assert place.run(*words, "-d", "-1", "--", "true").returncode == 0
    return place


def in_thread(call, *arguments):
    results = []
    thread = threading.Thread(target=lambda: results.append(call(*arguments)))
    thread.start()

    def result():
        thread.join(BOUND)
        return results[0]

    return result


def connected(handle):
    """Returns when a handle that is to wait has a connection."""
    wait_for(lambda: handle.state == flom.FLOM_HANDLE_STATE_CONNECTED, "the connection")


def test_a_release_by_another_thread(served):
    """AF-18, `release_from_another_thread`."""
    holder, waiter = Handle(served), Handle(served)
    assert holder.lock() == 0
    threading.Timer(0.1, holder.unlock).start()
    assert waiter.lock() == 0
    assert waiter.unlock() == 0


def test_a_handle_for_each_thread(served):
    """api.md 10: six threads, twenty cycles; P-16, nobody meets another one."""
    inside, met = [], []

    def cycles():
        handle = Handle(served)
        for _ in range(20):
            assert handle.lock() == 0
            inside.append(handle)
            met.extend(inside[1:])
            inside.remove(handle)
            assert handle.unlock() == 0
        return handle.clean()

    assert [each() for each in [in_thread(cycles) for _ in range(6)]] == [0] * 6
    assert met == []


def test_one_handle_in_several_threads_harms_nobody(served):
    """api.md 10: its user must serialise; what happens is a code, never an exception."""
    handle, codes = Handle(served, timeout=0), []

    def cycles():
        for _ in range(30):
            codes.extend((handle.lock(), handle.unlock()))

    for each in [in_thread(cycles) for _ in range(4)]:
        each()
    assert len(codes) == 4 * 60
    assert set(codes) <= {0, 4, -17, -126, -130, -6}


def test_a_request_that_timed_out_is_withdrawn(served):
    """AF-8."""
    holder, late, next_ = (Handle(served, timeout=t) for t in (-1, 100, 0))
    assert (holder.lock(), late.lock(), late.state) == (0, 9, 23)
    assert holder.unlock() == 0
    assert next_.lock() == 0
    assert (late.lock(), late.unlock(), late.state) == (9, 0, 25)


def test_unlock_is_synchronous(served):
    """P-16."""
    one, other = Handle(served, timeout=0), Handle(served, timeout=0)
    assert [h.lock() or h.unlock() for _ in range(50) for h in (one, other)] == [0] * 100


def test_elements_of_a_set(served):
    """P-23."""
    handles = [Handle(served, "red.green.blue", 0) for _ in range(4)]
    assert [h.lock() for h in handles] == [0, 0, 0, 4]
    assert {h.get_locked_element() for h in handles[:3]} == {"red", "green", "blue"}
    assert handles[3].get_locked_element() is None
    assert handles[0].unlock() == 0
    assert handles[0].get_locked_element() is None


def test_a_suspended_daemon_does_not_hang_unlock(served):
    """AF-4: the daemon reads the unlock when it goes on."""
    holder, waiter = Handle(served), Handle(served, timeout=200)
    assert holder.lock() == 0
    daemon = served.daemon()
    os.kill(daemon, signal.SIGSTOP)
    try:
        assert waiter.lock() == 9
        assert waiter.unlock() == 0
        assert holder.unlock() == 0
    finally:
        os.kill(daemon, signal.SIGCONT)
    assert Handle(served, timeout=60000).lock() == 0


def test_a_daemon_that_dies_and_one_that_comes(served):
    """A-20, AF-3: each call tells the loss once; the same handle goes on with the next daemon."""
    holder, waiter = Handle(served), Handle(served)
    assert holder.lock() == 0
    result = in_thread(waiter.lock)
    connected(waiter)
    kill(served.daemon())
    assert (result(), waiter.state) == (-126, 23)
    served.await_no_daemon()
    assert holder.unlock() in ((-130,) if served.words[0] == "-s" else (0, 8, -130))
    assert (holder.state, holder.clean()) == (25, 0)
    assert (waiter.lock(), waiter.state) == (-105, 23)
    assert waiter.unlock() == 0
    serve(served)
    assert (waiter.lock(), waiter.unlock()) == (0, 0)


def test_descriptors(served):
    """A-21, AF-13; P-19: none for the programs that are executed."""
    holder, busy = Handle(served), Handle(served, timeout=0)
    before = set(os.listdir("/proc/self/fd"))
    assert holder.lock() == 0
    mine = {int(name) for name in set(os.listdir("/proc/self/fd")) - before}
    assert not any(os.get_inheritable(fd) for fd in mine if _is_open(fd))
    for _ in range(20):
        assert busy.lock() == 4
        assert busy.unlock() == 0
    assert holder.unlock() == 0
    assert set(os.listdir("/proc/self/fd")) == before


def _is_open(descriptor):
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def test_the_unlock_of_a_child_is_that_of_its_parent(place):
    """P-19: they share the connection."""
    holder = Handle(serve(place))
    assert holder.lock() == 0
    child = os.fork()
    if child == 0:
        os._exit(holder.unlock())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert Handle(place, timeout=0).lock() == 0
    assert (holder.unlock(), holder.state) == (-130, 25)


HOLDER = """\
import gc, sys
from flom import *
h = flom_handle_new()
if sys.argv[1] == "-s":
    flom_handle_set_socket_name(h, sys.argv[2])
else:
    flom_handle_set_unicast_address(h, sys.argv[2])
    flom_handle_set_unicast_port(h, int(sys.argv[4]))
flom_handle_set_resource_name(h, "_S_x[1]")
flom_handle_set_resource_idle_lifespan(h, 60000)
print(flom_handle_lock(h), flom_handle_get_locked_element(h), flush=True)
del h
gc.collect()
sys.stdin.readline()
"""


def test_a_lock_ends_with_the_process_and_no_earlier(served):
    """P-17, P-18: forgotten, it is held; at the end a transactional value is given back."""
    process = served.start(program=(sys.executable, "-c", HOLDER), stdin=subprocess.PIPE)
    assert process.stdout.readline() == "0 1\n"
    assert Handle(served, "_S_x[1]", 0).lock() == 4
    process.communicate("\n", BOUND)
    again = Handle(served, "_S_x[1]", 60000)
    assert (again.lock(), again.get_locked_element()) == (0, "1")


@contextlib.contextmanager
def signals(waiter, handler):
    """Sends signals that are handled, from the moment at which the handle has a connection on."""
    ended = threading.Event()

    def send():
        connected(waiter)
        while not ended.wait(0.2):  # again: the first may come before the wait has begun
            os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handler)
    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(BOUND)
        signal.signal(signal.SIGUSR1, before)


# TLS


@pytest.fixture
def secure(any_place, certificates):
    """A place with a daemon that speaks TLS."""
    return serve(any_place, *options(certificates, "peer"))


def secured(place, certificates, name="mine", key=None, authority="one", check=0, timeout=-1):
    handle = Handle(place, timeout=timeout)
    assert handle.set_tls_certificate(str(certificates / f"{name}.pem")) == 0
    assert handle.set_tls_private_key(str(certificates / f"{key or name}.key")) == 0
    assert handle.set_tls_ca_certificate(str(certificates / f"{authority}.ca")) == 0
    assert handle.set_tls_check_peer_id(check) == 0
    return handle


def test_tls(secure, certificates):
    """A-10: cycles on one handle, the limit of a wait, the check of the peer."""
    handle = secured(secure, certificates, check=1)
    assert [handle.lock() or handle.unlock() for _ in range(5)] == [0] * 5
    assert handle.lock() == 0
    late = secured(secure, certificates, timeout=300)
    begun = time.monotonic()
    assert (late.lock(), late.state) == (9, 23)
    assert time.monotonic() - begun >= 0.3
    assert (late.unlock(), handle.unlock()) == (0, 0)


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ({"authority": "two"}, -407),
        ({"name": "junk", "key": "mine"}, -403),
        ({"key": "junk"}, -404),
        ({"key": "peer"}, -404),
        ({"authority": "junk"}, -401),
    ],
)
def test_what_is_wrong_with_tls(secure, certificates, what, code):
    """A-9; no connection is left over (AF-14)."""
    opened = len(os.listdir("/proc/self/fd"))
    handle = secured(secure, certificates, **what)
    assert (handle.lock(), handle.state) == (code, 22)
    assert len(os.listdir("/proc/self/fd")) == opened
    assert secured(secure, certificates).lock() == 0


def test_another_peer_than_the_certificate_says(any_place, certificates):
    """A-9."""
    serve(any_place, *options(certificates, "other"))
    handle = secured(any_place, certificates, check=1)
    assert (handle.lock(), handle.state, handle.unlock()) == (-23, 23, 0)
    unchecked = secured(any_place, certificates, check=0)
    assert (unchecked.lock(), unchecked.unlock()) == (0, 0)


def test_tls_with_a_daemon_that_does_not_speak_it(served, certificates):
    """AF-15."""
    handle = secured(served, certificates, timeout=2000)
    assert (handle.lock(), handle.state) == (-406, 22)


def test_a_daemon_with_tls_that_dies(secure, certificates):
    """api.md 11."""
    holder, waiter = secured(secure, certificates), secured(secure, certificates)
    assert holder.lock() == 0
    result = in_thread(waiter.lock)
    connected(waiter)
    kill(secure.daemon())
    assert (result(), waiter.state, waiter.unlock()) == (-409, 23, 0)
    secure.await_no_daemon()
    assert holder.unlock() in ((-412,) if secure.words[0] == "-s" else (-412, 0))
    assert (holder.state, holder.clean()) == (25, 0)


@pytest.mark.parametrize(("timeout", "code"), [(-1, -126), (60000, -123)])
@pytest.mark.parametrize("tls", [False, True])
def test_a_signal_ends_the_wait(any_place, certificates, tls, timeout, code):
    """P-21, over TLS too."""
    place = serve(any_place, *(options(certificates, "peer") if tls else ()))

    def make(**more):
        return secured(place, certificates, **more) if tls else Handle(place, **more)

    holder, waiter = make(), make(timeout=timeout)
    assert holder.lock() == 0
    numbers = []
    with signals(waiter, lambda number, _: numbers.append(number)):
        assert (waiter.lock(), waiter.state) == (code, 23)
    assert numbers
    assert (waiter.unlock(), holder.unlock()) == (0, 0)
    assert (waiter.lock(), waiter.unlock()) == (0, 0)


def test_who_is_interrupted_is_queued_no_more(served):
    """P-20: what was asked for is withdrawn, before the handle is unlocked."""
    holder, waiter = Handle(served), Handle(served)
    assert holder.lock() == 0
    with signals(waiter, lambda *_: 1 // 0), pytest.raises(ZeroDivisionError):
        waiter.lock()
    assert (waiter.state, holder.unlock()) == (23, 0)
    assert Handle(served, timeout=0).lock() == 0
    assert waiter.unlock() == 0
