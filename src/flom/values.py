"""How one value is read, checked and adjusted (cli.md 3 and 5.1): a rule for each kind of option.

A rule takes the text (for integers: the number) and the working directory, and gives the value to
keep, or None for "as if absent". It raises ConfigError with a text that reads after `'VALUE': `;
the caller, who knows where the value stood, puts that in front.
"""

import posix
import sys

from flom import defaults, errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

INT_MIN = -2147483648
INT_MAX = 2147483647
SOCKET_NAME_MAX = 107  # bytes: what struct sockaddr_un holds besides the final zero
MODE_NAMES = ("NL", "CR", "CW", "PR", "PW", "EX")
# The kinds of resource that are locked in a mode; the others know exclusive locks only.
MODAL_KINDS = ("simple", "hierarchical")

IPV6_ADDRESSES = "/proc/net/if_inet6"
LINK_SCOPE = "20"  # as that table writes it

INTEGER_SYNTAX = f"an integer from {INT_MIN} to {INT_MAX}"
_DIGITS = "0123456789abcdef"
_MODES = {
    "nl": 0, "nulllock": 0, "cr": 1, "concurrentread": 1, "cw": 2, "concurrentwrite": 2,
    "pr": 3, "protectedread": 3, "pw": 4, "protectedwrite": 4, "ex": 5, "exclusive": 5,
}  # fmt: skip
REACTIONS = ("term", "kill", "stop", "warn")
_BOOLEANS = {"y": True, "yes": True, "n": False, "no": False}


def bad(why: str, rc: int = errors.RC_INVALID_OPTION) -> errors.ConfigError:
    """The error for a value that cannot be used; `rc` is the code on the command line."""
    return errors.ConfigError(rc, why)


def quoted(value: str) -> str:
    """`value` in quotes for a message, always on one line."""
    return f"'{value}'" if value.isprintable() else ascii(value)


def raw(value: str) -> bytes:
    """The bytes behind a text of the command line, the environment or a file."""
    return value.encode(sys.getfilesystemencoding(), "surrogateescape")


def native(text: str) -> str:
    """A text of a file (UTF-8) as the same bytes would look on the command line."""
    encoding = sys.getfilesystemencoding()
    if encoding == "utf-8":
        return text
    return text.encode().decode(encoding, "surrogateescape")


def working_directory() -> str:
    """Where relative paths start."""
    try:
        return posix.getcwd()
    except OSError:
        return "."  # removed under us; only relative paths would have needed it


def absolute(path: str, cwd: str) -> str:
    """`path` seen from the directory `cwd`."""
    return path if path.startswith("/") else f"{cwd.rstrip('/')}/{path}"


def c_prefix(text: str) -> tuple[int | None, str]:
    """The integer in C syntax at the start of `text` and what follows it; None: there is none.

    Blanks, a sign, then decimal, `0x` hexadecimal or `0` octal digits, as C's strtol reads them.
    """
    rest = text.lstrip(" \t\n\v\f\r")
    negative = rest.startswith("-")
    if rest[:1] in ("+", "-") and rest:
        rest = rest[1:]
    base = 10
    if rest[:2] in ("0x", "0X") and rest[2:3] and rest[2].lower() in _DIGITS:
        base, rest = 16, rest[2:]
    elif rest.startswith("0"):
        base = 8
    end = 0
    while end < len(rest) and rest[end].lower() in _DIGITS[:base]:
        end += 1
    if not end:
        return None, text
    # 30 digits are out of every range; more might exceed the interpreter's own limit.
    value = int(rest[:end].lstrip("0")[:30] or "0", base)
    return -value if negative else value, rest[end:]


def c_integer(text: str) -> int | None:
    """The 32-bit integer `text` is in C syntax, None if it is not one to its end (cli.md 2)."""
    value, rest = c_prefix(text)
    return value if value is not None and not rest and INT_MIN <= value <= INT_MAX else None


def _integer(value: int, cwd: str) -> int:
    return value


def _absolute(value: int, cwd: str) -> int:
    return min(abs(value), INT_MAX)


def _positive(value: int, cwd: str) -> int:
    return max(_absolute(value, cwd), 1)


def _quantity(value: int, cwd: str) -> int | None:
    return _absolute(value, cwd) or None


def _within(value: int, largest: int) -> int:
    value = abs(value)
    if not 1 <= value <= largest:
        raise bad(f"expected a number from 1 to {largest}")
    return value


def _port(value: int, cwd: str) -> int:
    return _within(value, 65535)


def _seconds(value: int, cwd: str) -> int:
    return _within(value, 32767)  # the kernel's own limit, as in _probes


def _probes(value: int, cwd: str) -> int:
    return _within(value, 127)


def _limit(value: int, cwd: str, smallest: int = 1) -> int:
    if value < smallest:
        raise bad(f"expected a number from {smallest} to {INT_MAX}")
    return value


def _ttl(value: int, cwd: str) -> int:
    if not 5 <= value <= 60:
        raise bad("expected seconds from 5 to 60")
    return value


def _natural(value: int, cwd: str) -> int:
    return _limit(value, cwd, 0)


def _message(value: int, cwd: str) -> int:
    return _limit(value, cwd, 511)  # what the reference's commands may need


def _unread(value: int, cwd: str) -> int:
    return _limit(value, cwd, 262144)  # what one who asks for the state may need


def _status(value: int, cwd: str) -> int:
    if not 0 <= value <= 255:
        raise bad("expected an exit status from 0 to 255")
    return value


def _text(value: str, cwd: str) -> str:
    return value


def _boolean(value: str, cwd: str) -> bool:
    found = _BOOLEANS.get(value.strip(" \t").lower())
    if found is None:
        raise bad("expected yes, y, no or n")
    return found


def _mode(value: str, cwd: str) -> int:
    found = _MODES.get(value.strip(" \t").lower())
    if found is None:
        raise bad("expected NL, CR, CW, PR, PW, EX or the long name of one of these modes")
    return found


def _reaction(value: str, cwd: str) -> str:
    if value not in REACTIONS:
        raise bad(f"expected {', '.join(REACTIONS[:-1])} or {REACTIONS[-1]}")
    return value


def _name(value: str, cwd: str) -> str:
    if value == defaults.RESOURCE:
        raise bad(
            "reserved for those who give no name; choose another", errors.RC_INVALID_RESOURCE_NAME
        )
    if not resource_kind(value):
        raise bad(
            "not a valid resource name; valid ones look like A, A[8], A.B, /a/b, _s_A[8], "
            "_S_A[8], _t_%T[8]",
            errors.RC_INVALID_RESOURCE_NAME,
        )
    return value


def resource_kind(name: str) -> str:
    """The kind of the resource a name stands for ("simple", "numeric", ...), "" if for none."""
    from flom.core.names import kind_of

    return kind_of(raw(name)) or ""


def _socket(value: str, cwd: str) -> str:
    if not value:
        return value  # set, but unusable: refused when all layers are known (CF-15)
    path = absolute(value, cwd)
    size = len(raw(path))
    if size > SOCKET_NAME_MAX:
        raise bad(
            f"a socket path has at most {SOCKET_NAME_MAX} bytes, this one has {size}",
            errors.RC_BUFFER_OVERFLOW,
        )
    return path


def _directory(value: str, cwd: str) -> str:
    import errno
    import posix

    path = absolute(value, cwd) if value else ""
    try:
        posix.close(posix.open(path, posix.O_RDONLY | posix.O_DIRECTORY | posix.O_NONBLOCK))
    except OSError as error:
        # Left behind by a killed daemon of ours: the next one unmounts it first.
        if error.errno != errno.ENOTCONN or not _shows_state(path):
            raise bad(
                f"expected a directory that can be opened: {error.strerror}",
                errors.RC_OPENDIR_ERROR,
            ) from None
    return path


def _shows_state(path: str) -> bool:
    from flom import mounts

    return mounts.is_ours(path)


def _file(value: str, cwd: str) -> str:
    import posixpath

    try:
        if not value:
            raise OSError(0, "the name is empty")
        return posixpath.realpath(absolute(value, cwd), strict=True)
    except OSError as error:
        why = f"expected an existing file: {error.strerror}"
        raise bad(why, errors.RC_REALPATH_ERROR) from None


def _interface(value: str, cwd: str) -> str:
    usable = interfaces()
    if value not in usable:
        known = ", ".join(suitable_interfaces()) or "none here"
        raise bad(
            f"expected a network interface that is up and has an IPv6 address: {known}",
            errors.RC_INVALID_IPV6_NETWORK_INTERFACE,
        )
    return value


def interfaces(table: str = IPV6_ADDRESSES) -> list[str]:
    """The names of the network interfaces that have an IPv6 address, in the system's order.

    They are up as well: the kernel takes the addresses away from one that is set down.
    """
    return _in_order({name for name, _ in _ipv6_addresses(table)})


def suitable_interfaces(table: str = IPV6_ADDRESSES) -> list[str]:
    """Those of them to name to somebody who has to choose: the ones with a link-local address.

    If there is none, all (which may be `lo` alone).
    """
    link_local = {name for name, scope in _ipv6_addresses(table) if scope == LINK_SCOPE}
    return _in_order(link_local - {"lo"}) or interfaces(table)


def _ipv6_addresses(table: str) -> list[tuple[str, str]]:
    try:
        with open(table, encoding="ascii", errors="replace") as lines:
            rows = [line.split() for line in lines if line.strip()]
    except OSError:
        return []
    return [(row[-1], row[3]) for row in rows]


def _in_order(names: set[str]) -> list[str]:
    import _socket

    return [name for _, name in _socket.if_nameindex() if name in names]


def _octal(value: str, cwd: str) -> int:
    if not 3 <= len(value) <= 4 or value.strip("01234567") or int(value, 8) > 0o777:
        raise bad("expected permissions in octal, 0000 to 0777, such as 0660")
    return int(value, 8)


def signals(words: "Iterable[str]") -> tuple[int, ...]:
    """The signals named by `words`, in increasing order; unknown names are skipped (cli.md 3.3)."""
    from flom.signals import parse_signal

    return tuple(sorted({number for word in words if (number := parse_signal(word))}))


INTEGER_RULES: "dict[str, Callable[[int, str], int | None]]" = {
    "integer": _integer,
    "absolute": _absolute,
    "positive": _positive,
    "quantity": _quantity,
    "port": _port,
    "seconds": _seconds,
    "probes": _probes,
    "limit": _limit,
    "natural": _natural,
    "ttl": _ttl,
    "message": _message,
    "unread": _unread,
    "status": _status,
}
TEXT_RULES: "dict[str, Callable[[str, str], str | int]]" = {
    "text": _text,
    "secret": _text,
    "boolean": _boolean,
    "mode": _mode,
    "reaction": _reaction,
    "name": _name,
    "socket": _socket,
    "directory": _directory,
    "file": _file,
    "interface": _interface,
    "octal": _octal,
}
