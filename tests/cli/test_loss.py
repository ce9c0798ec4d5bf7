"""What a command whose lock is lost is sent, and when: no process, no clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flom.cli.loss import Loss
from flom.signals import SIGCONT, SIGKILL, SIGSTOP, SIGTERM
from flom.values import REACTIONS

AT_ONCE = {"term": (SIGTERM, SIGCONT), "kill": (SIGKILL,), "stop": (SIGSTOP,), "warn": ()}


@pytest.mark.parametrize("policy", REACTIONS)
def test_what_is_sent_at_once(policy):
    loss = Loss(policy)
    assert (loss.begun, loss.acted, loss.pause(9.0)) == (False, False, None)
    assert loss.due(1e9) == ()
    assert loss.begin(10.0, 2.5) == AT_ONCE[policy]
    assert loss.begin(11.0, 2.5) == ()
    assert (loss.begun, loss.acted) == (True, policy != "warn")


def test_only_who_is_asked_to_end_is_killed_later():
    loss = Loss("term")
    loss.begin(10.0, 2.5)
    assert loss.pause(10.5) == 2.0
    assert loss.due(12.4) == ()
    assert loss.pause(13.0) == 0.0
    assert loss.due(12.5) == (SIGKILL,)
    assert (loss.due(13.0), loss.pause(13.0)) == ((), None)
    for policy in ("kill", "stop", "warn"):
        loss = Loss(policy)
        loss.begin(10.0, 2.5)
        assert (loss.pause(10.0), loss.due(1e9)) == (None, ())


@given(
    st.sampled_from(REACTIONS),
    st.floats(0, 100),
    st.lists(st.tuples(st.booleans(), st.floats(0, 10)), max_size=20),
)
def test_the_end_comes_once_and_not_before_its_time(policy, grace, events):
    """Whatever is looked at, and in whatever order."""
    loss, now, begun, sent = Loss(policy), 0.0, None, []
    for lost, step in events:
        now += step
        if lost and begun is None:
            begun = now
        sent += [(number, now) for number in (loss.begin(now, grace) if lost else loss.due(now))]
    numbers = [number for number, _ in sent]
    assert len(numbers) == len(set(numbers))
    for number, at in sent:
        assert at >= begun + (grace if policy == "term" and number == SIGKILL else 0)
    if policy == "term" and begun is not None and not events[-1][0] and now >= begun + grace:
        assert SIGKILL in numbers
