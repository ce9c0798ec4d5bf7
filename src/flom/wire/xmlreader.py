"""Read any XML document with expat, apart from what only an attacker sends (W-10, design.md 5)."""

from pyexpat import ErrorString, ExpatError, ParserCreate

from flom.errors import RC_MSG_DESERIALIZE_ERROR, ProtocolError
from flom.wire.messages import BLANKS, MOST_ELEMENTS

# expat's words for "the document ends here, and it should not": no root or an open one, an open
# comment, instruction or tag, half a character, an open CDATA section.
_UNFINISHED = (3, 5, 6, 20)


class _Elements:
    """Collects attributes while expat walks through one document."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, str]] = {}
        self.count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins; of several with one name the last one counts (wire.md 3)."""
        self.count += 1
        if self.count == 1 and name != "msg":
            raise ProtocolError(RC_MSG_DESERIALIZE_ERROR, f"a document of {name[:20]!r}, not msg")
        if self.count >= MOST_ELEMENTS:
            raise ProtocolError(RC_MSG_DESERIALIZE_ERROR, "a message with too many elements")
        if self.count == 1 or name != "msg":
            self.found[name] = attributes


def _refuse_doctype(*_declaration: object) -> None:
    raise ProtocolError(RC_MSG_DESERIALIZE_ERROR, "a message with a document type")


def read(document: bytes) -> dict[str, dict[str, str]] | None:
    """The attributes of every element, by name; None if the document is not complete.

    White space before it is skipped, the declared encoding ignored: the bytes are UTF-8. Raises
    ProtocolError for what is not well formed, or has a byte order mark, a document type, another
    root than `msg`, or too many elements.
    """
    document = document.lstrip(BLANKS)
    # expat would take a byte order mark, and zero bytes for a sign of UTF-16
    if document[:1] not in (b"<", b"") or b"\0" in document:
        raise ProtocolError(RC_MSG_DESERIALIZE_ERROR, "a message that is no XML")
    elements = _Elements()
    parser = ParserCreate("UTF-8")
    parser.StartElementHandler = elements.start
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(document, True)
    except ExpatError as error:
        if error.code in _UNFINISHED:
            return None
        raise ProtocolError(
            RC_MSG_DESERIALIZE_ERROR, f"no XML: {ErrorString(error.code)}"
        ) from None
    return elements.found
