"""`flomctl` looks at a daemon with fifty clients of all kinds."""

import json
import re
import urllib.request

import pytest
from operators import CROWD, CTL, GRANTED, MODES, ask, ctl, gather, start_daemon, telling, told
from prometheus_client.parser import text_string_to_metric_families
from state_rows import HOSTILE, validate
from support import BOUND, wait_for

from flom.ctl.output import visible


@pytest.fixture
def crowd(any_place):
    return gather(any_place)


def expected():
    """Holders and waiters of every resource of the crowd."""
    sums = {}
    for name, _, count, granted in CROWD:
        if name != "absent":
            root = "/srv" if name.startswith("/srv") else name
            holders, waiters = sums.get(root, (0, 0))
            sums[root] = holders + granted, waiters + count - granted
    return {**sums, **{f"evil{number}": (1, 0) for number in range(5)}}


def test_every_row_is_what_it_should_be(any_place, crowd):
    """ls, show, ping, top, metrics: the same numbers, in the form of the schema."""
    rows = told(any_place, "ls")
    found = {row["root"]: (row["holder_count"], row["waiter_count"]) for row in rows}
    assert found == expected()
    for row in rows:
        queue = told(any_place, "show", row["name"])
        assert len(queue["holders"]) == row["holder_count"]
        assert len(queue["waiters"]) == row["waiter_count"]
        assert [claim["id"] for claim in queue["waiters"]] == sorted(
            claim["id"] for claim in queue["waiters"]
        )
    alive = told(any_place, "ping")
    holders, waiters = map(sum, zip(*expected().values(), strict=True))
    assert alive["alive"] is True
    assert alive["daemon"]["pid"] == any_place.daemon()
    assert (alive["daemon"]["holders"], alive["daemon"]["waiters"]) == (holders, waiters)
    assert (alive["daemon"]["parked"], alive["daemon"]["resources"]) == (4, len(rows))
    look = told(any_place, "top", "--count", "1")
    assert {row["root"] for row in look["resources"]} == set(found)
    assert look["resources"][0]["root"] == "backup"
    counts = told(any_place, "metrics")
    assert counts["metrics"]["holders"] == holders
    assert counts["omitted"] == 0


def test_text_for_pipes_is_plain_and_complete(any_place, crowd):
    """One line each, nothing cut, nothing that a terminal would obey; FORCE_COLOR or not."""
    long = "x" * 120
    peer = any_place.peer()
    assert ask(peer, "wide", telling(long)) == GRANTED
    for words in (["ls"], ["show", "wide"], ["show", "evil0"], ["show", "backup"]):
        text = ctl(any_place, *words, env={"FORCE_COLOR": "1", "COLUMNS": "40"})
        assert text.replace("\n", "").isprintable()
    assert re.search(rf"^held +\d+ +EX .* {long}$", ctl(any_place, "show", "wide"), re.MULTILINE)
    shown = ctl(any_place, "show", "evil0")
    command = visible(HOSTILE.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    if any_place.words[0] == "-s":
        assert shown.rstrip().endswith(command)
    lines = ctl(any_place, "show", "backup").splitlines()
    assert lines[0] == "backup: simple, 1 holder, 7 waiters"
    places = [line.split()[0] for line in lines[1:]]
    assert places == ["PLACE", "held", *map(str, range(1, 8))]
    assert len(ctl(any_place, "ls").splitlines()) == 2 + len(expected())


def test_explain_says_what_then_happens(any_place, crowd):
    """For many requests: the same verdict as a request that does not wait, and real blockers."""
    requests = [
        (name, mode, quantity)
        for name in ("backup", "data", "fresh", "/srv/a", "/srv/b", "/srv/new")
        for mode in ("NL", "CR", "PR", "EX")
        for quantity in (1,)
    ]
    requests += [("licence[8]", "EX", 1), ("licence[8]", "EX", 8), ("fresh[3]", "EX", 3)]
    requests += [("red.green.blue", "EX", 1), ("_s_build[2]", "EX", 1), ("u.v", "EX", 1)]
    granted = 0
    for name, mode, quantity in requests:
        peer = any_place.peer()
        answer = peer.lock(name, mode=MODES[mode], quantity=quantity, wait=0)
        peer.sock.close()
        words = ("explain", name, "-l", mode, "-q", quantity)
        row = told(any_place, *words, status=int(answer != GRANTED))
        assert row["granted"] == (answer == GRANTED), (name, mode, quantity)
        assert bool(row["blockers"]) == (answer == 4), (name, mode, quantity)
        granted += row["granted"]
    assert 5 < granted < len(requests) - 5
    assert told(any_place, "explain", "licence[8]", "-q", 9, status=1)["reason"] == "impossible"
    blockers = told(any_place, "explain", "backup", "-l", "PR", status=1)["blockers"]
    holders = told(any_place, "show", "backup")["holders"]
    assert [claim["id"] for claim in blockers][:1] == [holders[0]["id"]]
    text = ctl(any_place, "explain", "backup", "-l", "PR", status=1)
    assert text.startswith("PR of backup would have to wait behind ")


def test_explain_knows_where_it_runs(place):
    start_daemon(place)
    inner = (*CTL, "explain", "R", "-s", place.path)
    done = place.run("-r", "R", "--", *inner)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(
        "EX of R would not be granted now: this runs within a lock of it and would wait"
    )


def test_nobody_uses_it(place):
    start_daemon(place)
    assert told(place, "ls") == []
    assert told(place, "show", "R", status=1) is None
    assert ctl(place, "show", "R", status=1) == "nobody uses R\n"
    assert told(place, "explain", "R")["granted"] is True
    assert told(place, "explain", "R", "-e", "no", status=1)["reason"] == "no_resource"
    assert ctl(place, "explain", "R") == "EX of R would be granted now\n"


def test_those_who_wait_for_its_creation(place):
    start_daemon(place)
    waiter = place.start("-r", "P[5]", "-q", "2", "-e", "no", "--", "true")
    place.await_queued(waiter)
    (claim,) = told(place, "show", "P[5]", status=1)["parked"]
    assert [claim["name"], claim["quantity"], claim["since"]] == ["P[5]", 2, None]
    text = ctl(place, "show", "P[5]", status=1)
    assert text.startswith("nobody uses P[5]; until somebody creates it, 1 request will wait\n")
    assert f" {claim['pid']} " in text.splitlines()[-1]
    assert told(place, "show", "other", status=1) is None
    waiter.terminate()
    waiter.communicate(timeout=BOUND)


def test_output_that_goes_nowhere(place, tmp_path):
    """A full disk is an error, a closed standard output is no wish to read; nobody sees Python."""
    start_daemon(place)
    for words in (["ls"], ["ls", "--json"], ["metrics"], ["hold", "R"], ["--help"]):
        with open("/dev/full", "w") as full:
            done = place.run(*words, program=CTL, stdout=full)
        complaint = "flomctl: standard output: No space left on device\n"
        assert (done.returncode, done.stderr) == (99, complaint), words
    closed = ("sh", "-c", 'exec "$@" >&-', "sh", *CTL)
    done = place.run("ls", program=closed)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_working_directory_that_is_gone(place, tmp_path):
    start_daemon(place)
    (tmp_path / "gone").mkdir()
    elsewhere = ("sh", "-c", f'cd {tmp_path}/gone; rmdir ../gone; exec "$@"', "sh", *CTL)
    assert "holders" in place.run("ping", program=elsewhere).stdout


# Prometheus


def samples(text):
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_prometheus_once(any_place, crowd):
    """What the official parser reads is what `ls` says, and no more names than allowed."""
    rows = {row["name"]: row for row in told(any_place, "ls")}
    found = samples(ctl(any_place, "metrics"))
    named = {
        dict(labels)["resource"]: value
        for (name, labels), value in found.items()
        if name == "flom_resource_waiters"
    }
    assert named == {visible(name): row["waiter_count"] for name, row in rows.items()}
    few = samples(ctl(any_place, "metrics", "--resources", "2"))
    names = {dict(labels)["resource"] for name, labels in few if name == "flom_resource_holders"}
    assert len(names) == 2
    assert "backup" in names
    assert few["flom_resources_omitted", frozenset()] == len(rows) - 2


def test_prometheus_served(place):
    """An exporter outlives the daemon, and tells that it is gone."""
    start_daemon(place)
    exporter = place.start("metrics", "--listen", "127.0.0.1:0", "--json", program=CTL)
    value = json.loads(exporter.stdout.readline())
    validate(value, "metrics-listen")

    def scrape():
        with urllib.request.urlopen(f"http://{value['listening']}/metrics", timeout=30) as answer:
            return samples(answer.read().decode())

    assert scrape()["flom_up", frozenset()] == 1
    holder = place.hold()
    of_the_resource = frozenset({("resource", "R"), ("kind", "simple")})
    assert scrape()["flom_resource_holders", of_the_resource] == 1
    holder.communicate("\n", timeout=30)
    place.shut_down()
    assert scrape() == {("flom_up", frozenset()): 0}
    exporter.terminate()
    assert exporter.wait(30) == 0
    assert "no such socket" in exporter.stderr.read()


def test_an_address_that_is_taken(place):
    start_daemon(place)
    exporter = place.start("metrics", "--listen", "127.0.0.1:0", program=CTL)
    line = exporter.stdout.readline()
    address = re.search(r"http://(.*)/metrics", line)[1]
    done = place.run("metrics", "--listen", address, program=CTL)
    assert (done.returncode, "cannot serve at" in done.stderr) == (99, True)
    exporter.send_signal(2)
    wait_for(lambda: exporter.poll() is not None, "the end of the exporter")
    assert exporter.returncode == 0
