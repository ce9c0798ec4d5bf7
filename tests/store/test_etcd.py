from base64 import b64encode

from flom.store import etcd
from flom.store.operations import Compare, Delete, Item, Put, Read, Txn, Wait


def coded(text):
    return b64encode(text.encode()).decode()


def test_a_transaction_as_the_gateway_wants_it():
    compares = (Compare("k", "MOD", "EQUAL", 7), Compare("a", "VERSION", "LESS", 1, "b"))
    body = etcd.txn(Txn(compares, (Put("k", "v", 5), Delete("d")), "p/", "p0", always=False))
    read = {"request_range": {"key": coded("p/"), "range_end": coded("p0")}}
    assert body == {
        "compare": [
            {"key": coded("k"), "target": "MOD", "result": "EQUAL", "mod_revision": 7},
            {"key": coded("a"), "range_end": coded("b"), "target": "VERSION", "result": "LESS",
             "version": 1},
        ],
        "success": [
            {"request_put": {"key": coded("k"), "value": coded("v"), "lease": 5}},
            {"request_delete_range": {"key": coded("d")}},
        ],
        "failure": [read],
    }  # fmt: skip
    assert etcd.txn(Txn((), (), "p/", "p0"))["success"] == [read]


def test_an_answer_without_what_is_zero_or_empty():
    answer = {
        "header": {"revision": "12"},
        "responses": [
            {"response_put": {}},
            {"response_range": {"kvs": [
                {"key": coded("k"), "create_revision": "3", "mod_revision": "4"},
                {"key": coded("l"), "value": coded("v"), "create_revision": "5",
                 "mod_revision": "5", "lease": "99"},
            ]}},
        ],
    }  # fmt: skip
    assert etcd.read(answer) == Read(False, 12, (Item("k", "", 3, 4, 0), Item("l", "v", 5, 5, 99)))
    assert etcd.read({"header": {"revision": "1"}, "succeeded": True}) == Read(True, 1, ())


def test_a_watch_begins_after_the_revision_that_was_read():
    one = {"create_request": {"key": coded("k"), "start_revision": 8}}
    assert etcd.watched(Wait("k", "", 7, puts=True)) == one
    ends = etcd.watched(Wait("k", "l", 7, puts=False))["create_request"]
    assert (ends["range_end"], ends["filters"]) == (coded("l"), ["NOPUT"])


def test_a_lease_that_is_gone_has_no_time_left():
    assert etcd.left({"result": {"ID": "1", "TTL": "15"}}) == 15
    assert etcd.left({"result": {"ID": "1"}}) == etcd.left({}) == 0
