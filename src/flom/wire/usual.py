"""What clients say again and again, without reading it again (wire.md 2).

A busy client sends the same unlock and the same lock all the time, often in one piece. Looking such
a piece up as a whole saves the daemon cutting it into messages, a third of its work for them.
"""

from flom.wire.codec import recall
from flom.wire.messages import END, Lock, Unlock

# A bounded memory of pieces, like that of single messages (codec.py).
_ENTRIES = 1024
_LARGEST = 1024
# An unlock and a lock: the daemon hears no more of a client in a round.
_MESSAGES = 2
_pieces: dict[bytes, tuple[Lock | Unlock, ...]] = {}
# The messages in a piece that came lately, None for any other piece.
remember = _pieces.get


def learn(data: bytes) -> tuple[Lock | Unlock, ...]:
    """The messages in a piece of a stream that begins between two messages.

    Empty unless the piece is nothing but one or two whole locks and unlocks that were decoded
    lately: then `MessageStream` has to read it.
    """
    found: list[Lock | Unlock] = []
    if len(data) <= _LARGEST and data.endswith(END) and data.count(END) <= _MESSAGES:
        for part in data.split(END)[:-1]:
            message = recall(part + END)
            if not isinstance(message, Lock | Unlock):
                return ()
            found.append(message)
        if len(_pieces) >= _ENTRIES:
            _pieces.clear()
        _pieces[data] = tuple(found)
    return tuple(found)
