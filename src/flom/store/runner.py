"""Carrying the recipe out: operations sent to a store, waits with their deadlines."""

import threading
from collections.abc import Callable, Generator
from http.client import HTTPException
from time import monotonic, sleep
from typing import Any, TypeVar

from flom.store import about, etcd
from flom.store.gateway import Cancelled, Gateway, Refused
from flom.store.lease import LOST
from flom.store.operations import Keep, NewLease, Operation, Read, Revoke, Txn, Wait
from flom.store.session import Session
from flom.store.watch import Watch

T = TypeVar("T")

# Seconds after which a waiter reads again although nothing was heard; if somebody looks at it.
_READ_AGAIN = 20.0
_LOOKED_AT = 5.0
# Seconds of waiting before it is shown, and before a broken watch is begun anew.
_AT_ONCE = 0.1
_PAUSE = 0.1


class Late(Exception):
    """A wait has reached the deadline."""


class Runner:
    """Does what a recipe says, with one connection and one session, in one thread at a time.

    deadline: monotonic seconds, may be set at any time. look: called while it waits, and after as
    many seconds as it returns; None: nobody looks. read: what was read last.
    """

    def __init__(
        self, gateway: Gateway, session: Session, deadline: float, look: Callable[[], float] | None
    ) -> None:
        self.deadline = deadline
        self.read: Read | None = None
        self._gateway = gateway
        self._session = session
        self._look = look
        self._look_at = monotonic() + _AT_ONCE
        self._watch: Watch | None = None
        self._interrupted = threading.Event()
        session.on_news = self._follow

    def run(self, steps: Generator[Operation, Any, T]) -> T:
        """The result of a recipe. Raises what it raises, what `Gateway.call` does, and Late.

        And ValueError when the store says, or holds, what nobody of us would write.
        """
        answer: Any = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as end:
                value: T = end.value
                return value
            answer = self._perform(step)

    def interrupt(self) -> None:
        """End what another thread runs, and all that comes later: it raises Cancelled."""
        self._interrupted.set()
        self._gateway.abort()
        watch = self._watch
        if watch is not None:
            watch.abort()

    def forget(self) -> None:
        """In a child of fork: close the copy of what the parent waits with."""
        if self._watch is not None:
            self._watch.forget()

    def _perform(self, step: Operation) -> Any:
        match step:
            case Txn():
                self.read = self._txn(step)
                return self.read
            case NewLease():
                return self._new_lease(step.ttl)
            case Keep():
                self._session.keep(step.lease, step.period)
                return bool(etcd.left(self._call(etcd.KEEP_ALIVE, {"ID": step.lease})))
            case Revoke():
                return self._revoke(step.lease)
            case Wait():
                return self._wait(step)

    def _txn(self, step: Txn) -> Read:
        answer = self._call(etcd.TXN, etcd.txn(step))
        try:
            return etcd.read(answer)
        except (LookupError, TypeError, AttributeError):
            raise ValueError("its answer to a transaction is none") from None

    def _new_lease(self, ttl: int) -> int:
        _, number = about.new_session()
        try:
            self._call(etcd.GRANT, etcd.grant(number, ttl))
        except Refused as refused:
            if not etcd.exists(refused.text):  # an earlier try has made it
                raise
        return number

    def _revoke(self, lease: int) -> bool:
        try:
            self._call(etcd.REVOKE, {"ID": lease})
        except Refused as refused:
            if refused.code != etcd.NOT_FOUND:
                raise
            return refused.again  # a try whose answer was lost has done it
        return True

    def _call(self, path: str, body: etcd.Body) -> etcd.Body:
        self._check()
        try:
            return self._gateway.call(path, body, self.deadline)
        except Refused as refused:
            if refused.code == etcd.NOT_FOUND and path == etcd.TXN:
                self._session.lose()  # what is put needs the lease
                raise Cancelled from None
            raise

    def _check(self) -> None:
        if self._interrupted.is_set() or self._session.state == LOST:
            raise Cancelled

    def _wait(self, step: Wait) -> None:
        """Wait for a change as long as it is worth waiting."""
        longest = _READ_AGAIN if self._look is None else _LOOKED_AT
        until = min(monotonic() + (step.seconds or longest), self.deadline)
        if step.key:
            self._watch_for(step, until)
        else:
            while (pause := self._pause(until)) > 0 and not self._interrupted.wait(pause):
                self._show()
        if monotonic() >= self.deadline:
            raise Late

    def _watch_for(self, step: Wait, until: float) -> None:
        try:
            watch = Watch(self._gateway, step)
        except (OSError, HTTPException, ValueError, Refused):
            self._gateway.endpoints.failed(self._gateway.endpoints.current())
            sleep(_PAUSE)
            return
        began = monotonic()
        self._watch = watch
        try:
            while (pause := self._pause(until)) > 0 and not watch.wait(pause):
                self._show()
            if watch.broken and monotonic() < began + _PAUSE:
                sleep(_PAUSE)
        finally:
            self._watch = None
            watch.close()

    def _pause(self, until: float) -> float:
        """Seconds until there is something to do, not positive at the end of the wait."""
        self._check()  # once more: there may have been no watch to abort
        now = monotonic()
        if self._look is not None:
            return min(until - now, max(self._look_at - now, 0.001))
        return until - now

    def _show(self) -> None:
        if self._look is not None and monotonic() >= self._look_at:
            self._look_at = monotonic() + self._look()

    def _follow(self) -> None:
        """In the session's thread: leave what is lost, or an endpoint that does not answer."""
        watch = self._watch
        if self._session.state == LOST:
            self.interrupt()
        elif watch is not None and watch.endpoint != self._gateway.endpoints.current():
            watch.abort()
