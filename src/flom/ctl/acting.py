"""The commands that act: `release`, `hold`, `shutdown`."""

import signal
import sys
from select import POLLRDHUP, poll
from typing import TYPE_CHECKING

import click

from flom.client import blocking
from flom.client.endpoint import written
from flom.client.stopping import shut_down
from flom.ctl import views
from flom.ctl.asking import Keeper, connected
from flom.ctl.commands import Call, command, resource
from flom.ctl.main import EXIT_NO
from flom.ctl.output import Row, printable, tell, visible
from flom.ctl.rows import FORCE, HOLD, HOLDER, QUIESCE, TIMEOUT
from flom.engine import NO_DAEMON
from flom.errors import (
    EXIT_BUSY,
    EXIT_OK,
    NOT_LOCKED,
    RC_INVALID_OPTION,
    RC_OBJ_NOT_FOUND_ERROR,
    ConfigError,
    FlomError,
    UsageError,
)
from flom.values import MODE_NAMES, raw

if TYPE_CHECKING:
    from flom.store.lock import Lock as StoreLock


@command(HOLDER, FORCE, TIMEOUT, arguments=[resource()])
def release(call: Call, resource: str) -> int:
    """Break the locks of RESOURCE, all or that of one holder.

    Its holders are told that their lock is lost; the commands they run go on, without protection.
    Asks first, unless forced. Exit status 1: nobody holds it, or it shall be kept.
    """
    holder = call.values[HOLDER.attr]
    with connected(call) as keeper:
        chosen = [holder] if call.flag(FORCE) else _agreed(keeper, resource, holder)
        if chosen is None:
            return EXIT_NO
        rows = [row for one in chosen for row in _broken(keeper, resource, one)]
    if call.output.json:
        call.output.value(rows)
    elif rows:
        call.output.grid(views.broken(rows))
    elif holder is None:
        call.output.text(f"nobody holds {visible(resource)}\n")
    else:
        call.output.text(f"{visible(resource)} has no holder {holder} (see flomctl show)\n")
    return EXIT_OK if rows else EXIT_NO


def _broken(keeper: Keeper, resource: str, holder: object) -> list[Row]:
    """The claims that were broken: of one holder, or of all; [] if there is none any more."""
    words = {} if holder is None else {"holder": str(holder)}
    try:
        return list(keeper.ask("break", name=raw(resource), **words))
    except FlomError as error:
        if error.rc != RC_OBJ_NOT_FOUND_ERROR:
            raise
        return []


def _agreed(keeper: Keeper, resource: str, holder: object) -> list[object] | None:
    """The holders whose locks the operator wants to break, having seen them; None: he does not.

    Whoever gets the lock while he reads keeps it.
    """
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked whether to break the lock (give --force)")
    shown: list[object] = []
    for row in keeper.ask("queue", name=raw(resource)):
        claims = views.claims(row.get("holders"))
        if held := [claim for claim in claims if holder in (None, claim["id"])]:
            shown += [claim["id"] for claim in held]
            seen = views.summary(row) + views.queue({**row, "holders": held}).plain()
            click.echo(seen, nl=False, err=True)
    return shown if not shown or click.confirm("Break the lock?", err=True) else None


@command(*HOLD, arguments=[resource()])
def hold(call: Call, resource: str) -> int:
    """Take a lock of RESOURCE as flom does, and keep it until Ctrl-C or SIGTERM.

    Exit status 96 and 98 are those of flom; 99: the lock was lost.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    lock = _lock(call, ["flomctl", "hold", resource])
    held = False
    try:
        lock.connect()
        element = lock.acquire()
        held = True
        _say_held(call, resource, element)
        _await_loss(lock)
    except FlomError as error:
        return _not_held(call, error)
    except KeyboardInterrupt:
        if not held:
            lock.close()
            raise
    lock.release(rollback=False)
    return EXIT_OK


def _lock(call: Call, argv: list[str]) -> "blocking.Lock | StoreLock":
    if call.settings.store_url is None:
        return blocking.Lock(call.settings, tell, argv)
    from flom.store.lock import Lock

    return Lock(call.settings, tell, argv)


def _say_held(call: Call, resource: str, element: str | None) -> None:
    if call.output.json:
        mode = MODE_NAMES[call.settings.lock_mode]
        call.output.value({"held": resource, "mode": mode, "element": element})
    else:
        given = f" ({visible(element)})" if element is not None else ""
        call.output.text(f"holding {visible(resource)}{given}; Ctrl-C gives it back\n")


def _await_loss(lock: "blocking.Lock | StoreLock") -> None:
    """Returns when the lock is lost, which may be never."""
    look = poll()
    look.register(lock.fileno(), POLLRDHUP)
    look.poll()


def _not_held(call: Call, error: FlomError) -> int:
    status = NOT_LOCKED.get(error.rc)
    if status is None:
        raise error
    print(f"flomctl: {printable(error.text)} [ret_cod={error.rc}]", file=sys.stderr)
    return call.settings.conflict_exit_code if status == EXIT_BUSY else status


@command(QUIESCE, TIMEOUT)
def shutdown(call: Call) -> int:
    """End the daemon at once: who waits gets an error, who holds loses the protection.

    With --quiesce it ends when nobody holds or waits any more.
    """
    if call.settings.store_url is not None:
        raise ConfigError(RC_INVALID_OPTION, NO_DAEMON)
    immediate = not call.flag(QUIESCE)
    limit = call.number(TIMEOUT) / 1000
    # A daemon of the reference lets a quiesce unanswered, which need not be waited out.
    patience = {"patience": limit} if immediate else {}
    ended = shut_down(call.settings, immediate=immediate, tell=tell, limit=limit, **patience)
    endpoint = written(call.settings)
    if call.output.json:
        call.output.value({"endpoint": endpoint, "immediate": immediate, "taken": ended})
    elif immediate:
        call.output.text(f"{visible(endpoint)}: the daemon has ended\n")
    elif ended:
        call.output.text(f"{visible(endpoint)}: the daemon ends when its last client has gone\n")
    else:
        call.output.text(f"{visible(endpoint)}: the daemon was told, and says nothing\n")
    return EXIT_OK
