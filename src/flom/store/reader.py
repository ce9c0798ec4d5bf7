"""Reading a store without a session: whole ranges as they are at one moment, and their changes."""

from collections.abc import Iterator
from http.client import HTTPException
from time import monotonic, sleep

from flom.errors import RC_PROTOCOL_ERROR, FlomError
from flom.settings import Settings
from flom.store import etcd, url
from flom.store.gateway import Endpoints, Gateway, Refused, not_allowed, refusal
from flom.store.operations import Change, Item, Read, Wait
from flom.store.proof import context_of, proof_of
from flom.store.stream import Stream

# Keys that are read by one request.
_PAGE = 1000
# How often a range is read anew because the store forgets revisions faster than it is read.
_READINGS = 5
# Seconds without a word after which a store is asked whether it is still there.
_SILENCE = 10.0
# Seconds before a watch that has ended is begun anew.
_PAUSE = 0.1
_RECEIVE_SIZE = 65536
_OUT_OF_RANGE = 11


class Forgotten(Exception):
    """The store does not know any more what has happened since a revision."""


class Reader:
    """A connection to the store of the settings; `limit`: seconds for each request.

    target: another one than the settings name. Raises FlomError: for settings that cannot be used,
    for a store that does not answer (`gateway.Unreachable`), and for what it refuses.
    """

    def __init__(self, settings: Settings, limit: float, target: url.Target | None = None) -> None:
        self.target = target or url.parse(settings.store_url or "")
        self.limit = limit
        self._settings = settings
        context, proof = context_of(settings), proof_of(settings)
        self._gateway = Gateway(self.target, Endpoints(self.target), context, proof)

    def close(self) -> None:
        """Leave the store."""
        self._gateway.close()

    def call(self, path: str, body: etcd.Body, *, patient: bool = False) -> etcd.Body:
        """The answer to a request; patient: as for `Gateway.call`."""
        try:
            return self._gateway.call(path, body, monotonic() + self.limit, patient=patient)
        except Refused as refused:
            raise not_allowed(self.target, refused) from None

    def revoke(self, lease: int) -> bool:
        """End a session, and with it what it holds; False if there was none any more."""
        try:
            deadline = monotonic() + self.limit
            self._gateway.call(etcd.REVOKE, {"ID": lease}, deadline, patient=False)
        except Refused as refused:
            if refused.code != etcd.NOT_FOUND:
                raise not_allowed(self.target, refused) from None
            return refused.again  # a try whose answer was lost has done it
        return True

    def each(self) -> "list[Reader]":
        """One for each endpoint, which asks that one alone."""
        target = self.target
        return [
            Reader(self._settings, self.limit, url.Target((endpoint,), target.prefix))
            for endpoint in target.endpoints
        ]

    def read(self, key: str, end: str) -> Read:
        """All keys from `key` to before `end`, as they are at one moment."""
        for _ in range(_READINGS):
            try:
                return self._read(key, end)
            except Forgotten:
                continue
        error = FlomError(RC_PROTOCOL_ERROR, f"the store at {self.target} forgets while it is read")
        error.advice = "is it compacted all the time? try again"
        raise error

    def changes(self, key: str, end: str, revision: int) -> Iterator[Change]:
        """What happens to these keys after a revision, without end.

        Goes on at another endpoint when one fails. Raises Forgotten as well.
        """
        while True:
            try:
                for change in self._changes_at_one(key, end, revision):
                    revision = change.revision
                    yield change
            except (OSError, HTTPException, ValueError, Refused):
                endpoints = self._gateway.endpoints
                endpoints.failed(endpoints.current())
            sleep(_PAUSE)
            self._look(key)

    def _read(self, key: str, end: str) -> Read:
        found: list[Item] = []
        revision, more = 0, True
        while more:
            try:
                answer = self._gateway.call(
                    etcd.RANGE, etcd.page(key, end, _PAGE, revision), monotonic() + self.limit,
                    patient=False,
                )  # fmt: skip
            except Refused as refused:
                if refused.code == _OUT_OF_RANGE and revision:
                    raise Forgotten from None
                raise not_allowed(self.target, refused) from None
            items, more, newest = etcd.read_page(answer)
            revision = revision or newest
            found += items
            if items:
                key = items[-1].key + "\0"
        return Read(True, revision, tuple(found))

    def _changes_at_one(self, key: str, end: str, revision: int) -> Iterator[Change]:
        """The same as one endpoint tells it; ends with the endpoint."""
        gateway, stream = self._gateway, Stream()
        wait = Wait(key, end, revision, puts=True)
        endpoint, connection = gateway.open(etcd.WATCH, etcd.watched(wait), self.limit)
        try:
            connection.sock.settimeout(_SILENCE)
            while not stream.ended:
                try:
                    answers = stream.receive(connection.sock.recv(_RECEIVE_SIZE))
                except TimeoutError:
                    self._look(key)
                    if gateway.endpoints.current() != endpoint:
                        return
                    continue
                for answer in answers:
                    yield from etcd.changes(self._result(answer))
        finally:
            connection.close()

    def _result(self, answer: etcd.Body) -> etcd.Body:
        """What a watch tells. Raises ConnectionError when it has ended, or Forgotten."""
        result = answer.get("result")
        if not isinstance(result, dict):
            why = refusal(answer)
        elif result.get("canceled"):
            if int(result.get("compact_revision", 0)):
                raise Forgotten
            why = Refused(0, str(result.get("cancel_reason", "")))
        else:
            return result
        self._gateway.stale(why)
        raise ConnectionError(why.text)

    def _look(self, key: str) -> None:
        """Ask the store for something, at another endpoint if this one does not answer."""
        self.call(etcd.RANGE, etcd.page(key, "", 1, 0), patient=True)
