"""The unique id of this host: the D-Bus machine id (wire.md 7, cli.md 9)."""

import posix

MACHINE_ID_FILES = ("/var/lib/dbus/machine-id", "/etc/machine-id")
_DIGITS = b"0123456789abcdef"
# Ids that were found, by the files asked for: a program locks often, its host stays the same.
_known: dict[tuple[str, ...], str] = {}


def unique_id(files: tuple[str, ...] = MACHINE_ID_FILES) -> str:
    """32 lower case hexadecimal digits, from the first file that holds a valid id.

    An empty text when there is none: locks work without it (wire.md W-26), only `--unique-id`
    and the peer id check need one.
    """
    found = _known.get(files) or _look(files)
    if found:
        _known[files] = found
    return found


def _look(files: tuple[str, ...]) -> str:
    for path in files:
        digits = _read(path).strip().lower()
        if len(digits) == 32 and not digits.strip(_DIGITS):
            return digits.decode()
    return ""


def _read(path: str) -> bytes:
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return posix.read(descriptor, 128)
    except OSError:
        return b""
    finally:
        posix.close(descriptor)
