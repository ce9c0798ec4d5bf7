"""What is asked of a store, and what it answers: plain values, the words of the recipe."""

from typing import NamedTuple


class Compare(NamedTuple):
    """A condition on one key, or on each key from `key` to before `end`.

    what: "VERSION" (0 = the key does not exist), "CREATE" or "MOD" (a revision, 0 = no such key);
    relation: "EQUAL", "LESS" or "GREATER", of what is there to `value`.
    """

    key: str
    what: str
    relation: str
    value: int
    end: str = ""


class Put(NamedTuple):
    """Write a key, to live as long as a lease."""

    key: str
    value: str
    lease: int


class Delete(NamedTuple):
    """Remove a key."""

    key: str


class Txn(NamedTuple):
    """If all of `compares` hold, do `then`, in one step; else do nothing.

    Afterwards read the keys from `key` to before `end`; if it was done only if `always`. To ask
    twice must do no more than to ask once: who gets no answer asks again.
    """

    compares: tuple[Compare, ...]
    then: tuple[Put | Delete, ...]
    key: str
    end: str
    always: bool = True


class Item(NamedTuple):
    """A key as it was read; `created` and `modified` are revisions."""

    key: str
    value: str
    created: int
    modified: int
    lease: int


class Change(NamedTuple):
    """A key that was written or, then `item` is None, removed at `revision`."""

    key: str
    revision: int
    item: Item | None


class Read(NamedTuple):
    """The answer to a Txn: whether it was done, and what there is at `revision`."""

    done: bool
    revision: int
    items: tuple[Item, ...]


class NewLease(NamedTuple):
    """Make a lease of `ttl` seconds; answered with its number."""

    ttl: int


class Keep(NamedTuple):
    """Renew a lease now, and then every `period` seconds as long as the session lives.

    Answered with False when there is no such lease.
    """

    lease: int
    period: float


class Revoke(NamedTuple):
    """End a lease and remove its keys; answered with False when there is no such lease."""

    lease: int


class Wait(NamedTuple):
    """Until a key from `key` to before `end` changes after `revision`, or `seconds` have passed.

    puts: whether a key that is written counts, or only one that is removed. An empty `key` only
    lets the time pass. Answered with None, now and then without a reason.
    """

    key: str
    end: str
    revision: int
    puts: bool
    seconds: float | None = None


Operation = Txn | NewLease | Keep | Revoke | Wait
