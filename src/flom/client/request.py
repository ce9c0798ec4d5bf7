"""What a program asks for, and of whom: the settings behind every lock of both faces."""

import inspect
import math
import operator
import os
import sys
import warnings
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Generic, TypeVar

from flom.client.credentials import Tls
from flom.client.endpoint import aim, place_of_store, written
from flom.client.failures import ConnectError, InvalidRequest, LockError, failure
from flom.client.holders import Occupied
from flom.client.mode import Mode
from flom.errors import RC_INVALID_OPTION, RC_SOCKET_ERROR, ConfigError, FlomError
from flom.settings import Settings, load
from flom.values import (
    INT_MAX,
    MODAL_KINDS,
    TEXT_RULES,
    quoted,
    resource_kind,
    working_directory,
)

Seconds = float | timedelta
L = TypeVar("L")
H = TypeVar("H")


class BaseClient(Generic[L, H]):
    """Where the daemon is and how to talk to it; shared by `Client` and `aio.Client`."""

    __slots__ = ("_cwd", "_endpoint", "_password", "_settings", "_start_daemon", "_tls", "_user")

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        tls: Tls | None = None,
        start_daemon: bool | None = None,
        user: str | None = None,
        password: str | None = None,
    ) -> None:
        """`endpoint`: `unix://PATH`, `tcp://HOST:PORT` or `discover://GROUP:PORT` of a daemon,
        `etcd://HOST:PORT,HOST:PORT/PREFIX` of a store; None: the one of the configuration files,
        without one the default socket, as for the command.

        tls: what to speak TLS with; None: what the files say. start_daemon: whether to start one
        when none answers; None: only at a UNIX socket. user, password: who this is to a store;
        None: what the files say. All the rest comes from /etc/flom.conf and ~/.flom, which are
        read once, for the first lock. Relative paths start at the directory where the program is
        now.
        Raises InvalidRequest for an endpoint that cannot be understood or does not go with the
        rest, TypeError for what is none.
        """
        if not isinstance(endpoint, str | None):
            raise _unexpected("endpoint", "a str", endpoint)
        if not isinstance(tls, Tls | None):
            raise _unexpected("tls", "a flom.Tls", tls)
        self._cwd = working_directory()
        self._endpoint = endpoint
        self._tls = tls
        self._start_daemon = start_daemon
        self._user = user
        self._password = password
        self._settings: Settings | None = None
        if endpoint is not None:
            try:
                self._aim(Settings())
            except ConfigError as error:
                raise failure(error, InvalidRequest) from None

    def __repr__(self) -> str:
        given = [] if self._endpoint is None else [repr(self._endpoint)]
        given += [] if self._tls is None else [f"tls={self._tls}"]
        given += [] if self._start_daemon is None else [f"start_daemon={self._start_daemon}"]
        given += [] if self._user is None else [f"user={self._user!r}"]
        given += [] if self._password is None else ["password=..."]
        return f"{type(self).__name__}({', '.join(given)})"

    def lock(
        self,
        resource: str,
        *,
        mode: Mode = Mode.EX,
        timeout: Seconds | None = None,
        quantity: int = 1,
        create: bool = True,
        idle_lifespan: Seconds = 0,
        commit_on_error: bool = False,
        raise_lost: bool = True,
        on_lost: Callable[[H], object] | None = None,
    ) -> L:
        """A lock of `resource`; nothing is asked for until it is entered or acquired.

        mode: how a simple or hierarchical resource is shared. timeout: seconds for everything,
        connecting and a daemon's start included; None waits, 0 does not. quantity: how much of a
        numeric resource. create: make the resource if it does not exist; False waits for it.
        idle_lifespan: seconds for which the resource outlives its last user.
        commit_on_error: keep the value of a transactional sequence when the block raises.
        raise_lost: whether the end of the block raises LockLost if the daemon went away; on_lost
        is called with the lock when that happens, by a thread that watches for it, in asyncio by
        the event loop.
        Raises InvalidRequest.
        """
        if not isinstance(resource, str):
            raise _unexpected("resource", "a str", resource)
        if on_lost is not None and (not callable(on_lost) or inspect.iscoroutinefunction(on_lost)):
            raise _unexpected("on_lost", "a function that is no coroutine function", on_lost)
        settings = self._asked(resource, mode, timeout, quantity, create, idle_lifespan)
        return self._lock(Request(settings, commit_on_error, raise_lost), on_lost)

    locked = lock

    def _lock(self, request: "Request", on_lost: Callable[[H], object] | None) -> L:
        """The lock, for one face."""
        raise NotImplementedError

    def _asked(
        self,
        resource: str,
        mode: Mode,
        timeout: Seconds | None,
        quantity: int,
        create: bool,
        idle_lifespan: Seconds,
    ) -> Settings:
        try:
            settings = (self._settings or self._load()).copy()
            settings.resource_name = _name(resource)
            settings.lock_mode = _mode(mode)
            settings.resource_timeout = -1 if timeout is None else _milliseconds("timeout", timeout)
            settings.resource_quantity = _whole("quantity", quantity)
            settings.resource_create = bool(create)
            settings.resource_idle_lifespan = _milliseconds("idle_lifespan", idle_lifespan)
            _fits_kind(settings)
        except ConfigError as error:
            refusal = failure(error, InvalidRequest)
            refusal.resource = resource
            raise refusal from None
        return settings

    def _load(self) -> Settings:
        settings = load((), os.environ, working_directory(), _warn)
        self._aim(settings)
        if self._tls is not None:
            self._tls.apply(settings, self._cwd)
        settings.check(_warn)
        starts = self._start_daemon
        if not (settings.socket_name if starts is None else starts):
            settings.daemon_lifespan = 0
        self._settings = settings
        return settings

    def _aim(self, settings: Settings) -> None:
        """Point the settings at the daemon or the store, and say who asks there."""
        if self._endpoint is not None:
            aim(settings, self._endpoint, self._cwd)
        elif settings.store_url:
            settings.store_url = place_of_store(settings.store_url)
        named = self._user is not None or self._password is not None
        if settings.store_url is None:
            if named:
                raise _bad("user and password are for a store (give tls to prove who asks)")
        elif self._start_daemon is not None:
            raise _bad("start_daemon: a store needs no daemon (leave it out)")
        elif named:
            settings.store_user = self._user
            settings.store_password = self._password
            settings.store_password_file = None


class Request:
    """One lock as it is asked for: what, of whom, and what to do in the end."""

    __slots__ = ("commit_on_error", "endpoint", "mode", "raise_lost", "settings")

    def __init__(self, settings: Settings, commit_on_error: bool, raise_lost: bool) -> None:
        self.settings = settings
        self.mode = Mode(settings.lock_mode)
        self.endpoint = written(settings)
        self.commit_on_error = commit_on_error
        self.raise_lost = raise_lost

    def __str__(self) -> str:
        return f"{self.settings.resource_name!r} {self.mode} at {self.endpoint}"

    def failure(self, error: FlomError, otherwise: type[LockError], begun: float) -> LockError:
        """The error to raise for one of the engine's, with what is known here."""
        told = failure(error, otherwise)
        told.resource = self.settings.resource_name
        told.mode = self.mode
        told.endpoint = self.endpoint
        told.waited = monotonic() - begun
        if isinstance(error, Occupied):
            told.holders = error.holders
        return told

    def shortage(self, error: OSError, begun: float) -> LockError:
        """The error to raise when the system gives no descriptor, or the like."""
        cause = FlomError(RC_SOCKET_ERROR, f"the system refuses: {error.strerror or error}")
        cause.advice = "check the limits of this process, see `ulimit -a`"
        return self.failure(cause, ConnectError, begun)

    def program(self) -> list[str]:
        """What runs under the lock, for the daemon to show."""
        return getattr(sys, "argv", [])  # an interpreter inside another program has none

    def tell(self, stream: int, text: str) -> None:
        """Take the news of a search by multicast; only warnings matter to a program."""
        if stream == 2:
            _warn(text)


def _fits_kind(settings: Settings) -> None:
    name = quoted(settings.resource_name)
    kind = resource_kind(settings.resource_name)
    if settings.lock_mode != Mode.EX and kind not in MODAL_KINDS:
        raise _bad(f"{name} is a {kind} resource: it knows no mode but EX")
    if settings.resource_quantity != 1 and kind != "numeric":
        raise _bad(f"{name} is a {kind} resource: it has no quantity")
    if not 1 <= settings.resource_quantity <= INT_MAX:
        raise _bad(f"quantity: expected a number from 1 to {INT_MAX}")


def _name(resource: str) -> str:
    try:
        return str(TEXT_RULES["name"](resource, ""))
    except UnicodeEncodeError:
        raise _bad("not a valid resource name; it has characters that cannot be written") from None


def _mode(mode: Mode) -> int:
    try:
        return int(Mode(mode))
    except ValueError:
        raise _bad(f"mode: expected one of flom.{', '.join(Mode.__members__)}") from None


def _milliseconds(what: str, seconds: Seconds) -> int:
    """Rounded up: only 0 is "not at all"."""
    number = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
    try:
        fits = 0 <= number * 1000 <= INT_MAX
    except TypeError:
        raise _unexpected(what, "a number of seconds or a timedelta", seconds) from None
    if not fits:
        raise _bad(f"{what}: expected seconds from 0 to {INT_MAX // 1000}")
    return math.ceil(number * 1000)


def _whole(what: str, number: int) -> int:
    try:
        return int(operator.index(number))
    except TypeError:
        raise _unexpected(what, "an int", number) from None


def _unexpected(what: str, expected: str, value: object) -> TypeError:
    return TypeError(f"{what}: expected {expected}, not {value!r}")


def _bad(why: str) -> ConfigError:
    return ConfigError(RC_INVALID_OPTION, why)


def _warn(text: str) -> None:
    warnings.warn(f"flom: {text}", RuntimeWarning, stacklevel=2)
