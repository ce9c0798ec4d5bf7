"""The tree of files from the rows of a snapshot."""

from flom.daemon.vfs.tree import tree_of

BORN = 1000.0


def claim(number, asked=1100.0, since=None, **fields):
    return {
        "id": number, "peer": "localhost/", "mode": None, "quantity": None, "element": None,
        "asked": asked, "since": since, **fields,
    }  # fmt: skip


def resource(number, name, kind, holders=(), waiters=(), created=1100.0, changed=1100.0):
    return {
        "id": number, "name": name, "kind": kind, "created": created, "changed": changed,
        "holders": holders, "waiters": waiters,
    }  # fmt: skip


def contents(tree, below=""):
    return {
        path.removeprefix(below): node.content.decode()
        for path, node in tree.items()
        if node.content is not None and path.startswith(below)
    }


def test_nobody_there():
    tree = tree_of([{"parked": []}], BORN, 1200.0)
    assert {path: node.names for path, node in tree.items()} == {
        "/": ("status",),
        "/status": ("incubator", "lockers"),
        "/status/lockers": (),
        "/status/incubator": (),
    }
    assert {(node.created, node.changed) for node in tree.values()} == {(BORN, BORN)}


def test_the_example_of_a_numeric_resource():
    holder = claim(4, since=1100.0, quantity=3)
    waiter = claim(17, asked=1150.0, quantity=4)
    rows = [resource(10, "N[5]", "numeric", [holder], [waiter]), {"parked": []}]
    assert contents(tree_of(rows, BORN, 1200.0), "/status/lockers/10") == {
        "/resource_name": "N[5]\n",
        "/resource_type": "numeric\n",
        "/holders/4/peer_name": "localhost/\n",
        "/holders/4/quantity": "3\n",
        "/waitings/17/peer_name": "localhost/\n",
        "/waitings/17/quantity": "4\n",
    }


def test_a_mode_has_no_line_end():
    modes = ("NL", "CR", "CW", "PR", "PW", "EX")
    holders = [claim(4 + at, since=1100.0, mode=mode) for at, mode in enumerate(modes)]
    tree = tree_of([resource(3, "/x/y", "hierarchical", holders)], BORN, 1200.0)
    shown = [tree[f"/status/lockers/3/holders/{4 + at}/lock_mode"].content for at in range(6)]
    assert shown == [
        b"NullLock", b"ConcurrentRead", b"ConcurrentWrite", b"ProtectedRead", b"ProtectedWrite",
        b"Exclusive",
    ]  # fmt: skip
    assert tree["/status/lockers/3/resource_name"].content == b"/x/y\n"


def test_what_was_given_is_shown_of_sequences_and_timestamps_only():
    rows = [
        resource(3, "_s_a[1]", "sequence", [claim(2, since=1120.0, element="7")], [claim(4)]),
        resource(6, "_t_%Y[1]", "timestamp", [claim(5, since=1100.0, element="2026")]),
        resource(8, "a.b", "set", [claim(7, since=1100.0, element="a")]),
    ]
    tree = tree_of(rows, BORN, 1200.0)
    assert contents(tree, "/status/lockers/3/") == {
        "resource_name": "_s_a[1]\n", "resource_type": "sequence\n",
        "holders/2/peer_name": "localhost/\n", "holders/2/sequence_value": "7\n",
        "waitings/4/peer_name": "localhost/\n",
    }  # fmt: skip
    assert tree["/status/lockers/6/holders/5"].names == ("peer_name", "timestamp_value")
    assert tree["/status/lockers/8/holders/7"].names == ("peer_name",)
    value = tree["/status/lockers/3/holders/2/sequence_value"]
    assert (value.created, value.changed) == (1120.0, 1120.0), "it came with the grant"


def test_who_waits_for_a_creation():
    rows = [{"parked": [claim(2, name="café\udcff", peer="::1/40000"), claim(3, name="/x")]}]
    tree = tree_of(rows, BORN, 1200.0)
    assert tree["/status/incubator/2/peer_name"].content == b"::1/40000\n"
    assert tree["/status/incubator/2/resource_name"].content == "café".encode() + b"\xff\n"
    assert tree["/status/incubator/3/resource_type"].content == b"hierarchical\n"
    assert tree["/status/incubator"].changed == 1100.0


def test_times_of_coming_and_going():
    first = claim(2, asked=1100.0, since=1100.0, mode="EX")
    second = claim(4, asked=1110.0, mode="EX")
    before = tree_of([resource(3, "R", "simple", [first], [second])], BORN, 1200.0)
    assert before["/status/lockers/3/waitings"].changed == 1110.0
    assert before["/status/lockers"].changed == 1100.0

    granted = claim(4, asked=1110.0, since=1250.0, mode="EX")
    row = resource(3, "R", "simple", [granted], changed=1250.0)
    after = tree_of([row], BORN, 1300.0, before)
    moved = after["/status/lockers/3/holders/4"]
    assert (moved.created, moved.changed) == (1110.0, 1250.0)
    assert after["/status/lockers/3/holders/4/lock_mode"].changed == 1110.0
    assert after["/status/lockers/3/holders"].changed == 1250.0
    assert after["/status/lockers/3/waitings"].changed == 1250.0, "it has left them then"
    assert after["/status/lockers/3"].changed == 1100.0
    assert after["/status/lockers"].changed == 1100.0

    assert tree_of([], BORN, 1400.0, after)["/status/lockers"].changed == 1400.0
