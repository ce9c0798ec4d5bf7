import pytest
from core.play import Play, play

from flom.core.queue import Claim, Queue, Snapshot
from flom.core.requests import Closed, Enqueued, Granted, Instant, Parked, Refused, Request
from flom.core.table import Table

NOW = Instant(5.0, 0)


def test_effects_in_full():
    table = Table()
    assert table.lock("A", Request(b"/t/a"), NOW) == [Granted("A", b"/t/a", None, True)]
    assert table.lock("B", Request(b"/t/a"), NOW) == [Enqueued("B", 1, True)]
    assert table.lock("C", Request(b"/t/a"), NOW) == [Enqueued("C", 2, True)]
    assert table.lock("D", Request(b"/t", wait=False), NOW) == [Refused("D", "busy", True)]
    assert table.unlock("A", b"/t/a", False, NOW) == [Granted("B", b"/t/a", None, False)]
    assert table.lock("E", Request(b"n[1]", create=False), NOW) == [Parked("E")]
    assert table.lock("F", Request(b"n[1]", quantity=2, create=False), NOW) == [Parked("F")]
    assert table.lock("G", Request(b"n[1]"), NOW) == [
        Granted("G", b"n[1]", None, True),
        Enqueued("E", 1, False),
        Refused("F", "impossible", False),
    ]
    refused, closed = table.lock("H", Request(b"1a"), NOW)
    assert refused == Refused("H", "invalid_name", True)
    assert isinstance(closed, Closed)


def test_unlock_without_any_lock_closes():
    play(
        """
        A unlock foo => A closed
        A lock foo   => A granted
        B unlock foo => B closed
        """
    )


def test_unlock_of_a_resource_not_bound_closes_and_releases_everything():
    script = """
        A lock foo     => A granted
        A lock _S_q[1] => A granted 1
        B lock foo     => B enqueued
        C lock _S_q[1] => C enqueued
        """
    for name in ("bar", "1a", "n[1]", "/foo"):
        play(script + f"A unlock {name} => A closed, B granted, C granted 1")


def test_unlock_of_nothing_on_a_bound_resource_is_ignored():
    play(
        """
        A lock foo        => A granted
        B lock foo nowait => B busy
        B unlock foo
        A unlock foo
        A unlock foo
        A lock n[1] q2    => A impossible
        A unlock n[1]
        A unlock foo      => A closed
        """
    )


def test_bound_to_the_most_recent_and_to_all_with_entries():
    play(
        """
        A lock foo   => A granted
        A lock bar   => A granted
        A unlock foo
        A unlock foo => A closed
        A lock foo   => A granted
        A lock bar   => A granted
        A unlock bar
        A unlock bar
        A unlock foo
        """
    )


def test_a_parked_client_may_not_unlock_what_it_waits_for():
    play(
        """
        A lock foo nocreate => A parked
        A unlock foo        => A closed
        A lock bar          => A granted
        A lock foo nocreate => A parked
        A unlock bar
        B lock foo          => B granted, A enqueued
        """
    )


def test_parked_clients_wake_in_order_of_arrival_behind_the_creator():
    play(
        """
        A lock /t/a PR nocreate => A parked
        B lock /t EX nocreate   => B parked
        C lock /u EX nocreate   => C parked
        D lock /t/b EX nocreate => D parked
        E lock /t/x             => E granted, A granted, B enqueued, D granted
        """
    )


def test_parked_clients_leave_by_disconnect():
    it = play(
        """
        A lock foo nocreate => A parked
        B lock foo nocreate => B parked
        A disconnect
        """
    )
    assert it.table.parked() == ["B"]
    it.run("C lock foo => C granted, B enqueued")
    assert it.table.parked() == []
    assert not it.table.idle


def test_patience_of_the_parked_counts_from_entering_the_queue():
    play(
        """
        W lock foo nocreate => W parked
        wait 5000
        A lock foo PR       => A granted, W enqueued
        B lock foo PR       => B granted
        wait 1000
        C lock foo PR       => C enqueued
        """,
        patience=1000,
    )


def test_a_new_request_replaces_a_pending_one():
    play(
        """
        A lock foo          => A granted
        B lock foo          => B enqueued
        C lock foo          => C enqueued
        B lock foo nowait   => B busy
        A unlock foo        => C granted
        B lock bar nocreate => B parked
        B lock baz          => B granted
        D lock bar          => D granted
        """
    )


@pytest.mark.parametrize("create", [True, False])
def test_a_request_that_is_denied_replaces_a_pending_one(create):
    """What the client holds it keeps."""
    table = Table()
    wanted = b"A" if create else b"C"
    table.lock("holder", Request(b"A"), NOW)
    table.lock("waiter", Request(b"B"), NOW)
    table.lock("waiter", Request(wanted, create=create), NOW)
    assert table.deny("waiter", Request(b"D"), NOW) == [Refused("waiter", "denied", True)]
    assert table.deny("new", Request(b"D"), NOW) == [Refused("new", "denied", True)]
    assert table.unlock("holder", b"A", False, NOW) == []
    assert table.lock("other", Request(b"C"), NOW) == [Granted("other", b"C", None, True)]
    assert table.lock("other", Request(b"B", wait=False), NOW) == [Refused("other", "busy", True)]


def test_a_connection_that_holds_and_waits():
    play(
        """
        A lock foo   => A granted
        A lock foo   => A enqueued
        B lock foo   => B enqueued
        A unlock foo => A granted
        A disconnect => B granted
        """
    )
    play(
        """
        A lock foo   => A granted
        B lock foo   => B enqueued
        A lock foo   => A enqueued
        A disconnect => B granted
        """
    )


def test_a_disconnect_releases_everything_everywhere():
    play(
        """
        A lock foo => A granted
        A lock n[4] q2 => A granted
        A lock n[4] q2 => A granted
        A lock /t/a => A granted
        A lock /t/b => A granted
        A lock a.b => A granted a
        B lock foo => B enqueued
        C lock n[4] q4 => C enqueued
        D lock /t => D enqueued
        E lock a.b => E granted b
        A disconnect => B granted, C granted, D granted
        F lock a.b => F granted a
        """
    )


def test_gone_together():
    """F-1: the holder and those who would be next vanish at once."""
    play(
        """
        A lock foo   => A granted
        B lock foo   => B enqueued
        C lock foo   => C enqueued
        D lock foo   => D enqueued
        C disconnect
        A disconnect => B granted
        B disconnect => D granted
        B disconnect
        """
    )


@pytest.mark.parametrize(
    ("lifespan", "retention"), [(0, 2000), (1, 1001), (1000, 2000), (4000, 5000)]
)
def test_retention_to_the_moment(lifespan, retention):
    script = f"A lock _s_q[1] L{lifespan} => A granted 1\n A disconnect\n"
    it = play(script + f"wait {retention - 1}\n B lock _s_q[1] => B granted 2")
    it.run(f"B disconnect\n wait {retention - 1}")
    assert not it.table.idle
    it.run("wait 1")
    assert it.table.idle
    it.run("B lock _s_q[1] => B granted 1")


def test_retention_does_not_depend_on_advance_being_called():
    it = play("A lock _s_q[1] => A granted 1\n A disconnect")
    it.elapsed += 2000
    it.run("B lock _s_q[1] nocreate => B parked")


def test_whoever_is_bound_keeps_the_state():
    play(
        """
        A lock _s_q[1]        => A granted 1
        B lock _s_q[1] nowait => B busy
        A unlock _s_q[1]
        A lock foo            => A granted
        wait 100000
        B lock _s_q[1]        => B granted 2
        B unlock _s_q[1]
        B lock foo nowait     => B busy
        wait 2000
        C lock _s_q[1]        => C granted 1
        """
    )


def test_a_held_lock_keeps_the_state_though_it_is_not_the_most_recent():
    play(
        """
        A lock _s_q[1] => A granted 1
        A lock foo     => A granted
        wait 100000
        A unlock _s_q[1]
        wait 1999
        B lock _s_q[1] => B granted 2
        """
    )


def test_wakeup():
    it = Play()
    assert it.table.wakeup() is None
    it.run("A lock foo => A granted\n B lock bar L5000 => B granted")
    assert it.table.wakeup() is None
    it.run("B disconnect")
    assert it.table.wakeup() == 6.0
    it.run("A disconnect")
    assert it.table.wakeup() == 2.0
    it.run("A lock foo => A granted")
    assert it.table.wakeup() == 6.0
    it.run("A lock bar => A granted")
    assert it.table.wakeup() is None


def test_idle():
    it = Play()
    assert it.table.idle
    it.run("A lock foo nocreate => A parked")
    assert not it.table.idle
    it.run("A disconnect")
    assert it.table.idle
    it.run("A lock foo => A granted")
    assert not it.table.idle


def test_snapshot_shows_everything():
    it = play(
        """
        A lock a.b    => A granted a
        B lock a.b    => B granted b
        wait 250
        C lock a.b PR => C enqueued
        D lock /t/a NL => D granted
        E lock n[3] q2 nocreate => E parked
        """
    )
    assert it.table.snapshot() == Snapshot(
        (
            Queue(
                b"a.b",
                "set",
                2,
                60000,
                (Claim("A", b"a.b", 5, 1, 0.0, "a"), Claim("B", b"a.b", 5, 1, 0.0, "b")),
                (Claim("C", b"a.b", 3, 1, 0.25),),
            ),
            Queue(b"/t", "hierarchical", 0, 60000, (Claim("D", b"/t/a", 0, 1, 0.25),), ()),
        ),
        (Claim("E", b"n[3]", 5, 2, 0.25),),
    )
    it.run("wait 250\n A unlock a.b => C granted a")
    assert it.table.snapshot().resources[0].holders[1].since == 0.5


def test_many_short_visits_leave_nothing_behind():
    it = play("A lock foo => A granted\n A disconnect")
    for _ in range(1000):
        it.elapsed += 1
        it.do("A lock foo")
        it.do("A disconnect")
    assert len(it.table._timers._heap) == 1
    assert not it.table._connections


def test_clients_are_any_hashable_values():
    table = Table()
    client = (object(), 7)
    (effect,) = table.lock(client, Request(b"foo"), NOW)
    assert effect.client is client


def test_numbers_without_end_do_no_harm():
    play(f"A lock foo L{10**400} => A granted\n A disconnect\n wait 5000\n B lock foo => B granted")
    play("A lock foo => A granted\n B lock foo PR => B enqueued", patience=10**15)


def test_a_full_queue_refuses_who_would_be_one_more():
    """Holders count as well; who does not wait and finds it busy learns just that."""
    table = Table(longest=2)
    assert table.lock("A", Request(b"a"), NOW) == [Granted("A", b"a", None, True)]
    assert table.lock("B", Request(b"a"), NOW) == [Enqueued("B", 1, True)]
    assert table.lock("C", Request(b"a"), NOW) == [Refused("C", "queue_full", True)]
    assert table.lock("D", Request(b"a", wait=False), NOW) == [Refused("D", "busy", True)]
    assert table.lock("C", Request(b"b", mode=1), NOW) == [Granted("C", b"b", None, True)]
    assert table.lock("C", Request(b"b", mode=1), NOW) == [Granted("C", b"b", None, True)]
    for wait in (True, False):
        refused = [Refused("C", "queue_full", True)]
        assert table.lock("C", Request(b"b", mode=1, wait=wait), NOW) == refused
    assert table.unlock("A", b"a", False, NOW) == [Granted("B", b"a", None, False)]
    assert table.lock("D", Request(b"a"), NOW) == [Enqueued("D", 1, True)]


def test_what_was_given_back_counts_as_new_when_it_is_asked_for_again():
    """The very same request: others hold or wait now, on that resource or another one."""
    table, same = Table(longest=2), Request(b"a", mode=3)
    assert table.lock("A", same, NOW) == [Granted("A", b"a", None, True)]
    assert table.unlock("A", b"a", False, NOW) == []
    for client in ("B", "C"):
        assert table.lock(client, Request(b"a", mode=3), NOW) == [Granted(client, b"a", None, True)]
    assert table.lock("A", same, NOW) == [Refused("A", "queue_full", True)]
    assert table.unlock("B", b"a", False, NOW) == []
    assert table.lock("A", same, NOW) == [Granted("A", b"a", None, True)]
    assert table.unlock("A", b"a", False, NOW) == []
    assert table.lock("A", Request(b"b"), NOW) == [Granted("A", b"b", None, True)]
    assert table.disconnect("C", NOW) == []
    later = Instant(60.0, 0)  # the resource has ended
    assert table.lock("A", same, later) == [Granted("A", b"a", None, True)]
    assert table.resources()[-1].bound == 1


def test_what_nobody_waits_for_is_renewed():
    """Only for the latest resource of the client, and only by the very request that was granted."""
    table, same = Table(), Request(b"a")
    assert not table.renew("A", same, NOW)
    assert table.lock("A", same, NOW) == [Granted("A", b"a", None, True)]
    later = Instant(NOW.monotonic + 1, NOW.wall)
    assert table.renew("A", same, later)
    [(holder,)] = [queue.holders for queue in table.snapshot().resources]
    assert holder.since == later.monotonic
    assert not table.renew("A", Request(b"a"), later)
    table.lock("B", Request(b"a"), later)
    assert not table.renew("A", same, later)
    table.disconnect("B", later)
    table.lock("A", Request(b"b"), later)
    assert not table.renew("A", same, later)


def test_who_waited_for_a_creation_may_find_the_queue_full():
    table = Table(longest=1)
    assert table.lock("A", Request(b"a", create=False), NOW) == [Parked("A")]
    assert table.lock("B", Request(b"a"), NOW) == [
        Granted("B", b"a", None, True),
        Refused("A", "queue_full", False),
    ]


def test_a_full_table_refuses_new_resources():
    """Until one of the others has ended."""
    table = Table(most=2)
    for name in (b"a", b"/t/1", b"/t/2"):
        assert table.lock("A", Request(name), NOW) == [Granted("A", name, None, True)]
    assert table.lock("B", Request(b"b"), NOW) == [Refused("B", "table_full", True)]
    assert table.lock("B", Request(b"a"), NOW) == [Enqueued("B", 1, True)]
    table.disconnect("A", NOW)
    table.disconnect("B", NOW)
    later = Instant(60.0, 0)
    assert table.lock("B", Request(b"b"), later) == [Granted("B", b"b", None, True)]
