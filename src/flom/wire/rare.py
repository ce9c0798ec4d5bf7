"""The messages that locks do without: discovery, pings, the end of a daemon, questions.

As data and as XML, as `messages` and `codec` have the others; who meets one loads it. Verb 6 and
step 16 of verb 5 are our extension: nobody is sent them who has not announced it (W-67).
"""

from flom.wire.base64 import base64
from flom.wire.codec import NOTHING, PROLOG, missing, peerid_of, session_of
from flom.wire.messages import END_OF_ANSWER, NOTICE, PART, Message
from flom.wire.unbase64 import unbase64
from flom.wire.values import escape, leading_number, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.wire.codec import Elements, Reader, Writer

_PART = f'{PROLOG}<msg level="3" verb="6" step="16"><tell id="%d" data="%b"/></msg>'.encode()
_NOTICE = f'{PROLOG}<msg level="3" verb="6" step="32"><tell data="%b"/></msg>'.encode()


class Ping(Message):
    """Is the peer alive: step 8 from the daemon, step 16 back (wire.md 11)."""

    __slots__ = ("step",)
    verb = 3
    step: int

    def __init__(self, step: int, ext: str = "") -> None:
        self.step = step
        self.ext = ext


class Discover(Message):
    """Where is a daemon? A datagram to the group (wire.md 13.1)."""

    __slots__ = ()
    verb = 4
    step = 8

    def __init__(self, ext: str = "") -> None:
        self.ext = ext


class Discovered(Message):
    """Here is one: `address` "" means the sender's (wire.md 13.1, W-52); `port` is 1 to 65535."""

    __slots__ = ("address", "port")
    verb = 4
    step = 16

    def __init__(self, address: str, port: int, ext: str = "") -> None:
        self.address = address
        self.port = port
        self.ext = ext


class Shutdown(Message):
    """A client ends the daemon (wire.md 14): at once, or when everybody has left."""

    __slots__ = ("immediate", "peerid")
    verb = 5
    step = 8

    def __init__(self, peerid: str | None, immediate: bool, ext: str = "") -> None:
        self.peerid = peerid
        self.immediate = immediate
        self.ext = ext


class Managed(Message):
    """The daemon answers a shutdown, if the client has announced our extension."""

    __slots__ = ("rc",)
    verb = 5
    step = 16

    def __init__(self, rc: int | None, ext: str = "") -> None:
        self.rc = rc
        self.ext = ext


class Ask(Message):
    """A client asks for the state (extension). `words` are the attributes beyond the first two.

    `number` is the client's own, and stands in every part of the answer.
    """

    __slots__ = ("number", "what", "words")
    verb = 6
    step = 8

    def __init__(
        self, number: int, what: str, words: dict[str, str] | None = None, ext: str = ""
    ) -> None:
        self.number = number
        self.what = what
        self.words = words or {}
        self.ext = ext


class Tell(Message):
    """A part of an answer (step 16), its end (24), or a notice nobody asked for (32).

    The parts of one answer, put together, are lines of JSON in UTF-8. `rc` and `text`, for people,
    come with the end; a notice has no number.
    """

    __slots__ = ("data", "number", "rc", "step", "text")
    verb = 6
    step: int

    def __init__(
        self,
        step: int,
        number: int,
        data: bytes = b"",
        rc: int | None = None,
        text: str = "",
        ext: str = "",
    ) -> None:
        self.step = step
        self.number = number
        self.data = data
        self.rc = rc
        self.text = text
        self.ext = ext


MESSAGES: dict[tuple[int, int], type[Message]] = {
    (3, 8): Ping,
    (3, 16): Ping,
    (4, 8): Discover,
    (4, 16): Discovered,
    (5, 8): Shutdown,
    (5, 16): Managed,
    (6, 8): Ask,
    (6, PART): Tell,
    (6, END_OF_ANSWER): Tell,
    (6, NOTICE): Tell,
}


def part(number: int, data: bytes) -> bytes:
    """The bytes of a `Tell` that is a part, its data given in base64."""
    return _PART % (number, data)


def notice(data: bytes) -> bytes:
    """The bytes of a `Tell` that is a notice, its data given in base64."""
    return _NOTICE % data


def _read_ping(_elements: "Elements", step: int) -> Ping:
    return Ping(step)


def _read_discover(_elements: "Elements", _step: int) -> Discover:
    return Discover()


def _read_discovered(elements: "Elements", _step: int) -> Discovered:
    network = elements.get("network", NOTHING)
    address, port = network.get("address"), number(network.get("port", ""))
    if address is None or not 1 <= port <= 65535:
        raise missing("an address and a port")
    return Discovered(address, port)


def _read_shutdown(elements: "Elements", _step: int) -> Shutdown:
    immediate = elements.get("shutdown", NOTHING).get("immediate")
    if immediate is None:
        raise missing("the kind of shutdown")
    return Shutdown(peerid_of(elements), number(immediate) != 0)


def _read_managed(elements: "Elements", _step: int) -> Managed:
    return Managed(leading_number(elements.get("answer", NOTHING).get("rc", "")))


def _read_ask(elements: "Elements", _step: int) -> Ask:
    words = dict(elements.get("ask", NOTHING))
    what = words.pop("what", None)
    if what is None:
        raise missing("a question")
    return Ask(number(words.pop("id", "")), what, words)


def _read_tell(elements: "Elements", step: int) -> Tell:
    tell = elements.get("tell", NOTHING)
    data = unbase64(tell.get("data", ""))
    rc = leading_number(tell.get("rc", ""))
    return Tell(step, number(tell.get("id", "")), data, rc, tell.get("text", ""))


READERS: "dict[type[Message], Reader]" = {
    Ping: _read_ping,
    Discover: _read_discover,
    Discovered: _read_discovered,
    Shutdown: _read_shutdown,
    Managed: _read_managed,
    Ask: _read_ask,
    Tell: _read_tell,
}


def _write_nothing(_message: Message) -> str:
    return ""


def _write_discovered(message: Discovered) -> str:
    return f'<network address="{escape(message.address)}" port="{message.port}"/>'


def _write_shutdown(message: Shutdown) -> str:
    return f'{session_of(message.peerid)}<shutdown immediate="{int(message.immediate)}"/>'


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


WRITERS: "dict[type[Message], Writer]" = {
    Ping: _write_nothing,
    Discover: _write_nothing,
    Discovered: _write_discovered,
    Shutdown: _write_shutdown,
    Managed: _write_managed,
    Ask: _write_ask,
    Tell: _write_tell,
}
