"""The life of a handle: init, lock, unlock, clean, and their relatives (api.md 4 to 6)."""

from flom import trace
from flom.errors import (
    RC_API_INVALID_SEQUENCE,
    RC_NULL_OBJECT,
    RC_OBJ_CORRUPTED,
    RC_OK,
    RC_RESOURCE_IS_NOT_TRANSACTIONAL,
    FlomError,
)
from flom.legacy import library
from flom.legacy.handle import (
    CLEANED,
    CONNECTED,
    DISCONNECTED,
    INIT,
    LOCKED,
    Connection,
    checked,
    flom_handle_t,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from flom.client.blocking import Lock

    Handle = flom_handle_t

# Locks end by unlock or with the process, not with the last reference to a handle (P-17).
_held: "set[Lock]" = set()


def flom_handle_init(handle: flom_handle_t | None) -> int:
    """Give the handle the defaults of the configuration files, in whatever state it is.

    A lock that it holds is forgotten, not released. Returns 0, or the code of what is wrong with
    the files.
    """
    return _called("flom_handle_init", handle, _init)


def flom_handle_clean(handle: flom_handle_t | None) -> int:
    """End the use of the handle; one that is locked is unlocked first, and stays if that fails."""
    return _called("flom_handle_clean", handle, _clean)


def flom_handle_new() -> flom_handle_t | None:
    """A new handle after `flom_handle_init`; None when the configuration files are refused."""
    handle = flom_handle_t()
    handle.thisown = False
    return handle if flom_handle_init(handle) == RC_OK else None


def flom_handle_delete(handle: flom_handle_t | None) -> None:
    """Clean the handle whatever happens; afterwards it behaves like one that is cleaned."""
    if checked(handle) is not None:
        _called("flom_handle_delete", handle, _delete)


def flom_handle_lock(handle: flom_handle_t | None) -> int:
    """Ask for the resource of the handle, and wait for it as its properties say (api.md 6).

    Returns 0 when it is locked, 4 or 9 when others hold it, 5, 6 or 3 when it cannot be had, -105
    when there is no daemon, other codes as in api.md 6.3.
    """
    return _called("flom_handle_lock", handle, _lock)


def flom_handle_unlock(handle: flom_handle_t | None) -> int:
    """Give the lock back; when this returns, others can have it. Returns 0, or -130 if lost."""
    return _called("flom_handle_unlock", handle, lambda known: _unlock(known, rollback=False))


def flom_handle_unlock_rollback(handle: flom_handle_t | None) -> int:
    """Give the lock and the value of a transactional sequence back; 12 for other resources."""
    return _called(
        "flom_handle_unlock_rollback", handle, lambda known: _unlock(known, rollback=True)
    )


def flom_handle_get_locked_element(handle: flom_handle_t) -> str | None:
    """The element of a set, the value of a sequence or the time stamp that is locked, or None."""
    if (known := checked(handle)) is None:
        raise TypeError("a flom_handle_t is needed, not None")
    return known.locked_element if known.state == LOCKED else None


def _called(name: str, handle: object, action: "Callable[[Handle], int]") -> int:
    """The result of a loading call (api.md 8)."""
    if (known := checked(handle)) is None:
        return RC_NULL_OBJECT
    code = library.load()
    if code != RC_OK:
        return code
    if not trace.mask & trace.API:
        return action(known)
    trace.record(name)
    code = action(known)
    trace.record(f"{name}/ret_cod={code}")
    return code


def _init(handle: "Handle") -> int:
    handle.conn = Connection()
    handle.config = library.defaults.copy()
    handle.locked_element = None
    handle.state = INIT
    return RC_OK


def _clean(handle: "Handle") -> int:
    if handle.state == LOCKED:
        code = _unlock(handle, rollback=False)
        if code != RC_OK:
            return code
    elif handle.state not in (INIT, DISCONNECTED):
        return RC_API_INVALID_SEQUENCE
    handle.conn = handle.config = None
    handle.state = CLEANED
    return RC_OK


def _delete(handle: "Handle") -> int:
    if handle.state == LOCKED:
        _unlock(handle, rollback=False)
    handle.conn = handle.config = None
    handle.state = CLEANED
    return RC_OK


def _lock(handle: "Handle") -> int:
    if handle.state not in (INIT, CONNECTED, DISCONNECTED):
        return RC_API_INVALID_SEQUENCE
    if handle.conn is None or handle.config is None:
        return RC_OBJ_CORRUPTED
    # Whoever only handles the properties is spared loading the client.
    from flom.legacy.locking import LockCall

    call = LockCall(handle.config)
    try:
        call.connect()
        # From here on the state tells that there was a connection. A lock that fails closes it,
        # whatever is asked next gets a new one (AF-2, AF-7, AF-8).
        handle.state = CONNECTED
        handle.locked_element = call.acquire()
    except FlomError as error:
        return error.rc
    handle.conn.lock = call.lock
    _held.add(call.lock)
    handle.state = LOCKED
    return RC_OK


def _unlock(handle: "Handle", rollback: bool) -> int:
    if handle.state not in (CONNECTED, LOCKED):
        return RC_API_INVALID_SEQUENCE
    conn, config = handle.conn, handle.config
    lock = conn.lock if conn is not None else None
    if conn is None or config is None or (handle.state == LOCKED and lock is None):
        return RC_OBJ_CORRUPTED
    transactional = str(config["resource_name"]).startswith("_S_")
    try:
        if lock is not None:
            lock.release(rollback and transactional)
    except FlomError as error:
        return error.rc
    finally:
        if lock is not None:
            _held.discard(lock)
        conn.lock = None
        handle.locked_element = None
        handle.state = DISCONNECTED
    return RC_RESOURCE_IS_NOT_TRANSACTIONAL if rollback and not transactional else RC_OK
