"""The daemon's state over the wire, seen by its own client and by scripted ones."""

import base64
import contextlib
import itertools
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import threading

import jsonschema
import pytest
from system import support
from system.support import BOUND, OTHER_UID, PROLOG, encoded, lock_message, message, wait_for

from flom.client.questions import Questions, named
from flom.errors import (
    OWN_RC_NO_STATE,
    OWN_RC_NOT_ALLOWED,
    OWN_RC_UNKNOWN_QUESTION,
    RC_API_INVALID_SEQUENCE,
    RC_OBJ_NOT_FOUND_ERROR,
    RC_OUT_OF_RANGE,
    FlomError,
)
from flom.settings import Settings

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "reference" / "state.schema.json").read_text())


def checked(what, row):
    """The row, if the schema knows it."""
    schema = {**SCHEMA, "$ref": f"#/$defs/{what}"}
    jsonschema.Draft202012Validator(schema).validate(row)
    return row


@pytest.fixture
def place(tmp_path):
    made = support.place("unix", tmp_path)
    try:
        yield made
    finally:
        made.clear()


def settings_of(place):
    settings = Settings()
    if hasattr(place, "path"):
        settings.socket_name = str(place.path)
    else:
        settings.unicast_address, settings.unicast_port = place.host, place.port
    return settings


@contextlib.contextmanager
def asking(place):
    questions = Questions(settings_of(place), BOUND)
    try:
        yield lambda what, **words: [
            checked(what, row) for row in questions.ask(what, words_of(words))
        ]
    finally:
        questions.close()


def words_of(words):
    return {
        key: named(value.encode()) if key == "name" else str(value) for key, value in words.items()
    }


@contextlib.contextmanager
def watching(place, **words):
    """Rows of events, from now on."""
    questions = Questions(settings_of(place), BOUND)
    try:
        number, data = questions._conversation.ask("events", words_of(words))
        questions._send(data)
        # Whatever is asked behind it is answered once the daemon watches.
        assert list(questions.ask("daemon", {}))
        rest = [b""]

        def rows():
            while True:
                for told in questions._take():
                    if told.number == number:
                        *lines, rest[0] = (rest[0] + told.data).split(b"\n")
                        yield from (checked("events", json.loads(line)) for line in lines)
                questions._receive(BOUND)

        yield rows()
    finally:
        questions.close()


EXT = 'ext="flom pid=77 user=carlo host=web1 command=./run+%C3%BC timeout=5"'


def announced(name="R", ext=EXT, **attributes):
    return lock_message(name, **attributes).replace(b'step="8"', f'step="8" {ext}'.encode(), 1)


def told(peer, number):
    """The rows of an answer, and its code, for a scripted client."""
    text, data = b"", peer._data
    while True:
        while b"</msg>" in data:
            document, _, data = data.partition(b"</msg>")
            if f'<tell id="{number}"'.encode() in document:
                if end := re.search(rb' rc="(-?\d+)"', document):
                    peer._data = data
                    return [json.loads(line) for line in text.splitlines()], int(end[1])
                text += base64.b64decode(re.search(rb'data="([^"]*)"', document)[1])
        more = peer.sock.recv(65536)
        assert more, "closed"
        data += more


def ask(number, what, **words):
    attributes = "".join(f' {key}="{value}"' for key, value in words.items())
    return message(6, 8, f'<ask id="{number}" what="{what}"{attributes}/>')


def test_who_holds_and_who_waits(place):
    holder = place.hold("-d", "-1", "-l", "PR")
    waiter = place.wait("-l", "EX", "-o", "60000")
    parked = place.start("-r", "P[5]", "-q", "2", "-e", "no", "--", "true")
    place.await_queued(parked)
    with asking(place) as answer:
        (daemon,) = answer("daemon")
        assert (daemon["pid"], daemon["endpoint"]) == (place.daemon(), str(place.path))
        counts = ("resources", "holders", "waiters", "parked", "onlookers", "connections")
        assert [daemon[count] for count in counts] == [1, 1, 1, 1, 1, 4]
        (resource,) = answer("resources")
        # The listener is 1, the first connection 2 (daemon.md 13).
        assert (resource["id"], resource["name"], resource["modes"]) == (3, "R", {"PR": 1})
        (queue,) = answer("queue", name="R")
        *_, last = rows = answer("snapshot")
        assert [len(rows), rows[0]["id"], last["parked"][0]["name"]] == [2, 3, "P[5]"]
        assert last["parked"][0]["quantity"] == 2
        (held,), (waits,) = queue["holders"], queue["waiters"]
        assert (held["id"], held["mode"], waits["mode"]) == (2, "PR", "EX")
        assert (held["pid"], waits["pid"]) == (holder.pid, waiter.pid)
        assert held["uid"] == waits["uid"] == os.getuid()
        assert held["host"] == os.uname().nodename
        assert held["command"].startswith("sh -c echo held;")
        assert (held["timeout"], waits["timeout"]) == (None, 60000)
        assert held["asked"] == held["since"] <= waits["asked"]
        assert waits["since"] is None and waits["waiting"] > 0
        (told,) = answer("explain", name="R", mode=5)
        assert (told["granted"], told["reason"]) == (False, "conflict")
        assert [claim["id"] for claim in told["blockers"]] == [2]
        assert answer("explain", name="R", mode=1)[0]["granted"]
        (metrics,) = answer("metrics")
        assert metrics["kinds"]["simple"]["grants"] == 1
        assert answer("queue", name="none") == []
        for what, words, rc in (
            ("nonsense", {}, OWN_RC_UNKNOWN_QUESTION),
            ("queue", {}, RC_OUT_OF_RANGE),
            ("explain", {}, RC_OBJ_NOT_FOUND_ERROR),
            ("explain", {"name": "R", "mode": "x"}, RC_OUT_OF_RANGE),
            ("break", {"name": "none"}, RC_OBJ_NOT_FOUND_ERROR),
            ("break", {"name": "R", "holder": 999}, RC_OBJ_NOT_FOUND_ERROR),
        ):
            with pytest.raises(FlomError) as caught:
                answer(what, **words)
            assert caught.value.rc == rc, what


def test_nobody_is_told_of_with_anonymous(place):
    place.hold("-d", "-1", "--anonymous")
    with asking(place) as answer:
        (claim,) = answer("queue", name="R")[0]["holders"]
    assert [claim[key] for key in ("user", "host", "pid", "command")] == [None] * 4


def test_a_waiting_client_asks_why(place):
    place.hold("-d", "-1")
    peer = place.peer()
    peer.send(announced())
    assert peer.answer() == 1
    peer.send(ask(7, "explain"))
    (row,), rc = told(peer, 7)
    assert rc == 0
    assert (checked("explain", row)["place"], row["reason"]) == (1, "conflict")
    assert [claim["pid"] for claim in row["blockers"]] == [place.processes[0].pid]


@pytest.mark.parametrize("kind", ["unix", "127.0.0.1"])
def test_an_old_client_sees_no_difference(kind, tmp_path):
    """W-65, W-67: nothing of the extension in any answer; verb 6 costs the connection."""
    place = support.place(kind, tmp_path)
    try:
        place.run("-d", "-1", "--", "true")
        peer = place.peer()
        peer.send(lock_message())
        answer = peer.sock.recv(4096)
        assert b"ext" not in answer
        assert answer.startswith(PROLOG.encode() + b'<msg level="3" verb="1" step="16"><session ')
        peer.send(ask(1, "daemon"))
        peer.await_close()
    finally:
        place.clear()


class Reference:
    """Says and refuses what the specification says of a reference daemon's stream.

    It closes at unknown verbs and at more than 511 bytes, ignores unknown attributes, and parks
    whoever waits for a resource that is not to be created.
    """

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(8)
        self.listener.settimeout(BOUND)

    def serve(self):
        """One client; returns what it said, message by message, and who ended the connection."""
        sock, _ = self.listener.accept()
        said, data = [], b""
        with sock:
            sock.settimeout(BOUND)
            while more := sock.recv(4096):
                data += more
                while b"</msg>" in data:
                    document, _, data = data.partition(b"</msg>")
                    said.append(document.decode() + "</msg>")
                    verb = int(re.search(r'verb="(\d+)"', said[-1])[1])
                    if len(said[-1]) > 511 or verb not in (1, 2, 5):
                        return said, "daemon"
                    if verb == 1:
                        parks = 'create="0"' in said[-1] and 'wait="1"' in said[-1]
                        sock.sendall(
                            message(1, 16, f'<session peerid=""/><answer rc="{2 * parks}"/>')
                        )
        return said, "client"


def test_an_old_daemon_is_sent_nothing_it_does_not_know(place):
    """wire.md 15, design.md 5 (is there a daemon of ours): the probe, a lock, a shutdown."""
    old = Reference(place.path)
    command = place.start("-r", "n" * 230, "--", "sh", "-c", "exit 3", "x" * 200)
    said, ended = old.serve()
    assert (command.wait(BOUND), ended, len(said)) == (3, "client", 2)
    stop = place.start("-x")
    said, ended = old.serve()
    assert (stop.wait(BOUND), ended, len(said)) == (0, "client", 1)
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(old.serve()))
    thread.start()
    with pytest.raises(FlomError) as caught:
        Questions(settings_of(place), BOUND)
    thread.join(BOUND)
    assert caught.value.rc == OWN_RC_NO_STATE
    ((said, ended),) = outcome
    assert ended == "client"
    (probe,) = said
    assert f'name="{encoded("flomState")}" mode="0" wait="1" create="0"' in probe
    assert re.search(r'<msg level="3" verb="1" step="8" ext="flom [^"<>&]*">', probe)


def test_onlookers_keep_no_daemon_alive(place):
    place.run("-d", "300", "--", "true")
    with watching(place) as events, pytest.raises(FlomError, match="closed the connection"):
        list(events)
    place.await_no_daemon()


def test_an_operator_takes_a_lock_away(place):
    holder = place.hold("-d", "-1")
    waiter = place.wait()
    old = place.peer()
    assert old.lock("other") == 0
    with watching(place) as events, asking(place) as answer:
        (row,) = answer("break", name="R")
        assert (row["id"], row["pid"], row["resource"]) == (2, holder.pid, 3)
        assert waiter.stdout.readline() == "held\n"
        (other,) = answer("queue", name="other")
        answer("break", name="other", holder=other["holders"][0]["id"])
        old.await_close()
        seen = {row["event"]: row for row in itertools.islice(events, 3)}
        assert seen["taken"]["claim"]["pid"] == holder.pid
        assert answer("metrics")[0]["kinds"]["simple"]["taken"] == 2
    _, err = holder.communicate("\n", timeout=BOUND)
    assert holder.returncode == 99
    assert re.match(r"flom: the lock was taken by \S+@\S+ \(operator\) while the command ran", err)
    waiter.communicate("\n", timeout=BOUND)
    assert waiter.returncode == 0


def test_nobody_takes_a_lock_away_over_tcp(tmp_path):
    tcp = support.place("127.0.0.1", tmp_path)
    try:
        holder = tcp.hold("-d", "-1")
        with asking(tcp) as answer, pytest.raises(FlomError) as caught:
            answer("break", name="R")
        assert caught.value.rc == OWN_RC_NOT_ALLOWED
        holder.communicate("\n", timeout=BOUND)
        assert holder.returncode == 0
    finally:
        tcp.clear()


# Says what it is given, line by line in hexadecimal digits, and prints the answers.
SPEAKER = """\
import socket, sys
sock = socket.socket(socket.AF_UNIX)
sock.connect(sys.argv[1])
for line in sys.argv[2:]:
    sock.sendall(bytes.fromhex(line))
    print(sock.recv(4096).decode())
"""


def test_another_user_takes_no_lock_away(tmp_path):
    support.need_root()
    with tempfile.TemporaryDirectory(prefix="flom-") as folder:
        os.chmod(folder, 0o755)
        place = support.UnixPlace(pathlib.Path(folder) / "s", tmp_path)
        try:
            holder = place.hold("-d", "-1")
            probe = announced("flomState", mode=0, create=0)
            words = [probe.hex(), ask(1, "break", name=encoded("R")).hex()]
            done = subprocess.run(
                ["/usr/bin/env", "python3", "-I", "-c", SPEAKER, str(place.path), *words],
                user=OTHER_UID, group=OTHER_UID, extra_groups=[], capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            assert f'rc="{OWN_RC_NOT_ALLOWED}"' in done.stdout, done.stderr
            holder.communicate("\n", timeout=BOUND)
            assert holder.returncode == 0
        finally:
            place.clear()


def test_every_event_in_order_while_much_happens(place):
    place.run("-d", "-1", "--", "true")
    count, names = 300, [f"R{number}" for number in range(5)]
    with watching(place) as events, watching(place, name="R3") as some:
        peers = [place.peer() for _ in range(5)]
        for _ in range(count):
            for peer, name in zip(peers, names, strict=True):
                assert peer.lock(name) == 0
                peer.unlock(name)
        for peer in peers:
            peer.close()
        rows = list(itertools.takewhile(lambda row: row["event"] != "forgotten", events))
        assert [row["seq"] for row in rows] == list(range(rows[0]["seq"], rows[-1]["seq"] + 1))
        for name in names:
            mine = [row["event"] for row in rows if row["name"] == name]
            assert mine == ["created", *["granted", "released"] * count]
        chosen = list(itertools.takewhile(lambda row: row["event"] != "forgotten", some))
        assert [row["event"] for row in chosen] == ["created", *["granted", "released"] * count]
        assert {row["name"] for row in chosen} == {"R3"}
        with asking(place) as answer:
            assert answer("metrics")[0]["kinds"]["simple"]["grants"] == 5 * count + 1


def test_who_reads_too_slowly_is_told_what_it_missed(place):
    place.run("-d", "-1", "--", "true")
    with watching(place) as events:
        peer = place.peer()
        for _ in range(40):
            # More at once than is kept.
            peer.send((lock_message() + message(2, 8, f'<resource name="{encoded("R")}"/>')) * 500)
            for _ in range(500):
                assert peer.answer() == 0
        done = threading.Event()
        marker = threading.Thread(target=lock_often, args=(peer, "marker", done))
        marker.start()
        rows = list(itertools.takewhile(lambda row: row.get("name") != "marker", events))
        done.set()
        marker.join(BOUND)
        assert any(row["event"] == "dropped" for row in rows)
        expected = rows[0]["seq"]
        for row in rows:
            assert row["seq"] == expected
            expected += row.get("count", 1)
        assert expected - rows[0]["seq"] >= 40000


def test_others_traffic_costs_a_resource_none_of_its_events(place):
    place.run("-d", "-1", "--", "true")
    pair = lock_message("noise") + message(2, 8, f'<resource name="{encoded("noise")}"/>')
    rounds = 20
    with watching(place, name="quiet") as events:
        noisy, peer = place.peer(), place.peer()
        for _ in range(rounds):
            # More at once than is kept.
            noisy.send(pair * 500)
            for _ in range(250):
                assert noisy.answer() == 0
            assert peer.lock("quiet") == 0
            peer.unlock("quiet")
            for _ in range(250):
                assert noisy.answer() == 0
        rows = list(itertools.islice(events, 1 + 2 * rounds))
    assert [row["event"] for row in rows] == ["created", *["granted", "released"] * rounds]
    assert {row["name"] for row in rows} == {"quiet"}


def lock_often(peer, name, done):
    """What has been dropped is told with the next event."""
    while not done.wait(0.05):
        assert peer.lock(name) == 0
        peer.unlock(name)


def test_nobody_pays_for_who_does_not_read(place):
    """A snapshot of many resources, never read: little memory, and others are served."""
    place.run("-d", "-1", "--", "true")
    filler = place.peer()
    for begin in range(0, 5000, 100):
        filler.send(b"".join(lock_message(f"F{n}") for n in range(begin, begin + 100)))
        for _ in range(100):
            assert filler.answer() == 0

    def memory():
        return int(support.status_of(place.daemon())["VmRSS"].split()[0])

    stalled = place.peer()
    stalled.send(announced("flomState", mode=0, create=0))
    assert stalled.answer() == 2
    with asking(place) as answer:
        answer("daemon")  # what asking needs is loaded
        before = memory()
        stalled.send(b"".join(ask(number, "snapshot") for number in range(8)))
        other = place.peer()
        for _ in range(200):
            assert other.lock("S") == 0
            other.unlock("S")
        assert memory() - before < 2000  # KiB; a snapshot has some 3 MB
        assert len(answer("resources")) >= 5001
    rows, rc = told(stalled, 0)
    assert rc == 0
    assert {f"F{number}" for number in range(5000)} <= {row.get("name") for row in rows}
    assert checked("snapshot", rows[-2])["holder_count"] == 1


def test_who_asks_too_much_is_closed(place):
    place.run("-d", "-1", "--", "true")
    filler = place.peer()
    for number in range(300):
        assert filler.lock(f"F{number}") == 0
    peer = place.peer()
    peer.send(announced("flomState", mode=0, create=0))
    assert peer.answer() == 2
    peer.send(ask(1, "events") + ask(2, "events"))
    assert told(peer, 2) == ([], RC_API_INVALID_SEQUENCE)
    with contextlib.suppress(ConnectionError):
        peer.send(b"".join(ask(number, "snapshot") for number in range(200)))
    peer.await_close()
    wait_for(lambda: place.busy("F1"), "the others are served")


def test_a_shutdown_is_answered(place):
    place.run("-d", "-1", "--", "true")
    peer = place.peer()
    peer.send(message(5, 8, '<session peerid=""/><shutdown immediate="1"/>').replace(
        b'step="8"', b'step="8" ext="flom"'
    ))  # fmt: skip
    assert peer.answer() == 0
    peer.await_close()
    place.await_no_daemon()
