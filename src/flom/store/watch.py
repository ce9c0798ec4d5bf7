"""Waiting for a change of keys: one request whose answer goes on until there is one."""

from time import monotonic

from flom.store import etcd
from flom.store.gateway import Gateway, cut, drop, refusal
from flom.store.operations import Wait
from flom.store.stream import Stream

_RECEIVE_SIZE = 65536
# Seconds for connecting, and for the store to say that it watches.
_BEGIN = 5.0


class Watch:
    """A change that is waited for, in one call of `wait` after another.

    It ends with a change, with an endpoint that is lost, and with a store that has forgotten what
    was at the revision: whoever waits reads again in all cases. `broken`: it has not ended with a
    change. Raises OSError, HTTPException,
    Refused or FlomError when it cannot begin.
    """

    def __init__(self, gateway: Gateway, wait: Wait) -> None:
        self._gateway = gateway
        self._stream = Stream()
        self._begin_by = monotonic() + _BEGIN
        self._begun = False
        self.broken = False
        self.endpoint, self._connection = gateway.open(etcd.WATCH, etcd.watched(wait), _BEGIN)
        self._sock = self._connection.sock

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within so many seconds."""
        deadline = monotonic() + seconds
        while True:
            until = deadline if self._begun else min(deadline, self._begin_by)
            left = until - monotonic()
            if left <= 0:
                return not self._begun and until == self._begin_by and self._lost()
            self._sock.settimeout(left)
            try:
                answers = self._stream.receive(self._sock.recv(_RECEIVE_SIZE))
            except TimeoutError:
                continue
            except (OSError, ValueError):
                return self._lost()
            if any(map(self._ends, answers)):
                return True
            if self._stream.ended:
                return self._lost()

    def _ends(self, answer: etcd.Body) -> bool:
        result = answer.get("result")
        if not isinstance(result, dict):
            self._gateway.stale(refusal(answer))
            return self._lost()
        self._begun = True
        return bool(result.get("events") or result.get("canceled"))

    def _lost(self) -> bool:
        self.broken = True
        self._gateway.endpoints.failed(self.endpoint)
        return True

    def abort(self) -> None:
        """End the wait, from any thread."""
        cut(self._sock)

    def forget(self) -> None:
        """In a child of fork: close the copy of the connection."""
        drop(self._sock)

    def close(self) -> None:
        """Watch no more."""
        self._connection.close()
