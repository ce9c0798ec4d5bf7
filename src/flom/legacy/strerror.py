"""Texts of the return codes (api.md 12)."""

from flom.errors import (
    RC_ACCEPT_ERROR,
    RC_MALLOC_ERROR,
    RC_SNPRINTF_ERROR,
    RC_WRITE_ERROR,
    describe,
    symbol,
)
from flom.legacy.handle import integer

_FUNCTIONS = range(RC_WRITE_ERROR, RC_ACCEPT_ERROR + 1)
_WITH_OWN_TEXT = (RC_MALLOC_ERROR, RC_SNPRINTF_ERROR)


def flom_strerror(ret_cod: int) -> str:
    """The text of a return code: its class, a colon, a blank, what it means.

    Raises TypeError or OverflowError for what is no int of C.
    """
    rc = integer(ret_cod)
    return f"{_class(rc)}: {_meaning(rc)}"


def _class(rc: int) -> str:
    if rc == 0:
        return "OK"
    if 1 <= rc <= 6:
        return "INFO"
    return "WARNING" if 7 <= rc <= 13 else "ERROR"


def _meaning(rc: int) -> str:
    if rc in _FUNCTIONS and rc not in _WITH_OWN_TEXT:
        function = symbol(rc).removesuffix("_ERROR").lower()
        return f"'{function}' function returned an error condition"
    return describe(rc)
