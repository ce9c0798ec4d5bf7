"""Hosts that vanish, lines that lose and delay, many hosts at once (daemon.md 14; D-34, F31)."""

import select
import time

import pytest
from hosts import network
from support import BOUND, FLOM, wait_for

SOON = (
    "--tcp-keepalive-time", "2", "--tcp-keepalive-intvl", "1", "--tcp-keepalive-probes", "2",
)  # fmt: skip
LIMIT = 60  # seconds: ten times what the specification allows, half of what the defaults take


@pytest.fixture
def hosts(folder):
    with network(folder) as made:
        yield made


@pytest.fixture
def three(hosts):
    """Three hosts on a bridge; nobody else is on it."""
    return hosts.bridge(3)


def address(kind, server):
    """The words that name the daemon, for each host."""
    if kind == "ipv4":
        return lambda host: ("-a", "10.1.1.1")
    return lambda host: ("-a", server.link_local, "-n", host.interface)


def start(kind, server):
    """A daemon that soon notices who vanished; returns the words to reach it from a host."""
    words = address(kind, server)
    done = server.flom(*words(server), "-d", "-1", *SOON, "--", "true")
    assert done.returncode == 0, done.stderr
    return lambda host: (*words(host), "-d", "0", "-r", "R", *SOON)


def granted(waiter):
    """Whether the command of the waiter runs in time."""
    ready, _, _ = select.select([waiter.stdout], [], [], LIMIT)
    return bool(ready) and waiter.stdout.readline() == "held\n"


def release(holder):
    """The holder's command ends; returns the status and the error output."""
    _, error = holder.communicate("\n", timeout=BOUND)
    return holder.returncode, error


KINDS = pytest.mark.parametrize("kind", ["ipv4", "link-local"])


@KINDS
def test_d34_a_vanished_holder(three, kind):
    server, one, other = three
    words = start(kind, server)
    holder = one.hold(*words(one))
    waiter = other.wait(*words(other))
    one.cut()
    assert granted(waiter)
    assert release(waiter)[0] == 0
    # Who lost the lock learns it when the command is over.
    wait_for(lambda: "ESTAB" not in one.sh("ss -tnH"), "the end of the cut connection", LIMIT)
    status, error = release(holder)
    assert status == 99
    assert "somebody else may have locked the resource" in error


def test_a_vanished_line_ends_the_command_that_shall_not_outlive_its_lock(three):
    """After keepalive's time, which the kernel tells; the command would go on for ever."""
    server, one, _ = three
    words = start("ipv4", server)
    holder = one.hold(*words(one), "--on-lost", "term")
    one.cut()
    assert holder.wait(LIMIT) == 95
    assert "SIGTERM" in holder.stderr.read()


@KINDS
def test_d34_a_vanished_waiter_that_is_granted(three, kind):
    """The grant is never acknowledged, and keepalive does not work on such a connection (F31)."""
    server, one, other = three
    words = start(kind, server)
    holder = server.hold(*words(server))
    first, second = one.wait(*words(one)), other.wait(*words(other))
    one.cut()
    assert release(holder)[0] == 0
    assert granted(second)
    assert release(second)[0] == 0
    first.kill()


@KINDS
@pytest.mark.parametrize("limit", [(), ("-o", "110000")])
def test_a_vanished_daemon_ends_the_waiting_clients(three, kind, limit):
    server, one, other = three
    words = start(kind, server)
    holder = one.hold(*words(one))
    waiter = other.wait(*words(other), *limit)
    server.cut()
    _, error = waiter.communicate(timeout=LIMIT)
    assert waiter.returncode == 99
    assert error.count("\n") == 1
    assert "ret_cod=-126]" in error
    wait_for(lambda: "ESTAB" not in one.sh("ss -tnH"), "the end of the cut connection", LIMIT)
    assert release(holder)[0] == 99


# Exclusion, proved by what the commands write


def overlaps(text):
    """The lines of a log of `begin X` and `end X` at which two were inside, or one left unasked."""
    inside, wrong = None, []
    for line in text.splitlines():
        event, who = line.split()
        if event == "begin":
            wrong += [line] * (inside is not None)
            inside = who
        else:
            wrong += [line] * (inside != who)
            inside = None
    return wrong


def test_the_checker_sees_what_is_wrong():
    assert overlaps("begin a\nend a\nbegin b\nend b\n") == []
    assert overlaps("begin a\nbegin b\nend a\nend b\n") == ["begin b", "end a", "end b"]
    assert overlaps("end a\n") == ["end a"]


@KINDS
def test_sixty_commands_on_three_hosts(folder, three, kind):
    words = start(kind, three[0])
    log = run_all(folder, three, words, 20)
    assert overlaps(log) == []
    assert log.count("begin") == log.count("end") == 60


@pytest.mark.parametrize("group", ["239.255.43.21", "ff02::4321"])
def test_sixty_commands_on_three_hosts_by_multicast_only(folder, three, group):
    """Each of them finds the daemon by itself; the datagrams of sixty at once may get lost."""
    for host in three:
        host.sh(f"ip route add 224.0.0.0/4 dev {host.interface}")
    done = three[0].flom("-A", group, "-d", "-1", "--", "true")
    assert done.returncode == 0, done.stderr
    words = ("-A", group, "-d", "0", "-D", "60", "-r", "R")
    log = run_all(folder, three, lambda host: words, 20)
    assert overlaps(log) == []
    assert log.count("begin") == log.count("end") == 60
    assert [len(host.daemons()) for host in three] == [1, 0, 0]
    assert three[1].flom("-A", group, "-D", "60", "-X").returncode == 0


def run_all(folder, hosts, words, count):
    """`count` commands on every host at once, each of which writes when it is inside; the log."""
    log = folder / "log"
    log.write_text("")
    body = 'echo "begin $0" >>"$1"; ls / >/dev/null; echo "end $0" >>"$1"'
    running = [
        host.popen(FLOM, *words(host), "--", "sh", "-c", body, f"{host.name}.{number}", log)
        for number in range(count)
        for host in hosts
    ]
    for each in running:
        _, error = each.communicate(timeout=2 * LIMIT)
        assert (each.returncode, error) == (0, "")
    return log.read_text()


def test_a_line_that_delays_and_loses(folder, hosts):
    """No wake-up is lost, nobody is let in beside another; each command needs some exchanges."""
    three = hosts.bad_line(3, delay=0.05, loss=0.2)
    server = three[0]
    done = server.flom("-a", "10.1.1.1", "-d", "-1", "--", "true")
    assert done.returncode == 0, done.stderr
    begin = time.monotonic()
    words = ("-a", "10.1.1.1", "-d", "0", "-r", "R", "-o", "100000")
    log = run_all(folder, three, lambda host: words, 6)
    assert overlaps(log) == []
    assert log.count("begin") == log.count("end") == 18
    assert hosts.end_bad_line() >= 5
    assert time.monotonic() - begin >= 0.2  # each of the others connects and asks: two round trips
