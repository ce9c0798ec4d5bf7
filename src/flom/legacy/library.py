"""What the handles of a process share: the defaults from the configuration files (api.md 8, 9).

They are read once, by the first of the loading calls; reading them again after a failure lets a
repaired file repair the process.
"""

import _thread
import os
import sys

from flom import trace
from flom.errors import (
    RC_NULL_OBJECT,
    RC_OBJ_NOT_FOUND_ERROR,
    RC_OK,
    RC_REALPATH_ERROR,
    ConfigError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.legacy.handle import Values
    from flom.settings import Settings

# What the files say, None as long as they have not been read.
settings: "Settings | None" = None
# The values that a new handle begins with; a copy for each.
defaults: "Values" = {}
# The trace file that a program has chosen for later handles, instead of that of the files.
_chosen: "Values" = {}
_mutex = _thread.RLock()


def load() -> int:
    """Read the files unless that has been done; returns 0 or the code of what is wrong.

    -5 for a bad value or combination, -125 for a TLS file that does not exist, -4 when the peer
    check is on and the host has no unique id.
    """
    if settings is not None:
        return RC_OK
    with _mutex:
        return RC_OK if settings is not None else _load()


def choose_trace(path: str | None) -> None:
    """Let later handles begin with this trace file."""
    _chosen["trace_filename"] = path
    if settings is not None:
        defaults["trace_filename"] = path


def say(stream: int, line: str) -> None:
    """A line on standard output (1) or standard error (2), wherever Python has them."""
    file = sys.stdout if stream == 1 else sys.stderr
    try:
        print(line, file=file, flush=True)
    except (OSError, ValueError):
        pass  # closed: what it said changes nothing


def _load() -> int:
    global settings
    from flom.legacy.properties import defaults_of
    from flom.settings import load as load_settings
    from flom.values import working_directory

    warnings: list[str] = []
    trace.start(os.environ)
    try:
        found = load_settings(
            (), os.environ, working_directory(), warnings.append, forgive=("network_interface",)
        )
        found.store_url = None  # its programs lock at daemons
        found.check(warnings.append)
    except ConfigError as error:
        if error.rc != RC_REALPATH_ERROR:
            say(1, f"flom: {error.text}")
        return RC_NULL_OBJECT if error.rc == RC_OBJ_NOT_FOUND_ERROR else error.rc
    if found.verbose:
        for warning in warnings:
            say(2, f"flom: {warning}")
    if found.command_trace_file is not None and not _chosen:
        trace.open_file(found.command_trace_file, found.append_trace_file)
    defaults.update(defaults_of(found), **_chosen)
    settings = found
    return RC_OK
