"""Becoming a daemon: who may start one, detaching, handing over the listening socket.

The `flom` command forks itself; a program that imports flom has that done by a fresh interpreter
(fresh.py). The starter makes the listening socket itself and gives it to the daemon it forks. So
readiness is exact without any message between the two: from the moment the socket listens, the
kernel keeps the starter's connection until the daemon accepts it (daemon.md 4.1).
"""

import gc
import posix
from time import monotonic

from flom import signals, trace
from flom.daemon.terms import Terms
from flom.errors import (
    RC_BIND_ERROR,
    RC_FORK_ERROR,
    RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR,
    FlomError,
)
from flom.log import DAEMON, SystemLog
from flom.net.address import TcpEndpoint
from flom.net.listen import Listener, listen_tcp, listen_unix
from flom.net.unix import UnixEndpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NoReturn

    from flom.daemon.streamlog import StreamLog
    from flom.daemon.vfs.start import Mounting
    from flom.net.discovery import GroupEndpoint
    from flom.net.tls import Identity
    from flom.settings import Settings

    Endpoint = UnixEndpoint | TcpEndpoint | GroupEndpoint
    Warn = Callable[[str], None]

# The record of the system log that says that the state is not shown as files.
NOT_MOUNTED = "FLM120W"


def identity(settings: "Settings") -> "Identity | None":
    """The TLS files of a daemon, None if it is to speak plainly.

    To be called before anything listens: raises FlomError when they cannot be used, and then no
    daemon starts (daemon.md 11.1, F24).
    """
    if not settings.tls:
        return None
    from flom.net.tls import Identity

    try:
        return Identity(settings, server=True)
    except FlomError as error:
        if error.rc == RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR:
            SystemLog(DAEMON, pid=True).record("FLM018E", error.text)
        raise


def listen(endpoint: "Endpoint", settings: "Settings") -> Listener:
    """The listening socket for a daemon at `endpoint`, a member of the multicast group if any.

    Raises flom.net.listen.Taken when somebody else serves or starts there, FlomError for every
    other failure (daemon.md 3, "start results").
    """
    if isinstance(endpoint, UnixEndpoint):
        try:
            return listen_unix(endpoint, settings.socket_mode)
        except FlomError as error:
            if error.rc == RC_BIND_ERROR:
                SystemLog(DAEMON, pid=True).record("FLM019E", error.text)
            raise
    if isinstance(endpoint, TcpEndpoint):
        listener = listen_tcp(endpoint)
    else:
        from flom.net.discovery import WILDCARDS, resolve_group

        family = resolve_group(endpoint)[0].family
        listener = listen_tcp(TcpEndpoint(WILDCARDS[family], 0))
    join(listener, settings)
    return listener


def join(listener: Listener, settings: "Settings") -> None:
    """Let the daemon on `listener` be found in the multicast group of the settings, if any.

    Raises FlomError when that is impossible; the listener is closed then (daemon.md 9.4).
    """
    if not settings.multicast_address or listener.is_unix:
        return
    from flom.net.discovery import GroupEndpoint, answering, resolve_group

    group = GroupEndpoint(
        settings.multicast_address, settings.multicast_port, settings.network_interface or ""
    )
    try:
        listener.discovery = answering(resolve_group(group), listener.sock.family)
    except FlomError:
        listener.close()
        raise


def start(
    endpoint: "Endpoint", settings: "Settings", deadline: float, warn: "Warn | None" = None
) -> str:
    """Start a daemon at `endpoint`; when this returns, connections are accepted.

    A process that may not be forked has a fresh interpreter do it, and waits for it until
    `deadline` (monotonic seconds) at most. Returns the place where the daemon listens: the path,
    or `address/port`; `warn` is told what does not work although there is a daemon. Raises like
    `listen`, FlomError -109 when no process can be made, 9 when the time is over.
    """
    if not settings.may_fork:
        from flom.daemon import fresh

        return fresh.start(endpoint, settings, deadline, warn)
    return fork(endpoint, settings, deadline, warn)


def fork(
    endpoint: "Endpoint", settings: "Settings", deadline: float, warn: "Warn | None" = None
) -> str:
    """What `start` does, by a fork of this process: for one without threads."""
    files = identity(settings)
    listener = trace.told(
        trace.DAEMON, f"flom_daemon: listen at {endpoint}", listen, endpoint, settings
    )
    mounting = mounting_of(settings)
    try:
        _make_daemon(listener, settings, files, mounting)
    except FlomError:
        listener.close()
        if mounting is not None:
            mounting.close()
        raise
    listener.forget()
    if mounting is not None:
        mounting.daemons_end.close()
        # Half of the time that is left: the other half is for the lock.
        failure = mounting.mount((monotonic() + deadline) / 2)
        if failure:
            SystemLog(DAEMON, pid=True).record(NOT_MOUNTED, failure)
            if warn is not None:
                warn(failure)
    return listener.place


def _make_daemon(
    listener: Listener,
    settings: "Settings",
    files: "Identity | None",
    mounting: "Mounting | None",
) -> None:
    try:
        helper = posix.fork()
    except OSError as error:
        raise FlomError(RC_FORK_ERROR, f"cannot start a daemon: {error.strerror}") from None
    if helper == 0:
        _detach(listener, settings, files, mounting)
    _, status = posix.waitpid(helper, 0)
    if status != 0:
        raise FlomError(RC_FORK_ERROR, "cannot start a daemon: no further process can be made")


def mounting_of(settings: "Settings") -> "Mounting | None":
    """What has to be mounted for a daemon with these settings, if anything (daemon.md 13)."""
    if not settings.mount_point_vfs:
        return None
    from flom.daemon.vfs.start import Mounting

    return Mounting(settings.mount_point_vfs)


def serve(
    listener: Listener,
    settings: "Settings",
    files: "Identity | None",
    mounting: "Mounting | None",
    *,
    foreground: bool = False,
) -> None:
    """Be the daemon on `listener` until it ends (both the detached one and `flomctl daemon`).

    `files` is what `identity` has returned, `mounting` what `mounting_of` has.
    """
    from flom.daemon.lifecycle import Daemon
    from flom.daemon.limits import Limits, raise_descriptor_limit
    from flom.machine import unique_id
    from flom.net.options import keepalive_of

    log = _log_of(foreground)
    _open_trace(settings, log)
    guard = None
    if files is not None:
        from flom.daemon.secure import Guard

        guard = Guard(files, log, check_peer_id=settings.tls_check_peer_id)
    gate = None
    if settings.access:
        from flom.daemon.gate import Gate

        gate = Gate(settings.access, log)
    raise_descriptor_limit()
    daemon = Daemon(
        listener,
        log,
        Terms(Limits(settings), unique_id(), keepalive_of(settings), guard, gate),
        lifespan=settings.daemon_lifespan,
        patience=settings.queue_patience,
        mounting=mounting,
    )
    daemon.run()


def _log_of(foreground: bool) -> "SystemLog | StreamLog":
    if not foreground:
        return SystemLog(DAEMON, pid=True)
    from flom.daemon.streamlog import StreamLog

    return StreamLog()


def _open_trace(settings: "Settings", log: "StreamLog | SystemLog") -> None:
    """Go on in the file of `-t`; a daemon that cannot open it runs without trace (cli.md CF-25)."""
    path = settings.daemon_trace_file
    if path is not None and not trace.open_file(path, settings.append_trace_file):
        trace.stop()
        log.record("FLM100W", f"no trace: the file '{path}' cannot be opened (check -t)")


def _detach(
    listener: Listener,
    settings: "Settings",
    files: "Identity | None",
    mounting: "Mounting | None",
) -> "NoReturn":
    """The helper: leave the session, fork the daemon, tell by the exit status how that went."""
    status = 1
    try:
        posix.setsid()
        pid = posix.fork()
        if pid == 0:
            _be_daemon(listener, settings, files, mounting)
        if trace.mask & trace.DAEMON:
            trace.record(f"flom_daemon: started as process {pid}")
        status = 0
    finally:
        # Never back into the starter's code, whatever happened.
        posix._exit(status)


def _be_daemon(
    listener: Listener,
    settings: "Settings",
    files: "Identity | None",
    mounting: "Mounting | None",
) -> "NoReturn":
    status = 1
    try:
        posix.chdir("/")
        posix.umask(0)
        if settings.daemon_trace_file is None:
            trace.stop()
        trace.close()
        _redirect_standard_streams()
        kept = {0, 1, 2, listener.sock.fileno(), listener.lock}
        if listener.discovery is not None:
            kept.add(listener.discovery.sock.fileno())
        if mounting is not None:
            kept.add(mounting.daemons_end.fileno())
        close_others(kept)
        _reset_signals()
        # What is there by now stays; to look at it would copy the memory shared with the starter.
        gc.freeze()
        gc.enable()
        serve(listener, settings, files, mounting)
        status = 0
    finally:
        # Whatever happened: no traceback at anybody, and not back into the starter's code.
        posix._exit(status)


def _redirect_standard_streams() -> None:
    null = posix.open("/dev/null", posix.O_RDWR)
    for descriptor in (0, 1, 2):
        posix.dup2(null, descriptor)
    if null > 2:
        posix.close(null)


def close_others(kept: set[int]) -> None:
    """Close every descriptor but these."""
    for descriptor in _open_descriptors():
        if descriptor not in kept:
            try:
                posix.close(descriptor)
            except OSError:
                pass  # the one that listed the directory


def _open_descriptors() -> "Iterable[int]":
    # Asked of the system, not counted up to the limit: the limit may have been lowered since.
    try:
        return map(int, posix.listdir("/proc/self/fd"))
    except OSError:
        return range(posix.sysconf("SC_OPEN_MAX"))  # a place without /proc


def _reset_signals() -> None:
    signals.signal(signals.SIGHUP, signals.SIG_IGN)
    signals.signal(signals.SIGPIPE, signals.SIG_IGN)
    signals.pthread_sigmask(signals.SIG_SETMASK, (signals.SIGTERM, signals.SIGINT))
