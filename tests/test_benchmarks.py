"""The benchmarks run and print figures; how good the figures are is no test's business."""

import json
import math
import pathlib
import shutil
import subprocess
import sys
import sysconfig

import pytest

BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent / "benchmarks"
FLOM = pathlib.Path(sysconfig.get_path("scripts")) / "flom"


def figures_of(script, *words):
    """What the last line of a benchmark says."""
    if not FLOM.exists():
        pytest.skip(f"flom is not installed in {FLOM.parent}")
    ended = subprocess.run(
        [sys.executable, BENCHMARKS / script, "--flom", FLOM, *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    last = json.loads(ended.stdout.splitlines()[-1])
    assert last["benchmark"] == script.removesuffix(".py")
    return last


def medians(figures):
    """Every ratio in a tree of figures."""
    if not isinstance(figures, dict):
        return []
    below = [number for each in figures.values() for number in medians(each)]
    return [figures["median"], *below] if "median" in figures else below


def are_ratios(numbers):
    """Whether there are some, and all of them can be worked with."""
    return bool(numbers) and all(math.isfinite(number) and number > 0 for number in numbers)


def test_command():
    last = figures_of("command.py", "--runs", "2")
    assert {"flom -- true", "flom --help", "flom -- true, cold"} < last["figures"].keys()
    assert are_ratios(medians(last))


def test_throughput():
    last = figures_of("throughput.py", "--rounds", "2", "--milliseconds", "5")
    ways = {"persistent 1", "persistent 8", "fresh 1", "fresh 8"}
    assert {transport: set(rows) for transport, rows in last["figures"].items()} == {
        "unix": ways,
        "tcp": ways,
    }
    assert are_ratios(medians(last))


def test_tls():
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    last = figures_of("tls.py", "--runs", "2", "--rounds", "2", "--milliseconds", "5")
    assert last["figures"].keys() == {"flom -- true", "flom -- true, cold", "kept", "fresh"}
    assert are_ratios(medians(last))


def test_scale():
    last = figures_of("scale.py", "--rounds", "2", "--waiters", "20", "--resources", "20")
    assert last["daemon"].keys() == {"waiters", "resources"}
    for kind in ("simple", "numeric", "set", "hierarchical", "sequence", "timestamp"):
        assert are_ratios(medians(last["table"][kind]))
    assert are_ratios(medians(last))


def test_growth():
    last = figures_of("growth.py", "--rounds", "2", "--milliseconds", "20",
                      "--waiters", "20", "--resources", "20")  # fmt: skip
    assert last["figures"].keys() == {"idle_cpu", "waiters", "resources"}
    assert are_ratios(medians(last))


def test_latency():
    last = figures_of("latency.py", "--rounds", "2", "--milliseconds", "50")
    assert last["figures"].keys() == {"tail", "bare_tail", "share_beside_flood"}
    assert are_ratios(medians(last))


def test_api():
    last = figures_of("api.py", "--rounds", "2", "--pairs", "3")
    assert {"flom", "flom.aio", "flock"} <= last["figures"].keys()
    assert are_ratios(medians(last))


def test_watchers():
    last = figures_of("watchers.py", "--rounds", "1", "--milliseconds", "20")
    assert are_ratios(medians(last))


def test_store():
    if not shutil.which("etcd") or not shutil.which("etcdctl"):
        pytest.skip("needs etcd and etcdctl")
    last = figures_of("store.py", "--runs", "2")
    assert last["figures"].keys() == {"cycle", "hand-over"}
    assert are_ratios(medians(last))
    assert last["requests"].keys() == {"1", "10", "50"}


def test_rivals():
    last = figures_of("rivals.py", "--runs", "1")
    assert last["figures"]["flom -- true"]["ratio"]["median"] == 1.0
    assert are_ratios(medians(last))


def test_families():
    last = figures_of("families.py", "--rounds", "2", "--batch", "10")
    assert last["figures"].keys() == {"p50", "p99"}
    assert are_ratios(medians(last))


def test_the_suite_keeps_what_the_benchmarks_find(tmp_path):
    kept = tmp_path / "figures"
    words = ["--quick", "--json", kept, "families"]
    subprocess.run(
        [sys.executable, BENCHMARKS / "suite.py", *words], check=True, timeout=100,
        capture_output=True,
    )  # fmt: skip
    machine, families = map(json.loads, kept.read_text().splitlines())
    assert machine["benchmark"] == "machine"
    assert machine["processors"] > 0
    assert are_ratios(medians(families))
