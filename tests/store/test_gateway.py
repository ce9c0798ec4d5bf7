"""Requests to endpoints that refuse, hang, break off, or want to know who asks."""

import threading
import time

import pytest
from support import wait_for

from flom.errors import OWN_RC_ACCESS_DENIED, RC_CONNECT_ERROR, RC_PROTOCOL_ERROR, FlomError
from flom.store.gateway import (
    Cancelled,
    Endpoints,
    Gateway,
    Refused,
    Unreachable,
    not_allowed,
)
from flom.store.proof import Proof
from flom.store.url import Target

from .endpoint import GONE, OK, Endpoint, endpoints, error

NOBODY = ("127.0.0.1", 1)  # no port that anything listens at
LATER = 60.0


def gateway(*addresses, proof=None):
    target = Target(addresses, "p")
    return Gateway(target, Endpoints(target), None, proof)


def call(gateway, seconds=LATER, **options):
    return gateway.call("/v3/x", {"a": 1}, time.monotonic() + seconds, **options)


def well(path, body, headers):
    return OK, {"path": path, "got": body}


def once(first, then=well):
    """A script that does something else the first time."""
    told = []

    def script(*request):
        told.append(request)
        return then(*request) if len(told) > 1 else first(*request)

    return script


def test_a_connection_is_kept_for_the_next_request():
    with endpoints(well) as (one,):
        asked = gateway(one.address)
        for _ in range(3):
            assert call(asked) == {"path": "/v3/x", "got": {"a": 1}}
        assert one.connections == 1
        asked.close()


@pytest.mark.parametrize(
    "bad",
    [
        lambda *_: Endpoint.DROP,
        lambda *_: error(14, "etcdserver: no leader"),
        lambda *_: (GONE, {"error": "etcdserver: request timed out", "code": 14}),
        lambda *_: error(8, "etcdserver: too many requests"),
        lambda *_: (OK, b"<html>"),
        lambda *_: (OK, b"[1]"),
    ],
)
def test_who_does_not_answer_is_passed_over(bad):
    with endpoints(bad, well) as (one, two):
        asked = gateway(one.address, two.address)
        assert call(asked)["path"] == "/v3/x"
        assert call(asked)["path"] == "/v3/x"
        assert len(one.requests) == 1, "the endpoint that answers is asked first from then on"
        asked.close()


def test_an_endpoint_that_hangs_costs_a_moment_and_no_more():
    with endpoints(lambda *_: Endpoint.HANG, well) as (one, two):
        asked = gateway(NOBODY, one.address, two.address)
        assert call(asked)["path"] == "/v3/x"
        asked.close()


def test_a_single_endpoint_is_asked_again():
    with endpoints(once(lambda *_: error(14, "etcdserver: leader changed"))) as (one,):
        asked = gateway(one.address)
        assert call(asked)["path"] == "/v3/x"
        asked.close()


def test_a_refusal_is_the_answer_and_tells_whether_the_request_may_have_been_done_before():
    for first, again in ((lambda *_: error(5, "gone"), False), (lambda *_: Endpoint.DROP, True)):
        with endpoints(once(first, lambda *_: error(5, "gone"))) as (one,):
            asked = gateway(one.address)
            with pytest.raises(Refused) as raised:
                call(asked)
            assert (raised.value.code, raised.value.text) == (5, "gone")
            assert raised.value.again is again
            asked.close()


def test_a_store_that_is_not_there_is_known_at_once_unless_it_is_worth_waiting():
    with pytest.raises(Unreachable) as raised:
        call(gateway(NOBODY), patient=False)
    assert raised.value.rc == RC_CONNECT_ERROR
    assert "etcd://127.0.0.1:1/p" in raised.value.text
    assert "127.0.0.1:1: Connection refused" in raised.value.text
    began = time.monotonic()
    with pytest.raises(Unreachable):
        call(gateway(NOBODY), 0.5)
    assert time.monotonic() - began >= 0.3


def test_a_call_ends_when_it_is_aborted():
    with endpoints(lambda *_: Endpoint.HANG) as (one,):
        asked = gateway(one.address)
        raised = []

        def run():
            try:
                call(asked)
            except Cancelled as error:
                raised.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        wait_for(lambda: one.requests, "the request")
        asked.abort()
        thread.join(LATER)
        assert raised


class Guard:
    """Demands a token; each is good for so many requests."""

    def __init__(self, uses=1, refusal=(16, "etcdserver: invalid auth token")):
        self.uses = uses
        self.refusal = refusal
        self.left = 0
        self.given = 0

    def __call__(self, path, body, headers):
        if path == "/v3/auth/authenticate":
            if body != {"name": "ann", "password": "secret"}:
                return error(3, "etcdserver: authentication failed, invalid user ID or password")
            self.given += 1
            self.left = self.uses
            return OK, {"token": f"token.{self.given}"}
        if headers.get("Authorization") != f"token.{self.given}" or not self.left:
            return error(*self.refusal)
        self.left -= 1
        return well(path, body, headers)


@pytest.mark.parametrize(
    "refusal",
    [
        (16, "etcdserver: invalid auth token"),
        (3, "etcdserver: revision of auth store is old"),
    ],
)
def test_a_token_is_got_when_it_is_needed_and_again_when_it_is_old(refusal):
    guard = Guard(2, refusal)
    with endpoints(guard) as (one,):
        asked = gateway(one.address, proof=Proof("ann", "secret", None))
        for _ in range(5):
            assert call(asked)["path"] == "/v3/x"
        assert guard.given == 3
        asked.close()


def test_a_wrong_password_is_said_at_once_and_without_the_password():
    with endpoints(Guard()) as (one,):
        asked = gateway(one.address, proof=Proof("ann", "wrong", None))
        with pytest.raises(FlomError) as raised:
            call(asked)
        assert raised.value.rc == OWN_RC_ACCESS_DENIED
        assert "authentication failed" in raised.value.text
        assert "wrong" not in raised.value.text
        assert "--store-user" in raised.value.advice
        asked.close()


@pytest.mark.parametrize(
    ("code", "text", "rc"),
    [
        (7, "etcdserver: permission denied", OWN_RC_ACCESS_DENIED),
        (3, "etcdserver: user name is empty", OWN_RC_ACCESS_DENIED),
        (8, "etcdserver: mvcc: database space exceeded", RC_PROTOCOL_ERROR),
        (12, "unknown service", RC_PROTOCOL_ERROR),
    ],
)
def test_other_refusals_are_errors_with_something_to_do(code, text, rc):
    told = not_allowed(Target((NOBODY,), "p"), Refused(code, text))
    assert told.rc == rc
    assert text in told.text
    assert told.advice


def test_a_password_file_is_read_without_the_end_of_its_line(tmp_path):
    file = tmp_path / "password"
    proof = Proof("ann", None, str(file))
    with pytest.raises(FlomError) as raised:
        proof.password()
    assert str(file) in raised.value.text
    file.write_text("open sesame\n")
    assert proof.password() == "open sesame"
