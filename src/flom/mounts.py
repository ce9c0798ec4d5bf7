"""What is mounted where, as far as it is ours: a daemon's state as files (daemon.md 13)."""

import errno
import posix

TABLE = "/proc/self/mountinfo"
FSTYPE = b"fuse.flom"
# What frees a directory, which is its last word.
UNMOUNT = ("fusermount3", "-u", "-z")


def is_ours(directory: str, table: str = TABLE) -> bool:
    """Whether a daemon's state is, or was, shown in `directory`, an absolute path.

    It is also told of one that stayed behind when its process was killed.
    """
    import posixpath

    path = posixpath.realpath(directory).encode("utf-8", "surrogateescape")
    try:
        with open(table, "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return False
    # The last one at a place covers those before it.
    found = [line for line in lines if _unescaped(line.split(b" ")[4]) == path]
    return bool(found) and found[-1].partition(b" - ")[2].startswith(FSTYPE + b" ")


def is_dead(directory: str) -> bool:
    """Whether what is mounted at `directory` has lost its process."""
    try:
        posix.stat(directory)
    except OSError as error:
        return error.errno == errno.ENOTCONN
    return False


def _unescaped(field: bytes) -> bytes:
    r"""Blanks and the like stand as `\040` in the table."""
    first, *others = field.split(b"\\")
    return first + b"".join(bytes([int(part[:3], 8)]) + part[3:] for part in others)
