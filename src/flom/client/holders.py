"""A session that asks who holds the resource when it is busy, for programs that tell people."""

import json

from flom.client.questions import named
from flom.client.session import Session
from flom.errors import RC_LOCK_BUSY, FlomError
from flom.wire.messages import END_OF_ANSWER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from flom.settings import Settings

# So many holders are named in the text of the error.
_NAMED = 3


class Occupied(FlomError):
    """The refusal of a busy resource; `holders` as for `LockError`."""

    def __init__(self, rc: int, text: str, holders: tuple[str, ...]) -> None:
        more = "".join(f", {holder}" for holder in holders[1:_NAMED])
        more += " and others" if len(holders) > _NAMED else ""
        super().__init__(rc, f"the resource is locked by {holders[0]}{more}" if holders else text)
        self.holders = holders


class AskingSession(Session):
    """A request that, refused as busy by a daemon that tells, puts one question more.

    The refusal is raised as Occupied then, or as it was when the daemon does not answer.
    """

    __slots__ = ("_data", "_question", "_refusal")

    def __init__(
        self, settings: "Settings", peerid: str, now: float, ext: str = "", as_library: bool = False
    ) -> None:
        super().__init__(settings, peerid, now, ext, as_library)
        self._refusal: FlomError | None = None
        self._question = self._data = b""

    def received(self, data: bytes) -> bool:
        """As `Session.received`; the refusal is raised when the question is answered."""
        if self._refusal is not None:
            self._listen(data, self._refusal)
            return False
        try:
            return super().received(data)
        except FlomError as refusal:
            if refusal.rc != RC_LOCK_BUSY or not self.known:
                raise
            self._refusal = refusal
            _, self._question = self._conversation.ask("queue", {"name": named(self._name)})
            return False

    def to_send(self) -> bytes:
        """As `Session.to_send`, and the question."""
        data, self._question = self._question, b""
        return data + super().to_send()

    def broken(self, error: OSError) -> FlomError:
        """As `Session.broken`; after the refusal nothing else matters."""
        return self._refusal or super().broken(error)

    def _listen(self, data: bytes, refusal: FlomError) -> None:
        conversation = self._conversation
        conversation.receive(data)
        try:
            while conversation.next_answer() is not None:
                pass
        except FlomError:
            raise refusal from None
        told, conversation.told = conversation.told, []
        self._data += b"".join(each.data for each in told)
        if any(each.step == END_OF_ANSWER for each in told):
            holders = _holders(self._data)
            raise refusal if holders is None else Occupied(refusal.rc, refusal.text, holders)
        if not data:
            raise refusal


def _holders(data: bytes) -> tuple[str, ...] | None:
    """The holders of the first row; None for what is no answer."""
    try:
        row = json.loads(data.split(b"\n")[0])
        return tuple(shown(claim) for claim in row["holders"])
    except (ValueError, LookupError, TypeError):
        return None


def shown(claim: "Mapping[str, object]") -> str:
    """A holder in a few words, as far as it is known."""
    user, host = claim.get("user") or claim.get("uid"), claim.get("host") or claim.get("peer")
    words = [f"{user}@{host}" if user is not None else f"{host or 'somebody'}"]
    if claim.get("pid") is not None:
        words.append(f"pid {claim['pid']}")
    if claim.get("command"):
        words.append(f"({claim['command']})")
    return " ".join(words)
