"""The grammar of configuration files (cli.md 5): bytes in, keys and values out.

Values come out raw; which of `integer`, `text` and `items` reads one depends on the key.
"""

_SPACE = b" \t\n\v\f\r"  # what C's isspace calls a blank
_INT_SPACE = b" \t\n\f\r"
_ESCAPES = {"s": " ", "t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
INT_MIN = -2147483648
INT_MAX = 2147483647


class KeyFileError(ValueError):
    """The file is malformed: `line` is the number of the line (from 1), `why` says how."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why


def parse(data: bytes) -> list[tuple[int, str, str, bytes]]:
    """Every pair of a file, in its order: line number (from 1), group, key, raw value.

    Later pairs override earlier ones with the same group and key. Raises KeyFileError.
    """
    pairs = []
    group: str | None = None
    for number, line in enumerate(data.split(b"\n"), 1):
        # A NUL ends a line, as it ends a string in C (cli.md 5).
        content = line.removesuffix(b"\r").partition(b"\0")[0].lstrip(_SPACE)
        if not content or content.startswith(b"#"):
            continue
        header = _group(content)
        if header is not None:
            group = _group_name(number, header)
            continue
        key, value = _pair(number, content)
        if group is None:
            raise KeyFileError(number, "a key before the first [group]")
        pairs.append((number, group, key, value))
    return pairs


def _group(content: bytes) -> bytes | None:
    """What stands between the brackets if the line is `[...]`, else None."""
    if not content.startswith(b"["):
        return None
    inner, bracket, rest = content[1:].partition(b"]")
    return inner if bracket and not rest.strip(_SPACE) else None


def _group_name(number: int, name: bytes) -> str:
    if not name:
        raise KeyFileError(number, "a group without a name")
    if b"[" in name or any(byte < 32 or byte == 127 for byte in name):
        raise KeyFileError(number, "a group name with '[' or a control character")
    return name.decode("utf-8", "surrogateescape")


def _pair(number: int, content: bytes) -> tuple[str, bytes]:
    key, equals, value = content.partition(b"=")
    if not equals:
        raise KeyFileError(number, "neither a comment (#), a [group] nor a key=value pair")
    key = key.rstrip(_SPACE)
    if not key:
        raise KeyFileError(number, "no key before '='")
    if not _balanced(key):
        raise KeyFileError(number, "a key with an unbalanced bracket")
    return key.decode("utf-8", "surrogateescape"), value.lstrip(_SPACE)


def _balanced(key: bytes) -> bool:
    """Whether a key has no bracket, or a locale in brackets at its end: `Name[de_DE@euro]`."""
    name, opening, rest = key.partition(b"[")
    if not opening:
        return b"]" not in key
    locale, closing, after = rest.partition(b"]")
    letters = locale.decode("utf-8", "replace")
    return bool(
        name
        and not name.endswith(b" ")
        and b"]" not in name
        and closing
        and not after
        and all(char.isalnum() or char in "-_.@" for char in letters)
    )


def integer(raw: bytes) -> int | None:
    """The number at the start of a value, None if there is none that fits 32 bits (cli.md 5).

    Decimal only; a blank ends it.
    """
    end = 0
    while end < len(raw) and raw[end] not in _INT_SPACE:
        end += 1
    digits = raw[:end]
    unsigned = digits[1:] if digits[:1] in (b"+", b"-") else digits
    if not unsigned or unsigned.strip(b"0123456789"):
        return None
    unsigned = unsigned.lstrip(b"0") or b"0"
    if len(unsigned) > 10:  # also keeps clear of the interpreter's limit on digits
        return None
    value = -int(unsigned) if digits[:1] == b"-" else int(unsigned)
    return value if INT_MIN <= value <= INT_MAX else None


def text(raw: bytes) -> str | None:
    """A text value with its escapes replaced, None if it is not UTF-8 (as if absent)."""
    decoded = _utf8(raw)
    return None if decoded is None else "".join(_characters(decoded, ""))


def items(raw: bytes) -> list[str] | None:
    """The items of a list value, separated by `;`, None if it is not UTF-8 (as if absent)."""
    decoded = _utf8(raw)
    if decoded is None:
        return None
    found: list[str] = []
    item = ""
    for char in _characters(decoded, ";"):
        if char == "":
            found.append(item)
            item = ""
        else:
            item += char
    return [*found, item] if item else found


def _utf8(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def _characters(value: str, separator: str) -> list[str]:
    """The characters of `value`, escapes replaced; "" stands for an unescaped separator."""
    found = []
    position = 0
    while position < len(value):
        char = value[position]
        position += 1
        if char == "\\":
            # An unknown escape keeps both characters, without the library's noise (CF-18).
            escaped = value[position : position + 1]
            plain = _ESCAPES.get(escaped, escaped if escaped and escaped == separator else "")
            found.append(plain or char + escaped)
            position += 1
        elif char == separator:
            found.append("")
        else:
            found.append(char)
    return found
