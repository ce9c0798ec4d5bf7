"""TLS between commands and daemons: each row of daemon.md, table 11.3, by its result."""

import asyncio
import concurrent.futures
import contextlib
import os
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import threading
import time

import pytest
from certificates import options
from hosts import network
from support import (
    BOUND,
    FLOMCTL,
    Peer,
    lock_message,
    message,
    need_program,
    shutdown_message,
    unlock_message,
    wait_for,
)

import flom
from flom.client.session import DEFAULT_LIMIT

CTL = (FLOMCTL, "daemon")
TRIES = 20  # where the outcome of the reference was random
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@pytest.fixture
def tls(certificates):
    """Words with these certificates: `tls("mine", check="yes")`."""

    def words(name="mine", **more):
        return options(certificates, name, **more)

    return words


@pytest.fixture
def serve(tls):
    """Starts a daemon in the foreground with the given certificate; returns it when it listens."""

    def start(place, *words, env=None):
        daemon = place.start(*words, program=CTL, env=env)
        wait_for(lambda: daemon.poll() is not None or place.listeners(), "the daemon")
        assert daemon.poll() is None, daemon.stderr.read()
        return daemon

    return start


def lock(place, *words):
    """What a command that locks says: its status and the code on stderr, None if there is none."""
    done = place.run("-d", "0", *words, "-r", "R", "--", "echo", "locked")
    assert (done.stdout == "locked\n") == (done.returncode == 0)
    assert done.stderr.count("\n") == (done.returncode != 0), done.stderr
    code = re.search(r"ret_cod=(-?\d+)", done.stderr)
    return done.returncode, int(code[1]) if code else None


def lives(daemon, place, *words):
    """The daemon is there, and serves a peer with good papers."""
    assert daemon.poll() is None
    assert lock(place, *words) == (0, None)


def context(folder, name="mine", version=None):
    """That of a scripted client, made with the library's public half."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.load_verify_locations(folder / "one.ca")
    made.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    if version:
        made.minimum_version = made.maximum_version = version
    return made


# Table 11.3


@pytest.mark.parametrize("check", ["yes", "no"])
def test_right_names(any_place, serve, tls, check):
    serve(any_place, *tls(check="yes"))
    assert lock(any_place, *tls("peer", check=check)) == (0, None)
    assert lock(any_place, *tls("rsa", check=check)) == (0, None)


@pytest.mark.parametrize(
    ("server", "client", "rc"),
    [
        # name of the certificate, and whether this side checks
        (("mine", "yes"), ("other", "no"), -409),
        (("mine", "yes"), ("nameless", "no"), -409),
        (("mine", "yes"), ("first", "no"), -409),
        (("mine", "yes"), ("last", "yes"), None),
        (("mine", "no"), ("other", "no"), None),
        (("mine", "no"), ("nameless", "no"), None),
        (("other", "no"), ("mine", "yes"), -23),
        (("nameless", "no"), ("mine", "yes"), -4),
        (("last", "no"), ("mine", "yes"), None),
        (("chained", "no"), ("chained", "no"), None),
    ],
)
def test_names(place, serve, tls, server, client, rc):
    daemon = serve(place, *tls(server[0], check=server[1]))
    assert lock(place, *tls(client[0], check=client[1])) == (99 if rc else 0, rc)
    lives(daemon, place, *tls())


def test_what_is_granted_to_who_mistrusts_the_daemon_is_released(place, serve, tls):
    """daemon.md 11.2: the check follows the grant; the client's exit gives it back."""
    serve(place, *tls("other"))
    assert lock(place, *tls(check="yes")) == (99, -23)
    assert lock(place, "-o", "0", *tls()) == (0, None)


@pytest.mark.parametrize(
    ("files", "rc"),
    [
        ({"name": "foreign", "authority": "two"}, -407),
        ({"name": "mine", "authority": "two"}, -407),
        ({"name": "mine", "key": "peer"}, -404),
        ({"name": "mine", "key": "encrypted"}, -404),
        ({"name": "junk", "key": "mine"}, -403),
        ({"name": "mine", "authority": "junk"}, -401),
    ],
)
def test_what_the_client_finds_itself(any_place, serve, tls, files, rc):
    daemon = serve(any_place, *tls())
    assert lock(any_place, *tls(**files)) == (99, rc)
    lives(daemon, any_place, *tls())


@pytest.mark.parametrize("name", ["foreign", "expired", "early", "leaf"])
def test_d44_what_the_daemon_finds(any_place, serve, tls, name):
    """D-44, F25: a certificate that is not accepted, twenty times: a code and 99, never SIGPIPE."""
    daemon = serve(any_place, *tls())
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(lock, any_place, *tls(name)) for _ in range(TRIES)]
        assert {run.result() for run in runs} <= {(99, -409), (99, -406)}
    lives(daemon, any_place, *tls())


def test_an_authority_of_the_daemon_alone(place, serve, tls):
    daemon = serve(place, *tls(authority="two"))
    assert lock(place, *tls()) == (99, -409)
    assert daemon.poll() is None


def test_the_reason_is_said(place, serve, tls):
    daemon = serve(place, *tls(check="yes"))
    assert "unknown ca" in place.run(*tls("foreign"), "--", "true").stderr
    assert "certificate expired" in place.run(*tls("expired"), "--", "true").stderr
    daemon.terminate()
    log = daemon.communicate(timeout=BOUND)[1]
    assert log.count("FLM017E") == 2


@pytest.mark.parametrize("words", [[], ["-o", "20000"]])
def test_plain_client_and_tls_daemon(any_place, serve, tls, words):
    """W-51: closed at once, and told what to do."""
    daemon = serve(any_place, *tls())
    done = any_place.run("-d", "0", *words, "--", "true")
    assert done.returncode == 99
    assert "the daemon speaks TLS" in done.stderr
    assert "--tls-certificate" in done.stderr
    assert "ret_cod=-126" in done.stderr
    peer = any_place.peer()
    peer.send(lock_message())
    assert peer.answer() is None
    lives(daemon, any_place, *tls())


def test_tls_client_and_plain_daemon(any_place, serve, tls):
    daemon = serve(any_place)
    done = any_place.run("-d", "0", *tls(), "--", "true")
    assert done.returncode == 99
    assert "it may not speak TLS (" in done.stderr
    assert "ret_cod=-406" in done.stderr
    lives(daemon, any_place)


def test_a_listener_that_says_nothing(place, tls):
    """CF-20, AF-15: the handshake of a command is bounded by -o."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place.path))
        listener.listen()
        begun = time.monotonic()
        assert lock(place, "-o", "300", *tls()) == (99, -406)
        assert time.monotonic() - begun < DEFAULT_LIMIT


@pytest.mark.parametrize(
    ("files", "rc"),
    [
        ({"name": "mine", "key": "peer"}, -404),
        ({"name": "mine", "key": "encrypted"}, -404),
        ({"name": "junk", "key": "mine"}, -403),
        ({"name": "mine", "authority": "junk"}, -401),
    ],
)
def test_d46_a_daemon_whose_files_cannot_be_used_does_not_start(any_place, tls, files, rc):
    """D-46, F24."""
    done = any_place.run(*tls(**files), program=CTL)
    assert done.returncode == 99
    assert f"ret_cod={rc}" in done.stderr
    done = any_place.run("-d", "-1", *tls(**files), "--", "true")
    assert done.returncode == 99
    assert f"ret_cod={rc}" in done.stderr
    assert not any_place.daemons()


def test_a_command_starts_a_daemon_with_tls(any_place, tls):
    assert any_place.run("-d", "-1", *tls("rsa", check="yes"), "--", "true").returncode == 0
    assert lock(any_place, *tls("peer", check="yes")) == (0, None)
    assert lock(any_place)[1] == -126
    any_place.shut_down(*tls())
    any_place.await_no_daemon()


# Shutdown


@pytest.mark.parametrize("option", ["-x", "-X"])
def test_shutdown(any_place, serve, tls, option):
    """F-18, CF-19: over TLS 1.3 too the daemon ends, and the command with it."""
    daemon = serve(any_place, *tls(check="yes"))
    done = any_place.run(option, *tls("peer"))
    assert (done.returncode, done.stderr) == (0, "")
    assert daemon.wait(BOUND) == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_a_quiesce_is_answered_by_the_close(any_place, serve, tls, certificates, version):
    """F-18, W-61: for one who asks like the reference and reads without limit."""
    daemon = serve(any_place, *tls())
    with context(certificates, version=VERSIONS[version]).wrap_socket(any_place.connect()) as sock:
        Peer(sock).send(shutdown_message(0))
        Peer(sock).await_close()
        assert daemon.wait(BOUND) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"name": "other"}, "did not obey"),
        ({"name": "foreign"}, "unknown ca"),
        ({"name": "mine", "key": "peer"}, "another certificate"),
        ({}, "the daemon speaks TLS"),
    ],
)
def test_shutdown_by_somebody_else(place, serve, tls, words, said):
    daemon = serve(place, *tls(check="yes"))
    done = place.run("-X", *(tls(**words) if words else ()))
    assert done.returncode == 99
    assert said in done.stderr
    lives(daemon, place, *tls())


# Versions, foreign peers


@pytest.mark.parametrize("version", VERSIONS)
def test_d45_peers_of_one_version(any_place, serve, tls, certificates, version):
    """D-45, W-44, W-50: both versions; each answer is a record; bare ends and told ones."""
    serve(any_place, *tls())
    with context(certificates, version=VERSIONS[version]).wrap_socket(any_place.connect()) as sock:
        assert sock.version() == f"TLSv{version}"
        peer = Peer(sock)
        assert peer.lock() == 0
        # Two messages in one record, then one in two.
        peer.send(unlock_message() + lock_message())
        assert peer.answer() == 0
        peer.send(unlock_message()[:50])
        peer.send(unlock_message()[50:])
        assert peer.lock() == 0
        assert any_place.run("-o", "0", *tls(), "-r", "R", "--", "true").returncode == 98
        if version == "1.3":
            sock.settimeout(BOUND)
            with contextlib.suppress(OSError):
                sock.unwrap()
    assert lock(any_place, *tls()) == (0, None)


@pytest.mark.parametrize("version", ["1_2", "1_3"])
def test_openssl_as_client(places, serve, tls, certificates, version):
    need_program("openssl")
    place = places("127.0.0.1")
    serve(place, *tls(check="no"))
    client = subprocess.Popen(
        [
            "openssl", "s_client", "-quiet", "-no_ign_eof", f"-tls{version}",
            "-connect", f"127.0.0.1:{place.port}",
            "-cert", certificates / "mine.pem", "-key", certificates / "mine.key",
            "-CAfile", certificates / "one.ca", "-verify_return_error",
        ],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        client.stdin.write(lock_message())
        client.stdin.flush()
        answer = b""
        while b"</msg>" not in answer:
            answer += (piece := os.read(client.stdout.fileno(), 4096))
            assert piece
        assert b'rc="0"' in answer
        assert place.run("-o", "0", *tls(), "-r", "R", "--", "true").returncode == 98
        client.stdin.close()
        client.wait(BOUND)
    finally:
        client.kill()
        client.wait()
    assert lock(place, *tls()) == (0, None)


@pytest.mark.parametrize("version", ["1_2", "1_3"])
def test_openssl_as_daemon(places, tls, certificates, version):
    """A library that sends tickets and waits for the client's certificate."""
    need_program("openssl")
    place = places("127.0.0.1")
    server = subprocess.Popen(
        [
            "openssl", "s_server", "-quiet", f"-tls{version}", "-accept", f"127.0.0.1:{place.port}",
            "-cert", certificates / "mine.pem", "-key", certificates / "mine.key",
            "-CAfile", certificates / "one.ca", "-Verify", "4", "-verify_return_error",
        ],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(place.listeners, "s_server")
        command = place.start("-d", "0", *tls(), "--", "true")
        request = b""
        while b"</msg>" not in request:
            request += (piece := os.read(server.stdout.fileno(), 4096))
            assert piece
        server.stdin.write(message(1, 16, '<session peerid=""/><answer rc="0"/>'))
        server.stdin.flush()
        release = b""
        while b"</msg>" not in release:
            release += (piece := os.read(server.stdout.fileno(), 4096))
            assert piece
        assert b'verb="2"' in release
        assert command.wait(BOUND) == 0, command.stderr.read()
    finally:
        server.kill()
        server.communicate()


def test_no_client_certificate(place, serve, tls, certificates):
    daemon = serve(place, *tls())
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    plain.check_hostname = False
    plain.load_verify_locations(certificates / "one.ca")
    with pytest.raises(ssl.SSLError), plain.wrap_socket(place.connect()) as sock:
        sock.sendall(lock_message())
        sock.recv(1000)
    lives(daemon, place, *tls())


# One peer and the others


def rate(peer, seconds=0.5):
    """Locks and unlocks a second."""
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        assert peer.lock() == 0
        peer.unlock()
        count += 1
    return count / seconds


def test_d47_slow_handshakes_delay_nobody(place, serve, tls, certificates):
    """D-47, W-49: a hundred peers in the middle of handshakes cost others no more than their bytes.

    Each of them sends a byte for each few locks of the others; they are closed when their time is
    over.
    """
    daemon = serve(place, *tls())
    first = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context(certificates).wrap_bio(*first)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    hello = first[1].read()
    with context(certificates).wrap_socket(place.connect()) as sock:
        peer = Peer(sock)
        alone = statistics.median(rate(peer) for _ in range(3))
        socks = [place.connect() for _ in range(100)]
        try:
            beside = []
            for piece in range(3):
                for each in socks:
                    each.sendall(hello[piece : piece + 1])
                beside.append(rate(peer))
            assert statistics.median(beside) > alone / 4
            for each in socks:
                Peer(each).await_close()
        finally:
            for each in socks:
                each.close()
        assert peer.lock() == 0
    lives(daemon, place, *tls())


def test_a_crowd_of_handshakes_leaves_others_their_share(place, tls, certificates):
    """W-49: who only locks is served at least as often as each of those who connect anew."""
    assert place.run("-d", "60000", *tls(), "--", "true").returncode == 0
    secure, stop, rounds = context(certificates), threading.Event(), 50

    def come():
        count = 0
        while not stop.is_set():
            with secure.wrap_socket(place.connect()) as sock:
                assert Peer(sock).lock("other", mode=1) == 0
                count += 1
        return count

    with secure.wrap_socket(place.connect()) as sock:
        peer = Peer(sock)
        with concurrent.futures.ThreadPoolExecutor(30) as crowd:
            runs = [crowd.submit(come) for _ in range(30)]
            try:
                for _ in range(rounds):
                    assert peer.lock() == 0
                    peer.unlock()
            finally:
                stop.set()
            assert statistics.mean(run.result(BOUND) for run in runs) < rounds


@pytest.mark.parametrize(
    "data",
    [
        shutdown_message(1),
        b"\x16\x03\x01\x02\0\x01",
        b"\x16\x03\x01" + bytes(600),
        b"\x15\x03\x01\0\x02\x02\x28",
        b"\x17\x03\x03" + bytes(600),
        bytes(range(256)) * 9,
    ],
)
def test_what_is_no_handshake_costs_that_peer(any_place, serve, tls, data):
    daemon = serve(any_place, *tls())
    holder = any_place.hold(*tls())
    peer = any_place.peer()
    peer.send(data)
    peer.sock.shutdown(socket.SHUT_WR)
    peer.await_close()
    holder.communicate("\n")
    assert holder.returncode == 0
    lives(daemon, any_place, *tls())


def test_garbage_after_the_handshake_costs_the_lock(place, serve, tls, certificates):
    daemon = serve(place, *tls())
    raw = place.connect()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context(certificates).wrap_bio(incoming, outgoing)

    def done(act):
        while True:
            try:
                result = act()
            except ssl.SSLWantReadError:
                result = None
            raw.sendall(outgoing.read())
            if result is not None:
                return result
            incoming.write(raw.recv(4096))

    done(lambda: client.do_handshake() or True)
    client.write(lock_message())
    assert b'rc="0"' in done(lambda: client.read(1000))
    raw.sendall(b"\x17\x03\x03\0\x20" + bytes(32))
    Peer(raw).await_close()
    raw.close()
    lives(daemon, place, *tls())


def test_a_daemon_lost_while_the_command_runs(any_place, serve, tls):
    """CF-7, F25: 99 and a line, on every transport."""
    daemon = serve(any_place, *tls())
    holder = any_place.hold(*tls())
    daemon.kill()
    daemon.wait()
    _, err = holder.communicate("\n", timeout=BOUND)
    assert holder.returncode == 99
    assert "somebody else may have locked" in err


def test_a_daemon_that_ends_while_one_waits(any_place, serve, tls):
    serve(any_place, *tls())
    holder = any_place.hold(*tls())
    waiter = any_place.wait(*tls())
    any_place.shut_down(*tls())
    assert waiter.wait(BOUND) == 99
    assert "ret_cod=-409" in waiter.stderr.read()
    holder.communicate("\n")


def test_the_time_limit_holds(place, serve, tls):
    """F-19: also for the first answer under TLS 1.3."""
    serve(place, *tls())
    holder = place.hold(*tls())
    assert place.run("-o", "300", *tls(), "-r", "R", "--", "true").returncode == 98
    assert place.run("-o", "0", *tls(), "-r", "R", "--", "true").returncode == 98
    holder.communicate("\n")


# Renewal


def test_renewed_files_are_used_without_a_restart(place, serve, tls, certificates):
    for kind in ("pem", "key"):
        shutil.copy(certificates / f"expired.{kind}", place.folder / f"own.{kind}")
    words = [
        "--tls-certificate", place.folder / "own.pem",
        "--tls-private-key", place.folder / "own.key",
        "--tls-ca-certificate", certificates / "one.ca",
    ]  # fmt: skip
    daemon = serve(place, *words)
    assert lock(place, *tls()) == (99, -407)
    shutil.copy(certificates / "mine.pem", place.folder / "own.pem")  # half of it
    wait_for(lambda: lock(place, *tls()) and b"FLM102W" in _heard(daemon), "a look at the files")
    assert lock(place, *tls()) == (99, -407)
    shutil.copy(certificates / "mine.key", place.folder / "own.key")
    wait_for(lambda: lock(place, *tls()) == (0, None), "the new certificate")
    daemon.terminate()
    assert "FLM103N" in daemon.communicate(timeout=BOUND)[1]


def _heard(process):
    """What a process has said on standard error by now, without waiting."""
    os.set_blocking(process.stderr.fileno(), False)
    try:
        return os.read(process.stderr.fileno(), 1 << 16)
    except BlockingIOError:
        return b""
    finally:
        os.set_blocking(process.stderr.fileno(), True)


# Other ways in


def settings_file(place, certificates, name="mine", authority="one", check="yes"):
    """A configuration file with a place and its certificates, as programs have it."""
    path = place.folder / ".flom"
    path.write_text(
        f"[TLS]\nTlsCertificate={certificates}/{name}.pem\nTlsPrivateKey={certificates}/{name}.key"
        f"\nTlsCaCertificate={certificates}/{authority}.ca\nTlsCheckPeerId={check}\n"
    )
    return path


@pytest.fixture
def endpoint(any_place, certificates, monkeypatch):
    """Where programs of this place find its daemon; they have the certificate `peer`."""
    monkeypatch.setenv("HOME", str(any_place.folder))
    settings_file(any_place, certificates, "peer")
    if hasattr(any_place, "path"):
        return f"unix://{any_place.path}"
    return f"tcp://127.0.0.1:{any_place.port}"


def test_programs(any_place, serve, tls, endpoint, certificates):
    """flom.lock and flom.aio.lock, with the id of the daemon checked."""
    daemon = serve(any_place, *tls(check="yes"))
    client = flom.Client(endpoint, start_daemon=False)
    with client.lock("R"):
        assert lock(any_place, "-o", "0", *tls("peer"))[0] == 98

    async def locked():
        async with flom.aio.Client(endpoint, start_daemon=False).lock("R") as held:
            assert await asyncio.to_thread(lock, any_place, "-o", "0", *tls("peer")) == (98, None)
            return held

    asyncio.run(locked())
    assert lock(any_place, "-o", "0", *tls("peer")) == (0, None)
    daemon.terminate()
    daemon.wait(BOUND)
    serve(any_place, *tls("other"))
    with pytest.raises(flom.LockError) as wrong:
        flom.Client(endpoint, start_daemon=False).lock("R").acquire()
    assert wrong.value.rc == -23
    with pytest.raises(flom.LockError) as wrong:
        asyncio.run(locked())
    assert wrong.value.rc == -23


def test_a_program_without_tls(any_place, serve, tls, endpoint):
    serve(any_place, *tls())
    (any_place.folder / ".flom").unlink()
    with pytest.raises(flom.DaemonError) as refused:
        flom.Client(endpoint, start_daemon=False).lock("R").acquire()
    assert refused.value.rc == -126
    assert "the daemon speaks TLS" in str(refused.value)


def test_discovery_then_tls(folder, certificates, tls):
    """Datagrams are plain, the connection that follows is not (daemon.md 9.4)."""
    with network(folder) as made:
        host, _ = made.pair()
        host.sh(f"ip route add 224.0.0.0/4 dev {host.interface}")
        group = ["-A", "239.255.43.21", "-D", "1", "-I", "1000"]
        started = host.flom(*group, "-d", "-1", *tls(check="yes"), "--", "true")
        assert started.returncode == 0, started.stderr
        group = [*group[:4], "-I", "30000", "-d", "0"]
        assert host.flom(*group, *tls("peer", check="yes"), "--", "true").returncode == 0
        plain = host.flom(*group, "--", "true")
        assert plain.returncode == 99
        assert "the daemon speaks TLS" in plain.stderr
        assert host.flom(*group, "-X", *tls()).returncode == 0
        wait_for(lambda: not host.daemons(), "the end of the daemon")


# --check


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"name": "peer"}, None),
        ({"name": "expired"}, "was valid until"),
        ({"name": "early"}, "is not valid before"),
        ({"name": "junk", "key": "mine"}, "[ret_cod=-403]"),
        ({"name": "mine", "key": "peer"}, "[ret_cod=-404]"),
        ({"name": "foreign"}, "unknown ca"),
        ({"name": "mine", "authority": "two"}, "[ret_cod=-407]"),
        ({"name": "other"}, "[ret_cod=-409]"),
        (None, "the daemon speaks TLS"),
    ],
)
@pytest.mark.parametrize("words", [["--", "true"], ["-X"]])
def test_check(place, serve, tls, files, problem, words):
    """Files and handshake are looked at, once each, and nothing else happens."""
    daemon = serve(place, *tls(check="yes"))
    done = place.run("--check", *(tls(**files) if files else ()), *words)
    problems = [line for line in done.stdout.splitlines() if line.startswith("problem")]
    assert (done.returncode, len(problems)) == ((99, 1) if problem else (0, 0)), done.stdout
    if problem:
        assert problem in problems[0]
    assert daemon.poll() is None


# What is recorded


def test_the_system_log(place, serve, tls):
    """daemon.md 12: who has come, and whether he is who he says."""
    daemon = serve(place, *tls(check="yes"))
    assert lock(place, *tls("peer")) == (0, None)
    assert lock(place, *tls("other")) == (99, -409)
    assert lock(place)[1] == -126
    daemon.terminate()
    log = daemon.communicate(timeout=BOUND)[1]
    subject = "C={null}/ST={null}/L={null}/O=Test/OU={null}/emailAddress={null}/CN="
    assert f"FLM011I issuer {subject}one\n" in log
    assert f"FLM012I subject {subject}00112233445566778899aabbccddeeff\n" in log
    assert log.count("FLM014I") == 1
    assert log.count("FLM013E") == 1
    assert "certificate for 00112233445566778899aabbccddeeff" in log
    assert "FLM101W localhost/: no TLS connection: the other side does not speak TLS" in log


def test_the_trace_shows_plain_text(place, serve, tls):
    """What is said, not what is sent; and who the other side is."""
    serve(place, *tls())
    done = place.run(*tls("peer"), "--", "true", env={"FLOM_TRACE_MASK": "0x200080"})
    assert "flom_msg_send: b'<?xml" in done.stderr
    assert "flom_tls: TLSv1.3, subject" in done.stderr
