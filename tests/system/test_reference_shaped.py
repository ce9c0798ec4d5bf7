"""Peers shaped like the reference: a daemon for our command, clients for our daemon.

What they do is in wire.md 2, 5, 6, 8, 9 and 14; it goes beyond what was recorded.
"""

import contextlib
import time

import pytest
from system.replay import (
    HEAD,
    TRANSPORTS,
    Command,
    Daemon,
    Server,
    demand,
    first_answer,
    later_answer,
    lock_text,
    machine_id,
    scratch,
    shutdown_text,
    unlock_text,
)

GRANTED = first_answer(0, peerid="@PEERID@")
ENQUEUED = first_answer(1, peerid="@PEERID@")
PARKED = first_answer(2, peerid="@PEERID@")
PING = f'{HEAD}<msg level="3" verb="3" step="8"></msg>'
PONG = f'{HEAD}<msg level="3" verb="3" step="16"></msg>'
BUSY = first_answer(4, peerid="@PEERID@")


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    return request.param


@pytest.fixture
def folder():
    with scratch() as path:
        yield path


class TestOurCommand:
    """With a scripted daemon, which closes only after the client has, as the reference does."""

    @pytest.fixture
    def server(self, transport, folder):
        with Server(transport, folder) as server:
            yield server

    @pytest.fixture(params=[("-d", "0", "-q", "1"), ("-d", "0")], ids=["full", "plain"])
    def flom(self, server, folder, request):
        """The command; the more it is told, the less may it go the shortest way."""
        started = []

        def start(*words):
            started.append(Command(folder, [*server.endpoint.options, *request.param, *words]))
            return started[-1]

        yield start
        for command in started:
            command.__exit__()

    @staticmethod
    def asked(server, **request):
        """The next client, once it has asked for the lock on abc."""
        peer = server.accept()
        demand(lock_text("abc", peerid=machine_id(), **request), peer.message(), "request")
        return peer

    @staticmethod
    def served(peer, rollback=0):
        """The client unlocks, ends its stream first, and is released by our close."""
        demand(unlock_text("abc", rollback), peer.message(), "unlock")
        peer.demand_end()
        peer.close()

    def test_ends_although_the_daemon_closes_last(self, server, flom):
        command = flom("-r", "abc", "--", "echo", "ran")
        peer = self.asked(server)
        peer.send(first_answer(0))
        self.served(peer)
        command.demand(0, "ran\n")

    def test_takes_back_what_has_failed(self, server, flom):
        command = flom("-r", "abc", "--", "sh", "-c", "exit 3")
        peer = self.asked(server)
        peer.send(first_answer(0))
        self.served(peer, rollback=1)
        command.demand(3)

    @pytest.mark.parametrize("piece", [1, 7])
    def test_reads_answers_in_pieces(self, server, flom, piece):
        command = flom("-r", "abc", "-e", "no", "--", "echo", "ran")
        peer = self.asked(server, create=0)
        peer.send(first_answer(2), later_answer(1), later_answer(0), piece=piece)
        self.served(peer)
        command.demand(0, "ran\n")

    def test_reads_several_answers_in_one_segment(self, server, flom):
        command = flom("-r", "abc", "-e", "no", "--", "echo", "ran")
        peer = self.asked(server, create=0)
        peer.send(first_answer(2), later_answer(1), later_answer(1), later_answer(0))
        self.served(peer)
        command.demand(0, "ran\n")

    def test_is_told_twice_that_it_waits(self, server, flom):
        """After the creation the reference sends step 24 rc 1 and then step 24 rc 0."""
        command = flom("-r", "abc", "-e", "no", "-o", "60000", "--", "sh", "-c", "exit 3")
        peer = self.asked(server, create=0)
        for answer in first_answer(2), later_answer(1), later_answer(0):
            peer.send(answer)
        self.served(peer, rollback=1)
        command.demand(3)

    def test_repeated_answers_do_not_extend_its_patience(self, server, flom):
        command = flom("-r", "abc", "-o", "700", "--", "echo", "ran")
        peer = self.asked(server)
        peer.send(first_answer(1))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while not peer.has_ended():
                peer.send(later_answer(1))
                time.sleep(0.05)
        command.demand(98)

    def test_half_an_answer_does_not_extend_its_patience(self, server, flom):
        command = flom("-r", "abc", "-o", "500", "--", "echo", "ran")
        peer = self.asked(server)
        peer.send(first_answer(0)[:-1])
        peer.demand_end()
        command.demand(98)

    @pytest.mark.parametrize("rc", [2, 3, 4, 5, 6, 7, -14])
    def test_takes_only_0_for_a_grant_after_waiting(self, server, flom, rc):
        """The reference takes everything but 1 for a grant (wire.md F-7)."""
        command = flom("-r", "abc", "--", "echo", "ran")
        peer = self.asked(server)
        peer.send(first_answer(1), later_answer(rc))
        peer.demand_end()
        assert command.status() in (96, 98, 99)
        assert command.stdout == ""

    @pytest.mark.parametrize("answer", ["", "<answer/>", '<answer rc=""/>', '<answer rc="x"/>'])
    def test_takes_no_missing_code_for_a_grant(self, server, flom, answer):
        command = flom("-r", "abc", "--", "echo", "ran")
        peer = self.asked(server)
        peer.send(first_answer(0).replace('<answer rc="0"/>', answer))
        peer.demand_end()
        command.demand(99)

    @pytest.mark.parametrize("text", ["", first_answer(1), first_answer(1)[:-1]])
    def test_tells_that_the_daemon_went_away(self, server, flom, text):
        command = flom("-r", "abc", "--", "echo", "ran")
        peer = self.asked(server)
        if text:
            peer.send(text)
        peer.close()
        server.close()
        command.demand(99)
        assert "flom_client_" in command.stderr

    def test_answers_a_ping_at_any_time(self, server, flom):
        """No daemon pings unasked, but one may be asked some day (wire.md W-40, W-41)."""
        command = flom("-r", "abc", "--", "echo", "ran")
        peer = self.asked(server)
        for answers in [PING], [first_answer(1), PING], [PING, later_answer(0)]:
            peer.send(*answers)
            demand(PONG, peer.message(), "pong")
        self.served(peer)
        command.demand(0, "ran\n")

    def test_keeps_an_unanswered_quiesce_open_for_a_second(self, server, flom):
        """The reference closes only when the sender has; wire.md W-64 says how long that takes."""
        start = time.monotonic()
        command = flom("-x")
        peer = server.accept()
        demand(shutdown_text(0, machine_id()), peer.message(), "request")
        peer.demand_end()
        assert time.monotonic() - start >= 1.0
        peer.close()
        command.demand(0, "Starting FLoM daemon quiesce shutdown...\n")

    def test_ends_when_an_immediate_shutdown_ended_the_daemon(self, server, flom):
        command = flom("-X")
        peer = server.accept()
        demand(shutdown_text(1, machine_id()), peer.message(), "request")
        server.close()
        peer.close()
        command.demand(0, "Starting FLoM daemon immediate shutdown...\n")


class TestOurDaemon:
    """With scripted clients, which half close and then read until the daemon closes."""

    @pytest.fixture
    def daemon(self, transport, folder):
        with Daemon(folder, transport) as daemon:
            yield daemon

    @pytest.fixture
    def connect(self, daemon):
        """Makes clients."""
        peers = []

        def connect():
            peers.append(daemon.connect())
            return peers[-1]

        yield connect
        for peer in peers:
            peer.close()

    @pytest.fixture
    def peer(self, connect):
        return connect()

    @pytest.fixture
    def holder(self, connect):
        """A client that holds abc."""
        return self.locked(connect())

    @staticmethod
    def locked(peer, answer=GRANTED, **request):
        """The client, once its request for abc has this first answer."""
        peer.send(lock_text("abc", **request))
        demand(answer, peer.message(), "first answer")
        return peer

    def test_releases_a_client_that_half_closes_after_its_unlock(self, holder, connect):
        holder.send(unlock_text("abc"))
        holder.leave()
        self.locked(connect(), wait=0)

    def test_releases_a_client_that_gives_up_waiting(self, holder, peer, daemon):
        self.locked(peer, ENQUEUED)
        peer.leave()
        holder.leave()
        daemon.settle()

    def test_releases_a_client_that_gives_up_waiting_for_a_creation(self, peer, connect):
        self.locked(peer, PARKED, create=0)
        peer.leave()
        self.locked(connect(), wait=0)

    def test_takes_the_lock_of_a_holder_that_half_closes(self, peer, connect):
        """wire.md W-32: the answer still comes, and the lock is free at once."""
        peer.send(lock_text("abc"))
        peer.half_close()
        demand(GRANTED, peer.message(), "first answer")
        peer.demand_end()
        self.locked(connect(), wait=0)

    def test_survives_clients_that_close_at_once(self, daemon, connect):
        """wire.md W-33: such requests are processed as a whole or not at all."""
        for text in lock_text("abc"), unlock_text("abc"), lock_text("abc")[:-1], "":
            peer = connect()
            peer.send(text or " ")
            peer.close()
        daemon.settle()
        self.locked(connect(), wait=0)

    def test_locks_again_after_busy(self, holder, peer):
        """The reference's library keeps the connection after a failed lock (wire.md 6)."""
        for _ in range(3):
            self.locked(peer, BUSY, wait=0)
        holder.send(unlock_text("abc"))
        holder.leave()
        self.locked(peer, wait=0)
        peer.send(unlock_text("abc"))
        peer.leave()

    def test_replaces_the_request_of_a_client_that_asks_again(self, holder, peer, daemon, connect):
        """So does the library after a timeout: one of its two requests may be granted (W-35)."""
        self.locked(peer, ENQUEUED)
        self.locked(peer, ENQUEUED)
        holder.leave()
        demand(later_answer(0), peer.message(), "grant")
        daemon.settle()
        peer.demand_nothing()
        peer.send(unlock_text("abc"))
        self.locked(connect(), wait=0)

    def test_forgets_the_pending_request_when_the_next_is_refused(self, holder, peer, daemon):
        self.locked(peer, ENQUEUED)
        self.locked(peer, BUSY, wait=0)
        holder.leave()
        daemon.settle()
        peer.demand_nothing()
        self.locked(peer, wait=0)

    @pytest.mark.parametrize("piece", [1, 7])
    def test_reads_requests_in_pieces(self, daemon, connect, peer, piece):
        peer.send(lock_text("abc"), unlock_text("abc"), lock_text("abc"), piece=piece)
        for _ in range(2):
            demand(GRANTED, peer.message(), "first answer")
        self.locked(connect(), BUSY, wait=0)

    def test_serves_others_while_a_message_is_incomplete(self, peer, connect):
        """The reference blocks here, for ever (wire.md F-3)."""
        text = lock_text("abc")
        peer.send(text[:40])
        other = self.locked(connect(), wait=0)
        other.send(unlock_text("abc"))
        other.leave()
        peer.send(text[40:])
        demand(GRANTED, peer.message(), "first answer")

    def test_reads_several_requests_in_one_segment(self, peer, connect):
        cycle = [lock_text("abc"), unlock_text("abc")]
        peer.send(*cycle, "\n ", *cycle, *cycle)
        for _ in range(3):
            demand(GRANTED, peer.message(), "first answer")
        peer.leave()
        self.locked(connect(), wait=0)

    def test_releases_all_locks_of_a_connection(self, peer, connect):
        """The reference leaks all but one (wire.md F-9)."""
        self.locked(peer, mode=3)
        self.locked(peer, mode=3)
        waiter = self.locked(connect(), ENQUEUED)
        peer.leave()
        demand(later_answer(0), waiter.message(), "grant")

    @pytest.mark.parametrize("immediate", [False, True])
    def test_answers_management_by_closing(self, daemon, peer, immediate):
        peer.send(shutdown_text(immediate))
        peer.demand_end()
        daemon.demand_end()

    @pytest.mark.parametrize(
        "text",
        [
            "</msg>",
            "\ufeff" + lock_text("abc"),
            lock_text("abc").replace('verb="1"', 'verb="9"'),
            lock_text("abc").replace('step="8"', 'step="16"'),
            lock_text("abc").replace('level="3"', 'level="2"'),
            unlock_text("abc"),
            shutdown_text(0).replace('<shutdown immediate="0"/>', ""),
            lock_text("abc", mode=6),
            "<a></msg>",
            "\x16\x03\x01\x02",
        ],
    )
    def test_a_wrong_first_message_costs_its_sender_the_connection_only(
        self, holder, peer, connect, text
    ):
        """Most of these end the reference (wire.md F-1, F-4)."""
        peer.send(text)
        peer.demand_end()
        self.locked(connect(), BUSY, wait=0)
