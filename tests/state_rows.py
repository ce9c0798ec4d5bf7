"""Rows as a daemon tells them, and the schemas they have to keep to."""

import json
import pathlib

import jsonschema
from referencing import Registry, Resource

REFERENCE = pathlib.Path(__file__).resolve().parents[1] / "docs" / "reference"
STATE, FLOMCTL = "state.schema.json", "flomctl.schema.json"
HOSTILE = "./evil\x1b]0;owned\x07 \x9b2J \u202e[bold]:smile:\\ \udc80"


def _read(name):
    schema = json.loads((REFERENCE / name).read_text())
    return name, Resource.from_contents(schema)


_REGISTRY = Registry().with_resources(map(_read, (STATE, FLOMCTL)))


def validate(value, name, file=FLOMCTL):
    """Fails unless `value` is what the schema calls `name`."""
    schema = {"$ref": f"{file}#/$defs/{name}"}
    jsonschema.Draft202012Validator(schema, registry=_REGISTRY).validate(value)


def claim(number, **more):
    """A holder's claim."""
    known = {
        "id": number, "name": "backup", "mode": "EX", "quantity": None, "element": None,
        "peer": "localhost/", "uid": 1000, "cn": None, "user": "carlo", "host": "web1",
        "pid": 4000 + number, "command": "./backup.sh --all", "timeout": None, "nested": False,
        "asked": 1700000000.0, "since": 1700000000.5, "waiting": 0.5, "holding": 192.25,
        "barrier": None,
    }  # fmt: skip
    return {**known, **more}


def waiting(number, seconds, **more):
    """A waiter's claim."""
    return claim(number, **{"since": None, "waiting": seconds, "holding": None,
                            "barrier": False, **more})  # fmt: skip


def resource(name, kind="simple", holders=1, waiters=0, **more):
    """A row of `resources`."""
    known = {
        "id": 3, "name": name, "root": name, "kind": kind, "created": 1700000000.0,
        "changed": 1700000000.5, "holder_count": holders, "waiter_count": waiters, "modes": None,
        "quantity": None, "elements": None, "oldest_hold": None, "oldest_wait": None,
        "barrier": False, "seq": 12,
    }  # fmt: skip
    return {**known, **more}


RESOURCES = [
    resource("backup", waiters=2, modes={"EX": 1}, oldest_hold=192.25, oldest_wait=71.0),
    resource("data", holders=4, modes={"CR": 1, "PR": 3}, oldest_hold=7322.0),
    resource("licence[8]", "numeric", quantity={"total": 8, "used": 6}, oldest_hold=9.04),
    resource("gpu0.gpu1", "set", elements={"total": 2, "used": 1}, oldest_hold=259200.0),
    resource("/usr/share/a/rather/long/path/in/a/tree/that/needs/some/room", "hierarchical",
             modes={"PW": 1}, oldest_hold=0.0),
    resource("_s_n[1]", "sequence", 0, elements={"total": 1, "used": 0}),
    resource("\udcff\x1b[31m", modes={"EX": 1}, oldest_hold=61.0),
]  # fmt: skip

QUEUE = {
    **resource("backup", holders=1, waiters=3, modes={"EX": 1}, oldest_hold=192.25),
    "holders": [claim(2)],
    "waiters": [
        waiting(7, 71.0, mode="PR", uid=None, peer="192.0.2.7/40123", command=None),
        waiting(11, 2.5, user="mallory\n", host="\x1b[1m", uid=666, command=HOSTILE),
        waiting(12, 1.25, user=None, host=None, pid=None, uid=None, cn="0123abcd", command=None),
    ],
}

METRICS = {
    "started": 1700000000.0, "uptime": 100.0, "connections": 5, "onlookers": 1, "resources": 3,
    "holders": 2, "waiters": 1, "parked": 0, "served": 40, "invalid_names": 2,
    "buckets": [0.001, 1.0, None],
    "kinds": {
        "simple": {
            "grants": 9, "refusals": {"busy": 3, "impossible": 1}, "releases": 5, "losses": 1,
            "taken": 1, "withdrawals": 2,
            "wait": {"counts": [4, 3, 2], "sum": 12.5}, "hold": {"counts": [0, 6, 1], "sum": 30.0},
        },
    },
}  # fmt: skip

DAEMON = {
    "version": "0.1.0", "pid": 99, "host": "web1", "endpoint": "/run/flom", "started": 1.0,
    "uptime": 192.0, "lifespan": None, "patience": 60000, "connections": 5, "onlookers": 1,
    "resources": 3, "holders": 2, "waiters": 1, "parked": 0,
}  # fmt: skip
