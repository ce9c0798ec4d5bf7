"""Commands and daemons on several hosts: unicast, IPv6, link-local (daemon.md 5, 9.1, 9.2, 10)."""

import ctypes
import os
import socket
import time

import pytest
from hosts import network
from support import BOUND, descriptors, need, wait_for

PIDFD_GETFD = 438  # the number of the system call


@pytest.fixture
def hosts(folder):
    with network(folder) as made:
        yield made


@pytest.fixture
def pair(hosts):
    """Server and client of the recipe."""
    return hosts.pair()


def test_the_story(pair):
    """IPv6 use case 7, from the first command to the last."""
    server, client = pair
    # Start on the server a daemon that stays, and check that it is there.
    assert server.daemons() == []
    started = server.flom("-a", "srv6.example", "-n", "vsrv", "-d", "-1", "--", "true")
    assert (started.returncode, started.stderr) == (0, "")
    assert len(server.daemons()) == 1
    assert server.listening() == ["[fe80::ff:fe00:1]%vsrv:28015"]
    # It serves local requests, and those of the other host.
    for host in pair:
        done = host.flom("-a", "srv.example", "-n", host.interface, "-d", "0", "--", "echo", "ran")
        assert (done.returncode, done.stdout, done.stderr) == (0, "ran\n", "")
    # Without the interface it cannot be reached, and the message tells what is missing.
    lost = client.flom("-a", "srv.example", "-d", "0", "--", "true")
    assert lost.returncode == 99
    assert "ret_cod=-105" in lost.stderr
    assert "-n vcli" in lost.stderr
    # The trace shows the difference.
    traced = {"env": {"FLOM_TRACE_MASK": "0x8"}}
    lost = client.flom("-a", "srv.example", "-d", "0", "--", "true", **traced)
    assert "sin6_scope_id=0" in lost.stderr
    assert "errno=22 'Invalid argument', skipping..." in lost.stderr
    found = client.flom("-a", "srv.example", "-n", "vcli", "-d", "0", "--", "true", **traced)
    assert found.returncode == 0
    assert "overriding field sin6_scope_id with value 12" in found.stderr
    assert "sin6_scope_id=12" in found.stderr
    assert "IPv4" not in found.stderr
    # The interface may stand in the address.
    for place in ("fe80::ff:fe00:1%vcli", "fe80::ff:fe00:1%12", "srv.example%vcli"):
        assert client.flom("-a", place, "-d", "0", "--", "true").returncode == 0
    ended = client.flom("-a", "srv.example", "-n", "vcli", "-X")
    assert ended.returncode == 0
    assert client.daemons() == []
    wait_for(lambda: not server.daemons(), "the end of the daemon")


# Where a daemon listens (D-32)


def listens(host, address, *more):
    """Starts a daemon for `-a` with an address; returns where it listens."""
    done = host.flom("-a", address, *more, "-d", "-1", "--", "true")
    assert done.returncode == 0, done.stderr
    return host.listening()


def reaches(host, address, *more):
    """Whether a daemon that runs is found at the address."""
    return host.flom("-a", address, *more, "-d", "0", "--", "true").returncode == 0


# -a, where it listens, addresses that reach it, addresses that do not
LISTENERS = [
    ("127.0.0.1", "127.0.0.1:28015", ["127.0.0.1", "::ffff:127.0.0.1"], ["::1", "10.1.1.1"]),
    ("127.1", "127.0.0.1:28015", ["127.0.0.1"], ["10.1.1.1"]),
    ("0.0.0.0", "0.0.0.0:28015", ["127.0.0.1", "10.1.1.1"], ["::1"]),
    ("0", "0.0.0.0:28015", ["127.0.0.1", "10.1.1.1"], ["::1"]),
    ("::", "*:28015", ["127.0.0.1", "10.1.1.1", "::1", "fe80::ff:fe00:1%vsrv"], []),
    ("::1", "[::1]:28015", ["::1"], ["127.0.0.1"]),
    (
        "::ffff:10.1.1.1",
        "[::ffff:10.1.1.1]:28015",
        ["10.1.1.1", "::ffff:10.1.1.1"],
        ["::1", "127.0.0.1"],
    ),
    ("localhost", "[::1]:28015", ["::1", "localhost"], ["127.0.0.1"]),
    ("partly.example", "10.1.1.1:28015", ["10.1.1.1", "partly.example"], ["127.0.0.1"]),
]


@pytest.mark.parametrize(
    ("address", "place", "found", "lost"), LISTENERS, ids=[row[0] for row in LISTENERS]
)
def test_d32_where_a_daemon_listens(pair, address, place, found, lost):
    server, client = pair
    # The resolver names the other host's address first.
    server.address("fd77::1/64")
    client.address("fd77::2/64")
    server.names("fd77::2 partly.example\n10.1.1.1 partly.example\n")
    assert listens(server, address) == [place]
    assert len(server.daemons()) == 1
    assert [each for each in found if not reaches(server, each)] == []
    assert [each for each in lost if reaches(server, each)] == []


@pytest.mark.parametrize("address", ["10.1.1.2", "fd77::2", "fe80::ff:fe00:2%vsrv"])
def test_d32_the_address_of_another_host(pair, address):
    server, client = pair
    server.address("fd77::1/64")
    client.address("fd77::2/64")
    done = server.flom("-a", address, "-d", "1000", "--", "true")
    assert done.returncode == 99
    assert "ret_cod=-2]" in done.stderr
    assert "Cannot assign requested address" in done.stderr
    assert server.daemons() == []


def test_d32_no_address(pair):
    server, _ = pair
    """An empty one is refused before anybody tries to resolve it (cli.md CF-15)."""
    fails(server, ["-a", ""], -5, "the unicast address is set but empty")
    fails(server, ["-a", "absent.example"], -110, "cannot resolve 'absent.example'")
    assert server.daemons() == []


# The recipe (D-35, D-36)

TEACHES = "a link-local address needs the interface it is reached through: -n "


def follow_the_recipe(server, client, name):
    """Every line of the recipe; the daemon is started for `name`."""
    assert listens(server, name, "-n", "vsrv") == ["[fe80::ff:fe00:1]%vsrv:28015"]
    assert len(server.daemons()) == 1
    done = server.flom("-a", name, "-n", "vsrv", "-d", "0", "--", "echo", "local")
    assert (done.returncode, done.stdout) == (0, "local\n")
    for words in (
        ["-a", "srv.example", "-n", "vcli"],
        ["-a", "srv6.example%vcli"],  # with the reference -110
        ["-a", "fe80::ff:fe00:1%vcli"],
        ["-a", "fe80::ff:fe00:1%12"],
        ["-a", "fe80::ff:fe00:1", "-n", "vcli"],
        ["-a", "fe80::ff:fe00:1%lo", "-n", "vcli"],  # -n wins
        ["-a", "srv6.example%nope", "-n", "vcli"],
    ):
        done = client.flom(*words, "-d", "0", "--", "echo", "remote")
        assert (done.returncode, done.stdout, done.stderr) == (0, "remote\n", ""), words
    for words, code, text in (
        (["-a", "srv.example", "-d", "0"], -105, TEACHES + "vcli"),
        (["-a", "srv.example"], -2, TEACHES + "vcli"),
        (["-a", "fe80::ff:fe00:1", "-d", "0"], -105, TEACHES + "vcli"),
        (["-a", "fe80::ff:fe00:1", "-n", "lo", "-d", "0"], -105, "usable: vcli"),
        (["-a", "fe80::ff:fe00:1", "-n", "nope", "-d", "0"], -20, "'nope'"),
        (["-a", "srv6.example%nope", "-d", "0"], -20, "'nope'; usable: vcli"),
        (["-a", "fe80::ff:fe00:1%99", "-d", "0"], -20, "'99'; usable: vcli"),
    ):
        fails(client, words, code, text)
    fails(server, ["-a", name, "-d", "0"], -105, TEACHES + "vsrv")
    assert client.daemons() == []
    assert client.flom("-a", "srv.example", "-n", "vcli", "-X").returncode == 0
    wait_for(lambda: not server.daemons(), "the end of the daemon")


def fails(host, words, code, text):
    """The command ends with 99 and one line that says why, with the code and the text."""
    done = host.flom(*words, "--", "true")
    assert (done.returncode, done.stderr.count("\n")) == (99, 1), done.stderr
    assert f"ret_cod={code}]" in done.stderr, words
    assert text in done.stderr, words


def test_d35_the_recipe(pair):
    follow_the_recipe(*pair, "srv6.example")


def test_d36_with_a_global_address_on_the_interfaces(hosts):
    """The reference takes the scope of the first address, which then is 0 (F8)."""
    server, client = hosts.pair()
    for host, address in ((server, "fd77::1/64"), (client, "fd77::2/64")):
        host.address(address)
    follow_the_recipe(server, client, "srv6.example")
    assert listens(server, "fd77::1") == ["[fd77::1]:28015"]
    assert reaches(client, "fd77::1")
    assert reaches(client, "fd77::1", "-n", "vcli")


def test_d36_with_a_name_of_both_families_on_the_server(pair):
    """The reference listens on the IPv4 address, where none of its clients comes (F9)."""
    follow_the_recipe(*pair, "srv.example")


@pytest.mark.parametrize("words", [["-n", "nope"], ["-n", "99"]])
def test_d37_a_wrong_interface(pair, words):
    for host in pair:
        fails(host, ["-a", "srv6.example", *words], -20, f"has an IPv6 address: {host.interface}")
        assert host.daemons() == []


def test_d37_the_interface_with_ipv4(pair):
    server, _ = pair
    for place in (["-a", "10.1.1.1", "-n", "vsrv"], ["-a", "10.1.1.1%vsrv"]):
        fails(server, place, -110, "cannot resolve '10.1.1.1' as an IPv6 address")
    assert server.daemons() == []


def test_interfaces_that_do_not_work_explain_themselves(pair):
    server, client = pair
    listens(server, "srv6.example", "-n", "vsrv")
    place = ["-a", "fe80::ff:fe00:1%vcli"]
    client.sh("echo 1 > /proc/sys/net/ipv6/conf/vcli/disable_ipv6")
    none = "none here is up and has IPv6"
    for lifespan, code in (("0", -105), ("1000", -2)):
        fails(client, [*place, "-d", lifespan], code, "vcli has no IPv6 address")
        fails(client, ["-a", "srv6.example", "-d", lifespan], code, none)
    fails(client, ["-a", "srv6.example", "-n", "vcli"], -20, "is up and has an IPv6 address: lo")
    client.cut()
    for lifespan, code in (("0", -105), ("1000", -2)):
        fails(client, [*place, "-d", lifespan], code, "vcli is down (ip link set vcli up)")
    assert client.daemons() == []


def test_an_address_that_is_still_checked_for_duplicates(pair):
    """As after the start of a host; the system says only that it cannot assign the address."""
    server, _ = pair
    server.sh("cd /proc/sys/net/ipv6/conf/vsrv; echo 1 > accept_dad; echo 1000 > dad_transmits")
    server.sh("ip address add fd77::5/64 dev vsrv; ip address add fe80::5/64 dev vsrv")
    for address in ("fd77::5", "fe80::5%vsrv"):
        fails(
            server,
            ["-a", address, "-o", "500"],
            -2,
            "the system still checks whether another host has it",
        )


def test_several_interfaces_are_all_named(pair):
    _, client = pair
    client.sh("ip link add other index 40 type veth peer name another index 41")
    client.sh("ip link set other up; ip link set another up")
    fails(client, ["-a", "srv6.example", "-d", "0"], -105, "-n with one of vcli, other, another")


# The trace (D-38); the records one by one are in test_trace.py


def test_d38_the_trace_on_both_sides(pair):
    server, client = pair
    traced = {"env": {"FLOM_TRACE_MASK": "0x400008"}}
    words = ("-a", "srv.example", "-n", "vsrv", "-d", "-1", "--", "true")
    started = server.flom(*words, **traced).stderr
    for each in (
        "flom_client_connect_tcp_try: overriding field sin6_scope_id with value 11",
        "flom_client_connect_tcp_try/connect(): errno=111 'Connection refused', skipping...",
        "flom_listen_tcp_try: overriding field sin6_scope_id with value 11",
    ):
        assert each in started
    lost = client.flom("-a", "srv.example", "-d", "0", "--", "true", **traced).stderr
    for each in (
        "ai_addrlen=16,ai_canonname='srv.example'] [ai_flags=2,ai_family=10,",
        "sa addrlen=16; IPv4 address, sin_port=28015, sin_addr='10.1.1.1'",
        "connect(): errno=111 'Connection refused', skipping...",
        "sin6_addr='fe80::ff:fe00:1', sin6_scope_id=0",
        "connect(): errno=22 'Invalid argument', skipping...",
    ):
        assert each in lost
    found = client.flom("-a", "srv.example", "-n", "vcli", "--", "true", **traced).stderr
    at = [
        found.index(each)
        for each in (
            "sin6_addr='fe80::ff:fe00:1', sin6_scope_id=0",
            "overriding field sin6_scope_id with value 12",
            "sin6_addr='fe80::ff:fe00:1', sin6_scope_id=12",
        )
    ]
    assert at == sorted(at)
    assert "skipping" not in found


# Options of accepted connections (D-33)


def descriptor_of(pid, number):
    """The socket behind a descriptor of another process."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    try:
        copied = libc.syscall(PIDFD_GETFD, process, number, 0)
    finally:
        os.close(process)
    need(copied >= 0, f"no sight of another process's socket: {os.strerror(ctypes.get_errno())}")
    return socket.socket(fileno=copied)


@pytest.mark.parametrize(
    ("listen", "connect"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("::", "127.0.0.1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "::1"),
    ],
)
def test_d33_accepted_connections(places, listen, connect):
    """The reference sets none of them unless the daemon is one of IPv4 (F12)."""
    place = places(connect)
    place.words[1] = listen
    place.run("-d", "-1", "--tcp-keepalive-time", "7", "--tcp-keepalive-intvl", "3",
              "--tcp-keepalive-probes", "2", "--", "true")  # fmt: skip
    peer = place.peer()
    assert peer.lock() == 0
    ours = peer.sock.getsockname()[1]
    daemon = place.daemon()
    seen = []
    for number, target in descriptors(daemon).items():
        if not target.startswith("socket:"):
            continue
        with descriptor_of(daemon, number) as sock:
            if sock.family != socket.AF_UNIX and remote_port(sock) == ours:
                seen.append([sock.getsockopt(level, name) for level, name in OPTIONS])
    assert seen == [[1, 1, 7, 3, 2, 13000]]


OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
]


def remote_port(sock):
    """The port at the other end, None for a socket without other end."""
    try:
        return sock.getpeername()[1]
    except OSError:
        return None


# The order of addresses, and what a dead one costs (9.1)


def test_a_dead_address_costs_its_share_of_the_time(pair):
    """Packets to the first address vanish; the second one answers."""
    server, client = pair
    server.address("fd77::1/64")
    client.address("fd77::2/64")
    listens(server, "10.1.1.1")
    client.names("fd77::9 slow.example\n10.1.1.1 slow.example\n")
    client.sh("ip -6 neighbour add fd77::9 lladdr 02:00:00:00:00:99 dev vcli")
    begin = time.monotonic()
    done = client.flom("-a", "slow.example", "-o", "4000", "-d", "0", "--", "true")
    assert (done.returncode, done.stderr) == (0, "")
    assert 2 <= time.monotonic() - begin < 20
    begin = time.monotonic()
    fails(client, ["-a", "fd77::9", "-o", "1500", "-d", "0"], -105, "no answer in time")
    assert 1.5 <= time.monotonic() - begin < 15


def test_the_first_address_that_answers_is_used(pair):
    """Strictly in the resolver's order: the other daemon is another lock domain."""
    server, client = pair
    server.address("fd77::1/64")
    client.address("fd77::2/64")
    for address in ("fd77::1", "10.1.1.1"):
        listens(server, address)
    client.names("10.1.1.1 both.example\nfd77::1 both.example\n")
    holder = client.hold("-a", "both.example")
    for address, status in (("fd77::1", 98), ("10.1.1.1", 0)):
        done = client.flom("-a", address, "-d", "0", "-o", "0", "--", "true")
        assert done.returncode == status
    holder.communicate("\n", timeout=BOUND)
    assert holder.returncode == 0
