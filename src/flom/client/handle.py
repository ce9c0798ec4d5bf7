"""The lock a program holds: what both faces know of it, and who may give it back."""

import os
import warnings
from time import monotonic
from typing import Generic, Protocol, Self, TypeVar
from weakref import WeakSet, ref

from flom.client.failures import LockError, LockLost
from flom.client.request import Request
from flom.client.session import variables
from flom.client.watch import Watcher, ended
from flom.errors import FlomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from flom.store.session import Session


class Engine(Protocol):
    """One lock at a daemon or in a store, of either shell."""

    @property
    def sessions(self) -> str:
        """What a command that runs under the lock finds in FLOM_SESSION."""

    @property
    def token(self) -> int | None:
        """The fencing token of the grant, None if it has none."""

    @property
    def lease(self) -> "Session | None":
        """What keeps a lock in a store, None for one at a daemon."""

    def fileno(self) -> int:
        """The descriptor of the connection, -1 without one."""

    def close(self) -> None:
        """Leave the daemon or the store."""


class Blocking(Engine, Protocol):
    """One for programs that wait."""

    def connect(self) -> None:
        """Reach the daemon or the store."""

    def acquire(self) -> str | None:
        """Ask for the lock and wait for it; returns the element granted, if there is any."""

    def release(self, rollback: bool) -> None:
        """Give the lock back; raises FlomError when it was lost."""


class Awaited(Engine, Protocol):
    """One for asyncio: the methods of `Blocking`, awaited."""

    async def connect(self) -> None:
        """As `Blocking.connect`."""

    async def acquire(self) -> str | None:
        """As `Blocking.acquire`."""

    async def release(self, rollback: bool) -> None:
        """As `Blocking.release`."""


# Every connection of this process, as long as somebody uses it.
_engines: "WeakSet[Engine]" = WeakSet()
_watchers: list[Watcher] = []


def _forget_parent() -> None:
    """In a child of fork: what the parent holds is the parent's, and ends when it lets go.

    Closing a copy of a connection ends nothing, but a copy left open would keep the lock after
    the parent's death.
    """
    for engine in list(_engines):
        engine.close()
    for watcher in _watchers:
        watcher.abandon()
    _watchers.clear()


os.register_at_fork(after_in_child=_forget_parent)


def watcher() -> Watcher:
    """The watcher of this process, started when it is first needed."""
    if not _watchers:
        _watchers.append(Watcher())
    return _watchers[0]


E = TypeVar("E", bound=Engine)


class BaseHeld(Generic[E]):
    """A lock that is held; shared by `Held` and `aio.Held`.

    `resource`, `mode`, `quantity` and `endpoint` say what is held; `element` is what a set, a
    sequence or a timestamp gave, None otherwise; `waited` is how many seconds it took. `token`
    is the fencing token, higher than those of all who held the resource before; None if the daemon
    tells none.
    """

    def __init__(
        self, engine: E, request: Request, element: str | None, begun: float,
        on_lost: "Callable[[Self], object] | None",
    ) -> None:  # fmt: skip
        self.resource = request.settings.resource_name
        self.mode = request.mode
        self.quantity = request.settings.resource_quantity
        self.endpoint = request.endpoint
        self.element = element
        self.token = engine.token
        self.waited = monotonic() - begun
        self._begun = begun
        self._request = request
        self._engine = engine
        self._on_lost = on_lost
        self._pid = os.getpid()
        self._lost = False
        # Taken out by whoever releases, and by whoever tells of the loss: once, in any thread.
        self._release_token = [None]
        self._loss_token = [None]
        watch = _weakly(self)
        if on_lost is not None:
            watcher().add(engine.fileno(), watch)
        self._watch = watch

    def __del__(self) -> None:
        # Not there: the constructor did not come to its end.
        if self.__dict__.get("_watch") is not None and self._leaves():
            text = f"flom: {self._request} was dropped without a release"
            warnings.warn(text, ResourceWarning, stacklevel=2, source=self)
            self._engine.close()

    @property
    def lost(self) -> bool:
        """Whether the daemon, or an operator, has ended the lock: others may have it by now."""
        return self._lost or self._look()

    def environ(self) -> dict[str, str]:
        """The variables that `flom` sets for a command (`FLOM_RESOURCE` ...), for a subprocess."""
        sessions = self._engine.sessions
        return variables(self._request.settings, self.element, self.token, sessions)

    def _look(self) -> bool:
        descriptor = self._engine.fileno()
        # Looked at before and after: a release in another thread ends the connection as well.
        over = self._release_token and descriptor >= 0 and self._is_over(descriptor)
        if over and self._release_token:
            self._found_lost()
        return self._lost

    def _is_over(self, descriptor: int) -> bool:
        lease = self._engine.lease
        # Who was stopped reads the clock before the thread that would close the descriptor does.
        return ended(descriptor) or (lease is not None and lease.state == "lost")

    def _found_lost(self: Self) -> None:
        self._lost = True
        try:
            self._loss_token.pop()
        except IndexError:
            return
        if self._on_lost is not None:
            self._tell(self._on_lost)

    def _tell(self: Self, on_lost: "Callable[[Self], object]") -> None:
        """Call the function that the program gave for the loss."""
        on_lost(self)

    def _leaves(self) -> bool:
        """Whether the caller is the one who has to give the lock back."""
        if self._pid != os.getpid():
            return False
        try:
            self._release_token.pop()
        except IndexError:
            return False
        if _watchers:
            _watchers[0].remove(self._engine.fileno(), self._watch)
        return True

    def _loss(self, error: FlomError) -> LockError:
        self._found_lost()
        return self._request.failure(error, LockLost, self._begun)

    def _rolls_back(self, error: BaseException | None) -> bool:
        return error is not None and not self._request.commit_on_error

    def __reduce__(self) -> str:
        raise TypeError("a lock that is held cannot be copied or pickled; it has one holder")

    def __repr__(self) -> str:
        element = f", element {self.element!r}" if self.element is not None else ""
        state = ", lost" if self._lost else "" if self._release_token else ", released"
        return f"<Held {self._request}{element}{state}>"


def _weakly(held: BaseHeld[E]) -> "Callable[[], object]":
    """A look at a lock that the program may drop meanwhile."""
    known = ref(held)

    def look() -> None:
        if (held := known()) is not None:
            held._look()

    return look


Owner = TypeVar("Owner")
H = TypeVar("H")


class Entered(Generic[Owner, H]):
    """The locks entered by `with`, each to be left by the thread or task that entered it.

    has_ended: whether a thread or task has.
    """

    __slots__ = ("_entries", "_has_ended")

    def __init__(self, has_ended: "Callable[[Owner], bool]") -> None:
        self._entries: list[tuple[Owner, H]] = []
        self._has_ended = has_ended

    def push(self, owner: Owner, held: H) -> None:
        """Remember what the owner entered."""
        self._entries.append((owner, held))

    def pop(self, owner: Owner) -> H:
        """What the owner entered last; else what was entered by one that has ended, or by any.

        A fixture may be left by another task than entered it.
        """
        entries = list(self._entries)
        mine = [entry for entry in entries if entry[0] is owner]
        orphans = mine or [entry for entry in entries if self._has_ended(entry[0])]
        entry = (orphans or entries)[-1]
        self._entries.remove(entry)
        return entry[1]


def enlist(engine: Engine) -> None:
    """Let a child of fork close its copy of the engine's connection."""
    _engines.add(engine)
