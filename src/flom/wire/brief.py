"""A lock in its most usual form, in words that need no looking up: those of wire/codec.py.

An exclusive lock of a simple resource that is made if need be and waited for, its grant, and its
unlock. Most commands say and hear nothing else; what this cannot read is for the codec.
"""

from flom.wire.base64 import base64
from flom.wire.limits import LARGEST_ANSWER, LARGEST_REQUEST

# The step of an answer that comes at once.
FIRST = 16

_MESSAGE = '<?xml version="1.0" encoding="UTF-8" ?><msg level="3" '
_FIRST_ANSWER = _MESSAGE + 'verb="1" step="16"'
_DIGITS = "0123456789abcdef"
_SPECIAL = frozenset("\"'<>&\ufffd")
_SESSION = '><session peerid="'
_GRANTED = '"/><answer rc="0"/></msg>'


def lock(name: str, peerid: str, ext: str) -> bytes:
    """The bytes that ask for a resource; b"" if an old daemon could not read as many.

    peerid: hexadecimal digits or "". ext: what is announced, see tokens.py.
    """
    data = (
        f'{_MESSAGE}verb="1" step="8" ext="{ext}"{_SESSION}{peerid}"/><resource name="'
        f'{base64(name.encode())}" mode="5" wait="1" create="1" lifespan="0"/></msg>'
    ).encode()
    return data if len(data) <= LARGEST_REQUEST else b""


def granted(data: bytes) -> tuple[str, str] | None:
    """Whether these bytes are a grant: the daemon's id and what it announces, "" if nothing.

    None if they are anything else, or a grant in other words.
    """
    text = data.decode("ascii", "replace")
    told, _, peerid = text.removesuffix(_GRANTED).partition(_SESSION)
    ext = told[len(_FIRST_ANSWER) :].removeprefix(' ext="').removesuffix('"')
    whole = f'{_FIRST_ANSWER} ext="{ext}"' if ext else _FIRST_ANSWER
    plain = not peerid.strip(_DIGITS) and ext.isprintable() and not set(ext) & _SPECIAL
    if not plain or len(text) > LARGEST_ANSWER:
        return None
    return (peerid, ext) if text == f"{whole}{_SESSION}{peerid}{_GRANTED}" else None


def unlock(name: str, rollback: bool) -> bytes:
    """The bytes that give a resource back."""
    return (
        f'{_MESSAGE}verb="2" step="8"><resource name="{base64(name.encode())}"'
        f' rollback="{int(rollback)}" /></msg>'
    ).encode()
