"""What the daemon tells its clients: effects of the core as messages of the wire.

The one half of what knows both; the other, from messages to requests, is server.py (design 3).
"""

from flom import trace
from flom.core.requests import Closed, Enqueued, Granted, Parked, Refused
from flom.daemon.connection import Connection
from flom.daemon.door import Door
from flom.daemon.limits import QUEUE, RESOURCES
from flom.errors import (
    OWN_RC_ACCESS_DENIED,
    OWN_RC_LIMIT_REACHED,
    OWN_RC_LOCK_NESTED,
    RC_INVALID_RESOURCE_NAME,
    RC_LOCK_BUSY,
    RC_LOCK_CANT_WAIT,
    RC_LOCK_ENQUEUED,
    RC_LOCK_IMPOSSIBLE,
    RC_LOCK_WAIT_RESOURCE,
    RC_OK,
    ProtocolError,
)
from flom.wire.tokens import fence, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from flom.core.queue import Claim
    from flom.core.requests import Effect

DECISIONS = trace.LOCKER | trace.RESOURCE | trace.KINDS

_REFUSALS = {
    "busy": RC_LOCK_BUSY,
    "cannot_wait": RC_LOCK_CANT_WAIT,
    "impossible": RC_LOCK_IMPOSSIBLE,
    "invalid_name": RC_INVALID_RESOURCE_NAME,
    "denied": OWN_RC_ACCESS_DENIED,
    "nested": OWN_RC_LOCK_NESTED,
}
_FULL = {"queue_full": QUEUE, "table_full": RESOURCES}


def _described(holder: "Claim") -> str:
    """The announcement of a refusal that tells of the holder who is in the way."""
    connection: Connection = holder.client  # type: ignore[assignment]  # it was ours
    name = holder.name.decode("utf-8", "surrogateescape")
    tokens = [("name", name), ("mode", str(holder.mode)), ("pid", connection.about.get("pid", ""))]
    return write((key, value) for key, value in tokens if value)


def story() -> "ModuleType":
    """The words of the trace, which most daemons never need."""
    from flom.daemon import story as words

    return words


class Answers(Door):
    """The connections of a daemon, who are told what follows for them."""

    def _apply(self, effects: "list[Effect]") -> None:
        for effect in effects:
            connection: Connection = effect.client  # type: ignore[assignment]  # it was ours
            if trace.mask & DECISIONS:
                story().decision(connection, effect)
            if type(effect) is Granted:
                ext = "" if effect.token is None else fence(effect.token)
                self._answer(connection, RC_OK, effect.element, ext)
            elif isinstance(effect, Enqueued):
                self._answer(connection, RC_LOCK_ENQUEUED)
            elif isinstance(effect, Parked):
                self._answer(connection, RC_LOCK_WAIT_RESOURCE)
                self._changed()
            elif isinstance(effect, Refused):
                self._answer(connection, *self._refusal(connection, effect))
            elif isinstance(effect, Closed):
                self._dismiss(connection)

    def _refusal(self, connection: Connection, effect: Refused) -> tuple[int, None, str]:
        """The arguments of the answer."""
        option = _FULL.get(effect.reason)
        if option is None:
            ext = "" if effect.holder is None else _described(effect.holder)
            return _REFUSALS[effect.reason], None, ext
        self._complain(connection, option)
        return self._full(connection, option)

    def _full(self, connection: Connection, option: str) -> tuple[int, None, str]:
        """How a connection is told of a limit; an old client knows no better word than busy."""
        if not connection.conversation.understands:
            return RC_LOCK_BUSY, None, ""
        tokens = (("limit", option), ("number", str(self._limits.of(option))))
        return OWN_RC_LIMIT_REACHED, None, write(tokens)

    def _answer(
        self, connection: Connection, rc: int, element: str | None = None, ext: str = ""
    ) -> None:
        if connection.closing:
            return  # a grant to a client whose own end caused these effects
        try:
            data = connection.conversation.answer(rc, element, ext)
        except ProtocolError:
            self._dead.append(connection)  # an element too long to be told
            return
        if trace.mask & trace.MESSAGE:
            trace.record(f"flom_msg_send: {connection}: {data!r}")
        if not connection.send(data):
            # Its end is acted upon after the present effects: they are one decision.
            self._dead.append(connection)
