"""A store in memory, with what the recipe knows of etcd: transactions, leases, watches."""

import operator

from flom.store.operations import Delete, Item, Put, Read, Txn

_RELATIONS = {"EQUAL": operator.eq, "LESS": operator.lt, "GREATER": operator.gt}


class LeaseGone(Exception):
    """Something is put under a lease that is not there."""


class Stored:
    """A key: its value, revisions, number of writes since it was created, and lease."""

    def __init__(self, value, revision, lease):
        self.value = value
        self.created = self.modified = revision
        self.version = 1
        self.lease = lease


class Model:
    """The store. `changes` are all that ever happened: (revision, key, whether it was put)."""

    def __init__(self):
        self.revision = 1
        self.keys = {}
        self.leases = set()
        self.changes = []
        self._leases = 0

    def txn(self, txn):
        """The answer to a transaction; raises LeaseGone, and then nothing of it is done."""
        done = all(self._holds(compare) for compare in txn.compares)
        if done:
            for write in txn.then:
                if isinstance(write, Put) and write.lease not in self.leases:
                    raise LeaseGone
            self.revision += bool(txn.then)
            for write in txn.then:
                self._write(write)
        items = () if done and not txn.always else self.read(txn.key, txn.end)
        return Read(done, self.revision, items)

    def read(self, key, end):
        """The keys of a range."""
        return tuple(
            Item(each, stored.value, stored.created, stored.modified, stored.lease)
            for each, stored in sorted(self.keys.items())
            if within(each, key, end)
        )

    def view(self, place):
        """All of a resource at this moment."""
        return self.txn(Txn((), (), place.key, place.end))

    def grant(self):
        """A new lease."""
        self._leases += 1
        self.leases.add(self._leases)
        return self._leases

    def revoke(self, lease):
        """End a lease; whether there was one."""
        if lease not in self.leases:
            return False
        self.leases.discard(lease)
        bound = [key for key, stored in self.keys.items() if stored.lease == lease]
        self.revision += bool(bound)
        for key in bound:
            self._write(Delete(key))
        return True

    def has_changed(self, wait):
        """Whether what somebody waits for has happened."""
        return any(
            revision > wait.revision and within(key, wait.key, wait.end) and (wait.puts or not put)
            for revision, key, put in self.changes
        )

    def _holds(self, compare):
        relation = _RELATIONS[compare.relation]
        found = [s for key, s in self.keys.items() if within(key, compare.key, compare.end)]
        told = [_told(stored, compare.what) for stored in found] or [0]
        return all(relation(value, compare.value) for value in told)

    def _write(self, write):
        stored = self.keys.get(write.key)
        put = isinstance(write, Put)
        if not put:
            if self.keys.pop(write.key, None) is None:
                return
        elif stored is None:
            self.keys[write.key] = Stored(write.value, self.revision, write.lease)
        else:
            stored.value, stored.lease = write.value, write.lease
            stored.modified = self.revision
            stored.version += 1
        self.changes.append((self.revision, write.key, put))


def within(key, first, end):
    """Whether a key is in a range; without an end that is one key."""
    return first <= key < end if end else key == first


def _told(stored, what):
    return {"VERSION": stored.version, "CREATE": stored.created, "MOD": stored.modified}[what]
