"""The tree of files that shows a daemon's state: pure, from the rows of a snapshot (daemon.md 13).

The rows are those of the question `snapshot`: one a resource, then one of the parked requests.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from flom.core.names import kind_of
from flom.values import MODAL_KINDS

Row = Mapping[str, Any]

LOCKERS = "/status/lockers"
INCUBATOR = "/status/incubator"
_MODES = {
    "NL": "NullLock",
    "CR": "ConcurrentRead",
    "CW": "ConcurrentWrite",
    "PR": "ProtectedRead",
    "PW": "ProtectedWrite",
    "EX": "Exclusive",
}
# The file that tells what a holder was given. The elements of a set are not shown.
_ELEMENTS = {"sequence": "sequence_value", "timestamp": "timestamp_value"}


class Node(NamedTuple):
    """A file with its content, or a directory with the names in it; the other one is None.

    created, changed: seconds since the epoch. A directory changes when a name comes or goes.
    """

    content: bytes | None
    names: tuple[str, ...] | None
    created: float
    changed: float


Tree = dict[str, Node]
Files = dict[str, tuple[str, float]]  # name: content, and since when it is there


def tree_of(rows: Iterable[Row], born: float, now: float, before: Tree | None = None) -> Tree:
    """The whole tree, by absolute path; "/" is its root.

    born: since when the state is shown, in seconds since the epoch. now: when the rows were asked
    for. before: the tree that was shown until then; a name that it has and the rows have not went
    at that time, or earlier if the rows know better.
    """
    builder = _Builder(before or {}, now)
    lockers: dict[str, float] = {}
    incubator: dict[str, float] = {}
    for row in rows:
        if "parked" in row:
            for claim in row["parked"]:
                incubator[str(claim["id"])] = claim["asked"]
                builder.parked(f"{INCUBATOR}/{claim['id']}", claim)
        else:
            lockers[str(row["id"])] = row["created"]
            builder.resource(f"{LOCKERS}/{row['id']}", row)
    builder.directory(LOCKERS, lockers, born, now)
    builder.directory(INCUBATOR, incubator, born, now)
    builder.directory("/status", {"incubator": born, "lockers": born}, born, now)
    builder.directory("/", {"status": born}, born, now)
    return builder.tree


class _Builder:
    def __init__(self, before: Tree, now: float) -> None:
        self.tree: Tree = {}
        self._before = before
        self._now = now

    def resource(self, path: str, row: Row) -> None:
        kind: str = row["kind"]
        created: float = row["created"]
        files = {
            "resource_name": (f"{row['name']}\n", created),
            "resource_type": (f"{kind}\n", created),
        }
        self._files(path, files)
        names = (*files, "holders", "waitings")
        self.directory(path, dict.fromkeys(names, created), created, created)
        for folder, claims in (("holders", row["holders"]), ("waitings", row["waiters"])):
            arrivals: dict[str, float] = {}
            for claim in claims:
                # Who was moved here came with the grant.
                since = claim["since"] or claim["asked"]
                arrivals[str(claim["id"])] = since
                self._entry(f"{path}/{folder}/{claim['id']}", _claim(kind, claim), claim, since)
            self.directory(f"{path}/{folder}", arrivals, created, min(row["changed"], self._now))

    def parked(self, path: str, claim: Row) -> None:
        self._entry(path, _parked(claim), claim, claim["asked"])

    def directory(
        self, path: str, arrivals: Mapping[str, float], created: float, left: float
    ) -> None:
        """A directory with the names that came at these times; what has gone went at `left`."""
        changed = max((created, *arrivals.values()))
        before = self._before.get(path)
        if before is not None and before.names is not None:
            gone = not arrivals.keys() >= set(before.names)
            changed = max(changed, before.changed, left if gone else 0.0)
        self.tree[path] = Node(None, tuple(arrivals), created, changed)

    def _entry(self, path: str, files: Files, claim: Row, changed: float) -> None:
        """The directory of one connection."""
        self._files(path, files)
        self.tree[path] = Node(None, tuple(files), claim["asked"], changed)

    def _files(self, path: str, files: Files) -> None:
        for name, (content, since) in files.items():
            data = content.encode("utf-8", "surrogateescape")
            self.tree[f"{path}/{name}"] = Node(data, None, since, since)


def _claim(kind: str, claim: Row) -> Files:
    asked, since = claim["asked"], claim["since"]
    files: Files = {"peer_name": (f"{claim['peer']}\n", asked)}
    if kind in MODAL_KINDS:
        # As the reference has it, the only content without a line end.
        files["lock_mode"] = _MODES[claim["mode"]], asked
    elif kind == "numeric":
        files["quantity"] = f"{claim['quantity']}\n", asked
    elif kind in _ELEMENTS and since is not None:
        files[_ELEMENTS[kind]] = f"{claim['element']}\n", since
    return files


def _parked(claim: Row) -> Files:
    kind = kind_of(claim["name"].encode("utf-8", "surrogateescape"))
    texts = {"peer_name": claim["peer"], "resource_name": claim["name"], "resource_type": kind}
    return {name: (f"{text}\n", claim["asked"]) for name, text in texts.items()}
