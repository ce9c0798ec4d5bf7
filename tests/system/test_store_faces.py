"""Locks in a real etcd, by all who can ask for them: commands, files, programs of both faces."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
import test_progress as progress
from support import BOUND, Place, environment, wait_for

import flom

terminals = progress.terminals

FACES = pytest.mark.parametrize("face", [flom, flom.aio], ids=["blocking", "asyncio"])


class StorePlace(Place):
    """A prefix of its own in a store."""

    def __init__(self, store, folder):
        self.store = store
        self.prefix = folder.name
        self.url = store.url(self.prefix)
        super().__init__(folder, ["--store", self.url])

    def requests(self):
        """The requests for all resources, in order of their keys."""
        keys = self.store.keys(f"{self.prefix}/")
        found = [key for key in keys if "/q/" in key]
        return [json.loads(self.store.ctl("get", "--print-value-only", key)) for key in found]

    def await_waiters(self, count):
        """Returns when so many wait."""
        wait_for(lambda: self._waiters() == count, f"{count} waiters")

    def _waiters(self):
        return sum("granted" not in request for request in self.requests())

    def await_free(self):
        """Returns when nobody holds or waits for anything."""
        wait_for(lambda: not self.requests(), "nobody")


@pytest.fixture
def place(etcd_node, folder, monkeypatch):
    """A fresh prefix in the store that tests share."""
    monkeypatch.setenv("HOME", str(folder))
    made = StorePlace(etcd_node, folder)
    yield made
    made.clear()


# The command.


def test_a_command_runs_under_a_lock_and_knows_it(place):
    shown = 'echo "$FLOM_RESOURCE $FLOM_LOCK_MODE ${FLOM_ELEMENT-none}"; [ "$FLOM_FENCING_TOKEN" ]'
    done = place.run("-r", "R", "-l", "PR", "--", "sh", "-c", shown)
    assert (done.returncode, done.stdout, done.stderr) == (0, "R PR none\n", "")
    assert place.requests() == []


def test_tokens_rise(place):
    words = ("-r", "R", "--", "sh", "-c", "echo $FLOM_FENCING_TOKEN")
    tokens = [int(place.run(*words).stdout) for _ in range(3)]
    assert tokens == sorted(set(tokens))


def test_one_after_the_other(place):
    holder = place.hold()
    waiter = place.ask()
    place.await_waiters(1)
    holder.communicate("\n", timeout=BOUND)
    assert waiter.stdout.readline() == "held\n"
    waiter.communicate("\n", timeout=BOUND)
    assert (holder.returncode, waiter.returncode) == (0, 0)
    assert place.requests() == []


def test_statuses_are_those_of_a_daemon(place):
    assert place.run("-r", "R", "--", "sh", "-c", "exit 7").returncode == 7
    assert place.run("-r", "N", "-e", "no", "-o", "0", "--", "true").returncode == 96
    assert place.run("-r", "R").returncode == 97
    assert place.run("-r", "R", "--", "/nonexistent").returncode == 97
    assert place.run("-r", "A[1]", "-q", "2", "--", "true").returncode == 99
    place.hold()
    assert place.run("-r", "R", "-o", "0", "--", "true").returncode == 98
    late = place.run("-r", "R", "-o", "100", "--", "true")
    assert late.returncode == 98
    assert late.stderr.startswith("flom: 'R' could not be locked within 100 milliseconds")
    assert len(place.requests()) == 1


@pytest.mark.parametrize("where", ["user", "custom"])
def test_the_files_may_name_the_store(place, where):
    file = place.folder / (".flom" if where == "user" else "custom")
    file.write_text(f"[Store]\nUrl={place.url}\nSessionTTL=5\n")
    place.words = [] if where == "user" else ["-c", str(file)]
    done = place.run("-V", "-r", "R", "--", "etcdctl", *place.store.words("lease", "list")[1:])
    assert f"[Store]/Url='{place.url}'\n[Store]/SessionTTL=5\n" in done.stdout
    assert re.search(r"found \d+ leases", done.stdout)


def test_a_signal_for_flom_reaches_the_command(place):
    """None of the threads that keep the session takes it away."""
    code = 'trap "echo caught; exit 3" TERM; echo held; while :; do sleep 0.1; done'
    holder = place.start("-r", "R", "--", "sh", "-c", code)
    assert holder.stdout.readline() == "held\n"
    holder.terminate()
    assert holder.communicate(timeout=BOUND)[0] == "caught\n"
    assert holder.returncode == 3
    assert place.requests() == []


def test_a_waiter_that_is_interrupted_leaves(place):
    place.hold()
    waiter = place.ask("--store-session-ttl", "60")
    place.await_waiters(1)
    waiter.send_signal(signal.SIGINT)
    waiter.wait(BOUND)
    assert waiter.returncode == -signal.SIGINT
    place.await_waiters(0)


def test_a_terminal_shows_whose_lock_it_is(place, terminals):
    holder = place.hold(env={"LOGNAME": "carlo"})
    words = [*progress.program("0.05"), *place.words, "-V", "-r", "R", "--", "echo", "got"]
    terminal = terminals(words)
    line = terminal.await_shown("held by")
    assert f"held by carlo@{os.uname().nodename} (pid {holder.pid}, sh -c echo" in line
    assert "; next in the queue" in line
    terminal.await_said("held by carlo", 2)
    holder.communicate("\n", timeout=BOUND)
    assert terminal.end() == 0
    assert terminal.screen[-2:] == ["got", ""]


def test_a_log_says_what_is_waited_for(place):
    waiter = place.start(
        "--progress", "-r", "N", "-e", "no", "--", "true", program=progress.program("0.05")
    )
    said = iter(waiter.stderr.readline, "")  # where connecting takes long, that is said first
    assert any(line.startswith("flom: waiting until somebody creates N (") for line in said)
    waiter.terminate()
    waiter.wait(BOUND)


def test_the_trace_tells_what_was_asked_of_whom(place):
    done = place.run("-r", "R", "--", "true", env={"FLOM_TRACE_MASK": "8"})
    asked = re.findall(r"flom_store: /v3/(\S+) at (\S+)/ret_cod=0", done.stderr)
    paths = [path for path, _ in asked]
    assert (paths[0], paths[-1]) == ("lease/grant", "lease/revoke")
    assert paths.count("kv/txn") >= 2
    assert {address for _, address in asked} == set(place.store.addresses)


def test_the_check(place):
    fine = place.run("--check", "-r", "R", "--", "true")
    assert fine.returncode == 0
    assert f"ok       store: {place.url} answers\n" in fine.stdout
    place.words = ["--store", "etcd://127.0.0.1:1"]
    bad = place.run("--check", "-r", "R", "-o", "500", "--", "true")
    assert bad.returncode == 99
    assert "problem  store: " in bad.stdout
    assert place.requests() == []


def test_a_store_that_is_not_there(place):
    place.words = ["--store", "etcd://127.0.0.1:1,localhost:1"]
    done = place.run("-r", "R", "-o", "500", "--", "true")
    assert done.returncode == 99
    assert re.fullmatch(r"flom: .*127\.0\.0\.1:1.*ret_cod=-105\]\n", done.stderr)


@FACES
@pytest.mark.parametrize("listens", [True, False], ids=["silent", "absent"])
def test_a_store_that_says_nothing_in_time(place, face, listens):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        if listens:
            sock.listen()
        client = face.Client("etcd://{}:{}".format(*sock.getsockname()))
        with pytest.raises(flom.ConnectError, match="does not answer"):
            asyncio.run(ask(face, client, timeout=0.2))


def test_urls_that_are_none(place):
    for url in ("http://h", "etcd://", "etcd://h:0/p", "etcd://a:b@h"):
        place.words = ["--store", url]
        done = place.run("-r", "R", "--", "true")
        assert (done.returncode, done.stdout) == (99, "")
        assert done.stderr.startswith(f"flom: store '{url}': ")
        assert "ret_cod=-5]" in done.stderr


# Who proves who he is: TLS with certificates on both sides, user and password.


@pytest.fixture
def guarded(etcds, folder, certificates, monkeypatch):
    """A place in a store of its own, which lets in one user with a certificate."""
    monkeypatch.setenv("HOME", str(folder))
    store = etcds(tls=True)
    made = StorePlace(store, folder)
    store.protect(f"{made.prefix}/", user="locker", password="open sesame")
    (folder / "password").write_text("open sesame\n")
    (folder / "password").chmod(0o600)
    yield made
    made.clear()


def proof(place, certificates, user="locker"):
    """The options of who may lock."""
    return ["--store-ca-certificate", f"{certificates}/one.ca",
            "--store-certificate", f"{certificates}/nameless.pem",
            "--store-private-key", f"{certificates}/nameless.key",
            "--store-user", user, "--store-password-file", f"{place.folder}/password"]  # fmt: skip


def test_a_command_proves_who_it_is(guarded, certificates):
    words = proof(guarded, certificates)
    assert guarded.run(*words, "-r", "R", "--", "true").returncode == 0
    check = guarded.run(*words, "--check", "-r", "R", "--", "true")
    assert f"ok       store: {guarded.url} answers to user 'locker'\n" in check.stdout
    (guarded.folder / ".flom").write_text(
        f"[Store]\nUrl={guarded.url}\nCACertificate={certificates}/one.ca\n"
        f"Certificate={certificates}/nameless.pem\nPrivateKey={certificates}/nameless.key\n"
        "User=locker\nPassword=open sesame\n"
    )
    (guarded.folder / ".flom").chmod(0o600)
    guarded.words = []
    shown = guarded.run("-V", "-r", "R", "--", "true")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "sesame" not in shown.stdout


def test_who_cannot_prove_it_gets_nothing(guarded, certificates):
    words = proof(guarded, certificates)
    stranger = guarded.run(*proof(guarded, certificates, "nobody"), "-r", "R", "--", "true")
    nameless = guarded.run(*words[:6], "-r", "R", "--", "true")
    elsewhere = guarded.run("--store", guarded.store.url("others"), *words, "--", "true")
    untrusting = guarded.run("--store-ca-certificate", f"{certificates}/two.ca", *words[2:], "-r",
                             "R", "--", "true")  # fmt: skip
    plain = guarded.run("-r", "R", "-o", "2000", "--", "true")
    named = guarded.run(*(word.replace("nameless", "mine") for word in words), "--", "true")
    assert "no certificate with a common name (CN)" in named.stderr
    for done in (stranger, nameless, elsewhere, untrusting, plain, named):
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (99, "", 1), done.stderr
        assert "sesame" not in done.stderr
    for done in (stranger, nameless, elsewhere, named):
        assert "ret_cod=-605]" in done.stderr
    assert "ret_cod=-407]" in untrusting.stderr


@FACES
def test_a_program_proves_who_it_is(guarded, certificates, face):
    tls = flom.Tls(
        f"{certificates}/nameless.pem", f"{certificates}/nameless.key", f"{certificates}/one.ca"
    )
    client = face.Client(guarded.url, tls=tls, user="locker", password="open sesame")
    seen = []
    asyncio.run(block(face, client, seen.append))
    assert len(seen) == 1
    stranger = face.Client(guarded.url, tls=tls, user="locker", password="wrong")
    with pytest.raises(flom.Denied, match="refuses"):
        asyncio.run(block(face, stranger, seen.append))


# Programs.


async def block(face, client, inside, resource="R", **options):
    """Do something under a lock of either face; returns the lock."""
    lock = client.lock(resource, timeout=BOUND, **options)
    if face is flom:
        with lock as held:
            inside(held)
    else:
        async with lock as held:
            inside(held)
    return held


async def ask(face, client, **options):
    """Get a lock of either face, and keep it."""
    got = client.lock("R", **options).acquire()
    return got if face is flom else await got


async def give(held):
    """Release it."""
    if (done := held.release()) is not None:
        await done


@FACES
def test_programs_and_commands_exclude_each_other(place, face):
    def inside(held):
        assert place.run("-r", "R", "-o", "0", "--", "true").returncode == 98
        seen.append(held.token)

    seen = []
    client = face.Client(place.url)
    for _ in range(2):
        asyncio.run(block(face, client, inside))
    assert seen == sorted(set(seen))
    holder = place.hold()
    with pytest.raises(flom.Busy, match=f"pid {holder.pid} ") as busy:
        asyncio.run(ask(face, client, timeout=0))
    assert len(busy.value.holders) == 1
    with pytest.raises(flom.Timeout):
        asyncio.run(ask(face, client, timeout=0.1))
    assert len(place.requests()) == 1


@FACES
@pytest.mark.parametrize("resource", ["a.b", "_s_N[1]", "_S_N[1]", "_t_%Y.%T[1]", "A[3]", "/x/y"])
def test_every_kind_for_programs(place, face, resource):
    held = asyncio.run(block(face, face.Client(place.url), lambda held: None, resource))
    elements = {"a.b": "a", "_s_N[1]": "1", "_S_N[1]": "1", "A[3]": None, "/x/y": None}
    if resource in elements:
        assert held.element == elements[resource]
    else:
        assert re.fullmatch(r"\d{4}\.\d\d:\d\d:\d\d", held.element)


@FACES
def test_a_program_learns_of_the_loss(place, face):
    """Somebody ends its lease."""
    told = threading.Event()

    def inside(held):
        assert not held.lost
        (lease,) = {row["lease"] for row in rows(place)}
        place.store.ctl("lease", "revoke", f"{lease:x}")
        wait_for(lambda: held.lost, "the loss")

    (place.folder / ".flom").write_text("[Store]\nSessionTTL=5\n")
    with pytest.raises(flom.LockLost, match="the lock was lost"):
        asyncio.run(block(face, face.Client(place.url), inside, on_lost=lambda held: told.set()))
    assert face is flom.aio or told.wait(BOUND)


def rows(place):
    """What etcd tells of the requests."""
    told = json.loads(place.store.ctl("get", "--prefix", f"{place.prefix}/R/q/", "-w", "json"))
    return told.get("kvs", [])


@FACES
def test_a_child_of_fork_holds_nothing_and_ends_nothing(place, face):
    def inside(held):
        if (child := os.fork()) == 0:
            held.release()
            os._exit(held.lost)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert len(place.requests()) == 1
        assert not held.lost

    asyncio.run(block(face, face.Client(place.url), inside))
    assert place.requests() == []


END = """\
import asyncio, sys, threading, warnings
import flom
warnings.simplefilter("ignore")
client = getattr(flom, sys.argv[2], flom).Client(sys.argv[1])
held = client.lock(sys.argv[4]).acquire()
waiter = flom.Client(sys.argv[1]).lock(sys.argv[4])
if sys.argv[2] == "aio":
    held = asyncio.run(held)
if sys.argv[3] == "raise":
    raise SystemExit(3)
if sys.argv[3] == "waiting":
    threading.Thread(target=waiter.acquire, daemon=True).start()
    while len(threading.enumerate()) < 4:
        pass
"""


@pytest.mark.parametrize("face", ["blocking", "aio"])
@pytest.mark.parametrize("how", ["end", "raise", "waiting"])
def test_the_end_of_a_program_gives_back(place, face, how):
    """At once, not when its lease of a minute is over."""
    (place.folder / ".flom").write_text("[Store]\nSessionTTL=60\n")
    # A store that is busy with others for two seconds is not waited for.
    assert any(ends_and_gives_back(place, face, how) for _ in range(3))


def ends_and_gives_back(place, face, how):
    """Whether a program that ends without a release leaves nothing behind."""
    resource = f"R{len(place.requests())}"
    words = [sys.executable, "-c", END, place.url, face, how, resource]
    done = subprocess.run(
        words, check=False, capture_output=True, text=True, timeout=2 * BOUND,
        env=environment(place.folder),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (3 if how == "raise" else 0, "")
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if all(request["name"] != resource for request in place.requests()):
            return True
        time.sleep(0.1)
    return False


def test_a_cancelled_task_leaves_no_trace(place):
    """At whatever moment: before, while and after it is granted."""

    async def main():
        client = flom.aio.Client(place.url)
        for number in range(8):
            held = await client.lock("R").acquire()
            task = asyncio.create_task(ask(flom.aio, client))
            await asyncio.to_thread(place.await_waiters, 1)
            release = asyncio.create_task(held.release())
            await asyncio.sleep(0.004 * number)
            task.cancel()
            await release
            try:
                await give(await task)
            except asyncio.CancelledError:
                pass

    asyncio.run(main())
    place.await_free()


def test_more_tasks_than_the_loop_has_threads(place):
    async def main():
        client = flom.aio.Client(place.url)
        await asyncio.gather(*(block(flom.aio, client, count) for _ in range(40)))

    def count(held):
        tokens.append(held.token)

    tokens = []
    asyncio.run(main())
    assert tokens == sorted(set(tokens))
    assert len(tokens) == 40
    place.await_free()
