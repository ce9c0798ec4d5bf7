"""The daemon's side of one connection: what a client may say when (wire.md 8)."""

from flom.errors import RC_BUFFER_OVERFLOW, RC_OK, RC_PROTOCOL_ERROR, ProtocolError
from flom.wire.codec import encode
from flom.wire.limits import LARGEST_ANSWER
from flom.wire.messages import END_OF_ANSWER, FIRST, LAST, LATER, Answer, Lock, Message, Unlock
from flom.wire.rare import Ask, Managed, Shutdown, Tell, notice, part
from flom.wire.stream import MessageStream
from flom.wire.tokens import announced
from flom.wire.usual import learn, remember

# States of a connection.
NEW, PARKED, BOUND, ENDED = "new", "parked", "bound", "ended"

# Verdicts on a message.
ACCEPT, IGNORE, CLOSE = "accept", "ignore", "close"
EXTENDED = "accept from who has announced the extension, and been answered so"

_LOCK, _UNLOCK, _PONG, _MANAGEMENT, _ASK = (1, 8), (2, 8), (3, 16), (5, 8), (6, 8)

# What happens to a message (verb, step) in a state; what is not in the table closes the
# connection (W-28). An ended conversation reads nothing at all (W-20).
RULES: dict[str, dict[tuple[int, int], str]] = {
    NEW: {_LOCK: ACCEPT, _MANAGEMENT: ACCEPT, _PONG: IGNORE},
    PARKED: {_LOCK: ACCEPT, _PONG: IGNORE, _ASK: EXTENDED},
    BOUND: {_LOCK: ACCEPT, _UNLOCK: ACCEPT, _PONG: IGNORE, _ASK: EXTENDED},
}

# The state after an answer; a connection that was bound once stays so, because it may hold
# something else when it waits for a creation (design.md 5, second lock).
AFTER_ANSWER = {2: PARKED, 5: ENDED, -14: ENDED}

# Codes that leave a request open: what follows them is a later answer (W-17, W-36).
_OPEN = (0, 1)

# Most answers are one of a few; a daemon has one peer id.
_CACHE_ENTRIES = 256
_cache: dict[tuple[int, int, str, str], bytes] = {}


class ServerConversation:
    """One connection as the daemon sees it, without its socket.

    Hand over what arrives with `receive`, then take messages with `next_message` until it gives
    None, answering each lock before the next is taken. `peerid` is the daemon's own machine id,
    `limit` the largest message accepted in bytes (W-6), `ext` what is announced to clients that
    announce our extension themselves (W-65). `extended`: both have announced it.
    `grant`: what answered the last lock if it was granted at once, without an element; answers one
    that is the same and granted so again, without more ado. b"" otherwise.
    """

    __slots__ = ("_announce", "_ext", "_first", "_peerid", "_stream", "extended", "grant", "state")

    def __init__(self, peerid: str = "", limit: int = 65536, ext: str = "") -> None:
        self.state = NEW
        self._stream = MessageStream(limit)
        self._peerid = peerid
        self._ext = ext
        self._first = True
        self._announce = ""
        self.grant = b""
        self.extended = False

    def usual(self, data: bytes) -> tuple[Lock | Unlock, ...]:
        """The messages in `data`, if no look at them is needed; else empty: `receive` it.

        Each lock among them is given to `accept` before it is answered.
        """
        stream = self._stream
        if stream.rest or stream.fresh:
            return ()
        messages = remember(data) or learn(data)
        if self.state is BOUND:
            return messages  # who is bound may lock and unlock
        if len(messages) == 1 and self.state is not ENDED and isinstance(messages[0], Lock):
            return messages  # and everybody may lock
        return ()

    def receive(self, data: bytes) -> None:
        """Take bytes from the client; never raises. Once ended, they are thrown away (W-20)."""
        if self.state is not ENDED:
            self._stream.feed(data)

    @property
    def mid_message(self) -> bool:
        """Whether a message has begun and is not complete, once `next_message` gives None (W-8)."""
        return self.state is not ENDED and self._stream.mid_message

    @property
    def more(self) -> bool:
        """Whether a further message may be there already."""
        return self.state is not ENDED and self._stream.more

    def next_message(self) -> Lock | Unlock | Shutdown | Ask | None:
        """The next message for the daemon to act upon, None if there is none yet.

        Raises ProtocolError when the connection is to be closed, without an answer (W-28, W-29).
        """
        while self.state is not ENDED:
            message = self._stream.next_message()
            if message is None:
                return None
            verdict = RULES[self.state].get((message.verb, message.step), CLOSE)
            if verdict is ACCEPT or (verdict is EXTENDED and self.extended):
                self.accept(message)
                return message  # type: ignore[return-value]  # RULES accepts no other
            if verdict is not IGNORE:
                what = f"verb {message.verb}, step {message.step}"
                raise ProtocolError(RC_PROTOCOL_ERROR, f"{what}: not when {self.state}")
        return None

    def accept(self, message: Message) -> None:
        """Take a message that may come now."""
        if isinstance(message, Lock):
            self._first = True
            self._announce = self._ext if message.ext and announced(message.ext) else ""
            self.grant = b""
        elif isinstance(message, Shutdown):
            self.state = ENDED  # the daemon closes as soon as it has accepted (W-61)
            self._announce = self._ext if announced(message.ext) else ""

    def repeat(self) -> None:
        """Take a lock that is the same as the last one."""
        self._first = True

    def answer(self, rc: int, element: str | None = None, ext: str = "") -> bytes:
        """The bytes that answer the last lock taken; moves the state.

        The first answer is step 16 with our peer id; later ones are step 24, or step 32 for a
        refusal (W-17, W-36). ext: an announcement that tells more, for a client that announced
        the extension with this lock. Raises ProtocolError, for the connection to be closed, if a
        client of the protocol could not read the answer (W-5).
        """
        step = FIRST if self._first else LATER if rc in _OPEN else LAST
        peerid = self._peerid if self._first else ""
        announce = self._announce if self._first else ""
        if not self._announce:
            ext = ""
        if element is None and not ext:
            data = _short_answer(step, rc, peerid, announce)
        else:
            # The element comes first (W-68), what is more than the announcement last.
            for said in (ext or announce, announce, ""):
                data = encode(Answer(step, rc, element, peerid, said))
                if len(data) <= LARGEST_ANSWER:
                    announce = said
                    break
            else:
                raise ProtocolError(
                    RC_BUFFER_OVERFLOW, f"an answer longer than {LARGEST_ANSWER} bytes"
                )
        if self._first and rc == RC_OK and element is None and not ext:
            self.grant = data
        self._first = False
        if announce:
            self.extended = True
        after = AFTER_ANSWER.get(rc, BOUND)
        if after is not PARKED or self.state is not BOUND:
            self.state = after
        return data

    @property
    def understands(self) -> bool:
        """Whether the lock taken may be answered with a code of our own (W-67)."""
        return self.extended or self._announce != ""

    def managed(self, rc: int) -> bytes:
        """The bytes that answer the shutdown taken, b"" for a client that expects none."""
        return encode(Managed(rc, self._announce)) if self._announce else b""

    def part(self, number: int, data: bytes) -> bytes:
        """The bytes of a part of an answer; data: its text, in base64 already."""
        assert self.extended
        return part(number, data)

    def end(self, number: int, rc: int, text: str) -> bytes:
        """The bytes that end an answer."""
        assert self.extended
        return encode(Tell(END_OF_ANSWER, number, b"", rc, text))

    def notice(self, data: bytes) -> bytes:
        """The bytes of a notice; data: its text, in base64 already."""
        assert self.extended
        return notice(data)


def _short_answer(step: int, rc: int, peerid: str, announce: str) -> bytes:
    key = (step, rc, peerid, announce)
    data = _cache.get(key)
    if data is None:
        if len(_cache) >= _CACHE_ENTRIES:
            _cache.clear()
        data = _cache[key] = encode(Answer(step, rc, None, peerid, announce))
    return data
