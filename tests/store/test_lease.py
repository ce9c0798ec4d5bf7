import pytest
from hypothesis import given
from hypothesis import strategies as st

from flom.cli.loss import Loss
from flom.store.lease import JEOPARDY, LOST, SAFE, Lease


def test_a_lease_is_safe_then_in_jeopardy_then_lost():
    lease = Lease(15, 100.0)
    assert [lease.state(now) for now in (100.0, 107.4)] == [SAFE, SAFE]
    assert [lease.state(now) for now in (107.5, 114.6)] == [JEOPARDY, JEOPARDY]
    assert lease.left(114.6) == pytest.approx(0.1)
    assert lease.state(114.7) == LOST
    assert lease.left(114.7) == 0.0


@given(st.integers(5, 60), st.floats(0, 20), st.lists(st.floats(0, 40), max_size=10))
def test_the_state_changes_exactly_when_it_is_foretold(ttl, grace, steps):
    lease, now = Lease(ttl, 0.0, grace), 0.0
    for step in steps:
        before, steady = lease.state(now), lease.steady(now)
        now += step
        if abs(step - steady) > 1e-6:
            assert (lease.state(now) == before) == (step < steady or before == LOST)


def test_what_counts_is_when_the_renewal_was_sent():
    lease = Lease(15, 100.0)
    lease.renewed(105.0)
    assert lease.state(112.4) == SAFE
    lease.renewed(103.0)  # an answer that comes late takes nothing back
    assert lease.state(112.4) == SAFE
    assert lease.state(112.5) == JEOPARDY
    lease.renewed(112.0)
    assert lease.state(112.5) == SAFE


def test_a_lost_lease_is_lost_for_ever():
    lease = Lease(15, 100.0)
    assert lease.state(200.0) == LOST
    lease.renewed(200.0)
    assert lease.state(200.0) == LOST
    gone = Lease(15, 100.0)
    gone.lose()
    assert gone.state(100.0) == LOST


def test_the_grace_makes_the_loss_earlier_but_not_earlier_than_it_can_be_seen_coming():
    assert Lease(15, 0.0, grace=2.0).left(0.0) == pytest.approx(12.7)
    assert Lease(15, 0.0, grace=60.0).left(0.0) == pytest.approx(8.25)


def test_what_is_left_of_the_time_when_it_is_lost():
    lease = Lease(15, 100.0, grace=5.0)
    assert lease.state(109.6) == JEOPARDY
    assert lease.state(109.7) == LOST
    assert lease.reserved(109.7) == pytest.approx(5.0)
    assert lease.reserved(113.0) == pytest.approx(1.7)
    assert lease.reserved(200.0) == 0.0


@given(st.integers(5, 60), st.floats(0, 600), st.floats(0, 200))
def test_a_command_that_ignores_sigterm_is_dead_before_the_store_ends_the_lease(ttl, wanted, now):
    """Whenever the loss is seen, if not later than others may have the lock anyhow."""
    grace = min(wanted, ttl / 3)
    lease, loss = Lease(ttl, 0.0, grace), Loss("term")
    seen = lease.lifetime + now
    loss.begin(seen, min(wanted, lease.reserved(seen)))
    killed = seen + loss.pause(seen)
    assert killed == pytest.approx(max(seen, min(seen + wanted, ttl - max(ttl * 0.02, 0.25))))
    if now == 0:
        assert lease.reserved(seen) >= grace - 1e-9


@given(st.integers(5, 60), st.floats(0, 1), st.floats(0, 100), st.floats(0, 200))
def test_a_lease_is_renewed_before_it_is_in_jeopardy_and_lost_before_the_store_ends_it(
    ttl, jitter, grace, late
):
    lease = Lease(ttl, 0.0, grace)
    assert ttl * 0.3 - 1e-9 <= lease.renewal(jitter) <= ttl / 3
    assert ttl / 2 < lease.lifetime < ttl
    assert (lease.state(late) == LOST) == (late >= lease.lifetime)
