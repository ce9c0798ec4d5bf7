"""The trace of the command and of the daemon (cli.md 14, daemon.md 9.2; C-55, C-56, D-38)."""

import os
import pathlib
import re

import pytest
from room import HOSTS, NETWORK, SYSTEM_LOG, records, room, system_log
from support import FLOMCTL, need_root

RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} \[(\d+)/0x[0-9a-f]+\] (\S.*)")
LINK_LOCAL = "fe80::ff:fe00:1"  # of d0, made by the kernel from its address


def texts(output):
    """The texts of records; every line must be one."""
    found = [RECORD.fullmatch(line) for line in output.splitlines()]
    assert all(found), output
    return [match[2] for match in found]


def traced(mask, **more):
    return {"env": {"FLOM_TRACE_MASK": mask}, **more}


def in_order(found, *expected):
    """Whether each expected text is part of a record, in this order."""
    rest = iter(found)
    return [text for text in expected if not any(text in each for each in rest)] == []


def of_daemon(path):
    """The records of a daemon's file."""
    return texts(path.read_text())


@pytest.mark.parametrize(
    ("mask", "prefixes"),
    [
        ("0x2", {"flom_config"}),
        ("0x4", {"flom_exec"}),
        ("0x8", {"flom_client"}),
        ("0x10", {"flom_client", "flom_daemon"}),  # one is started
        ("0x20", {"flom_client"}),
        ("0x80", {"flom_msg"}),
        ("0x200", {"flom_resource"}),
        ("0x400000", {"flom_client"}),
        ("6", {"flom_config", "flom_exec"}),
        ("006 junk", {"flom_config", "flom_exec"}),
        ("0x1", set()),
        ("0x40", set()),
        ("0x100400", set()),
    ],
)
def test_c55_each_module_has_its_bit(place, mask, prefixes):
    done = place.run("-d", "9000", "--", "true", **traced(mask))
    assert done.returncode == 0
    assert {"_".join(text.split("_")[:2]).split(":")[0] for text in texts(done.stderr)} == prefixes


@pytest.mark.parametrize("mask", ["0", "abc", "", "0x", "-0"])
def test_c55_nothing_without_a_mask(any_place, mask):
    done = any_place.run("--", "true", **traced(mask))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_c55_negative_and_too_large_masks_are_every_module(place):
    for mask in ("-1", "99999999999"):
        done = place.run("--", "true", **traced(mask))
        assert in_order(texts(done.stderr), "flom_config", "flom_client_connect", "flom_exec")


def test_c55_the_process_is_that_of_flom(place):
    flom = place.start("--", "true", **traced("0xffffffff"))
    _, errors = flom.communicate(timeout=60)
    assert {RECORD.fullmatch(line)[1] for line in errors.splitlines()} >= {str(flom.pid)}


def test_information_is_not_traced(place):
    """Step 4 comes after steps 1 to 3."""
    for word in ("--version", "--signal-list", "--help", "-Z"):
        assert "flom_" not in place.run(word, **traced("-1")).stderr


def test_a_lock_from_begin_to_end(place):
    place.run("-d", "-1", "--", "true")
    done = place.run("--", "sh", "-c", "exit 7", **traced("0x8"))
    assert done.returncode == 7
    assert in_order(
        texts(done.stderr),
        "flom_client_connect",
        f"connecting to socket '{place.path}'",
        "flom_client_connect/ret_cod=0",
        "flom_client_lock",
        "flom_client_lock/ret_cod=0",
        "flom_client_unlock",
        "flom_client_disconnect",
        "flom_client_unlock/ret_cod=0",
    )


def test_failures_have_their_code(place):
    refused = place.run("-d", "0", "--", "true", **traced("0x8"))
    assert in_order(
        texts(refused.stderr.rpartition("flom: ")[0]),
        "errno=2 'No such file or directory'",
        "a new daemon can not be started because daemon lifespan is 0",
        "flom_client_connect/ret_cod=-105",
    )
    holder = place.hold("-d", "-1")
    busy = place.run("-r", "R", "-o", "0", "--", "true", **traced("0x8"))
    assert busy.returncode == 98
    assert "flom_client_lock/ret_cod=4" in busy.stderr
    holder.communicate("\n", timeout=60)


def test_messages_as_they_travel(any_place):
    done = any_place.run("--", "true", **traced("0x80"))
    sent, received, released = texts(done.stderr)
    assert sent.startswith("flom_msg_send: b'<?xml")
    assert 'verb="1" step="8"' in sent
    assert 'rc="0"' in received
    assert 'verb="2" step="8"' in released


def test_execution(place):
    done = place.run("--", "sh", "-c", "exit 7", **traced("4"))
    begin, end = texts(done.stderr)
    assert re.fullmatch(r"flom_exec: 'sh' runs as process \d+", begin)
    assert end.endswith("has ended, status 7")
    (place.folder / "plain").write_text("")
    done = place.run("--", "./plain", **traced("4"))
    assert done.returncode == 97
    assert "'./plain': errno=13 'Permission denied'" in done.stderr


def test_settings_that_were_given(place):
    (place.folder / ".flom").write_text("[Resource]\nName=FromFile\n")
    done = place.run("-o", "77", "--", "true", **traced("2"))
    assert texts(done.stderr) == [
        f"flom_config: files read: {place.folder}/.flom",
        "flom_config: resource-name='FromFile'",
        "flom_config: resource-timeout=77",
        f"flom_config: socket-name='{place.path}'",
    ]


def test_no_secret_is_traced(place):
    (place.folder / ".flom").write_text("[Store]\nUser=ann\nPassword=s3cret\n")
    done = place.run("--", "true", **traced("2"))
    assert "flom_config: store-user='ann'" in texts(done.stderr)
    assert "s3cret" not in done.stderr


# Destinations


def test_c56_the_file_of_the_command(place):
    done = place.run("-T", "t.trc", "--", "true", **traced("0x6"))
    assert done.stderr != ""  # what comes before the file is known
    assert all(text.startswith("flom_config") for text in texts(done.stderr))
    assert {text.split(":")[0] for text in texts((place.folder / "t.trc").read_text())} == {
        "flom_exec"
    }


def test_c56_truncated_or_appended(place):
    path = place.folder / "t.trc"
    for option, kept in ((), False), (("--append-trace-file=yes",), True):
        path.write_text("OLD\n")
        assert place.run("-T", path, *option, "--", "true", **traced("4")).stderr == ""
        assert path.read_text().startswith("OLD\n") == kept
        assert "flom_exec" in path.read_text()


def test_c56_an_empty_file_without_a_mask(place):
    assert place.run("-T", "t.trc", "--", "true").stderr == ""
    assert (place.folder / "t.trc").read_text() == ""


@pytest.mark.parametrize("name", ["", "absent/t.trc", "."])
def test_c56_a_file_that_cannot_be_opened_changes_nothing(place, name):
    done = place.run("-T", name, "--", "sh", "-c", "exit 4", **traced("4"))
    assert done.returncode == 4
    assert "flom_exec" in done.stderr


def test_c56_the_key_in_the_file(place):
    (place.folder / ".flom").write_text("[Trace]\nCommandTraceFile=k.trc\n")
    assert place.run("--", "true", **traced("4")).stderr == ""
    assert "flom_exec" in (place.folder / "k.trc").read_text()


def test_cf13_the_command_does_not_have_the_file(place):
    done = place.run("-T", "t.trc", "--", "sh", "-c", "ls -l /proc/self/fd", **traced("4"))
    assert "t.trc" not in done.stdout


def test_a_pipe_that_nobody_reads_stops_neither_command_nor_daemon(place):
    os.mkfifo(place.folder / "pipe")
    path = place.folder / "pipe"
    done = place.run("-T", path, "-t", path, "--", "sh", "-c", "exit 4", **traced("-1"))
    assert done.returncode == 4


def test_c56_the_file_of_the_daemon(any_place):
    path = any_place.folder / "d.trc"
    done = any_place.run("-t", path, "-r", "A.B", "--", "true", **traced("-1"))
    assert done.returncode == 0
    any_place.shut_down()
    any_place.await_no_daemon()
    assert oct(path.stat().st_mode & 0o777) == "0o666"
    assert in_order(
        of_daemon(path),
        "flom_daemon: serve",
        "flom_conns:",
        "flom_msg_receive:",
        "asks for 'A.B', mode 0, quantity 1, wait 1, create 1",
        "gets 'A.B', element 'A'",
        "flom_msg_send:",
        "gives 'A.B' back, rollback 0",
        "flom_daemon: shutdown requested, immediate=1",
        "flom_daemon: serve",
    )
    assert "flom_daemon: serve" not in done.stderr


@pytest.mark.parametrize(
    ("mask", "shown"),
    [("0x1000", True), ("0x400", False), ("0x100", True), ("0x200", True), ("0x2000", False)],
)
def test_c55_each_kind_of_resource_has_its_bit(place, mask, shown):
    place.run("-t", place.folder / "d.trc", "-r", "A.B", "--", "true", **traced(mask))
    found = [text for text in of_daemon(place.folder / "d.trc") if "A.B" in text]
    assert (found != []) == shown


def test_c56_a_daemon_without_a_file_has_no_trace(place):
    done = place.run("-d", "-1", "-T", "t.trc", "--", "true", **traced("-1"))
    mine = (place.folder / "t.trc").read_text()
    assert place.run("--", "true").returncode == 0
    assert (place.folder / "t.trc").read_text() == mine
    assert texts(mine)
    assert done.returncode == 0


def test_c56_both_in_one_file(place):
    """The daemon empties what the command wrote; neither overwrites the other."""
    path = place.folder / "t.trc"
    place.run("-T", path, "-t", path, "--", "true", **traced("-1"))
    found = texts(path.read_text())
    assert in_order(found, "flom_daemon: serve", "asks for", "flom_client_lock/ret_cod=0")
    assert not in_order(found, "flom_daemon: listen")


def test_c56_a_relative_file_of_the_daemon_is_below_the_root(place):
    need_root()
    name = f"flom-test-{os.getpid()}.trc"
    try:
        assert place.run("-t", name, "--", "true", **traced("0x10")).returncode == 0
        assert not (place.folder / name).exists()
        assert "flom_daemon: serve" in pathlib.Path(f"/{name}").read_text()
    finally:
        os.unlink(f"/{name}")


def test_cf25_a_daemon_that_cannot_open_its_file(place):
    """It runs without trace and warns once, in the system log."""
    with system_log(place.folder) as log, room(place.folder, SYSTEM_LOG) as apart:
        words = ("-t", place.folder / "absent/d.trc", "-d", "500", "--", "sh", "-c", "exit 5")
        done = place.run(*words, shell=apart.shell(), **traced("0x400"))
        assert (done.returncode, done.stderr) == (5, "")
        assert place.run("-d", "0", "--", "true", shell=apart.shell()).returncode == 0
        warnings = [text for text in records(log) if "FLM100W" in text]
        assert len(warnings) == 1
        assert warnings[0].startswith("<28>")  # daemon, warning
        assert "absent/d.trc" in warnings[0]


def test_the_daemon_of_a_service_manager(place):
    """Its trace goes to standard error or to its file; if that cannot be opened, nowhere."""
    for words, shown in ((), True), (("-t", "d.trc"), False), (("-t", "absent/d.trc"), False):
        daemon = place.start(
            *("-d", "300", *words),
            shell=f'shift; exec {FLOMCTL} daemon "$@"',
            **traced("0x10"),
        )
        _, errors = daemon.communicate(timeout=60)
        assert daemon.returncode == 0
        assert ("flom_daemon: serve" in errors) == shown
        assert ("FLM100W" in errors) == ("absent" in "".join(words))
    assert "flom_daemon: serve" in (place.folder / "d.trc").read_text()


# The way to a daemon (daemon.md 9.2)


@pytest.fixture
def network(places, folder):
    """A place at a name with two addresses: IPv4, where nobody listens, and link-local IPv6."""
    place = places("127.0.0.1")
    hosts = f"10.77.0.1 srv.example\\n{LINK_LOCAL} srv.example\\n"
    with room(folder, NETWORK, HOSTS, hosts=hosts) as apart:
        place.words = ["-a", "srv.example", "-p", str(place.port)]
        started = place.run("-n", "d0", "-d", "60000", "--", "true", shell=apart.shell())
        assert started.returncode == 0, started.stderr
        yield place, apart.shell()
        place.run("-n", "d0", "-X", shell=apart.shell())


IPV4 = "addrlen=16; IPv4 address, sin_port={port}, sin_addr='10.77.0.1'"
IPV6 = (
    "addrlen=28; IPv6 address, sin6_port={port}, sin6_flowinfo=0x0, sin6_addr='"
    + LINK_LOCAL
    + "', sin6_scope_id={scope}"
)
RESULT = (
    "[ai_flags=2,ai_family={family},ai_socktype=1,ai_protocol=6,ai_addrlen={length},"
    "ai_canonname='{name}']"
)


@pytest.mark.parametrize("mask", ["0x8", "0x400008", "0x400000"])
def test_d38_without_the_interface(network, mask):
    """The seed use case: the scope id is 0, which the trace shows."""
    place, shell = network
    done = place.run("-d", "0", "--", "true", shell=shell, **traced(mask))
    assert done.returncode == 99
    found = texts(done.stderr.rpartition("flom: ")[0])
    port, ipv6 = place.port, IPV6.format(port=place.port, scope=0)
    assert in_order(
        found,
        f"connecting to address 'srv.example' and port {port}",
        RESULT.format(family=2, length=16, name="srv.example")
        + " "
        + RESULT.format(family=10, length=28, name="{null}"),
        *[IPV4.format(port=port)] * 2,
        "errno=111 'Connection refused', skipping...",
        *[ipv6] * 2,
        "errno=22 'Invalid argument', skipping...",
        "a new daemon can not be started because daemon lifespan is 0",
        "flom_client_connect/ret_cod=-105",
    )
    assert "overriding" not in done.stderr


@pytest.mark.parametrize("words", [["-n", "d0"], ["-a", "srv.example%d0"]])
def test_d38_with_the_interface(network, words):
    place, shell = network
    done = place.run("-d", "0", *words, "--", "true", shell=shell, **traced("0x8"))
    assert done.returncode == 0, done.stderr
    found = texts(done.stderr)
    (override,) = [text for text in found if "overriding" in text]
    scope = override.rpartition(" ")[2]
    assert int(scope) > 0
    assert in_order(
        found,
        RESULT.format(family=10, length=28, name="srv.example"),
        IPV6.format(port=place.port, scope=0),
        "overriding field sin6_scope_id with value ",
        IPV6.format(port=place.port, scope=scope),
        "flom_client_connect/ret_cod=0",
        "flom_client_lock/ret_cod=0",
    )
    assert "IPv4" not in done.stderr


def test_d38_the_resolver_fails(network):
    place, shell = network
    done = place.run("-a", "absent.example", "--", "true", shell=shell, **traced("0x400008"))
    assert done.returncode == 99
    assert in_order(
        texts(done.stderr.rpartition("flom: ")[0]),
        "connecting to address 'absent.example'",
        "flom_client_connect_tcp/getaddrinfo(): errcode=-2 'Name or service not known'",
        "flom_client_connect/ret_cod=-110",
    )


def test_where_a_daemon_listens(network):
    """The other side: a daemon of our own port on the interface."""
    place, shell = network
    words = ("-a", "srv.example", "-p", str(place.port + 1), "-n", "d0", "-d", "1000")
    done = place.run(*words, "--", "true", shell=shell, **traced("0x10"))
    assert done.returncode == 0, done.stderr
    assert in_order(
        texts(done.stderr),
        "flom_daemon: listen at srv.example",
        "flom_listen_tcp_try: overriding field sin6_scope_id with value ",
        "flom_daemon: started as process",
    )
