"""Single values on the wire: numbers and escaped text (wire.md 3 and 4.2)."""

from flom.errors import RC_INVALID_PROPERTY_VALUE, ProtocolError

# More than any field can mean; longer numbers become this, so that nobody computes with a
# thousand digits.
LARGEST = 2**63 - 1
_MOST_DIGITS = 18
_BLANKS = " \t\n\v\f\r"

_ESCAPES = {
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord('"'): "&quot;",
    ord("\t"): "&#9;",
    ord("\n"): "&#10;",
    ord("\r"): "&#13;",
}

_NOT_XML = "".join(map(chr, range(32))).translate({9: None, 10: None, 13: None}) + "\ufffe\uffff"


def number(text: str) -> int:
    """The number a text begins with, 0 if it begins with none (wire.md 3).

    Blanks and a sign may come first, anything may follow; not larger than LARGEST either way.
    """
    return leading_number(text) or 0


def leading_number(text: str) -> int | None:
    """As `number`, but None if there is no digit."""
    if len(text) <= _MOST_DIGITS and text.isascii() and text.isdigit():
        return int(text)
    rest = text.lstrip(_BLANKS)
    negative = rest[:1] == "-"
    if rest[:1] in ("-", "+"):
        rest = rest[1:]
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    if not digits:
        return None
    # twenty digits are more than LARGEST already, and thousands would be slow or refused
    value = min(int((digits.lstrip("0") or "0")[:20]), LARGEST)
    return -value if negative else value


def escape(text: str) -> str:
    """The text as it stands between double quotes in XML (W-12).

    Raises ProtocolError for characters that XML cannot carry.
    """
    if text.isalnum():
        return text
    if any(one in _NOT_XML or "\ud800" <= one <= "\udfff" for one in text):
        raise ProtocolError(RC_INVALID_PROPERTY_VALUE, f"{text!r} cannot be sent as XML")
    return text.translate(_ESCAPES)
