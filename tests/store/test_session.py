"""A session at an endpoint that answers, hangs, or knows the lease no more."""

import contextlib
import threading
import time

import pytest
from support import wait_for

from flom.client.watch import ended
from flom.store import etcd
from flom.store.gateway import Endpoints, Gateway
from flom.store.lease import LOST, SAFE
from flom.store.session import Session
from flom.store.url import Target

from .endpoint import OK, Endpoint, endpoints

NUMBER, OTHER, THIRD = 4711, 77, 78
LATER = 60.0


class Store:
    """Grants every lease; renews those it knows, until it falls silent."""

    def __init__(self):
        self.known = {NUMBER, OTHER, THIRD}
        self.silent = threading.Event()
        self.renewed = []

    def __call__(self, path, body, headers):
        if path == etcd.GRANT:
            return OK, body
        if self.silent.is_set():
            return Endpoint.HANG
        self.renewed.append(body["ID"])
        ttl = {"TTL": "9"} if body["ID"] in self.known else {}
        return OK, {"result": {"ID": str(body["ID"]), **ttl}}


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def begin(store):
    """Makes sessions of so many seconds."""
    with endpoints(store) as (one,), contextlib.ExitStack() as made:
        target = Target((one.address,), "p")

        def make(ttl):
            session = Session(Gateway(target, Endpoints(target), None, None), NUMBER, ttl, 0.0)
            made.callback(session.close)
            session.states = []
            session.on_news = lambda: session.states.append(session.state)
            session.open(time.monotonic() + LATER)
            return session

        yield make


def test_a_session_is_renewed_until_it_is_closed(store, begin):
    session = begin(5)
    wait_for(lambda: len(store.renewed) > 1, "renewals")
    assert session.state == SAFE
    assert session.left > 0
    assert set(store.renewed) == {NUMBER}
    threads = [one for one in threading.enumerate() if one.name in ("flom-session", "flom-renewal")]
    session.close()
    for thread in threads:
        thread.join(LATER)
        assert not thread.is_alive()
    assert LOST not in session.states


def test_a_session_is_lost_while_its_renewal_waits_for_an_answer(store, begin):
    session = begin(1)
    store.silent.set()
    wait_for(lambda: LOST in session.states, "the loss")
    assert session.state == LOST
    assert session.left == 0.0
    assert ended(session.fileno())


def test_a_session_that_the_store_does_not_know_is_lost(store, begin):
    session = begin(1)
    store.known.clear()
    wait_for(lambda: LOST in session.states, "the loss")
    assert ended(session.fileno())


def test_other_leases_are_kept_as_long_as_they_live(store, begin):
    session = begin(15)
    session.keep(OTHER, 0.01)
    session.keep(THIRD, 0.01)
    wait_for(lambda: store.renewed.count(OTHER) > 2, "renewals")
    store.known.discard(OTHER)
    before = store.renewed.count(OTHER)
    count = store.renewed.count(THIRD)
    wait_for(lambda: store.renewed.count(THIRD) > count + 10, "renewals of another one")
    assert store.renewed.count(OTHER) <= before + 2
    assert session.state != LOST
