"""One message <-> its bytes, with every limit (wire.md 3 and 4).

Documents are read twice over: `_read_canonical` takes what our side and the reference write and
costs some microseconds; whatever else XML allows goes to `xmlreader`, which needs expat and is
loaded only then.
"""

from flom.errors import RC_PROTOCOL_ERROR, RC_PROTOCOL_LEVEL_MISMATCH, ProtocolError
from flom.wire.messages import (
    FIRST,
    LEVEL,
    LOCK_ATTRIBUTES,
    MESSAGES,
    MOST_ELEMENTS,
    NOTICE,
    Answer,
    Ask,
    Discover,
    Discovered,
    Lock,
    Managed,
    Message,
    Ping,
    Shutdown,
    Tell,
    Unlock,
)
from flom.wire.values import base64, escape, leading_number, number, unbase64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    # The attributes of "msg", and of every element inside it, by name.
    Elements = dict[str, dict[str, str]]
    Shape = list[tuple[str, tuple[str, ...]]]

_PROLOG = '<?xml version="1.0" encoding="UTF-8" ?>'
_PART = f'{_PROLOG}<msg level="3" verb="6" step="16"><tell id="%d" data="%b"/></msg>'.encode()
_NOTICE = f'{_PROLOG}<msg level="3" verb="6" step="32"><tell data="%b"/></msg>'.encode()
_NOTHING: dict[str, str] = {}

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
    body = _WRITERS[type(message)](message)
    head = f'<msg level="{LEVEL}" verb="{message.verb}" step="{message.step}"{ext}>'
    return f"{_PROLOG}{head}{body}</msg>".encode()


def part(number: int, data: bytes) -> bytes:
    """The bytes of a `Tell` that is a part, its data given in base64."""
    return _PART % (number, data)


def notice(data: bytes) -> bytes:
    """The bytes of a `Tell` that is a notice, its data given in base64."""
    return _NOTICE % data


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
    if "&" in text or not text.startswith(_PROLOG) or not text.isprintable():
        return None
    pieces = text[len(_PROLOG) :].split('"')
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
    kind = MESSAGES.get((verb, step))
    if kind is None:
        raise ProtocolError(RC_PROTOCOL_ERROR, f"no message has verb {verb} and step {step}")
    message = _READERS[kind](elements, step)
    message.ext = head.get("ext", "")
    return message


def _missing(what: str) -> ProtocolError:
    return ProtocolError(RC_PROTOCOL_ERROR, f"a message without {what}")


def _peerid(elements: "Elements") -> str | None:
    return elements.get("session", _NOTHING).get("peerid")


def _read_lock(elements: "Elements", _step: int) -> Lock:
    resource = elements.get("resource", _NOTHING)
    name = resource.get("name")
    return Lock(
        _peerid(elements),
        None if name is None else unbase64(name),
        number(resource.get("mode", "0")),
        number(resource.get("wait", "0")) != 0,
        number(resource.get("quantity", "1")),
        number(resource.get("create", "0")) != 0,
        number(resource.get("lifespan", "0")),
    )


def _read_answer(elements: "Elements", step: int) -> Answer:
    answer = elements.get("answer", _NOTHING)
    rc = leading_number(answer.get("rc", ""))
    return Answer(step, rc, answer.get("element"), _peerid(elements))


def _read_unlock(elements: "Elements", _step: int) -> Unlock:
    resource = elements.get("resource", _NOTHING)
    name = resource.get("name")
    if name is None:
        raise _missing("the name of a resource")
    return Unlock(unbase64(name), number(resource.get("rollback", "0")) != 0)


def _read_ping(_elements: "Elements", step: int) -> Ping:
    return Ping(step)


def _read_discover(_elements: "Elements", _step: int) -> Discover:
    return Discover()


def _read_discovered(elements: "Elements", _step: int) -> Discovered:
    network = elements.get("network", _NOTHING)
    address, port = network.get("address"), number(network.get("port", ""))
    if address is None or not 1 <= port <= 65535:
        raise _missing("an address and a port")
    return Discovered(address, port)


def _read_shutdown(elements: "Elements", _step: int) -> Shutdown:
    immediate = elements.get("shutdown", _NOTHING).get("immediate")
    if immediate is None:
        raise _missing("the kind of shutdown")
    return Shutdown(_peerid(elements), number(immediate) != 0)


def _read_managed(elements: "Elements", _step: int) -> Managed:
    return Managed(leading_number(elements.get("answer", _NOTHING).get("rc", "")))


def _read_ask(elements: "Elements", _step: int) -> Ask:
    words = dict(elements.get("ask", _NOTHING))
    what = words.pop("what", None)
    if what is None:
        raise _missing("a question")
    return Ask(number(words.pop("id", "")), what, words)


def _read_tell(elements: "Elements", step: int) -> Tell:
    tell = elements.get("tell", _NOTHING)
    data = unbase64(tell.get("data", ""))
    rc = leading_number(tell.get("rc", ""))
    return Tell(step, number(tell.get("id", "")), data, rc, tell.get("text", ""))


_READERS: "dict[type[Message], Callable[[Elements, int], Message]]" = {
    Lock: _read_lock,
    Answer: _read_answer,
    Unlock: _read_unlock,
    Ping: _read_ping,
    Discover: _read_discover,
    Discovered: _read_discovered,
    Shutdown: _read_shutdown,
    Managed: _read_managed,
    Ask: _read_ask,
    Tell: _read_tell,
}


def _session(peerid: str | None) -> str:
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
    return f"{_session(message.peerid)}<resource{''.join(attributes)}/>"


def _write_answer(message: Answer) -> str:
    session = _session(message.peerid) if message.step == FIRST else ""
    element = "" if message.element is None else f' element="{escape(message.element)}"'
    return f'{session}<answer rc="{message.rc}"{element}/>'


def _write_unlock(message: Unlock) -> str:
    return f'<resource name="{base64(message.name)}" rollback="{int(message.rollback)}" />'


def _write_nothing(_message: Message) -> str:
    return ""


def _write_discovered(message: Discovered) -> str:
    return f'<network address="{escape(message.address)}" port="{message.port}"/>'


def _write_shutdown(message: Shutdown) -> str:
    return f'{_session(message.peerid)}<shutdown immediate="{int(message.immediate)}"/>'


def _write_managed(message: Managed) -> str:
    return f'<answer rc="{message.rc}"/>'


def _write_ask(message: Ask) -> str:
    words = "".join(f' {key}="{escape(value)}"' for key, value in message.words.items())
    return f'<ask id="{message.number}" what="{escape(message.what)}"{words}/>'


def _write_tell(message: Tell) -> str:
    number = "" if message.step == NOTICE else f' id="{message.number}"'
    data = f' data="{base64(message.data)}"' if message.data else ""
    rc = "" if message.rc is None else f' rc="{message.rc}"'
    text = f' text="{escape(message.text)}"' if message.text else ""
    return f"<tell{number}{data}{rc}{text}/>"


_WRITERS: "dict[type[Message], Callable[..., str]]" = {
    Lock: _write_lock,
    Answer: _write_answer,
    Unlock: _write_unlock,
    Ping: _write_nothing,
    Discover: _write_nothing,
    Discovered: _write_discovered,
    Shutdown: _write_shutdown,
    Managed: _write_managed,
    Ask: _write_ask,
    Tell: _write_tell,
}
