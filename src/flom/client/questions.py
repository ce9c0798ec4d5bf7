"""Asking a daemon for its state, without locking anything (docs/reference/extension.md)."""

import base64
from time import monotonic

from flom.client.about import announcement, new_session
from flom.client.blocking import explain_close
from flom.client.reach import connect, silent
from flom.client.session import endpoint_of
from flom.errors import (
    OWN_RC_NO_STATE,
    RC_NETWORK_TIMEOUT,
    RC_OK,
    RC_PROTOCOL_ERROR,
    RC_RECV_ERROR,
    FlomError,
    ProtocolError,
    describe,
)
from flom.machine import unique_id
from flom.wire.client import ClientConversation
from flom.wire.messages import END_OF_ANSWER
from flom.wire.tokens import ONLOOKER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from flom.client.reach import Tell
    from flom.settings import Settings
    from flom.wire.rare import Tell as Told

    Row = dict[str, object]

_RECEIVE_SIZE = 65536
_NOT_TOLD = (
    "the daemon at {} tells nothing of its state (it is no daemon of this flom; locks, ping and"
    " shutdown work)"
)


class Questions:
    """A connection for questions to a daemon that runs already; none is started.

    `limit` bounds connecting and each wait for the daemon, in seconds. `tell` as for `Lock`.
    Raises NobodyListens when there is no daemon, FlomError: OWN_RC_NO_STATE for a daemon that
    does not know the extension, 9 when it does not answer in time, others as `connect`.
    """

    __slots__ = ("_conversation", "_limit", "_sock", "endpoint")

    def __init__(self, settings: "Settings", limit: float, tell: "Tell" = silent) -> None:
        self.endpoint = endpoint_of(settings)
        self._limit = limit
        ext = announcement(settings, self.endpoint, (), new_session())
        self._conversation = ClientConversation(unique_id(), ext=ext)
        self._sock = connect(self.endpoint, settings, monotonic() + limit, tell)
        try:
            self._look_on()
        except BaseException as error:
            self.close()
            if isinstance(error, FlomError) and error.rc == RC_RECV_ERROR:
                explain_close(error, self.endpoint, settings)
            raise

    def close(self) -> None:
        """Leave the daemon."""
        self._sock.close()

    def ask(self, what: str, words: dict[str, str], *, patient: bool = False) -> "Iterator[Row]":
        """The rows of the answer, as they arrive; exhaust it before the next question.

        what, words: a word of the extension and its attributes (see `named`). patient: the next
        row may take for ever. Raises FlomError with the code and the text of a refusal, and when
        the daemon is lost or late.
        """
        number, data = self._conversation.ask(what, words)
        self._send(data)
        rest = b""
        while True:
            for told in self._take():
                if told.number != number:
                    continue
                if told.step == END_OF_ANSWER:
                    if told.rc != RC_OK:
                        rc = RC_PROTOCOL_ERROR if told.rc is None else told.rc
                        raise FlomError(rc, told.text or describe(rc))
                    return
                *lines, rest = (rest + told.data).split(b"\n")
                yield from map(_row, lines)
            self._receive(None if patient else self._limit)

    def _look_on(self) -> None:
        conversation = self._conversation
        self._send(
            conversation.lock(
                "simple", ONLOOKER, mode=0, wait=True, quantity=1, create=False, lifespan=0
            )
        )
        while conversation.next_answer() is None:
            self._receive(self._limit)
        if not conversation.extended:
            raise FlomError(OWN_RC_NO_STATE, _NOT_TOLD.format(self.endpoint))

    def _take(self) -> "list[Told]":
        """What the daemon has told since the last time."""
        conversation = self._conversation
        while conversation.next_answer() is not None:
            pass
        if reply := conversation.data_to_send():
            self._send(reply)
        told, conversation.told = conversation.told, []
        return told

    def _send(self, data: bytes) -> None:
        try:
            self._sock.settimeout(self._limit)
            self._sock.sendall(data)
        except OSError as error:
            raise self._lost(error, self._limit) from None

    def _receive(self, limit: float | None) -> None:
        try:
            self._sock.settimeout(limit)
            data = self._sock.recv(_RECEIVE_SIZE)
        except OSError as error:
            raise self._lost(error, limit) from None
        if not data:
            raise FlomError(RC_RECV_ERROR, f"the daemon at {self.endpoint} closed the connection")
        self._conversation.receive(data)

    def _lost(self, error: OSError, limit: float | None) -> FlomError:
        if isinstance(error, TimeoutError) and error.errno is None:
            return FlomError(
                RC_NETWORK_TIMEOUT, f"the daemon at {self.endpoint} did not answer in {limit:g} s"
            )
        return FlomError(
            RC_RECV_ERROR,
            f"the connection to the daemon at {self.endpoint} was lost ({error.strerror})",
        )


def named(name: bytes) -> str:
    """The name of a resource as an attribute of a question."""
    return base64.b64encode(name).decode()


def _row(line: bytes) -> "Row":
    import json

    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise ProtocolError(RC_PROTOCOL_ERROR, f"the daemon told no JSON object: {line[:80]!r}")
    return row
