"""The reference's Python binding, name for name: what `from flom import *` gives (api.md).

141 constants, 49 functions and the class `flom_handle_t`, for programs that were written for the
reference; they run unchanged. Every function returns an int, a str or None, and no condition of
flom is ever raised. New programs are better off with `flom.lock`.
"""

from flom import errors
from flom.legacy import properties
from flom.legacy.calls import (
    flom_handle_clean,
    flom_handle_delete,
    flom_handle_get_locked_element,
    flom_handle_init,
    flom_handle_lock,
    flom_handle_new,
    flom_handle_unlock,
    flom_handle_unlock_rollback,
)
from flom.legacy.handle import STATES, flom_handle_t
from flom.legacy.strerror import flom_strerror

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MODES = ("NL", "CR", "CW", "PR", "PW", "EX", "N", "INVALID")


def _constants() -> "Iterator[tuple[str, int]]":
    yield from (("TRUE", 1), ("FALSE", 0))
    for symbol, rc in errors.symbols().items():
        yield f"FLOM_RC_{symbol}", rc
    for value, mode in enumerate(_MODES):
        yield f"FLOM_LOCK_MODE_{mode}", value
    for symbol, value in STATES.items():
        yield f"FLOM_HANDLE_STATE_{symbol}", value
    yield "FLOM_ES_OK", errors.EXIT_OK
    yield "FLOM_ES_REQUESTER_CANT_WAIT", errors.EXIT_CANNOT_WAIT
    yield "FLOM_ES_UNABLE_TO_EXECUTE_COMMAND", errors.EXIT_NOT_EXECUTED
    yield "FLOM_ES_RESOURCE_BUSY", errors.EXIT_BUSY
    yield "FLOM_ES_GENERIC_ERROR", errors.EXIT_FAILURE


# What `from flom import *` binds, and nothing else.
_bound = {
    **dict(_constants()),
    **properties.functions(),
    **{
        named.__name__: named
        for named in (
            flom_handle_clean,
            flom_handle_delete,
            flom_handle_get_locked_element,
            flom_handle_init,
            flom_handle_lock,
            flom_handle_new,
            flom_handle_t,
            flom_handle_unlock,
            flom_handle_unlock_rollback,
            flom_strerror,
        )
    },
}
globals().update(_bound)
__all__ = sorted(_bound)  # noqa: PLE0605  # a list, made of one table instead of written twice
