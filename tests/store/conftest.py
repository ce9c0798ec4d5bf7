"""A real store for the tests that need one, and locks in it."""

import itertools
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

import etcd

from flom.settings import Settings
from flom.store.lock import Lock

_number = itertools.count()


@pytest.fixture(scope="session")
def node():
    """Etcd with one node."""
    with etcd.etcd() as cluster:
        yield cluster


class Store:
    """Locks in one store, below a prefix of the test's own; all end with the test."""

    def __init__(self, cluster, prefix):
        self.cluster = cluster
        self.prefix = prefix
        self.made = []

    def settings(self, name, *, timeout=-1, mode=5, quantity=1, create=True, lifespan=0, ttl=15):
        """timeout, lifespan: ms; ttl: of a session, in seconds."""
        settings = Settings()
        settings.store_url = self.cluster.url(self.prefix)
        settings.resource_name = name
        settings.resource_timeout = timeout
        settings.lock_mode = mode
        settings.resource_quantity = quantity
        settings.resource_create = create
        settings.resource_idle_lifespan = lifespan
        settings.store_session_ttl = ttl
        return settings

    def lock(self, name, **options):
        """A lock with a session."""
        lock = Lock(self.settings(name, **options), argv=["make", "all"])
        self.made.append(lock)
        lock.connect()
        return lock

    def held(self, name, **options):
        """A lock that is held, and its element."""
        lock = self.lock(name, **options)
        return lock, lock.acquire()

    def stored(self):
        """What stands in the store, without the prefix."""
        return [key.removeprefix(self.prefix + "/") for key in self.cluster.keys(self.prefix + "/")]


@pytest.fixture
def store(node):
    """Makes locks in a real etcd."""
    made = Store(node, f"test{next(_number)}")
    yield made
    for lock in made.made:
        lock.close()
