"""The part of `flom --check` that looks at a store. Loaded only where there is one."""

from flom.cli.check import failure
from flom.client.probe import harmless
from flom.client.reach import silent
from flom.errors import RC_LOCK_CANT_WAIT, FlomError
from flom.store import lock as store_lock
from flom.values import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.cli.check import Report
    from flom.settings import Settings


def look_at(report: "Report", settings: "Settings") -> None:
    """Ask the store for a lock that does not exist: is it there, and may this user lock in it?"""
    user = "" if settings.store_user is None else f" to user {quoted(settings.store_user)}"
    try:
        _ask(settings)
    except FlomError as error:
        report.problem("store", failure(error))
    else:
        report.fine("store", f"{settings.store_url} answers{user}")


def _ask(settings: "Settings") -> None:
    lock = store_lock.Lock(harmless(settings), silent)
    try:
        lock.connect()
        lock.acquire()
    except FlomError as error:
        if error.rc != RC_LOCK_CANT_WAIT:
            raise
    finally:
        lock.close()
