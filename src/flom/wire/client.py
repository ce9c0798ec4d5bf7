"""The client's side of one connection: what to ask when, and what answers mean (wire.md 5)."""

from flom.errors import (
    OWN_RC_ACCESS_DENIED,
    OWN_RC_LIMIT_REACHED,
    OWN_RC_LOCK_NESTED,
    OWN_RC_NO_STATE,
    RC_API_INVALID_SEQUENCE,
    RC_CONTAINER_FULL,
    RC_PROTOCOL_ERROR,
    FlomError,
    ProtocolError,
)
from flom.wire.codec import encode
from flom.wire.limits import LARGEST_ANSWER, LARGEST_EXTENDED, LARGEST_REQUEST
from flom.wire.messages import (
    FIRST,
    LAST,
    LATER,
    Answer,
    Lock,
    Message,
    Unlock,
)
from flom.wire.stream import MessageStream
from flom.wire.tokens import announced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.wire.rare import Tell


# States of a connection: nothing said yet; a lock sent; answered with "wait"; open for the next
# request, whether something is held or not; a shutdown sent; nothing more to say.
NEW, ASKED, WAITING, BOUND, MANAGING, ENDED = (
    "new", "asked", "waiting", "bound", "managing", "ended",
)  # fmt: skip

# Which request may be sent in a state, and the state after it. None while one is pending: whoever
# gives up waiting closes (W-22). Management is the first message or none (W-63).
_LOCK, _UNLOCK, _MANAGEMENT = 1, 2, 5  # verbs
REQUESTS: dict[str, dict[int, str]] = {
    NEW: {_LOCK: ASKED, _MANAGEMENT: MANAGING},
    ASKED: {},
    WAITING: {},
    BOUND: {_LOCK: ASKED, _UNLOCK: BOUND},
    MANAGING: {},
    ENDED: {},
}

# The state after an answer, by state, step and rc. Only rc 0 is a grant (W-19).
ANSWERS: dict[tuple[str, int], dict[int, str]] = {
    (ASKED, FIRST): {
        0: BOUND,
        1: WAITING,
        2: WAITING,
        4: BOUND,
        5: ENDED,
        6: BOUND,
        OWN_RC_ACCESS_DENIED: BOUND,
        OWN_RC_LOCK_NESTED: BOUND,
        OWN_RC_LIMIT_REACHED: BOUND,
    },
    (WAITING, LATER): {0: BOUND, 1: WAITING},
    (WAITING, LAST): {0: BOUND, OWN_RC_LOCK_NESTED: BOUND, OWN_RC_LIMIT_REACHED: BOUND},
}

# In these nothing is an answer to a lock.
_SILENT = (MANAGING, ENDED)

_PING, _PONG = 8, 16
_PENDING_CODES = (1, 2)


class ClientConversation:
    """One connection as the client sees it, without its socket.

    `peerid` is our machine id, `limit` the largest answer read in bytes, `ext` what we announce
    (W-65): tokens in the order of their importance, the last ones are left out when the request
    would become too long. `extended`: daemon and client have announced our extension. `told`: what
    the daemon told since somebody took it from there; notices and the answers to questions.
    """

    __slots__ = ("_asked", "_ext", "_out", "_peerid", "_stream", "extended", "state", "told")

    def __init__(self, peerid: str = "", limit: int = LARGEST_ANSWER, ext: str = "") -> None:
        self.state = NEW
        self._stream = MessageStream(limit)
        self._peerid = peerid
        self._ext = ext
        self._out = b""
        self._asked = 0
        self.extended = False
        self.told: list[Tell] = []

    def lock(
        self,
        kind: str,
        name: bytes,
        mode: int,
        wait: bool,
        quantity: int,
        create: bool,
        lifespan: int,
    ) -> bytes:
        """The bytes that ask for a resource; `kind` is a key of LOCK_ATTRIBUTES, `lifespan` in ms.

        Raises ProtocolError (RC_CONTAINER_FULL) if the daemon could not read them (W-4), FlomError
        (RC_API_INVALID_SEQUENCE) while another request is pending (W-22).
        """
        lock = Lock(self._peerid, name, mode, wait, quantity, create, lifespan, self._ext, kind)
        data = encode(lock)
        while len(data) > LARGEST_REQUEST and lock.ext:
            lock.ext = lock.ext.rpartition(" ")[0]
            data = encode(lock)
        return self._send(lock, data)

    def unlock(self, name: bytes, rollback: bool) -> bytes:
        """The bytes that give a resource back; raises as `lock`. There is no answer."""
        unlock = Unlock(name, rollback)
        return self._send(unlock, encode(unlock))

    def shutdown(self, immediate: bool) -> bytes:
        """The bytes that end the daemon; see `verdict` for what comes back."""
        from flom.wire.rare import Shutdown

        shutdown = Shutdown(self._peerid, immediate, self._ext)
        return self._send(shutdown, encode(shutdown))

    def ask(self, what: str, words: dict[str, str]) -> tuple[int, bytes]:
        """A question: the number that its answer in `told` will have, and the bytes to send.

        Raises FlomError (OWN_RC_NO_STATE) towards a daemon that has not announced the extension.
        """
        if not self.extended or self.state is ENDED:
            raise FlomError(OWN_RC_NO_STATE, "the daemon does not tell its state")
        from flom.wire.rare import Ask

        self._asked += 1
        return self._asked, encode(Ask(self._asked, what, words))

    def _send(self, message: Message, data: bytes) -> bytes:
        after = REQUESTS[self.state].get(message.verb)
        if after is None:
            raise FlomError(
                RC_API_INVALID_SEQUENCE, f"no {type(message).__name__.lower()} when {self.state}"
            )
        if len(data) > LARGEST_REQUEST:
            raise ProtocolError(
                RC_CONTAINER_FULL,
                f"the request has {len(data)} bytes, a daemon reads {LARGEST_REQUEST}:"
                " the name of the resource is too long",
            )
        self.state = after
        return data

    def receive(self, data: bytes) -> None:
        """Take bytes from the daemon; never raises."""
        if self.state is not ENDED:
            self._stream.feed(data)

    def next_answer(self) -> Answer | None:
        """The next answer to the lock that was sent, None if it is not complete.

        rc 0 is a grant, 1 and 2 mean that another answer follows, anything else is a refusal; an
        element comes with a grant only. Raises ProtocolError: RC_PROTOCOL_ERROR for what a daemon
        may not say now (W-16, W-19), otherwise as the stream.
        """
        while self.state not in _SILENT:
            message = self._stream.next_message()
            if message is None:
                return None
            if isinstance(message, Answer):
                return self._judge(message)
            self._take(message)
        return None

    def verdict(self) -> int:
        """What the daemon answered to a shutdown so far, 0 = nothing or that it will end.

        Only daemons that know our extension answer; never raises (wire.md 14).
        """
        from flom.wire.rare import Managed

        try:
            message = self._stream.next_message()
        except ProtocolError:
            return 0
        return message.rc or 0 if isinstance(message, Managed) else 0

    def _take(self, message: Message) -> None:
        """Whatever comes besides answers to a lock."""
        from flom.wire.rare import Ping, Tell

        if isinstance(message, Tell) and self.extended:
            self.told.append(message)
            return
        if not isinstance(message, Ping) or message.step != _PING:
            raise ProtocolError(RC_PROTOCOL_ERROR, f"no answer to a lock: {message!r}")
        self._out += encode(Ping(_PONG))

    def _judge(self, answer: Answer) -> Answer:
        if answer.ext and self._ext and announced(answer.ext):
            self.extended = True
            self._stream.limit = LARGEST_EXTENDED
        states = ANSWERS.get((self.state, answer.step))
        rc = answer.rc
        if states is None or rc is None:
            raise ProtocolError(RC_PROTOCOL_ERROR, f"unexpected when {self.state}: {answer!r}")
        after = states.get(rc)
        if after is None:
            # after waiting an unknown code refuses; one that would mean "wait" contradicts itself
            if answer.step == FIRST or rc < 0 or rc in _PENDING_CODES:
                raise ProtocolError(RC_PROTOCOL_ERROR, f"unknown code in {answer!r}")
            after = BOUND
        self.state = after
        if rc != 0 and answer.element is not None:
            return Answer(answer.step, rc, None, answer.peerid, answer.ext)
        return answer

    def data_to_send(self) -> bytes:
        """Bytes for the daemon that nobody asked for (answers to its pings), b"" if none (W-41)."""
        data, self._out = self._out, b""
        return data
