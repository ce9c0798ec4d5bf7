"""The etcd that the tests start is what they take it for; looked at with its own tool."""

import subprocess

import pytest
from hosts import network


def put(store, key, value="x"):
    """Whether a value can be written."""
    done = subprocess.run(
        store.words("--command-timeout", "2s", "put", key, value), check=False, capture_output=True
    )
    return done.returncode == 0


def test_one_node(etcd_node):
    assert etcd_node.keys("one/") == []
    before = etcd_node.revision()
    etcd_node.ctl("put", "one/a", "1")
    assert etcd_node.keys("one/") == ["one/a"]
    assert etcd_node.revision() == before + 1
    assert etcd_node.url("one") == f"etcd://{etcd_node.addresses[0]}/one"


def test_requests_are_counted(etcd_node):
    (node,) = etcd_node.nodes
    before = node.requests()
    etcd_node.ctl("put", "two/a", "1")
    etcd_node.keys("two/")
    after = node.requests()
    grown = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert grown == {"Put": 1, "Range": 1}


def test_nothing_is_forgotten_by_a_node_that_is_killed(etcds):
    store = etcds()
    (node,) = store.nodes
    node.ctl("put", "kept", "1")
    node.kill()
    assert not put(store, "lost")
    node.start()
    node.ready()
    assert store.keys("") == ["kept"]


def test_three_nodes_outlive_their_leader(etcds):
    store = etcds(3)
    leader = store.leader()
    leader.kill()
    store.addresses = [node.addresses[0] for node in store.nodes if node is not leader]
    assert store.leader() is not leader
    assert put(store, "a")
    store.leader().kill()
    assert not put(store, "b")


def test_a_node_that_is_stopped(etcds):
    store = etcds()
    (node,) = store.nodes
    node.stop()
    assert not put(store, "a")
    node.go_on()
    node.ready()
    assert put(store, "b")


def test_a_compacted_store_has_forgotten_what_was(etcds):
    store = etcds()
    store.ctl("put", "a", "1")
    first = store.revision()
    store.ctl("put", "a", "2")
    assert store.ctl("get", "--rev", first, "--print-value-only", "a") == "1\n"
    store.compact()
    with pytest.raises(AssertionError, match="compacted"):
        store.ctl("get", "--rev", first, "a")


def test_tls_wants_a_certificate(etcds):
    store = etcds(tls=True)
    assert put(store, "a")
    words = store.words("--command-timeout", "1s", "get", "a")
    assert subprocess.run(words, check=False).returncode == 0
    words[words.index("--cert") : words.index("--key") + 2] = []
    assert subprocess.run(words, check=False, stderr=subprocess.DEVNULL).returncode != 0


def test_a_user_reaches_what_the_role_allows(etcds):
    store = etcds()
    store.protect("locks/")
    store.login = "locker:open sesame"
    assert put(store, "locks/a")
    assert not put(store, "others/a")
    store.login = "locker:wrong"
    assert not put(store, "locks/a")


def test_a_node_that_is_cut_off(etcds, folder):
    with network(folder) as hosts:
        three = hosts.bridge(3)
        store = etcds(hosts=three)
        one, other = store.nodes[0], store.nodes[1]
        put_at = ["--command-timeout", "5s", "put", "a", "1"]
        assert three[0].run(*one.words(*put_at)).returncode == 0
        three[0].cut()
        assert three[0].run(*one.words(*put_at)).returncode != 0
        assert three[1].run(*other.words(*put_at)).returncode == 0
