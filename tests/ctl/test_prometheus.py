"""Counts in the format of Prometheus, read back by the official parser."""

import copy

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from state_rows import HOSTILE, METRICS, RESOURCES, resource

from flom.ctl.metrics import by_kind
from flom.ctl.output import visible
from flom.ctl.prometheus import DaemonCollector, State


def read(state):
    """Every sample that a scrape of this state gives: (name, labels) -> value."""
    registry = CollectorRegistry()
    registry.register(DaemonCollector(lambda: state))
    text = generate_latest(registry).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def labels(**found):
    return frozenset(found.items())


@pytest.fixture
def samples():
    return read(State(METRICS, RESOURCES, 7, by_kind(RESOURCES)))


def test_gauges(samples):
    now = {"flom_up": 1, "flom_connections": 5, "flom_resources": 3, "flom_holders": 2,
           "flom_waiters": 1, "flom_parked": 0, "flom_uptime_seconds": 100,
           "flom_resources_omitted": 7}  # fmt: skip
    assert {name: samples[name, labels()] for name in now} == now


def test_counters(samples):
    simple = labels(kind="simple")
    counts = {"grants": 9, "releases": 5, "losses": 1, "taken": 1, "withdrawals": 2}
    assert {name: samples[f"flom_{name}_total", simple] for name in counts} == counts
    assert samples["flom_refusals_total", labels(kind="simple", reason="busy")] == 3
    assert samples["flom_refusals_total", labels(kind="simple", reason="impossible")] == 1
    assert samples["flom_invalid_names_total", labels()] == 2
    assert samples["flom_connections_served_total", labels()] == 40


def test_histograms_are_cumulated(samples):
    buckets = {le: samples["flom_wait_seconds_bucket", labels(kind="simple", le=le)]
               for le in ("0.001", "1.0", "+Inf")}  # fmt: skip
    assert buckets == {"0.001": 4, "1.0": 7, "+Inf": 9}
    assert samples["flom_wait_seconds_count", labels(kind="simple")] == 9
    assert samples["flom_wait_seconds_sum", labels(kind="simple")] == 12.5
    assert samples["flom_hold_seconds_count", labels(kind="simple")] == 7


def test_resources(samples):
    backup = labels(resource="backup", kind="simple")
    assert samples["flom_resource_waiters", backup] == 2
    assert samples["flom_resource_oldest_hold_seconds", backup] == 192.25
    assert samples["flom_resource_oldest_wait_seconds", backup] == 71
    idle = labels(resource="_s_n[1]", kind="sequence")
    assert samples["flom_resource_oldest_hold_seconds", idle] == 0


def test_kinds(samples):
    licences = labels(kind="numeric")
    now = {"resources": 1, "holders": 1, "waiters": 0}
    assert {name: samples[f"flom_kind_{name}", licences] for name in now} == now


def test_what_a_store_does_not_count_is_left_out():
    known = {"resources": 3, "holders": 2, "waiters": 1, "parked": 0}
    nothing = {name: None for name in METRICS if name not in known}
    samples = read(State({**nothing, **known, "kinds": {}}, RESOURCES, 0, by_kind(RESOURCES)))
    assert samples["flom_holders", labels()] == 2
    assert samples["flom_kind_waiters", labels(kind="simple")] == 2
    names = {name for name, _ in samples}
    assert not names & {"flom_connections", "flom_uptime_seconds", "flom_connections_served_total"}


def test_names_of_strangers():
    rows = [resource(HOSTILE + '"\n'), resource(HOSTILE)]
    samples = read(State(METRICS, rows, 0, {}))
    names = {dict(found)["resource"] for name, found in samples if name == "flom_resource_holders"}
    assert names == {visible(row["name"]) for row in rows}


def test_a_daemon_without_history_and_one_that_is_gone():
    fresh = copy.deepcopy(METRICS)
    fresh["kinds"] = {}
    assert read(State(fresh, [], 0, {}))["flom_up", labels()] == 1
    assert read(None) == {("flom_up", labels()): 0}
