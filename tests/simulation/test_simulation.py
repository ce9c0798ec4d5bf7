"""Thousands of simulated afternoons: no promise is broken, and broken ones would be noticed."""

import pytest
from simulation.network import LOST, SHORT
from simulation.run import simulate

from flom.core.requests import Granted
from flom.core.resource import GRANT
from flom.core.table import Table

SEEDS = 4000
PORTION = 1000


@pytest.mark.parametrize("start", range(0, SEEDS, PORTION))
def test_no_promise_is_broken(start):
    hits = set()
    for seed in range(start, start + PORTION):
        _, found = simulate(seed, hits=hits)
        assert found == [], f"scripts/simulate --seed {seed}"
    errors = [(call, name) for kind in (SHORT, LOST) for call in kind for name in kind[call]]
    assert hits == set(errors)


def test_a_seed_plays_again_exactly():
    for seed in range(50):
        assert simulate(seed)[0].records == simulate(seed)[0].records


class TwoHolders(Table):
    """Sometimes grants what it should not."""

    def _decide(self, connection, resource, request, first, now, effects):
        judge = type(resource).judge
        if len(resource.holders) == 1:
            type(resource).judge = lambda *_: GRANT
        try:
            super()._decide(connection, resource, request, first, now, effects)
        finally:
            type(resource).judge = judge


class NobodyIsWoken(Table):
    """Forgets the waiters when a holder unlocks."""

    def unlock(self, client, name, rollback, now):
        return [effect for effect in super().unlock(client, name, rollback, now) if not effect]


class TheDeadHold(Table):
    """Does not release what a lost connection held."""

    def disconnect(self, client, now):
        return []


class LastComesFirst(Table):
    """Serves whom it likes: everybody's patience is endless, whatever the table was told."""

    def __init__(self, patience=60000):
        super().__init__(-1)


class CountsAnew(Table):
    """Gives numbers twice."""

    def unlock(self, client, name, rollback, now):
        return super().unlock(client, name, name.startswith(b"_"), now)


class TokensStandStill(Table):
    """Gives the same token to all who come within a second."""

    def lock(self, client, request, now):
        effects = super().lock(client, request, now)
        for effect in effects:
            if isinstance(effect, Granted) and effect.token is not None:
                effect.token -= effect.token % 1_000_000
        return effects


FAULTS = {
    TwoHolders: "exclusion",
    NobodyIsWoken: "wake-up",
    TheDeadHold: "leak",
    LastComesFirst: "order",
    CountsAnew: "element",
    TokensStandStill: "token",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault):
    for seed in range(1000):
        _, found = simulate(seed, fault)
        if any(str(one).startswith(FAULTS[fault]) for one in found):
            return
    pytest.fail("no seed showed it")
