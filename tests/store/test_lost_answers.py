"""Requests that etcd carries out while nobody hears of it."""

import time

import pytest

from flom.errors import RC_SEND_ERROR, FlomError
from flom.store.gateway import Endpoints, Gateway, Refused
from flom.store.lock import Lock
from flom.store.url import parse

from .endpoint import OK, Endpoint, endpoints, error


class Deaf:
    """Hands requests on to a real etcd, and loses the answer to each of them the first time.

    silent: say and do nothing at all.
    """

    def __init__(self, url):
        target = parse(url)
        self.gateway = Gateway(target, Endpoints(target), None, None)
        self.seen = []
        self.lost = 0
        self.silent = False

    def __call__(self, path, body, headers):
        if self.silent:
            return Endpoint.HANG
        again = (path, body) in self.seen
        self.seen.append((path, body))
        try:
            answer = OK, self.gateway.call(path, body, time.monotonic() + 60)
        except Refused as refused:
            answer = error(refused.code, refused.text)
        if again:
            return answer
        self.lost += 1
        return Endpoint.DROP


@pytest.fixture
def deaf(store):
    """A store whose answers get lost."""
    script = Deaf(store.cluster.url(store.prefix))
    with endpoints(script) as (one,):
        made = store.settings

        def settings(name, **options):
            changed = made(name, **options)
            changed.store_url = f"etcd://127.0.0.1:{one.address[1]}/{store.prefix}"
            return changed

        store.settings = settings
        yield script
        store.settings = made


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("foo", [None, None, None]),
        ("n[1]", [None, None, None]),
        ("red.green.blue", ["red", "green", "blue"]),
        ("_s_a[1]", ["1", "2", "3"]),
        ("_S_a[1]", ["1", "2", "2"]),
    ],
)
def test_a_lost_answer_changes_nothing(store, deaf, name, given):
    tokens, elements = [], []
    for number in range(3):
        lock, element = store.held(name)
        elements.append(element)
        tokens.append(lock.token)
        lock.release(rollback=number == 1)
    assert elements == given
    assert tokens == sorted(set(tokens))
    assert deaf.lost > 12
    (state,) = store.stored()
    assert state.endswith("/state")


def test_a_client_that_hears_only_half_of_what_it_is_told_leaves_no_lease(store, deaf):
    before = set(store.cluster.leases())
    for number in range(4):
        lock = store.lock("foo", timeout=0)
        if number % 2:
            lock.acquire()
            lock.release(rollback=False)
        else:
            lock.close()
    left = set(store.cluster.leases()) - before
    sessions = {f"{body['ID']:x}" for path, body in deaf.seen if path.endswith("revoke")}
    assert not {lease.lstrip("0") for lease in left} & sessions


def test_a_release_that_is_not_heard_matters_to_numbers_alone(store, deaf):
    warnings = []
    number, _ = store.held("_S_a[1]", ttl=10)
    lock = Lock(store.settings("foo", ttl=10), lambda stream, text: warnings.append((stream, text)))
    lock.connect()
    lock.acquire()
    deaf.silent = True
    lock.release(False)
    ((stream, text),) = warnings
    assert stream == 2
    assert "within 10 s" in text
    with pytest.raises(FlomError) as raised:
        number.release(False)
    assert raised.value.rc == RC_SEND_ERROR
