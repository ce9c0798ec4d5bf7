"""The words of etcd: operations as requests to its gateway, answers as values."""

from base64 import b64decode, b64encode
from typing import Any

from flom.store.operations import Change, Compare, Delete, Item, Put, Read, Txn, Wait

TXN = "/v3/kv/txn"
RANGE = "/v3/kv/range"
GRANT = "/v3/lease/grant"
KEEP_ALIVE = "/v3/lease/keepalive"
REVOKE = "/v3/lease/revoke"
WATCH = "/v3/watch"
STATUS = "/v3/maintenance/status"

NOT_FOUND = 5
_LEASE_EXISTS = "lease already exists"

_FIELDS = {"VERSION": "version", "CREATE": "create_revision", "MOD": "mod_revision"}

Body = dict[str, Any]


def txn(operation: Txn) -> Body:
    """The request for a transaction."""
    read = {"request_range": {"key": _coded(operation.key), "range_end": _coded(operation.end)}}
    then = [_write(write) for write in operation.then]
    return {
        "compare": [_compare(compare) for compare in operation.compares],
        "success": [*then, read] if operation.always else then,
        "failure": [read],
    }


def read(answer: Body) -> Read:
    """The answer to a transaction."""
    responses = answer.get("responses", [])
    found: Body = next(
        (each["response_range"] for each in responses if "response_range" in each), {}
    )
    items = tuple(map(_item, found.get("kvs", [])))
    return Read(bool(answer.get("succeeded")), int(answer["header"]["revision"]), items)


def page(key: str, end: str, limit: int, revision: int) -> Body:
    """The request for the first `limit` keys of a range as they were at a revision, 0: now."""
    return {"key": _coded(key), "range_end": _coded(end), "limit": limit, "revision": revision}


def read_page(answer: Body) -> tuple[tuple[Item, ...], bool, int]:
    """The keys in the answer to `page`, whether there are more, and the revision of the store."""
    items = tuple(map(_item, answer.get("kvs", [])))
    return items, bool(answer.get("more")), int(answer["header"]["revision"])


def watched(wait: Wait) -> Body:
    """The request for a watch."""
    asked: Body = {"key": _coded(wait.key), "start_revision": wait.revision + 1}
    if wait.end:
        asked["range_end"] = _coded(wait.end)
    if not wait.puts:
        asked["filters"] = ["NOPUT"]
    return {"create_request": asked}


def changes(result: Body) -> list[Change]:
    """The changes in one answer to a watch, in order."""
    found = []
    for event in result.get("events", []):
        each = event["kv"]
        item = None if event.get("type") == "DELETE" else _item(each)
        found.append(Change(_plain(each["key"]), int(each["mod_revision"]), item))
    return found


def grant(lease: int, ttl: int) -> Body:
    """The request for a lease of this number."""
    return {"ID": lease, "TTL": ttl}


def exists(text: str) -> bool:
    """Whether a refusal of `grant` says that there is this lease already."""
    return _LEASE_EXISTS in text


def left(answer: Body) -> int:
    """The seconds that a lease has after it was kept alive; 0: it is gone."""
    result = answer.get("result")
    return int(result.get("TTL", 0)) if isinstance(result, dict) else 0


def _item(each: Body) -> Item:
    return Item(
        _plain(each["key"]), _plain(each.get("value", "")), int(each["create_revision"]),
        int(each["mod_revision"]), int(each.get("lease", 0)),
    )  # fmt: skip


def _compare(compare: Compare) -> Body:
    body: Body = {
        "key": _coded(compare.key), "target": compare.what, "result": compare.relation,
        _FIELDS[compare.what]: compare.value,
    }  # fmt: skip
    if compare.end:
        body["range_end"] = _coded(compare.end)
    return body


def _write(write: Put | Delete) -> Body:
    if isinstance(write, Delete):
        return {"request_delete_range": {"key": _coded(write.key)}}
    put = {"key": _coded(write.key), "value": _coded(write.value), "lease": write.lease}
    return {"request_put": put}


def _coded(text: str) -> str:
    return b64encode(text.encode()).decode()


def _plain(text: str) -> str:
    return b64decode(text).decode()
