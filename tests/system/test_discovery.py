"""Finding daemons by multicast, on one host and between hosts (wire.md 13, daemon.md 9.3, 9.5)."""

import json
import os
import re
import sys
import time

import pytest
from hosts import network
from support import BOUND, FLOM, FLOMCTL, PROLOG, wait_for

QUERY = f'{PROLOG}<msg level="3" verb="4" step="8"></msg>'
IPV4, IPV6 = "239.255.43.21", "ff02::4321"
FAMILIES = pytest.mark.parametrize("group", [IPV4, IPV6])
# Where an answer cannot be lost, one attempt as long as a hang.
PATIENT = ("-D", "1", "-I", str(int(BOUND * 1000)))


def answer(address, port):
    """What a daemon says."""
    return (
        f'{PROLOG}<msg level="3" verb="4" step="16"><network address="{address}"'
        f' port="{port}"/></msg>'
    )


@pytest.fixture
def hosts(folder):
    with network(folder) as made:
        yield made


@pytest.fixture
def pair(hosts):
    """Two hosts on one line, with a route for groups."""
    return routed(hosts.pair())


@pytest.fixture
def host(pair):
    """One host that can be alone."""
    return pair[0]


def routed(made):
    for each in made:
        each.sh(f"ip route add 224.0.0.0/4 dev {each.interface}")
    return made


def done(process, status=0):
    """The output of a command that ends with this status."""
    assert process.returncode == status, process.stderr
    return process.stdout


def failure(process, rc):
    """The message of a command that fails with this code."""
    done(process, 99)
    assert f"[flom_client_connect: ret_cod={rc}]" in process.stderr
    assert process.stderr.count("\n") == 1
    return process.stderr


def start(host, *words, group=IPV4):
    """A daemon that stays, started by a command."""
    return done(host.flom("-A", group, "-D", "1", "-I", "300", "-d", "-1", *words, "--", "true"))


def find(host, *words, group=IPV4):
    """A command that starts no daemon and is found one, as `-V` tells."""
    words = ("-V", "-A", group, "-d", "0", *PATIENT, *words)
    out = done(host.flom(*words, "--", "echo", "ran"))
    assert out.endswith("\nran\n")
    return [line for line in out.splitlines() if "UDP" in line or "reply" in line]


# A scripted end of the datagrams, on a host: says what it is told, prints what it gets.
DATAGRAMS = """
import json, socket, struct, sys
family, port, group, interface = json.loads(sys.argv[1])
six = family == 6
sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sock.bind(("::" if six else "0.0.0.0", port))
index = struct.pack("I", socket.if_nametoindex(interface))
if six:
    sock.setsockopt(41, socket.IPV6_RECVHOPLIMIT, 1)
    sock.setsockopt(41, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, group) + index)
else:
    sock.setsockopt(0, 12, 1)  # IP_RECVTTL, which Python does not know
    sock.setsockopt(0, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + bytes(4) + index)
print("ready", flush=True)
sender = None
for line in sys.stdin:
    what, *values = json.loads(line)
    if what == "receive":
        data, ((_, _, hops),), _, sender = sock.recvmsg(4096, 100)
        print(json.dumps([data.decode("latin-1"), struct.unpack("i", hops)[0]]), flush=True)
    elif what == "reply":
        sock.sendto(values[0].encode("latin-1"), sender)
"""
# Asks by single datagrams, one socket each: prints the answers.
ASKER = """
import json, socket, sys
address = tuple(json.loads(sys.argv[1]))
sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(60)
for line in sys.stdin:
    what, text = json.loads(line)
    if what == "send":
        sock.sendto(text.encode("latin-1"), address)
    else:
        data, sender = sock.recvfrom(4096)
        print(json.dumps([data.decode("latin-1"), sender[1]]), flush=True)
"""


class Script:
    """A scripted peer on a host."""

    def __init__(self, host, program, *values):
        self._process = host.popen(
            sys.executable, "-I", "-c", program, json.dumps(values), stdin=-1, bufsize=1
        )
        if program is DATAGRAMS:
            assert self._process.stdout.readline() == "ready\n", self._process.stderr.read()

    def say(self, *words):
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()

    def ask(self, *words):
        self.say(*words)
        return json.loads(self._process.stdout.readline())


def receiver(host, group, port=28015):
    return Script(host, DATAGRAMS, 6 if ":" in group else 4, port, group, host.interface)


# D-39, D-43, D-5


@FAMILIES
def test_from_the_same_and_from_another_host(pair, group):
    """D-39, D-43: with -A only the address is empty; three lines tell about it."""
    server, client = pair
    start(server, group=group)
    (port,) = [place.rpartition(":")[2] for place in server.listening()]
    for host in pair:
        assert find(host, group=group) == [
            f"sending UDP multicast datagram to {group}/28015 ('{QUERY}')",
            f"reply from {group}/28015 is '{answer('', port)}'",
        ]
    assert client.daemons() == []
    assert len(server.daemons()) == 1


def test_two_hosts_exclude_each_other(pair):
    server, client = pair
    start(server)
    holder = server.hold("-A", IPV4, "-d", "0", *PATIENT)
    assert client.flom("-A", IPV4, "-d", "0", *PATIENT, "-o", "0", "--", "true").returncode == 98
    holder.communicate("\n")
    assert client.flom("-A", IPV4, "-d", "0", *PATIENT, "-o", "0", "--", "true").returncode == 0


def test_three_hosts_share_one_daemon(hosts):
    one, two, three = routed(hosts.bridge(3))
    start(two, group=IPV6)
    for each in (one, two, three):
        find(each, group=IPV6)
    assert [len(each.daemons()) for each in (one, two, three)] == [0, 1, 0]
    done(three.flom("-A", IPV6, "-X", *PATIENT))
    wait_for(lambda: not two.daemons(), "the end of the daemon")


@FAMILIES
def test_nobody_answers(host, group):
    """D-4, D-9, D-43."""
    begin = time.monotonic()
    asked = host.flom("-V", "-A", group, "-d", "0", "-D", "3", "-I", "200", "--", "true")
    passed = time.monotonic() - begin
    assert "no daemon answers" in failure(asked, -105)
    lines = [line for line in asked.stdout.splitlines() if not line.startswith("[")]
    assert lines == 3 * [
        f"sending UDP multicast datagram to {group}/28015 ('{QUERY}')",
        f"no reply from {group}/28015",
    ]
    assert 0.6 <= passed < 6
    assert host.daemons() == []


@pytest.mark.parametrize("option", ["-x", "-X"])
def test_stopping_starts_none(host, option):
    """D-28."""
    failure(host.flom("-A", IPV4, option, "-D", "1", "-I", "50"), -2)
    assert host.daemons() == []


def test_no_route(hosts):
    """daemon.md 3: the datagram cannot be sent."""
    alone = hosts.host("alone")
    failure(alone.flom("-A", IPV4, "--", "true"), -131)
    failure(alone.flom("-A", IPV4, "-X"), -131)
    assert alone.daemons() == []


def test_a_group_that_is_none(host):
    """daemon.md 9.3: a plain address can be asked, but not joined."""
    failure(host.flom("-A", "10.1.1.1", "-D", "1", "-I", "50", "--", "true"), -105)
    failure(host.flom("-A", "absent.invalid", "--", "true"), -110)
    failure(host.flom("-A", IPV4, "-n", host.interface, "--", "true"), -110)
    failure(host.flom("-A", f"{IPV6}%nope", "--", "true"), -20)
    assert host.daemons() == []


def test_the_time_limit_of_the_lock_bounds_the_search(host):
    asked = host.flom("-A", IPV4, "-o", "300", *PATIENT, "--", "true")
    assert "within the time of -o" in failure(asked, 9)
    assert host.daemons() == []


# With a unicast address


@pytest.mark.parametrize(
    ("words", "group", "said"),
    [
        (("-a", "10.1.1.1"), IPV4, "10.1.1.1"),
        (("-a", "srv.example"), IPV4, "10.1.1.1"),
        (("-a", "0.0.0.0"), IPV4, ""),
        (("-a", "::"), IPV6, ""),
        (("-a", "fe80::ff:fe00:1%vsrv"), IPV6, "fe80::ff:fe00:1"),
        (("-a", "srv6.example", "-n", "vsrv"), IPV6, "fe80::ff:fe00:1"),
    ],
)
def test_what_is_announced(pair, words, group, said):
    """D-39, F17: the address it listens on, as digits, without interface; "" for all."""
    server, client = pair
    start(server, *words, group=group)
    assert find(client, group=group)[1].endswith(f"is '{answer(said, 28015)}'")
    assert find(server, group=group)[1].endswith(f"is '{answer(said, 28015)}'")


def test_with_an_address_the_group_is_not_asked(pair):
    """D-8: though a daemon is there, -a looks for it at its own place."""
    server, client = pair
    listener = receiver(server, IPV4)
    start(client)
    failure(server.flom("-a", "10.1.1.1", "-A", IPV4, "-d", "0", "--", "true"), -105)
    for _ in range(3):  # what start() and its repetitions have asked: then comes ours
        assert listener.ask("receive")[0] == QUERY
    Script(client, ASKER, IPV4, 28015).say("send", "last")
    assert listener.ask("receive")[0] == "last"


def test_one_family_only(host):
    message = failure(host.flom("-a", "10.1.1.1", "-A", IPV6, "--", "true"), -105)
    assert "family" in message
    assert host.daemons() == []


# On the wire


@FAMILIES
@pytest.mark.parametrize("ttl", [1, 7, 300])
def test_hops(pair, group, ttl):
    """D-40."""
    server, client = pair
    listener = receiver(server, group)
    asking = client.popen(
        *(FLOM, "-A", group, "-d", "0", *PATIENT, "--discovery-ttl", str(ttl), "--", "true")
    )
    assert listener.ask("receive") == [QUERY, min(ttl, 255)]
    asking.kill()
    asking.wait(BOUND)


BAD_ANSWERS = [
    "",
    "not XML",
    answer("", 28015)[:-8],
    answer("", 28015).replace('address="" ', ""),
    answer("", 0),
    answer("", 70000),
    answer("", 28015).replace('level="3"', 'level="4"'),
    answer("", 28015).replace('verb="4"', 'verb="1"'),
    answer("", 28015).replace('step="16"', 'step="24"'),
    QUERY,
    "\xff\xfe",
]


@FAMILIES
def test_bad_answers_are_ignored(pair, group):
    """F14, F15, W-55: the rest of the attempt's time is used."""
    server, client = pair
    done(server.flom("-a", "::", "-p", "5000", "-d", "-1", "--", "true"))
    listener = receiver(server, group)
    asking = client.popen(FLOM, "-A", group, "-d", "0", *PATIENT, "--", "echo", "ran")
    assert listener.ask("receive")[0] == QUERY
    for bad in BAD_ANSWERS:
        listener.say("reply", bad)
    listener.say("reply", answer("", 5000))
    assert asking.communicate(timeout=BOUND) == ("ran\n", "")


def test_the_next_answer_is_tried_if_nobody_listens_at_the_first(pair):
    """W-56."""
    server, client = pair
    done(server.flom("-a", "10.1.1.1", "-p", "5000", "-d", "-1", "--", "true"))
    listener = receiver(server, IPV4)
    asking = client.popen(FLOM, "-A", IPV4, "-d", "0", *PATIENT, "--", "echo", "ran")
    assert listener.ask("receive")[0] == QUERY
    for address in ("", "10.1.1.1", "absent.invalid", "%", "fe80::1%99999999999", "127.0.0.1"):
        listener.say("reply", answer(address, 5001))
    listener.say("reply", answer("10.1.1.1", 5000))
    assert asking.communicate(timeout=BOUND) == ("ran\n", "")


@pytest.mark.parametrize(
    ("address", "words", "rc"),
    [
        ("", [], -105),
        ("10.1.1.1", ["-d", "0"], -105),
        ("10.1.1.1", [], -2),
        ("", ["-X"], -105),
        ("10.1.1.1", ["-X"], -2),
    ],
)
def test_an_answer_that_leads_nowhere(pair, address, words, rc):
    """daemon.md 9.3: without an address none is started, with one only at that address."""
    server, client = pair
    listener = receiver(server, IPV4)
    words = ["-A", IPV4, "-D", "1", "-I", "1000", *words, *([] if "-X" in words else ["--", "x"])]
    asking = client.popen(FLOM, *words)
    assert listener.ask("receive")[0] == QUERY
    listener.say("reply", answer(address, 5001))
    _, err = asking.communicate(timeout=BOUND)
    assert asking.returncode == 99
    assert f"ret_cod={rc}]" in err
    assert client.daemons() == []


GOOD_QUESTIONS = [
    QUERY,
    QUERY + "\n",
    QUERY.removeprefix(PROLOG),
    QUERY.replace('step="8"', 'step="8" ext="a b"'),
    QUERY.replace("></msg>", "/>"),
    QUERY.replace("</msg>", "<other/></msg>"),
    QUERY.replace("</msg>", '<other some="thing"/></msg>'),
    QUERY.replace("</msg>", "<!--" + (512 - len(QUERY) - 7) * "x" + "--></msg>"),
]
BAD_QUESTIONS = [
    *("", "x", "\xff", QUERY[:40], QUERY[:-1], QUERY.replace('"3"', '"4"')),
    *(QUERY.replace('step="8"', f'step="{step}"') for step in (16, 24, 99)),
    *(QUERY.replace('verb="4"', f'verb="{verb}"') for verb in (1, 2, 3, 9)),
    f'{PROLOG}<msg level="3" verb="5" step="8"><session peerid=""/><shutdown immediate="1"/></msg>',
    answer("", 28015),
    2 * QUERY,
    4000 * "x",
]


@FAMILIES
def test_questions(pair, group):
    """W-53, W-54, F1, F14: each datagram by itself, and no datagram ends anything."""
    server, client = pair
    start(server, group=group)
    (place,) = server.listening()
    port = place.rpartition(":")[2]
    scope = [0, 12] if ":" in group else []
    asker = Script(client, ASKER, group, 28015, *scope)
    for good in GOOD_QUESTIONS:
        for bad in BAD_QUESTIONS:
            asker.say("send", bad)
        asker.say("send", good)
        # The answer comes from the port that was asked, and the bad ones had none.
        assert asker.ask("receive", "") == [answer("", port), 28015], good
    find(client, group=group)


def test_a_question_by_unicast(pair):
    server, client = pair
    start(server)
    asker = Script(client, ASKER, "10.1.1.1", 28015)
    asker.say("send", QUERY)
    assert 'address=""' in asker.ask("receive", "")[0]


# Which interface


def test_only_the_second_interface_leads_to_the_group(hosts):
    """D-41, F11: the daemon is a member on every interface, the client asks where it is told."""
    server, client = hosts.pair()
    # To nowhere, and preferred by the kernel.
    client.sh(
        "ip link add a0 type veth peer name a1; ip link set a0 multicast on up; ip link set a1 up;"
        " ip address add 10.2.2.2/24 dev a0; ip -6 address add fe80::2:2/64 dev a0 nodad;"
        " ip -6 route add multicast ff00::/8 dev a0 table local metric 1;"
        " ip route add 224.0.0.0/4 dev a0"
    )
    start(server, "-n", "vsrv", group=IPV6)
    words = ("-D", "1", "-I", "300", "-d", "0", "--", "true")
    failure(client.flom("-A", IPV6, *words), -105)
    find(client, "-n", "vcli", group=IPV6)
    find(client, group=f"{IPV6}%vcli")
    # And the other way round: who starts it elsewhere is a member where others ask.
    done(server.flom("-A", IPV6, "-n", "vsrv", "-X"))
    start(client, group=IPV6)
    find(server, "-n", "vsrv", group=IPV6)
    # IPv4, with the interface in the group.
    server.sh("ip route add 224.0.0.0/4 dev vsrv")
    start(server, group="239.1.1.1")
    failure(client.flom("-A", "239.1.1.1", *words), -105)
    find(client, group="239.1.1.1%vcli")


def test_a_daemon_of_another_group_is_silent(pair):
    """Same port, same host: two groups are two lock domains."""
    server, client = pair
    for group in ("239.1.1.1", "239.1.1.2"):
        start(server, group=group)
    assert len(server.daemons()) == 2
    asker = Script(client, ASKER, "239.1.1.1", 28015)
    asker.say("send", QUERY)
    first = asker.ask("receive", "")
    other = Script(client, ASKER, "239.1.1.2", 28015)
    other.say("send", QUERY)
    assert other.ask("receive", "") != first
    asker.say("send", QUERY)
    assert asker.ask("receive", "") == first  # and nothing of the other in between


# Several daemons, several starters


def test_two_daemons_in_one_group(pair):
    """D-42: each question gets two answers, clients work."""
    server, client = pair
    for port in ("5001", "5002"):
        start(server, "-a", "10.1.1.1", "-p", port)
    asker = Script(client, ASKER, IPV4, 28015)
    asker.say("send", QUERY)
    answers = sorted(asker.ask("receive", "")[0] for _ in range(2))
    assert answers == [answer("10.1.1.1", 5001), answer("10.1.1.1", 5002)]
    find(client)


def test_several_answers_after_a_start_are_warned_of(pair):
    """W-60. Whoever answers late is not waited for, so one may have to look twice."""
    server, client = pair
    done(server.flom("-a", "10.1.1.1", "-p", "5000", "-d", "-1", "--", "true"))
    listener = receiver(server, IPV4)

    def warning():
        words = ("-A", IPV4, "-D", "1", "-I", "500", "-d", "-1", "--", "echo", "ran")
        asking = client.popen(FLOM, *words)
        for _ in range(3):  # before the start, once more before it, after it
            assert listener.ask("receive")[0] == QUERY
        listener.say("reply", answer("", 5000))
        out, err = asking.communicate(timeout=BOUND)
        assert out == "ran\n"
        client.sh("kill $(pgrep -x flom)")
        wait_for(lambda: not client.daemons(), "the end of the daemon")
        return err

    message = wait_for(warning, "a warning")
    assert message.startswith("flom: warning: more than one daemon answers")
    assert message.count("\n") == 1


def turn_file(host, group):
    """The file whose lock a starter on this host holds."""
    inode = host.sh("stat -Lc %i /proc/self/ns/net").strip()
    return f"/tmp/flom-{group}-28015-{inode}.lock"


ONE_AT_A_TIME = 'mkdir "$0" && sleep 0.02 && rmdir "$0"'


@FAMILIES
def test_ten_starters_at_once(host, folder, group):
    """D-17, F5: one daemon, never two holders."""
    held = folder / "held"
    words = ("-A", group, "-I", "2000", "-D", "1", "-d", "20000", "--", "sh", "-c", ONE_AT_A_TIME)
    starters = [host.popen(FLOM, *words, held) for _ in range(10)]
    outcomes = [(*each.communicate(timeout=3 * BOUND), each.returncode) for each in starters]
    assert outcomes == 10 * [("", "", 0)]
    assert len(host.daemons()) == 1
    assert not os.path.exists(turn_file(host, group))


def test_nobody_can_keep_others_from_starting(host, folder):
    """daemon.md 9.5: a lock that somebody holds is waited for, not for ever."""
    path = turn_file(host, IPV4)
    holder = host.popen("flock", path, "sh", "-c", "echo held; read line", stdin=-1)
    assert holder.stdout.readline() == "held\n"
    try:
        words = ("-A", IPV4, "-D", "1", "-I", "50", "--", "echo", "ran")
        asked = host.flom(*words)
        assert done(asked) == "ran\n"
        assert asked.stderr.count("\n") == 1
        assert path in asked.stderr
    finally:
        holder.communicate("\n")
        host.sh(f"rm -f {path}")
    host.sh(f"ln -s /nonexistent {path}")
    try:
        done(host.flom("-A", IPV4, "-X", *PATIENT))
        wait_for(lambda: not host.daemons(), "the end of the daemon")
        asked = host.flom(*words)
        assert done(asked) == "ran\n"
        assert path in asked.stderr
    finally:
        host.sh(f"rm -f {path}")


# The daemon's life


def test_a_question_counts_as_activity(host):
    """A daemon that is asked in time lives on; then it ends."""
    begin = time.monotonic()
    done(host.flom("-A", IPV4, "-D", "1", "-I", "300", "-d", "4000", "--", "true"))
    asker = Script(host, ASKER, IPV4, 28015)
    while time.monotonic() < begin + 9:
        asker.say("send", QUERY)
        assert 'step="16"' in asker.ask("receive", "")[0]
        time.sleep(0.5)
    assert len(host.daemons()) == 1
    wait_for(lambda: not host.daemons(), "the end of the daemon")


def test_a_daemon_that_nobody_can_find_is_ended(host):
    """Rc 7, F23: what this command has started does not stay."""
    # Answers do not arrive: the address they are sent to seems to be on another host.
    host.sh("ip route del table local local 10.1.1.1")
    failure(host.flom("-A", IPV4, "-D", "1", "-I", "100", "-d", "-1", "--", "true"), 7)
    wait_for(lambda: not host.daemons(), "the end of the daemon")


def test_the_log(host, folder):
    """daemon.md 12: FLM002I for the group, FLM005I for each question."""
    words = (FLOMCTL, "daemon", "-A", IPV4)
    daemon = host.popen(*words)
    lines = [daemon.stderr.readline() for _ in range(3)]
    assert re.match(r"<5>FLM001I 0\.0\.0\.0/\d+\n", lines[0])
    assert lines[1:] == [f"<5>FLM002I {IPV4}/28015\n", "<5>FLM003N ready\n"]
    asker = Script(host, ASKER, IPV4, 28015)
    asker.say("send", QUERY)
    asker.ask("receive", "")
    assert re.match(r"<6>FLM005I .*10\.1\.1\.1/\d+\n", daemon.stderr.readline())
    find(host)
    done(host.flom("-A", IPV4, "-x", *PATIENT))
    assert daemon.wait(BOUND) == 0


def test_the_trace(host):
    asked = host.flom(
        "-A", IPV4, "-D", "1", "-I", "50", "-d", "0", "--", "true", env={"FLOM_TRACE_MASK": "0x8"}
    )
    for part in (f"query to {IPV4}/28015", f"no reply from {IPV4}/28015", "ret_cod=-105"):
        assert part in asked.stderr
    start(host)
    asked = host.flom(
        *("-A", IPV4, *PATIENT, "-d", "0", "--", "true"), env={"FLOM_TRACE_MASK": "0x400000"}
    )
    assert "reply from 10.1.1.1/28015" in asked.stderr


def test_check(host):
    """`--check` starts nothing."""
    checked = done(host.flom("--check", "-A", IPV4, "-D", "1", "-I", "50", "--", "true"))
    assert "one would be started" in checked
    assert host.daemons() == []
    start(host)
    assert "one answers" in done(host.flom("--check", "-A", IPV4, *PATIENT, "--", "true"))
