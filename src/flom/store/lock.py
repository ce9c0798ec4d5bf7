"""One lock in a store, with the same methods as a lock at a daemon (client/blocking.py)."""

import os
from collections.abc import Callable, Sequence
from time import monotonic, time_ns
from typing import Any, TypeVar

from flom.core.names import TIMESTAMP, Name, parse
from flom.core.timestamp import Ticks
from flom.errors import (
    RC_CONNECTION_CLOSED,
    RC_INVALID_RESOURCE_NAME,
    RC_INVALID_TIMESTAMP_FORMAT,
    RC_NETWORK_TIMEOUT,
    RC_PROTOCOL_ERROR,
    RC_RECV_ERROR,
    RC_SEND_ERROR,
    FlomError,
)
from flom.settings import Settings
from flom.store import about, etcd, url
from flom.store.gateway import Cancelled, Endpoints, Gateway, Refused, Unreachable, not_allowed
from flom.store.lease import LOST
from flom.store.proof import context_of, proof_of
from flom.store.recipe import Ask, Held, acquire, release
from flom.store.records import Place, Request, View
from flom.store.runner import Late, Runner
from flom.store.session import Session
from flom.values import quoted, raw

T = TypeVar("T")
Tell = Callable[[int, str], None]
Look = Callable[[Any], float]

# Seconds for connecting, and for a request that does not wait, when the user has set no limit.
_LIMIT = 30.0
# Seconds for a release that nobody needs to hear of, and for leaving.
_RELEASE = 5.0
_LEAVE = 2.0

_FOR_EVER = float("inf")


class Lock:
    """One lock of one resource, by the settings given; `connect`, `acquire`, `release` in turn.

    tell: called with 2 and a warning. argv: what will run under the lock, for others to see.
    look: called with this lock while it waits, and again after as many seconds as it returns.
    Every method raises FlomError, with the return codes that a lock at a daemon raises.
    """

    __slots__ = (
        "__weakref__", "_argv", "_ask", "_cancelled", "_gateway", "_held", "_look", "_name",
        "_pid", "_runner", "_session", "_settings", "_started", "_target", "_tell",
    )  # fmt: skip

    def __init__(
        self,
        settings: Settings,
        tell: Tell | None = None,
        argv: Sequence[str] = (),
        *,
        look: Look | None = None,
        kind: object = None,
    ) -> None:
        self._settings = settings
        self._tell = tell
        self._argv = argv
        self._look = look
        self._started = monotonic()
        self._target = url.parse(settings.store_url or "")
        self._name = _understood(settings)
        self._pid = 0
        self._gateway: Gateway | None = None
        self._session: Session | None = None
        self._runner: Runner | None = None
        self._ask: Ask | None = None
        self._held: Held | None = None
        self._cancelled = False

    def connect(self) -> None:
        """Begin a session; raises FlomError when the store cannot be reached or does not let us."""
        settings, target = self._settings, self._target
        self._pid = os.getpid()
        gateway = Gateway(target, Endpoints(target), context_of(settings), proof_of(settings))
        name, number = about.new_session()
        session = Session(gateway, number, settings.store_session_ttl, _grace(settings))
        look = None if self._look is None else self._shown
        timeout = settings.resource_timeout
        deadline = self._started + timeout / 1000 if timeout > 0 else _FOR_EVER
        self._gateway, self._session = gateway, session
        self._runner = Runner(gateway, session, deadline, look)
        if self._cancelled:
            self._runner.interrupt()
        self._guarded(lambda: session.open(min(deadline, self._started + _LIMIT)))
        self._ask = self._asked(name, number)

    def _asked(self, session: str, lease: int) -> Ask:
        settings, name = self._settings, self._name
        told = about.told(settings, self._target, self._argv)
        request = Request(
            name.text, settings.lock_mode, settings.resource_quantity, settings.resource_create,
            _wall(), about.inherited(), told,
        )  # fmt: skip
        place = Place(self._target.prefix, name.root)
        return Ask(
            place, name, session, lease, settings.store_session_ttl, request,
            settings.resource_timeout != 0, settings.resource_idle_lifespan, _wall,
        )  # fmt: skip

    def acquire(self) -> str | None:
        """Ask for the lock and wait for it; returns the element granted, if the kind has any."""
        ask, runner = self._ask, self._runner
        if ask is None or runner is None:
            raise _no_session()
        if not ask.wait:
            runner.deadline = monotonic() + _LIMIT
        self._held = self._guarded(lambda: self._granted(ask, runner))
        return self._held.element

    def _granted(self, ask: Ask, runner: Runner) -> Held:
        held = runner.run(acquire(ask))
        if self._session is None or self._session.state == LOST:
            raise Cancelled  # the answer has come too late to be true
        return held

    def release(self, rollback: bool) -> None:
        """Give the lock back; raises FlomError (-130) when it had been lost."""
        ask, held, runner, session = self._ask, self._held, self._runner, self._session
        if ask is None or held is None or runner is None or session is None:
            raise _no_session()
        try:
            left = session.left
            runner.deadline = monotonic() + (
                left if ask.name.transactional else min(left, _RELEASE)
            )
            if session.state == LOST or not runner.run(release(ask, held, rollback)):
                raise _lost()
            self._ask = None
        except Refused as refused:
            raise not_allowed(self._target, refused) from None
        except ValueError as error:
            raise _strange(self._target, error) from None
        except (Unreachable, Cancelled) as error:
            self._ends_alone(ask, str(error) or "the store does not answer")
        finally:
            self.close()

    def close(self) -> None:
        """Leave the store: whatever was asked for or held ends, unless this is a child of fork."""
        session, gateway, ask, runner = self._session, self._gateway, self._ask, self._runner
        self._session = self._gateway = self._runner = self._ask = self._held = None
        if session is None or gateway is None or runner is None:
            return
        if self._pid != os.getpid():
            runner.forget()
            gateway.forget()
            session.forget()
            return
        runner.interrupt()  # if another thread is at it
        gateway.close()
        session.close()
        if ask is not None:
            _leave(gateway.twin(), session.number)

    def cancel(self) -> None:
        """End what `connect` or `acquire` do in another thread: they raise FlomError (8)."""
        self._cancelled = True
        runner = self._runner
        if runner is not None:
            runner.interrupt()

    @property
    def token(self) -> int | None:
        """The fencing token: the revision of the grant, None before there is one."""
        return None if self._held is None else self._held.token

    @property
    def why(self) -> "dict[str, Any] | None":
        """Why the request has to wait, by what was read last; None if it does not wait."""
        from flom.store.rows import explanation  # most locks are free

        ask, read = self._ask, None if self._runner is None else self._runner.read
        if ask is None or read is None:
            return None
        view = View(ask.place, read.revision, read.items)
        return explanation(self._name, view, ask.session, _wall())

    @property
    def lease(self) -> Session | None:
        """The session: its `state` is "safe", "jeopardy" or "lost"."""
        return self._session

    @property
    def sessions(self) -> str:
        """What a command that runs under the lock finds in FLOM_SESSION."""
        return about.handed_on(self._ask.session) if self._ask is not None else ""

    def hear(self) -> None:
        """Learn what has happened meanwhile; raises FlomError when the lock is lost."""
        if self._session is None or self._session.state == LOST:
            raise _lost()

    def grace(self, wanted: float) -> float:
        """How many of the seconds wanted there are until somebody else may have a lost lock."""
        return 0.0 if self._session is None else min(wanted, self._session.reserved)

    def fileno(self) -> int:
        """A descriptor whose peer goes away when the lock is lost, -1 without a session."""
        return -1 if self._session is None else self._session.fileno()

    def _shown(self) -> float:
        assert self._look is not None
        return self._look(self)

    def _guarded(self, work: Callable[[], T]) -> T:
        """Do what may fail; then nothing of it stays in the store."""
        try:
            return work()
        except Refused as refused:
            self.close()
            raise not_allowed(self._target, refused) from None
        except ValueError as error:
            self.close()
            raise _strange(self._target, error) from None
        except (Cancelled, Late, Unreachable) as error:
            failure = self._explained(error)
            self.close()
            raise failure from None
        except BaseException:
            self.close()
            raise

    def _explained(self, error: Exception) -> FlomError:
        if self._cancelled:
            return FlomError(RC_CONNECTION_CLOSED, "waiting for the lock was cancelled")
        timeout = self._settings.resource_timeout
        late = timeout > 0 and monotonic() >= self._started + timeout / 1000 - 0.2
        if late and self._ask is not None:  # else there was no session to wait in
            why = f"; {error}" if str(error) else ""
            return FlomError(RC_NETWORK_TIMEOUT, f"not granted within {timeout} ms{why}")
        if isinstance(error, FlomError):
            return error
        failure = FlomError(
            RC_RECV_ERROR,
            f"the store at {self._target} was not heard of for so long that the request has left"
            " its queue",
        )
        failure.advice = "nothing is held; try again"
        return failure

    def _ends_alone(self, ask: Ask, why: str) -> None:
        """The store does not answer: the lease will end by itself, which is all that is needed.

        Nothing was lost before the release began. But the number of a transactional sequence counts
        as not used then.
        """
        if ask.name.transactional:
            raise FlomError(RC_SEND_ERROR, f"the number may count as not used: {why}")
        if self._tell is not None:
            ttl = self._settings.store_session_ttl
            self._tell(2, f"the lock ends by itself within {ttl} s: {why}")


def _leave(gateway: Gateway, lease: int) -> None:
    try:
        gateway.call(etcd.REVOKE, {"ID": lease}, monotonic() + _LEAVE, patient=False)
    except (Refused, FlomError, Cancelled):
        pass  # it ends by itself
    finally:
        gateway.close()


def _understood(settings: Settings) -> Name:
    name = parse(raw(settings.resource_name))
    if name is None:
        text = f"{quoted(settings.resource_name)} is no name of a resource"
        raise FlomError(RC_INVALID_RESOURCE_NAME, text)
    if name.kind == TIMESTAMP:
        try:
            Ticks(name.pattern.decode("ascii"))
        except ValueError as error:
            failure = FlomError(RC_INVALID_TIMESTAMP_FORMAT, str(error))
            failure.advice = "does the format tell the time of day, as in _t_%T[1]?"
            raise failure from None
    return name


def _grace(settings: Settings) -> float:
    """Seconds that are left to let a lock go when it is lost, before others can get it."""
    if settings.on_lost not in (None, "term"):
        return 0.0
    # More would end commands because of interruptions that the lease outlives.
    return min(settings.kill_after / 1000, settings.store_session_ttl / 3)


def _strange(target: url.Target, error: ValueError) -> FlomError:
    failure = FlomError(RC_PROTOCOL_ERROR, f"the store at {target} is not as expected: {error}")
    failure.advice = "if something else writes below this prefix, choose another one, see --store"
    return failure


def _no_session() -> FlomError:
    return FlomError(RC_SEND_ERROR, "there is no session in the store")


def _lost() -> FlomError:
    return FlomError(
        RC_SEND_ERROR,
        "the lock was lost: the store was not heard of in time, or has ended the session; somebody"
        " else may have locked the resource meanwhile",
    )


def _wall() -> int:
    return time_ns() // 1000
