"""One message <-> its bytes, with every limit (wire.md 3 and 4).

Documents are read twice over: `_read_canonical` takes what our side and the reference write and
costs some microseconds; whatever else XML allows goes to `xmlreader`, which needs expat and is
loaded only then.
"""

from flom.errors import RC_PROTOCOL_ERROR, RC_PROTOCOL_LEVEL_MISMATCH, ProtocolError
from flom.wire.base64 import base64
from flom.wire.messages import (
    FIRST,
    LEVEL,
    LOCK_ATTRIBUTES,
    MESSAGES,
    MOST_ELEMENTS,
    Answer,
    Lock,
    Message,
    Unlock,
)
from flom.wire.unbase64 import unbase64
from flom.wire.values import escape, leading_number, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    # The attributes of "msg", and of every element inside it, by name.
    Elements = dict[str, dict[str, str]]
    Shape = list[tuple[str, tuple[str, ...]]]
    Reader = Callable[[Elements, int], Message]
    Writer = Callable[..., str]

PROLOG = '<?xml version="1.0" encoding="UTF-8" ?>'
NOTHING: dict[str, str] = {}

# decode() is pure and clients repeat themselves: a bounded memory of what it gave.
_MEMO_ENTRIES = 1024
_MEMO_LARGEST = 511
_memo: dict[bytes, Message] = {}
# The message in a document that was decoded lately, None for any other document.
recall = _memo.get

# The canonical documents seen, without their values: element and attribute names in order.
_SHAPE_ENTRIES = 64
_shapes: "dict[str, Shape]" = {}


def encode(message: Message) -> bytes:
    """The canonical bytes of a message, nothing before and nothing after (W-1, W-9, W-52).

    Raises ProtocolError if a text in it cannot be written as XML.
    """
    ext = f' ext="{escape(message.ext)}"' if message.ext else ""
    body = _writer(type(message))(message)
    head = f'<msg level="{LEVEL}" verb="{message.verb}" step="{message.step}"{ext}>'
    return f"{PROLOG}{head}{body}</msg>".encode()


def decode(document: bytes) -> Message | None:
    """The message in a document, None if the document is not complete.

    White space before it is skipped. Raises ProtocolError: RC_MSG_DESERIALIZE_ERROR if it is no
    XML, RC_PROTOCOL_LEVEL_MISMATCH, RC_PROTOCOL_ERROR for anything else that is no message.
    """
    message = _memo.get(document)
    if message is None:
        elements = _read_canonical(document) or _read_any(document)
        if elements is None:
            return None
        message = _message(elements)
        if len(document) <= _MEMO_LARGEST:
            if len(_memo) >= _MEMO_ENTRIES:
                _memo.clear()
            _memo[document] = message
    return message


def decode_datagram(data: bytes) -> Message | None:
    """The message in a datagram, None if it holds anything but one valid message (W-53, W-55)."""
    try:
        return decode(data)
    except ProtocolError:
        return None


def _read_any(document: bytes) -> "Elements | None":
    from flom.wire import xmlreader  # expat costs every start a millisecond, and few need it

    return xmlreader.read(document)


def _read_canonical(document: bytes) -> "Elements | None":
    """The elements of a document in the form everybody writes; None = ask the XML reader.

    The form: our declaration, then `msg` with empty elements in it, double quotes, one space
    before an attribute, printable ASCII without references, nothing twice. (The slash that ends
    an element may follow a space, as in unlock.) What is left of a document when its values are
    taken out is one of a few shapes, so that the shapes are read once and remembered.
    """
    try:
        text = str(document, "ascii")
    except UnicodeDecodeError:
        return None
    if "&" in text or not text.startswith(PROLOG) or not text.isprintable():
        return None
    pieces = text[len(PROLOG) :].split('"')
    skeleton = '""'.join(pieces[::2])
    shape = _shapes.get(skeleton) or _learn_shape(skeleton)
    # as many "<" as in the skeleton: none in a value; an odd number of pieces: no quote left open
    if shape is None or text.count("<") != skeleton.count("<") + 1 or len(pieces) % 2 == 0:
        return None
    values = iter(pieces[1::2])
    return {name: dict(zip(keys, values, strict=False)) for name, keys in shape}


def _learn_shape(skeleton: str) -> "Shape | None":
    tags = skeleton.split("<")
    if len(tags) < 3 or len(tags) > MOST_ELEMENTS or tags[0] or tags[-1] != "/msg>":
        return None
    shape = [_read_tag(tag, "/>") for tag in tags[2:-1]]
    shape.insert(0, _read_tag(tags[1], ">"))
    names = [name for name, _ in shape]
    if names[0] != "msg" or "" in names or len(set(names)) < len(names):
        return None
    if len(skeleton) <= _MEMO_LARGEST:
        if len(_shapes) >= _SHAPE_ENTRIES:
            _shapes.clear()
        _shapes[skeleton] = shape
    return shape


def _read_tag(tag: str, end: str) -> "tuple[str, tuple[str, ...]]":
    """The names of an element (`session peerid=""/>`) and of its attributes; "" = not canonical."""
    name, *words = tag.removesuffix(end).removesuffix(" ").split(" ")
    keys = tuple(word.removesuffix('=""') for word in words)
    written = " ".join([name, *(f'{key}=""' for key in keys)])
    good = tag in (written + end, f"{written} {end}") and len(set(keys)) == len(keys)
    return (name, keys) if good and all(map(str.isidentifier, (name, *keys))) else ("", ())


def _message(elements: "Elements") -> Message:
    head = elements["msg"]
    if number(head.get("level", "3")) != LEVEL:
        raise ProtocolError(
            RC_PROTOCOL_LEVEL_MISMATCH, f"protocol level {head['level'][:20]!r}, not {LEVEL}"
        )
    verb, step = number(head.get("verb", "")), number(head.get("step", ""))
    message = _reader(verb, step)(elements, step)
    message.ext = head.get("ext", "")
    return message


def _reader(verb: int, step: int) -> "Reader":
    kind = MESSAGES.get((verb, step))
    if kind is not None:
        return _READERS[kind]
    from flom.wire import rare  # few commands meet one

    kind = rare.MESSAGES.get((verb, step))
    if kind is None:
        raise ProtocolError(RC_PROTOCOL_ERROR, f"no message has verb {verb} and step {step}")
    return rare.READERS[kind]


def _writer(kind: type[Message]) -> "Writer":
    found = _WRITERS.get(kind)
    if found is not None:
        return found
    from flom.wire import rare

    return rare.WRITERS[kind]


def missing(what: str) -> ProtocolError:
    """The error for a message that lacks `what`."""
    return ProtocolError(RC_PROTOCOL_ERROR, f"a message without {what}")


def peerid_of(elements: "Elements") -> str | None:
    """The id of the host that has written a message, if it says one."""
    return elements.get("session", NOTHING).get("peerid")


def _read_lock(elements: "Elements", _step: int) -> Lock:
    resource = elements.get("resource", NOTHING)
    name = resource.get("name")
    return Lock(
        peerid_of(elements),
        None if name is None else unbase64(name),
        number(resource.get("mode", "0")),
        number(resource.get("wait", "0")) != 0,
        number(resource.get("quantity", "1")),
        number(resource.get("create", "0")) != 0,
        number(resource.get("lifespan", "0")),
    )


def _read_answer(elements: "Elements", step: int) -> Answer:
    answer = elements.get("answer", NOTHING)
    rc = leading_number(answer.get("rc", ""))
    return Answer(step, rc, answer.get("element"), peerid_of(elements))


def _read_unlock(elements: "Elements", _step: int) -> Unlock:
    resource = elements.get("resource", NOTHING)
    name = resource.get("name")
    if name is None:
        raise missing("the name of a resource")
    return Unlock(unbase64(name), number(resource.get("rollback", "0")) != 0)


_READERS: "dict[type[Message], Reader]" = {
    Lock: _read_lock,
    Answer: _read_answer,
    Unlock: _read_unlock,
}


def session_of(peerid: str | None) -> str:
    """The element that tells the id of the host that writes."""
    return f'<session peerid="{escape(peerid or "")}"/>'


def _write_lock(message: Lock) -> str:
    values = {
        "name": base64(message.name or b""),
        "mode": message.mode,
        "wait": int(message.wait),
        "quantity": message.quantity,
        "create": int(message.create),
        "lifespan": message.lifespan,
    }
    attributes = [f' {key}="{values[key]}"' for key in LOCK_ATTRIBUTES[message.kind]]
    return f"{session_of(message.peerid)}<resource{''.join(attributes)}/>"


def _write_answer(message: Answer) -> str:
    session = session_of(message.peerid) if message.step == FIRST else ""
    element = "" if message.element is None else f' element="{escape(message.element)}"'
    return f'{session}<answer rc="{message.rc}"{element}/>'


def _write_unlock(message: Unlock) -> str:
    return f'<resource name="{base64(message.name)}" rollback="{int(message.rollback)}" />'


_WRITERS: "dict[type[Message], Writer]" = {
    Lock: _write_lock,
    Answer: _write_answer,
    Unlock: _write_unlock,
}
