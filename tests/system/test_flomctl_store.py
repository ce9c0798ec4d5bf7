"""`flomctl` on locks in a real etcd: all kinds, what happens, broken locks, failures."""

import json
import signal

import pytest
from operators import CTL, ctl, told
from state_rows import validate
from support import BOUND, HELD, wait_for
from test_store_faces import StorePlace

# Name, options, how many ask, how many of them hold.
CROWD = [
    ("backup", (), 2, 1),
    ("data", ("-l", "PR"), 2, 2),
    ("licence[8]", ("-q", "3"), 3, 2),
    ("red.green", (), 3, 2),
    ("/srv/a", ("-l", "PR"), 1, 1),
    ("/srv", (), 1, 0),
    ("_s_build[1]", (), 2, 1),
    ("_t_%T[1]", (), 1, 1),
]


def on(store, folder, monkeypatch, *words):
    """A prefix of its own in a store."""
    monkeypatch.setenv("HOME", str(folder))
    made = StorePlace(store, folder)
    made.words += words
    return made


@pytest.fixture
def place(etcd_node, folder, monkeypatch):
    made = on(etcd_node, folder, monkeypatch)
    yield made
    made.clear()


def lock(place, name, *options):
    """A `flom` whose command holds a lock until it is told to end."""
    words = ("--store-session-ttl", "5", "-r", name, *options, "--", "sh", "-c", HELD % 0)
    return place.start(*words, stdin=-1)


def held(place, name="R", *options):
    """The same; returns when it has the lock."""
    holder = lock(place, name, *options)
    assert holder.stdout.readline() == "held\n", holder.stderr.read()
    return holder


def end(holder):
    """Let a holder give its lock back."""
    holder.communicate("\n", timeout=BOUND)
    assert holder.returncode == 0


def watch(place, *words, node=None):
    """A `flomctl events` that watches already."""
    node = node or place.store.nodes[0]
    before = node.requests().get("Watch", 0)
    watcher = place.start("events", "--json", *words, program=CTL)
    wait_for(lambda: node.requests().get("Watch", 0) > before, "a watcher")
    return watcher


def heard(watcher, *expected):
    """The next events, which must be these."""
    rows = [json.loads(watcher.stdout.readline()) for _ in expected]
    for row in rows:
        validate(row, "events")
    assert tuple(row["event"] for row in rows) == expected
    return rows


def test_holders_and_waiters_of_all_kinds(place):
    """ls, show, top, metrics, ping: the same numbers, in the form of the schema."""
    sums = {}
    for name, options, count, holding in CROWD:
        for number in range(count):
            if number < holding:
                held(place, name, *options)
            else:
                lock(place, name, *options)
        root = "/srv" if name.startswith("/srv") else name
        holders, waiters = sums.get(root, (0, 0))
        sums[root] = holders + holding, waiters + count - holding
    place.await_waiters(sum(waiters for _, waiters in sums.values()))
    rows = told(place, "ls")
    assert {row["root"]: (row["holder_count"], row["waiter_count"]) for row in rows} == sums
    for row in rows:
        queue = told(place, "show", row["name"])
        assert len(queue["holders"]) == row["holder_count"]
        ids = [claim["id"] for claim in queue["waiters"]]
        assert len(ids) == row["waiter_count"]
        assert ids == sorted(ids)
    holders, waiters = map(sum, zip(*sums.values(), strict=True))
    ping = told(place, "ping")
    assert (ping["alive"], ping["daemon"]["holders"]) == (True, holders)
    assert [one["leader"] for one in ping["endpoints"]] == [True]
    counts = told(place, "metrics")
    assert sum(kind["waiters"] for kind in counts["kinds"].values()) == waiters
    assert set(counts["kinds"]) == {row["kind"] for row in rows}
    assert len(counts["kinds"]) == 6
    look = told(place, "top", "--count", "1")
    assert look["daemon"]["waiters"] == waiters
    lines = ctl(place, "ls").splitlines()
    assert len(lines) == 1 + len(rows)
    assert any(line.split()[:5] == ["backup", "simple", "EX", "1", "1"] for line in lines)
    assert f"flom_holders {holders}.0" in ctl(place, "metrics").splitlines()


def test_explain_asks_without_locking(place):
    holder = held(place, "R", "-l", "PR")
    before = place.requests()
    row = told(place, "explain", "R", status=1)
    assert [claim["pid"] for claim in row["blockers"]] == [holder.pid]
    assert told(place, "explain", "R", "-l", "CR")["granted"]
    assert told(place, "explain", "new", "-e", "no", status=1)["reason"] == "no_resource"
    assert place.requests() == before


def test_events_as_they_happen(place):
    everything, one = watch(place), watch(place, "R")
    end(held(place, "other"))
    holder = held(place)
    _, enqueued, granted = heard(one, "created", "enqueued", "granted")
    assert enqueued["claim"] == granted["claim"]
    assert granted["claim"]["pid"] == holder.pid
    end(holder)
    heard(one, "released")
    rows = heard(everything, *("created", "enqueued", "granted", "released") * 2)
    assert [row["name"] for row in rows] == ["other"] * 4 + ["R"] * 4
    for watcher in (everything, one):
        watcher.send_signal(signal.SIGINT)
        _, complaint = watcher.communicate(timeout=BOUND)
        assert (watcher.returncode, complaint) == (0, "")


def test_a_broken_lock_goes_to_the_next_and_its_holder_knows(place):
    holder = held(place)
    waiter = lock(place, "R")
    place.await_waiters(1)
    (row,) = told(place, "release", "R", "--force")
    assert row["pid"] == holder.pid
    assert waiter.stdout.readline() == "held\n"
    _, complaint = holder.communicate(timeout=BOUND)
    assert holder.returncode == 95
    assert "lost" in complaint
    end(waiter)
    assert told(place, "release", "R", "--force", status=1) == []


def test_one_holder_of_several(place):
    for _ in range(3):
        held(place, "R", "-l", "PR")
    ids = [claim["id"] for claim in told(place, "show", "R")["holders"]]
    text = ctl(place, "release", "R", "--force", "--holder", ids[1])
    assert [line.split()[:2] for line in text.splitlines()[1:]] == [["broken", str(ids[1])]]
    assert [claim["id"] for claim in told(place, "show", "R")["holders"]] == [ids[0], ids[2]]
    assert told(place, "release", "R", "--force", "--holder", ids[1], status=1) == []


def test_hold_until_interrupted_or_lost(place):
    words = ("--store-session-ttl", "5", "--json")
    holder = place.start("hold", "R", "-l", "PR", *words, program=CTL)
    assert json.loads(holder.stdout.readline()) == {"held": "R", "mode": "PR", "element": None}
    (claim,) = told(place, "show", "R")["holders"]
    assert (claim["pid"], claim["command"]) == (holder.pid, "flomctl hold R")
    assert place.run("hold", "R", "-o", "0", program=CTL).returncode == 98
    holder.send_signal(signal.SIGTERM)
    _, complaint = holder.communicate(timeout=BOUND)
    assert (holder.returncode, complaint) == (0, "")
    assert place.requests() == []
    assert place.run("hold", "new", "-o", "0", "-e", "no", program=CTL).returncode == 96
    holder = place.start("hold", "a.b", *words, program=CTL)
    assert json.loads(holder.stdout.readline())["element"] == "a"
    told(place, "release", "a.b", "--force")
    _, complaint = holder.communicate(timeout=BOUND)
    assert holder.returncode == 99
    assert complaint.startswith("flomctl: the lock was lost")


def test_endpoints_that_hang_and_end(etcds, folder, monkeypatch):
    """One that hangs: the rest goes on; none: all commands say so, and a watch ends."""
    cluster = etcds(3)
    place = on(cluster, folder, monkeypatch)
    leader = cluster.leader()
    # Ours is the first endpoint, and the leader's end is no matter of this test.
    first = next(node for node in cluster.nodes if node is not leader)
    others = [node for node in cluster.nodes if node is not first]
    addresses = [*first.addresses, *others[0].addresses, *others[1].addresses]
    place.words[1] = f"etcd://{','.join(addresses)}/{place.prefix}"
    watcher = watch(place, node=first)
    first.stop()
    end(held(place))
    heard(watcher, "created", "enqueued", "granted", "released")
    ping = told(place, "ping", "-o", "3000")
    assert [one["alive"] for one in ping["endpoints"]] == [False, True, True]
    assert [one["leader"] for one in ping["endpoints"]].count(True) == 1
    for node in others:
        node.kill()
    ping = told(place, "ping", "-o", "3000", status=1)
    assert (ping["alive"], ping["daemon"]) == (False, None)
    done = place.run("ls", "-o", "3000", program=CTL)
    assert (done.returncode, done.stdout) == (99, "")
    assert f"the store at {place.words[1]} does not answer" in done.stderr
    _, complaint = watcher.communicate(timeout=BOUND)
    assert watcher.returncode == 99
    assert complaint.count("\n") == 1
    place.clear()


def test_a_store_that_wants_to_know_who_asks(etcds, folder, monkeypatch):
    """TLS, user and password; a wrong password is told, and never shown."""
    cluster = etcds(tls=True)
    cluster.protect(f"{folder.name}/")
    password = folder / "password"
    password.write_text("open sesame\n")
    password.chmod(0o600)
    place = on(
        cluster, folder, monkeypatch, "--store-ca-certificate", f"{cluster.files}/one.ca",
        "--store-certificate", f"{cluster.files}/nameless.pem",
        "--store-private-key", f"{cluster.files}/nameless.key",
        "--store-user", "locker", "--store-password-file", str(password),
    )  # fmt: skip
    watcher = place.start("events", "--count", "1", program=CTL)
    holder = held(place)
    assert told(place, "show", "R")["holders"][0]["pid"] == holder.pid
    assert told(place, "ping")["endpoints"][0]["alive"]
    (row,) = told(place, "release", "R", "--force")
    assert row["pid"] == holder.pid
    watcher.communicate(timeout=BOUND)
    assert watcher.returncode == 0
    password.write_text("wrong sesame\n")
    done = place.run("ls", program=CTL)
    assert (done.returncode, done.stdout) == (99, "")
    assert "refuses" in done.stderr
    assert "sesame" not in done.stderr
    place.clear()
