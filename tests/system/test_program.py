"""Programs that hold locks: threads, forks, exits, interrupts, exceptions."""

import asyncio
import os
import queue
import signal
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from certificates import options
from hosts import network
from support import BOUND, asleep, descriptors, environment, kill, wait_for

import flom
from flom.client import handle
from flom.client.watch import Watcher


@pytest.fixture
def client(place, monkeypatch):
    """A client of a fresh place, whose daemon starts when it is needed."""
    monkeypatch.setenv("HOME", str(place.folder))
    return flom.Client(f"unix://{place.path}")


@pytest.fixture
def program(place):
    """Starts Python programs that know `client`, with pipes for their streams."""

    def start(text):
        text = f"import flom, os, sys\nclient = flom.Client('unix://{place.path}')\n{text}"
        process = subprocess.Popen(
            [sys.executable, "-c", text],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment(place.folder), cwd=place.folder,
        )  # fmt: skip
        place.processes.append(process)
        return process

    return start


def is_free(client, resource="R"):
    """Whether nobody holds the resource."""
    try:
        client.lock(resource, timeout=0).acquire().release()
    except flom.Busy:
        return False
    return True


def test_a_block_holds_the_lock(client):
    with client.lock("R", mode=flom.PW, timeout=timedelta(minutes=1)) as held:
        assert (held.resource, held.mode, held.quantity) == ("R", flom.PW, 1)
        assert held.endpoint == f"unix://{client.lock('R')._request.settings.socket_name}"
        assert not held.lost
        assert not is_free(client)
    assert is_free(client)
    assert not held.lost


def test_what_was_not_granted_is_explained(client):
    with client.lock("R"), pytest.raises(flom.Timeout) as late:
        client.lock("R", mode=flom.PR, timeout=0.05).acquire()
    error = late.value
    assert (error.rc, error.resource, error.mode, error.holders) == (9, "R", flom.PR, None)
    assert error.endpoint.startswith("unix:///")
    assert 0.05 <= error.waited < BOUND
    assert "'R': the lock was not granted within 50 ms (allow more time" in str(error)


def test_who_is_in_the_way_is_told(client, place):
    holder = place.hold("-l", "PR")

    async def ask():
        await flom.aio.Client(f"unix://{place.path}").lock("R", timeout=0).acquire()

    for request in (client.lock("R", timeout=0).acquire, lambda: asyncio.run(ask())):
        with pytest.raises(flom.Busy) as busy:
            request()
        (named,) = busy.value.holders
        assert f" pid {holder.pid} (sh -c echo held; " in named
        assert f"locked by {named} (try again later" in str(busy.value)
    holder.communicate("\n")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"timeout": -1}, "timeout: expected seconds"),
        ({"timeout": float("nan")}, "timeout: expected seconds"),
        ({"timeout": 1e9}, "timeout: expected seconds"),
        ({"idle_lifespan": -0.1}, "idle_lifespan: expected seconds"),
        ({"quantity": 2}, "has no quantity"),
        ({"resource": "A[3]", "quantity": 0}, "quantity: expected"),
        ({"resource": "A[3]", "mode": flom.PR}, "no mode but EX"),
        ({"mode": 6}, "expected one of flom.NL"),
    ],
)
def test_what_makes_no_sense_is_refused(client, options, why):
    with pytest.raises(ValueError, match=why):
        client.lock(**{"resource": "R", **options})


def test_the_shortest_time_is_not_none_at_all(client):
    """Rounded down, a tenth of a millisecond would mean "do not wait"."""
    with client.lock("R"), pytest.raises(flom.Timeout):
        client.lock("R", timeout=0.0001).acquire()


@pytest.mark.parametrize("commit", [True, False])
def test_an_exception_takes_the_value_back_unless_told_not_to(client, commit):
    lock = client.lock("_S_n[1]", idle_lifespan=60, commit_on_error=commit)
    with pytest.raises(KeyError), lock as first:
        raise KeyError
    with lock as second:
        pass
    assert (int(second.element) > int(first.element)) == commit


def test_a_block_may_give_back_early(client):
    with client.lock("_S_n[1]", idle_lifespan=60) as first:
        first.rollback()
        assert is_free(client, "_S_n[1]")
        first.release()
    with client.lock("_S_n[1]") as second:
        pass
    # is_free took one and kept it
    assert int(second.element) == int(first.element) + 1


def test_a_function_runs_under_a_lock_of_its_own_call(client):
    inside = threading.Semaphore(0)
    leave = threading.Event()

    @client.locked("R", mode=flom.PR)
    def job(number: int) -> int:
        """Work."""
        inside.release()
        assert leave.wait(BOUND)
        return number

    assert (job.__name__, job.__doc__) == ("job", "Work.")
    results = []
    threads = [threading.Thread(target=lambda n=n: results.append(job(n))) for n in range(3)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=BOUND)
    assert not is_free(client)
    leave.set()
    for thread in threads:
        thread.join(BOUND)
    assert sorted(results) == [0, 1, 2]
    assert is_free(client)


def test_what_runs_after_its_call_is_not_decorated(client):
    async def job():
        pass

    def items():
        yield

    for function in (job, items):
        with pytest.raises(TypeError, match="runs after its call"):
            client.locked("R")(function)


def test_one_lock_object_serves_many_threads(client):
    """Who leaves first gives back what it entered, not what was entered last."""
    lock = client.lock("a.b")
    elements = queue.SimpleQueue()
    leave = [threading.Event(), threading.Event()]

    def work(number):
        with lock as held:
            elements.put(held.element)
            assert leave[number].wait(BOUND)

    threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
    held = []
    for thread in threads:
        thread.start()
        held.append(elements.get(timeout=BOUND))
    leave[0].set()
    threads[0].join(BOUND)
    with client.lock("a.b", timeout=0) as free:
        assert free.element == held[0]
    leave[1].set()
    threads[1].join(BOUND)
    assert sorted(held) == ["a", "b"]


def test_many_threads_release_once(client):
    held = client.lock("R").acquire()
    threads = [threading.Thread(target=held.release) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND)
    assert is_free(client)
    assert not held.lost


def test_a_subprocess_learns_what_a_command_would(client, place):
    for resource, mode in (("R", flom.CR), ("a.b", flom.EX)):
        shown = place.run("-r", resource, "-l", mode.name, "--", "sh", "-c", "env").stdout
        theirs = dict(line.split("=") for line in shown.splitlines() if line.startswith("FLOM_"))
        with client.lock(resource, mode=mode) as held:
            ours = held.environ()
        # Of a set the next one gets another element, each lock is a session of its own, and
        # tokens rise.
        own = {"FLOM_ELEMENT", "FLOM_SESSION", "FLOM_FENCING_TOKEN"} & theirs.keys()
        assert len(own) >= 2
        for name in own:
            assert ours.pop(name) != theirs.pop(name)
        assert ours == theirs


# Other endpoints


def test_no_daemon_is_started_against_the_will(place):
    client = flom.Client(f"unix://{place.path}", start_daemon=False)
    with pytest.raises(flom.ConnectError) as error:
        client.lock("R").acquire()
    assert error.value.rc == -105
    assert not place.listeners()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_daemon_in_the_network(places, host):
    """None is started there unless that is asked for; the address says it to every client."""
    place = places(host)
    shown = f"[{host}]" if ":" in host else host
    endpoint = f"tcp://{shown}:{place.port}"
    with pytest.raises(flom.ConnectError):
        flom.Client(endpoint).lock("R").acquire()
    holder = place.hold("-d", -1)
    with pytest.raises(flom.Busy) as busy:
        flom.Client(endpoint).lock("R", timeout=0).acquire()
    assert busy.value.endpoint == endpoint
    holder.communicate("\n")
    with flom.Client(endpoint).lock("R"):
        assert place.busy()


def acquired(face, endpoint, tls):
    """A lock by either face; True, or the error."""

    async def hold():
        async with lock:
            return True

    try:
        lock = face.Client(endpoint, tls=tls, start_daemon=True).lock("R", timeout=BOUND)
        if face is flom.aio:
            return asyncio.run(hold())
        with lock:
            return True
    except flom.LockError as error:
        return error


@pytest.mark.parametrize("face", [flom, flom.aio], ids=["blocking", "asyncio"])
def test_tls(any_place, certificates, face):
    """By TCP and at a UNIX socket; the daemon that is started speaks it as well."""
    endpoint = any_place.words[1]
    if any_place.words[0] == "-a":
        endpoint = f"tcp://{endpoint}:{any_place.port}"
    else:
        endpoint = f"unix://{endpoint}"

    def files(name, check_peer_id=False):
        paths = [certificates / file for file in (f"{name}.pem", f"{name}.key", "one.ca")]
        return flom.Tls(*paths, check_peer_id=check_peer_id)

    keeper = any_place.hold(*options(certificates), "-d", "-1", "-r", "other")
    assert acquired(face, endpoint, files("mine", check_peer_id=True)) is True
    assert acquired(face, endpoint, files("foreign")).rc in (-406, -409)
    plain = acquired(face, endpoint, None)
    assert type(plain) is flom.DaemonError
    assert "the daemon speaks TLS, this side does not (give" in str(plain)
    absent = acquired(face, endpoint, files("absent"))
    assert (type(absent), absent.rc) == (flom.InvalidRequest, -125)
    assert "absent.pem': expected an existing file" in str(absent)
    keeper.communicate("\n")


def test_a_daemon_on_another_host(folder):
    """By a link-local address with its interface, and by multicast, from both faces."""
    with network(folder) as net:
        server, host = net.pair()
        keeper = server.hold("-A", "ff02::4321", "-d", "-1", "-D", "1", "-I", "300", "-r", "R")
        (listening,) = server.listening()
        address = f"[{server.link_local}%{host.interface}]:{listening.rpartition(':')[2]}"
        # Patient: where an answer cannot be lost, one question is enough.
        (folder / ".flom").write_text("[Network]\nDiscoveryAttempts=1\nDiscoveryTimeout=30000\n")
        text = (
            "import asyncio, flom, sys\n"
            "for endpoint in sys.argv[1:]:\n"
            "    try: flom.Client(endpoint).lock('R', timeout=0).acquire()\n"
            "    except flom.Busy as busy: print(busy.endpoint)\n"
            "    try: asyncio.run(flom.aio.Client(endpoint).lock('R', timeout=0).acquire())\n"
            "    except flom.Busy as busy: print(busy.endpoint)\n"
        )
        endpoints = [f"tcp://{address}", f"discover://[ff02::4321%{host.interface}]:28015"]
        done = host.run(sys.executable, "-c", text, *endpoints)
        assert done.stdout.split() == [each for each in endpoints for _ in range(2)], done.stderr
        keeper.communicate("\n")


def test_without_an_endpoint_the_files_decide(place, program):
    """The same lock domain as the command's."""
    (place.folder / ".flom").write_text(f"[Daemon]\nSocketName={place.path}\n")
    holder = place.hold()
    process = program(
        "print(flom.lock('other').acquire().endpoint)\nflom.lock('R', timeout=0).acquire()"
    )
    out, err = process.communicate(timeout=BOUND)
    assert out == f"unix://{place.path}\n"
    assert err.splitlines()[-1].startswith("flom.client.failures.Busy: 'R': the resource is locked")
    holder.communicate("\n")


def test_a_bad_configuration_file_is_told_as_an_error(place, program):
    (place.folder / ".flom").write_text("[Daemon]\nLifespan=soon\n")
    _, err = program("client.lock('R')").communicate(timeout=BOUND)
    assert "flom.client.failures.InvalidRequest: 'R': " in err
    assert ".flom line 2: [Daemon]/Lifespan='soon': expected an integer" in err


# Processes


def test_a_child_of_fork_leaves_its_parents_lock_alone(client):
    """Neither the end of the block in the child nor `release` there gives it back."""
    with client.lock("R") as held:
        child = os.fork()
        if child == 0:
            try:
                held.release()
                held.rollback()
                held.__exit__(None, None, None)
                os._exit(held.lost)
            finally:
                os._exit(99)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert not held.lost
        assert not is_free(client)
    assert is_free(client)


def test_a_child_of_fork_can_lock_with_what_it_has_inherited(client):
    told, tell = os.pipe()
    with client.lock("R", on_lost=print):
        child = os.fork()
        if child == 0:
            try:
                with client.lock("other", on_lost=print) as own:
                    os.write(tell, b"+" if not is_free(client) and not own.lost else b"-")
            finally:
                os._exit(0)
        assert os.read(told, 1) == b"+"
        os.waitpid(child, 0)
    os.close(told)
    os.close(tell)


def test_the_lock_ends_with_the_parent_although_a_child_lives_on(client, program):
    parent = program(
        "held = client.lock('R').acquire()\n"
        "if os.fork() == 0: sys.stdin.read(); os._exit(0)\n"
        "print(flush=True); sys.stdin.read()"
    )
    assert parent.stdout.readline() == "\n"
    assert not is_free(client)
    parent.kill()
    parent.wait(BOUND)
    wait_for(lambda: is_free(client), "the lock of a parent that was killed")
    parent.stdin.close()


@pytest.mark.parametrize("watched", ["", ", on_lost=print"])
@pytest.mark.parametrize("face", ["client.lock('{0}'{1}).acquire()", "run('{0}'{1})"])
def test_an_interpreter_that_ends_gives_back(client, program, face, watched):
    """A value that was not committed is given to the next one."""
    resource = "_S_n[1]"
    with client.lock(resource, idle_lifespan=60) as before:
        pass
    process = program(
        "import asyncio\n"
        "kept = []\n"
        "def run(*words, **options):\n"
        "    there = flom.aio.Client(client._endpoint)\n"
        "    async def hold(): kept.append(await there.lock(*words, **options).acquire())\n"
        "    asyncio.run(hold())\n"
        "    return kept[0]\n"
        f"held = {face.format(resource, watched)}\n"
        "print(held.element)"
    )
    out, err = process.communicate(timeout=BOUND)
    assert (process.returncode, err) == (0, "")
    wait_for(lambda: is_free(client, resource), "the lock of a program that has ended")
    with client.lock(resource) as after:
        pass
    # is_free has taken the value that the program gave back
    assert int(out) == int(before.element) + 1
    assert int(after.element) == int(before.element) + 2


@pytest.mark.parametrize(
    "wait",
    [
        "client.lock('R').acquire()",
        "import asyncio; asyncio.run(flom.aio.Client(client._endpoint).lock('R').acquire())",
    ],
)
def test_an_interrupted_waiter_leaves_the_queue(client, place, program, wait):
    with client.lock("R"):
        process = program(f"try: {wait}\nexcept KeyboardInterrupt: print('left'); sys.stdin.read()")
        place.processes.append(process)
        wait_for(lambda: asks(process), "a program that waits")
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "left\n", process.stderr.read()
    assert is_free(client), "the request of the interrupted program is still there"
    process.stdin.close()


def asks(process):
    """Whether the program sleeps with a connection (flom is loaded, the request is sent)."""
    has_socket = any(target.startswith("socket:") for target in descriptors(process.pid).values())
    return has_socket and asleep(process.pid)


# Loss


def test_the_end_of_the_daemon_is_told(client, place):
    """By the property, by the call, by the end of the block."""
    told = threading.Event()
    seen = []

    def lost(held):
        seen.append((held, held.lost, threading.current_thread().name))
        told.set()

    lock = client.lock("R", on_lost=lost)
    with pytest.raises(flom.LockLost) as loss, lock as held:
        assert not held.lost
        kill(place.daemon())
        assert told.wait(BOUND)
        assert held.lost
    assert seen == [(held, True, "flom-watcher")]
    assert held.lost
    assert (loss.value.rc, loss.value.resource, loss.value.mode) == (-130, "R", flom.EX)
    assert "somebody else may have locked" in str(loss.value)


def test_a_loss_is_seen_without_a_watcher(client, place):
    with client.lock("R", raise_lost=False) as held:
        kill(place.daemon())
        wait_for(lambda: held.lost, "the loss")
    with client.lock("R") as held:  # by a new daemon
        assert not held.lost


def test_a_release_by_another_thread_is_no_loss(client, monkeypatch):
    """Though it ends the connection while somebody looks at it."""
    held = client.lock("R").acquire()

    def ended_by_us(descriptor):
        held.release()
        return True

    monkeypatch.setattr(handle, "ended", ended_by_us)
    assert not held.lost


def test_a_loss_does_not_hide_the_exception_of_the_block(client, place):
    with pytest.raises(KeyError) as error, client.lock("R"):
        kill(place.daemon())
        raise KeyError
    assert error.value.__notes__[0].startswith("flom: 'R': the daemon went away")


def test_a_loss_that_only_the_release_sees_is_told_as_well(client, place, monkeypatch):
    """The watcher may be slower than the end of the block."""
    monkeypatch.setattr(Watcher, "add", lambda *_: None)
    told = []
    held = client.lock("R", on_lost=told.append, raise_lost=False).acquire()
    kill(place.daemon())
    wait_for(lambda: not place.listeners(), "the end of the daemon")
    held.release()
    assert told == [held]
    assert held.lost
