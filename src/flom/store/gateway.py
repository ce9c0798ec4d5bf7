"""One request to etcd's JSON gateway, sent to one endpoint after the other until it is answered."""

import http.client
import json
import os
import socket
import ssl
from time import monotonic, sleep
from typing import Any

from flom import trace
from flom.errors import (
    OWN_RC_ACCESS_DENIED,
    RC_CONNECT_ERROR,
    RC_PROTOCOL_ERROR,
    RC_SSL_CONNECT_ERROR,
    RC_SSL_GET_VERIFY_RESULT_ERROR,
    FlomError,
)
from flom.net.address import joined
from flom.store.proof import Proof
from flom.store.url import Target

Endpoint = tuple[str, int]
Answer = dict[str, Any]

# Seconds for the first try at an endpoint, which double with each round; and between two rounds.
_FIRST_TRY = 0.5
_LONGEST_TRY = 16.0
_PAUSE = 0.1
# How often a token that the store does not know any more is replaced in one call.
_TOKENS = 3

# Codes of gRPC that the gateway passes on.
_PERMISSION_DENIED, _UNAUTHENTICATED = 7, 16
# What etcd says, as plain text, of a certificate that it could take for a user.
_NAMED = b"CommonName of client sending a request against gateway"
# The same request may be answered a moment later, or elsewhere.
_PASSING = {1, 4, 10, 13, 14}
_CROWDED = "too many requests"
_STALE = ("invalid auth token", "revision of auth store is old", "user name is empty")


class Refused(Exception):
    """etcd's own refusal. again: an earlier try of the same call may have been carried out."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.again = False


class Unreachable(FlomError):
    """No endpoint has answered in time; `reasons` are why, by endpoint, and stand in `text`."""

    def __init__(self, rc: int, text: str) -> None:
        super().__init__(rc, text)
        self.reasons: dict[str, str] = {}


class Cancelled(Exception):
    """The call was ended by `abort`."""


class Endpoints:
    """The endpoints of a store, and which one is asked; shared by the connections of a client."""

    __slots__ = ("_all", "_position")

    def __init__(self, target: Target) -> None:
        self._all = target.endpoints
        self._position = 0

    def __len__(self) -> int:
        return len(self._all)

    def current(self) -> Endpoint:
        """The one to ask."""
        return self._all[self._position % len(self._all)]

    def failed(self, endpoint: Endpoint) -> None:
        """Ask another one, if it is still this one that is asked."""
        if endpoint == self.current():
            self._position += 1


class Gateway:
    """A connection to a store, made when it is needed; of one thread, but for `abort`.

    context: for TLS; None: without. proof: who we are; None: nobody in particular.
    """

    def __init__(
        self,
        target: Target,
        endpoints: Endpoints,
        context: ssl.SSLContext | None,
        proof: Proof | None,
    ) -> None:
        self.target = target
        self.endpoints = endpoints
        self._context = context
        self._proof = proof
        self._connection: http.client.HTTPConnection | None = None
        self._at: Endpoint | None = None
        self._aborted = False

    def twin(self) -> "Gateway":
        """A connection of its own to the same store, for another thread."""
        return Gateway(self.target, self.endpoints, self._context, self._proof)

    def call(self, path: str, body: Answer, deadline: float, *, patient: bool = True) -> Answer:
        """The answer to a request, which must do no more when it is repeated.

        deadline: monotonic seconds. patient: whether endpoints that refuse connections are asked
        again until then. Raises Refused, Unreachable, Cancelled, FlomError.
        """
        limit, maybe = _FIRST_TRY, False
        while True:
            failures: dict[Endpoint, Exception] = {}
            for _ in range(len(self.endpoints)):
                if self._aborted:
                    raise Cancelled
                endpoint = self.endpoints.current()
                left = deadline - monotonic()
                if left <= 0 and failures:
                    break
                try:
                    return self._ask(path, body, min(limit, max(left, 0.05)))
                except Refused as refused:
                    if not _is_passing(refused):
                        refused.again = maybe
                        raise
                    failures[endpoint] = refused
                except (OSError, http.client.HTTPException, ValueError) as error:
                    failures[endpoint] = error
                maybe = maybe or not isinstance(failures[endpoint], ConnectionRefusedError)
                self.close()
                self.endpoints.failed(endpoint)
            if self._aborted:
                raise Cancelled
            hopeless = not patient and all(map(_is_lasting, failures.values()))
            if hopeless or monotonic() + _PAUSE >= deadline:
                raise _unreachable(self.target, failures)
            limit = min(2 * limit, _LONGEST_TRY)
            sleep(_PAUSE)

    def open(
        self, path: str, body: Answer, seconds: float
    ) -> tuple[Endpoint, http.client.HTTPConnection]:
        """Send a request to one endpoint, and leave its answer to the caller to read and close.

        Raises OSError, HTTPException, Refused, FlomError.
        """
        endpoint = self.endpoints.current()
        connection = self._connect(endpoint, seconds)
        try:
            connection.request("POST", path, json.dumps(body), self._headers(seconds))
        except BaseException:
            connection.close()
            raise
        return endpoint, connection

    def stale(self, refused: Refused) -> bool:
        """Whether a refusal tells that our token has to be replaced, which then is done."""
        if self._proof is None:
            return False
        if refused.code != _UNAUTHENTICATED and not any(word in refused.text for word in _STALE):
            return False
        self._proof.token = None
        return True

    def abort(self) -> None:
        """End a call that another thread is in, and all later ones."""
        self._aborted = True
        connection = self._connection
        if connection is not None:
            cut(connection.sock)

    def forget(self) -> None:
        """In a child of fork: close the copy of a connection that the parent may be using."""
        if self._connection is not None and self._connection.sock is not None:
            drop(self._connection.sock)

    def close(self) -> None:
        """Give the connection up; the next call makes another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, path: str, body: Answer, seconds: float) -> Answer:
        for _ in range(_TOKENS):
            try:
                return self._exchange(path, body, self._headers(seconds), seconds)
            except Refused as refused:
                if not self.stale(refused):
                    raise
                last = refused
        raise last

    def _headers(self, seconds: float) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if self._proof is not None:
            if self._proof.token is None:
                self._proof.token = self._authenticate(self._proof, seconds)
            headers["Authorization"] = self._proof.token
        return headers

    def _authenticate(self, proof: Proof, seconds: float) -> str:
        words = {"name": proof.user, "password": proof.password()}
        try:
            return str(self._exchange("/v3/auth/authenticate", words, {}, seconds)["token"])
        except Refused as refused:
            if _is_passing(refused):
                raise
            raise not_allowed(self.target, refused) from None

    def _exchange(self, path: str, body: Answer, headers: dict[str, str], seconds: float) -> Answer:
        what = f"flom_store: {path} at {joined(*self.endpoints.current())}"
        return trace.told(trace.CLIENT, what, self._post, path, body, headers, seconds)

    def _post(self, path: str, body: Answer, headers: dict[str, str], seconds: float) -> Answer:
        connection = self._connected(seconds)
        try:
            connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            data = response.read()
            if response.status == http.client.BAD_REQUEST and _NAMED in data:
                raise Refused(_PERMISSION_DENIED, _NAMED.decode())
            answer = json.loads(data)
        except BaseException:
            self.close()  # whatever is still to come would be taken for the next answer
            raise
        if not isinstance(answer, dict):
            raise ValueError("the answer is no JSON object")
        if response.status != http.client.OK or "error" in answer:
            raise refusal(answer)
        return answer

    def _connected(self, seconds: float) -> http.client.HTTPConnection:
        endpoint = self.endpoints.current()
        if self._connection is not None and self._at != endpoint:
            self.close()
        if self._connection is None:
            self._connection, self._at = self._connect(endpoint, seconds), endpoint
            if self._aborted:  # while there was no connection to cut
                raise Cancelled
        self._connection.sock.settimeout(seconds)
        return self._connection

    def _connect(self, endpoint: Endpoint, seconds: float) -> http.client.HTTPConnection:
        host, port = endpoint
        if self._context is None:
            connection = http.client.HTTPConnection(host, port, timeout=seconds)
        else:
            connection = http.client.HTTPSConnection(
                host, port, timeout=seconds, context=self._context
            )
        connection.connect()
        return connection


def refusal(answer: Answer) -> Refused:
    """What an answer says that is an error."""
    told = answer.get("error", "")
    if isinstance(told, dict):  # as streams put it
        answer, told = told, told.get("message", "")
    code = answer.get("code", answer.get("grpc_code", 0))
    return Refused(code if isinstance(code, int) else 0, str(answer.get("message") or told))


def not_allowed(target: Target, refused: Refused) -> FlomError:
    """The error for a refusal that asking again does not change."""
    if refused.text == _NAMED.decode():
        error = FlomError(
            OWN_RC_ACCESS_DENIED,
            f"the store at {target} takes no certificate with a common name (CN) through its "
            "gateway while it has users",
        )
        error.advice = "give --store-certificate one whose subject has no CN"
        return error
    if refused.code == _PERMISSION_DENIED or "auth" in refused.text or "user" in refused.text:
        error = FlomError(OWN_RC_ACCESS_DENIED, f"the store at {target} refuses: {refused.text}")
        error.advice = "check --store-user, its password, and its rights for the prefix"
        return error
    error = FlomError(RC_PROTOCOL_ERROR, f"the store at {target} answers: {refused.text}")
    error.advice = "is it etcd 3.4 or later, and is there room in it?"
    return error


def cut(sock: socket.socket | None) -> None:
    """End what any thread does with a socket."""
    try:
        if sock is not None:
            sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # closed meanwhile


def drop(sock: socket.socket) -> None:
    """Close a descriptor without a word to the peer, or to who uses a copy of it."""
    descriptor = sock.detach()
    if descriptor >= 0:
        os.close(descriptor)


def _is_passing(refused: Refused) -> bool:
    return refused.code in _PASSING or _CROWDED in refused.text


def _is_lasting(error: Exception) -> bool:
    """Whether an endpoint is not there, rather than busy."""
    if isinstance(error, TimeoutError | Refused):
        return False
    return not isinstance(error, ConnectionResetError | http.client.RemoteDisconnected)


def _unreachable(target: Target, failures: dict[Endpoint, Exception]) -> Unreachable:
    reasons = {joined(*place): _reason(why) for place, why in failures.items()}
    rc = RC_CONNECT_ERROR
    for error in failures.values():
        if isinstance(error, ssl.SSLCertVerificationError):
            rc = RC_SSL_GET_VERIFY_RESULT_ERROR
        elif isinstance(error, ssl.SSLError):
            rc = RC_SSL_CONNECT_ERROR
    listed = "; ".join(f"{place}: {why}" for place, why in reasons.items())
    unreachable = Unreachable(rc, f"the store at {target} does not answer ({listed})")
    unreachable.reasons = reasons
    unreachable.advice = "check --store, and whether etcd runs there"
    if rc != RC_CONNECT_ERROR:
        unreachable.advice = "check --store-ca-certificate, and the names in etcd's certificate"
    return unreachable


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, Refused):
        return error.text
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "this is not etcd's gateway"
