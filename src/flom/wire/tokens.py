"""The announcement of our extension: the attribute `ext` of `msg` (wire.md W-65, W-66).

Its value is a list of tokens with blanks between them: `flom`, which says that the sender knows
the extension, and `key=value` ones, by which a client tells of itself. Whoever does not know a
token ignores it. docs/reference/extension.md has the keys.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Who announces this may be asked, and may ask.
FLOM = "flom"

# A session is named by this many hexadecimal digits; a command knows those of the locks it runs in.
SESSION_DIGITS = 16
MOST_SESSIONS = 4
# Characters of the command that are told.
COMMAND_LIMIT = 120
# The name that a client asks for, in a lock that is never to be granted, when it wants to ask.
ONLOOKER = b"flomState"

# No clock in microseconds has as many.
_TOKEN_DIGITS = 20

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/:@,~-")


def write(tokens: "Iterable[tuple[str, str]]") -> str:
    """The announcement of one who knows the extension and says `tokens` of itself.

    Of values any text is good, undecodable bytes of the system (surrogates) included.
    """
    return " ".join([FLOM, *(f"{key}={_quoted(value)}" for key, value in tokens)])


def read(ext: str) -> dict[str, str]:
    """The tokens of an announcement by their keys; the first of a key counts. Never raises."""
    found: dict[str, str] = {}
    for token in ext.split(" "):
        key, _, value = token.partition("=")
        found.setdefault(key, _plain(value))
    return found


def fence(token: int) -> str:
    """The announcement that tells the holder of a lock its fencing token."""
    return f"{FLOM} token={token}"


def fenced(ext: str) -> int | None:
    """The fencing token in an announcement, None if it tells none. Never raises."""
    token = ext.partition(" token=")[2].partition(" ")[0]  # `read` would cost each command more
    good = token.isascii() and token.isdecimal() and len(token) < _TOKEN_DIGITS
    return int(token) if good else None


def sessions(text: str) -> tuple[str, ...]:
    """The last sessions in a list with commas; whatever else stands there is ignored."""
    return tuple(
        part
        for part in text.rsplit(",", MOST_SESSIONS)[-MOST_SESSIONS:]
        if len(part) == SESSION_DIGITS and not part.strip("0123456789abcdef")
    )


def nested(session: str, text: str) -> str:
    """What a command finds in FLOM_SESSION: the sessions that it runs within.

    session: that of its lock, "" if nobody takes notice of it. text: what stood there before.
    """
    outer = sessions(text) if text else ()
    return ",".join((*outer[1 - MOST_SESSIONS :], session) if session else outer)


def shown(command: "Sequence[str]") -> str:
    """What is told of the command that runs under a lock."""
    return " ".join(command)[:COMMAND_LIMIT]


def announced(ext: str) -> bool:
    """Whether the sender of this announcement knows the extension."""
    return FLOM in ext.split(" ")


def _quoted(text: str) -> str:
    if text.isalnum() and text.isascii():
        return text
    data = text.encode("utf-8", "surrogateescape")
    return "".join(
        chr(byte) if byte in _PLAIN else "+" if byte == 32 else f"%{byte:02X}" for byte in data
    )


def _plain(text: str) -> str:
    text = text.replace("+", " ")
    if "%" not in text:
        return text
    first, *rest = text.split("%")
    data = first.encode("utf-8", "replace")
    for part in rest:
        digits = part[:2]
        try:
            data += bytes.fromhex(digits) + part[2:].encode("utf-8", "replace")
        except ValueError:
            data += f"%{part}".encode("utf-8", "replace")
    return data.decode("utf-8", "replace")
