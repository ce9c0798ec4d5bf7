"""The daemon's counts in the words of Prometheus, https://prometheus.io/docs/concepts/data_model."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector, CollectorRegistry

from flom.ctl.output import Row, visible

# Gauge, field of the row, explanation.
_NOW = (
    ("flom_uptime_seconds", "uptime", "Time since the start of the daemon"),
    ("flom_connections", "connections", "Open connections"),
    ("flom_resources", "resources", "Resources in use or kept"),
    ("flom_holders", "holders", "Locks held"),
    ("flom_waiters", "waiters", "Requests waiting in queues"),
    ("flom_parked", "parked", "Requests waiting until somebody creates the resource"),
)
_OF_KIND = (
    ("flom_kind_resources", "resources", "Resources of a kind in use or kept"),
    ("flom_kind_holders", "holders", "Locks held of a kind"),
    ("flom_kind_waiters", "waiters", "Requests waiting in queues of a kind"),
)
_COUNTERS = (
    ("flom_grants", "grants", "Locks granted"),
    ("flom_releases", "releases", "Locks given back"),
    ("flom_losses", "losses", "Locks whose holder's connection ended"),
    ("flom_taken", "taken", "Locks that an operator took away"),
    ("flom_withdrawals", "withdrawals", "Requests that ended while they waited"),
)
_TIMES = (
    ("flom_wait_seconds", "wait", "How long granted requests had waited"),
    ("flom_hold_seconds", "hold", "How long locks were held"),
)
_OF_RESOURCE = (
    ("flom_resource_holders", "holder_count", "Locks held of a resource"),
    ("flom_resource_waiters", "waiter_count", "Requests in the queue of a resource"),
    ("flom_resource_oldest_hold_seconds", "oldest_hold", "How long its first holder holds"),
    ("flom_resource_oldest_wait_seconds", "oldest_wait", "How long its first waiter waits"),
)


class State:
    """What one scrape is made of: a row of `metrics`, the resources to name, how many are not.

    now: how many resources, holders and waiters there are of each kind.
    """

    __slots__ = ("metrics", "now", "omitted", "resources")

    def __init__(self, metrics: Row, resources: list[Row], omitted: int, now: Row) -> None:
        self.metrics = metrics
        self.resources = resources
        self.omitted = omitted
        self.now = now


class DaemonCollector(Collector):
    """Asks for the state at each scrape; None, a daemon that cannot be asked, is `flom_up 0`."""

    def __init__(self, look: Callable[[], State | None]) -> None:
        self._look = look

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked before the first scrape."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The families of one scrape."""
        state = self._look()
        yield GaugeMetricFamily("flom_up", "Whether the daemon answered", float(state is not None))
        if state is not None:
            yield from families(state)


def registry(look: Callable[[], State | None]) -> CollectorRegistry:
    """What the library asks for the families of a scrape."""
    made = CollectorRegistry()
    made.register(DaemonCollector(look))
    return made


def families(state: State) -> Iterator[Metric]:
    """Everything known of a daemon, or of a store, which counts nothing."""
    for name, field, text in _NOW:
        if state.metrics[field] is not None:
            yield GaugeMetricFamily(name, text, _number(state.metrics[field]))
    for name, field, text in _OF_KIND:
        gauge = GaugeMetricFamily(name, text, labels=["kind"])
        for kind, now in state.now.items():
            assert isinstance(now, dict)
            gauge.add_metric([kind], now[field])
        yield gauge
    if state.metrics["served"] is not None:
        yield from _counted(state.metrics)
    yield from _of_resources(state)


def _counted(metrics: Row) -> Iterator[Metric]:
    """What a daemon has counted since its start."""
    kinds = metrics["kinds"]
    assert isinstance(kinds, dict)
    yield CounterMetricFamily(
        "flom_connections_served", "Connections accepted", _number(metrics["served"])
    )
    yield CounterMetricFamily(
        "flom_invalid_names", "Requests refused for a name that is none",
        _number(metrics["invalid_names"]),
    )  # fmt: skip
    for name, field, text in _COUNTERS:
        counter = CounterMetricFamily(name, text, labels=["kind"])
        for kind, tally in kinds.items():
            counter.add_metric([kind], tally[field])
        yield counter
    refusals = CounterMetricFamily("flom_refusals", "Requests refused", labels=["kind", "reason"])
    for kind, tally in kinds.items():
        for reason, count in tally["refusals"].items():
            refusals.add_metric([kind, reason], count)
    yield refusals
    for name, field, text in _TIMES:
        histogram = HistogramMetricFamily(name, text, labels=["kind"])
        for kind, tally in kinds.items():
            times = tally[field]
            histogram.add_metric(
                [kind], _cumulated(metrics["buckets"], times["counts"]), times["sum"]
            )
        yield histogram


def _of_resources(state: State) -> Iterator[Metric]:
    for name, field, text in _OF_RESOURCE:
        gauge = GaugeMetricFamily(name, text, labels=["resource", "kind"])
        for row in state.resources:
            gauge.add_metric([visible(row["name"]), str(row["kind"])], _number(row[field] or 0))
        yield gauge
    yield GaugeMetricFamily("flom_resources_omitted", "Resources not told by name", state.omitted)


def _cumulated(bounds: object, counts: list[int]) -> list[tuple[str, float]]:
    """The buckets of Prometheus, each of which counts what the smaller ones count as well."""
    assert isinstance(bounds, list)
    total = 0
    buckets = []
    for bound, count in zip(bounds, counts, strict=True):
        total += count
        buckets.append(("+Inf" if bound is None else str(float(bound)), float(total)))
    return buckets


def _number(value: object) -> float:
    assert isinstance(value, int | float)
    return float(value)
