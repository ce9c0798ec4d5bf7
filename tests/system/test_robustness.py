"""One peer, whatever it sends or fails to send, costs nobody else anything (daemon.md 14)."""

import random
import resource
import socket
import ssl
import threading

import pytest
from support import (
    PROLOG,
    Peer,
    asleep,
    encoded,
    lock_message,
    message,
    shutdown_message,
    unlock_message,
    wait_for,
)

NAME = encoded("R")
SESSION = '<session peerid=""/>'
RESOURCE = f'<resource name="{NAME}" mode="5" wait="1" create="1" lifespan="0"/>'

# What a peer may say first, each of which ended or blocked the reference's daemon, or is wrong.
FIRST_WORDS = {
    "end tag that is no XML": b"garbage</msg>",
    "end tag alone": b"</msg>",
    "binary": bytes(range(256)) + b"</msg>",
    "not UTF-8": PROLOG.encode() + b'<msg level="3" verb="1" step="8">\xff\xfe</msg>',
    "unbalanced": PROLOG.encode() + b"<msg><a></b></msg>",
    "entity bomb": b'<!DOCTYPE msg [<!ENTITY a "aaaa">]><msg level="3" verb="1" step="8">&a;</msg>',
    "unknown verb": message(99, 8, ""),
    "verb zero": message(0, 8, ""),
    "negative verb": message(-1, 8, ""),
    "wrong step": message(1, 24, SESSION + RESOURCE),
    "huge step": message(1, 10**30, SESSION + RESOURCE),
    "verb is a word": message("lock", 8, SESSION + RESOURCE),
    "no attributes": PROLOG.encode() + b"<msg></msg>",
    "unlock first": unlock_message(),
    "unlock without resource": message(2, 8, ""),
    "ping": message(3, 8, ""),
    "pong": message(3, 16, ""),
    "shutdown without element": message(5, 8, SESSION),
    "shutdown without attribute": message(5, 8, SESSION + "<shutdown/>"),
    "lock without resource": message(1, 8, SESSION),
    "lock without session": message(1, 8, RESOURCE),
    "lock without name": message(1, 8, SESSION + '<resource mode="5" wait="1" create="1"/>'),
    "name not decodable": message(1, 8, SESSION + RESOURCE.replace(NAME, "!!!")),
    "empty name": message(1, 8, SESSION + RESOURCE.replace(NAME, "")),
    "bad name": lock_message("no such name ["),
    "name with a zero byte": lock_message("a\0b"),
    "mode 6": lock_message(mode=6),
    "mode -1": lock_message(mode=-1),
    "huge mode": lock_message(mode=10**40),
    "quantity 0": lock_message("n[3]", quantity=0),
    "negative quantity": lock_message("n[3]", quantity=-7),
    "huge quantity": lock_message("n[3]", quantity=10**40),
    "huge lifespan": lock_message("other", lifespan=10**40),
    "discover on a stream": message(4, 8, ""),
    "discovered": message(4, 16, '<network address="" port="1"/>'),
    "answer": message(1, 16, SESSION + '<answer rc="0"/>'),
    "other level": message(1, 8, SESSION + RESOURCE, level=4),
    "level is a word": message(1, 8, SESSION + RESOURCE, level="three"),
    "unknown element": message(1, 8, SESSION + '<strange a="1"/>' + RESOURCE),
    "two resources": message(1, 8, SESSION + RESOURCE + RESOURCE),
    "timestamp without a clock": lock_message("_t_abc[1]"),
    "half a message": lock_message()[:100],
    "one byte": b"<",
    "spaces": b" " * 5000,
    "longer than anybody needs": b"<?xml" + b"a" * 200_000,
    "512 bytes without end": b"x" * 512,
    "a thousand messages": lock_message("other", wait=0) * 1000,
    "a TLS client hello": bytes.fromhex("16030100c8010000c40303") + bytes(193),
    "HTTP": b"GET / HTTP/1.1\r\nHost: here\r\n\r\n",
}

# What a holder may say, losing at most its lock.
HOLDERS_WORDS = {
    "garbage": b"garbage</msg>",
    "ping": message(3, 8, ""),
    "shutdown": shutdown_message(1),
    "wrong level": message(2, 8, RESOURCE, level=9),
    "unlock of another": unlock_message("other"),
    "unlock without name": message(2, 8, "<resource/>"),
    "second lock": lock_message(),
    "second lock of another": lock_message("other"),
    "half a message": unlock_message()[:70],
    "two unlocks": unlock_message() * 2,
}


@pytest.fixture(params=["unix", "127.0.0.1", "tls"])
def served(request, places):
    """A place with a daemon, a holder and a waiter of a resource of their own."""
    place = places(request.param)
    place.keeper = place.hold("-d", "-1", "-r", "Keep")
    place.waiter = place.wait("-r", "Keep")
    place.pid = place.daemon()
    yield place


def check_others(place):
    """Everybody else was served meanwhile, and is served now, by the same daemon."""
    assert place.listeners() == {place.pid}
    assert place.keeper.poll() is None
    assert place.waiter.poll() is None
    done = place.run("-d", "0", "-r", "Normal", "--", "sh", "-c", "exit 3")
    assert (done.returncode, done.stderr) == (3, "")
    peer = place.peer()
    assert peer.lock("Keep", wait=0) == 4
    peer.close()


def check_end(place):
    """Holder and waiter come to their ends as if nothing had happened."""
    for process in (place.keeper, place.waiter):
        _, errors = process.communicate("\n", timeout=60)
        assert (process.returncode, errors) == (0, "")
    assert place.listeners() == {place.pid}


def shout(peer, data):
    """Sends what the daemon takes; it may close before the end."""
    peer.sock.settimeout(5)
    try:
        peer.send(data)
    except OSError:
        pass


@pytest.mark.parametrize("end", ["while it stays", "after it left"])
def test_first_words(served, end):
    """D-50: each row, with the peer still there, and after it has closed."""
    for words in FIRST_WORDS.values():
        peer = served.peer()
        shout(peer, words)
        if end == "after it left":
            peer.close()
        # A lock on the same daemon, to its end, by another peer.
        other = served.peer()
        assert other.lock("Normal") == 0
        other.unlock("Normal")
        other.close()
    check_others(served)
    check_end(served)


@pytest.mark.parametrize("words", FIRST_WORDS.values(), ids=FIRST_WORDS)
def test_first_words_and_the_next_command(place, words):
    """D-50: a command is the first to come after them, and the lock is free."""
    assert place.run("-d", "-1", "--", "true").returncode == 0
    daemon = place.daemon()
    peer = place.peer()
    shout(peer, words)
    peer.close()
    done = place.run("-d", "0", "-r", "R", "-o", "30000", "--", "sh", "-c", "exit 3")
    assert (done.returncode, done.stderr) == (3, "")
    assert place.listeners() == {daemon}


@pytest.mark.parametrize("words", HOLDERS_WORDS.values(), ids=HOLDERS_WORDS)
def test_words_of_a_holder(served, words):
    """D-50: at most its own lock is lost; when it leaves, the next one runs."""
    holder, waiter = served.peer(), served.peer()
    assert holder.lock() == 0
    assert waiter.lock() == 1
    shout(holder, words)
    check_others(served)
    holder.close()
    assert waiter.answer() == 0
    waiter.close()
    check_others(served)
    check_end(served)


def test_half_a_message_delays_nobody(served):
    """F2: neither before a lock, nor in a queue, nor by a holder; and even -X is heard."""
    silent = [served.peer() for _ in range(4)]
    silent[0].send(lock_message()[:50])
    assert silent[1].lock() == 0
    silent[1].send(unlock_message()[:50])
    assert silent[2].lock() == 1
    silent[2].send(lock_message()[:50])
    check_others(served)
    check_end(served)
    served.shut_down()
    served.await_no_daemon()


def test_half_a_message_is_not_waited_for_for_ever(place):
    """wire.md W-8: the connection is closed after about ten seconds."""
    keeper = place.hold("-d", "-1")
    silent = place.peer(bound=100)
    silent.send(lock_message()[:50])
    silent.await_close()
    assert keeper.poll() is None
    keeper.communicate("\n", timeout=30)
    assert keeper.returncode == 0


def test_byte_by_byte(any_place):
    """daemon.md 14: split messages are messages."""
    assert any_place.run("-d", "-1", "--", "true").returncode == 0
    peer = any_place.peer()
    for byte in lock_message():
        peer.send(bytes([byte]))
    assert peer.answer() == 0
    assert any_place.busy()
    for byte in unlock_message():
        peer.send(bytes([byte]))
    wait_for(lambda: not any_place.busy(), "a free lock")


def test_lock_and_unlock_in_one_write(any_place):
    """daemon.md 14: the first is answered, the lock is free afterwards."""
    assert any_place.run("-d", "-1", "--", "true").returncode == 0
    peer = any_place.peer()
    peer.send(lock_message() + unlock_message())
    assert peer.answer() == 0
    wait_for(lambda: not any_place.busy(), "a free lock")


def test_a_client_that_never_reads(served):
    """daemon.md 14: it is closed, see limits.md; others are served."""
    peer = served.peer()
    assert peer.lock("Other") == 0
    request = lock_message("Other", wait=0)
    with pytest.raises((ConnectionError, ssl.SSLEOFError)):
        for _ in range(100_000):
            peer.send(request * 10)
    assert served.peer().lock("Other") == 0
    check_others(served)
    peer.close()
    check_others(served)
    check_end(served)


def test_a_client_that_reads_late(any_place):
    """It gets every answer."""
    assert any_place.run("-d", "-1", "--", "true").returncode == 0
    peer = any_place.peer()
    count = 5000
    sender = threading.Thread(target=peer.send, args=(lock_message(wait=0) * count,))
    sender.start()
    daemon = any_place.daemon()
    wait_for(lambda: asleep(daemon), "a daemon that waits for its peer")
    assert [peer.answer() for _ in range(count)] == [0] + [4] * (count - 1)
    sender.join(30)
    peer.unlock()
    wait_for(lambda: not any_place.busy(), "a free lock")


def test_random_bytes(served):
    """D-51: two hundred random texts that end like a message."""
    source = random.Random(20)
    for count in range(200):
        peer = Peer(served.connect())
        shout(peer, source.randbytes(source.randrange(400)) + b"</msg>")
        if count % 3:
            peer.close()
        else:
            served.sockets.append(peer.sock)
    check_others(served)
    check_end(served)


def test_random_changes_of_messages(served):
    """D-51: nearly right messages are harder to refuse than noise."""
    source = random.Random(21)
    kept = []
    for _ in range(200):
        data = bytearray(source.choice([lock_message("Some"), unlock_message("Some")]))
        for _ in range(source.randrange(1, 4)):
            data[source.randrange(len(data))] = source.randrange(256)
        kept.append(served.peer())
        shout(kept[-1], bytes(data))
    check_others(served)
    for peer in kept:
        peer.close()
    check_others(served)
    check_end(served)


@pytest.mark.parametrize("end", ["close", "reset"])
def test_peers_that_vanish_in_every_state(places, end):
    """Before a word, amid a message, as holder, as waiter, waiting for a creation."""
    place = places("127.0.0.1")
    assert place.run("-d", "-1", "--", "true").returncode == 0
    daemon = place.daemon()
    for _ in range(10):
        peers = [place.peer() for _ in range(5)]
        peers[1].send(lock_message()[:70])
        assert peers[2].lock() == 0
        assert peers[3].lock() == 1
        assert peers[4].lock("Absent", create=0) == 2
        for peer in peers:
            getattr(peer, end)()
    assert place.run("-d", "0", "-r", "R", "--", "true").returncode == 0
    assert place.listeners() == {daemon}


@pytest.mark.parametrize("kind", ["unix", "127.0.0.1"])
def test_more_connections_than_descriptors(places, kind):
    """D-52: sixty idle connections with a limit of forty descriptors."""
    place = places(kind)

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))

    assert place.run("-d", "-1", "--", "true", preexec_fn=limit).returncode == 0
    daemon = place.daemon()
    holder, waiter = place.peer(), place.peer()
    assert [holder.lock(), waiter.lock()] == [0, 1]
    crowd = [place.peer() for _ in range(60)]
    # Those who were there first are served while nobody else can be.
    for _ in range(20):
        holder.unlock()
        assert waiter.answer() == 0
        assert holder.lock() == 1
        holder, waiter = waiter, holder
    late = place.start("-d", "0", "-r", "Late", "--", "sh", "-c", "exit 3")
    place.sockets.append(late_peer := place.connect())
    for peer in crowd:
        peer.close()
    assert late.wait(60) == 3
    assert Peer(late_peer).lock("Later") == 0
    assert place.listeners() == {daemon}


def test_more_connections_than_the_backlog(any_place):
    """daemon.md 14: those beyond it wait; a stopped daemon serves them when it goes on."""
    assert any_place.run("-d", "-1", "--", "true").returncode == 0
    peers = [any_place.peer() for _ in range(150)]
    for number, peer in enumerate(peers):
        peer.send(lock_message(f"N{number}"))
    assert [peer.answer() for peer in peers] == [0] * 150


def test_urgent_data(places):
    """TCP's out-of-band byte is none of the message."""
    place = places("127.0.0.1")
    assert place.run("-d", "-1", "--", "true").returncode == 0
    peer = place.peer()
    peer.sock.send(b"!", socket.MSG_OOB)
    assert peer.lock() == 0
    assert place.busy()


def test_descriptors_sent_along(place):
    """A peer may pass descriptors on a UNIX socket: they are not kept."""
    assert place.run("-d", "-1", "--", "true").returncode == 0
    peer = place.peer()
    reader, writer = socket.socketpair()
    with reader:
        with writer:
            socket.send_fds(peer.sock, [lock_message()], [writer.fileno()] * 5)
        assert peer.answer() == 0
        reader.settimeout(30)
        assert reader.recv(1) == b""
