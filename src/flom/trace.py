"""Trace records for those who look for an error, chosen by FLOM_TRACE_MASK (cli.md 14).

A caller writes `if trace.mask & trace.CLIENT: trace.record("...")`, which costs next to nothing
while the mask is 0. Loading the module is a thousandth of a command's run.
"""

import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    Result = TypeVar("Result")

GENERIC = 0x000001
CONFIG = 0x000002
EXEC = 0x000004
CLIENT = 0x000008
DAEMON = 0x000010
CONNECTION = 0x000020
PARSER = 0x000040
MESSAGE = 0x000080
LOCKER = 0x000100
RESOURCE = 0x000200
SIMPLE = 0x000400
NUMERIC = 0x000800
SET = 0x001000
HIERARCHICAL = 0x002000
SEQUENCE = 0x004000
TIMESTAMP = 0x008000
VFS = 0x040000
API = 0x080000
DEBUG = 0x100000
TLS = 0x200000
TCP = 0x400000
ALL = 0xFFFFFFFF

CONNECTING = CLIENT | TCP  # where a connection goes is shown for either (daemon.md 9.2)
KINDS = SIMPLE | NUMERIC | SET | HIERARCHICAL | SEQUENCE | TIMESTAMP

RECORD_MAX = 1999  # bytes, the newline included

mask = 0
_descriptor = 2


def start(environ: "Mapping[str, str]") -> None:
    """Take the mask from the environment; records go to standard error from here."""
    global mask
    text = environ.get("FLOM_TRACE_MASK")
    if text:
        mask = parse_mask(text)


def parse_mask(text: str) -> int:
    """The mask a text stands for: a C integer, what follows it does not matter (C-55).

    No number is 0; a negative or too large one is every module.
    """
    from flom.values import c_prefix

    value, _ = c_prefix(text)
    if value is None:
        return 0
    return value if 0 <= value <= ALL else ALL


def open_file(path: str, append: bool) -> bool:
    """Send further records to the file `path`; False (and no change) if it cannot be opened.

    The file is made if need be (0666 and the umask) and emptied unless `append`; the command run
    under the lock does not inherit it (CF-13). What another process appends is never overwritten.
    """
    global _descriptor
    flags = posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND | posix.O_CLOEXEC | posix.O_NOCTTY
    # A pipe that nobody reads neither stops us here nor, when it is full, at a record.
    flags |= posix.O_NONBLOCK if append else posix.O_NONBLOCK | posix.O_TRUNC
    try:
        opened = posix.open(path, flags, 0o666)
    except OSError:
        return False
    close()
    _descriptor = opened
    return True


def stop() -> None:
    """Write no more records: for a daemon that has nowhere to write them (CF-25)."""
    global mask
    mask = 0
    close()


def close() -> None:
    """Leave the file: further records go to standard error."""
    global _descriptor
    if _descriptor > 2:
        posix.close(_descriptor)
    _descriptor = 2


def record(text: str) -> None:
    """Write one record, in a single write; a destination that fails loses it in silence."""
    import _thread
    from time import localtime, strftime, time_ns

    seconds, nanoseconds = divmod(time_ns(), 1_000_000_000)
    moment = strftime("%Y-%m-%d %H:%M:%S", localtime(seconds))
    origin = f"{posix.getpid()}/0x{_thread.get_ident():x}"
    line = f"{moment}.{nanoseconds // 1000:06d} [{origin}] {text}"
    data = line.encode("utf-8", "surrogateescape").replace(b"\n", b"\\n")
    try:
        posix.write(_descriptor, data[: RECORD_MAX - 1] + b"\n")
    except OSError:
        pass


def told(bits: int, what: str, call: "Callable[..., Result]", *args: object) -> "Result":
    """Make the call; where `bits` are chosen, record its begin and the return code of its end."""
    if not mask & bits:
        return call(*args)
    record(what)
    try:
        result = call(*args)
    except Exception as error:
        record(f"{what}/ret_cod={getattr(error, 'rc', -1)} ({error})")
        raise
    record(f"{what}/ret_cod=0")
    return result
