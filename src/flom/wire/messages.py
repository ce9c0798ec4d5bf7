"""The messages of protocol level 3, as data (wire.md 1 and 4).

A message is told by its pair (verb, step). Those of every lock are here, the others in `rare`.
Messages are values: whoever holds one may keep it, nobody changes it (the codec hands out the
same object for the same bytes).
"""

LEVEL = 3

# Every document ends with these bytes; white space may stand before and between (W-1 to W-3).
END = b"</msg>"
BLANKS = b" \t\r\n"

# Nobody needs more elements in one message, extensions included.
MOST_ELEMENTS = 64

# Where a lock's answer stands: first, later, last word after waiting (wire.md 1, W-36).
FIRST, LATER, LAST = 16, 24, 32
# What a `Tell` is.
PART, END_OF_ANSWER, NOTICE = 16, 24, 32

# Attributes of a lock's resource element, in the order in which they are written (wire.md 4.2).
_WITH_MODE = ("name", "mode", "wait", "create", "lifespan")
_BARE = ("name", "wait", "create", "lifespan")
LOCK_ATTRIBUTES = {
    "simple": _WITH_MODE,
    "hierarchical": _WITH_MODE,
    "numeric": ("name", "wait", "quantity", "create", "lifespan"),
    "set": _BARE,
    "sequence": _BARE,
    "timestamp": _BARE,
}


class Message:
    """Base of all messages; `ext` are the capabilities the sender announces (W-65), "" = none."""

    __slots__ = ("ext",)
    verb: int
    step: int
    ext: str

    def _said(self) -> list[object]:
        return [getattr(self, name) for name in (*self.__slots__, "ext") if name != "kind"]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Message)
            and type(self) is type(other)
            and self._said() == other._said()
        )

    __hash__ = None  # type: ignore[assignment]  # Python's word for unhashable

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._said()))})"


class Lock(Message):
    """A client asks for a resource (wire.md 4.2).

    `name` is None when the message had none, b"" when nothing could be decoded; `mode`, `quantity`
    and `lifespan` (milliseconds) are the numbers as sent, whatever their range. `kind` says which
    attributes `encode` writes (a key of LOCK_ATTRIBUTES); it is not on the wire, is not compared
    and is "simple" in decoded messages.
    """

    __slots__ = ("create", "kind", "lifespan", "mode", "name", "peerid", "quantity", "wait")
    verb = 1
    step = 8

    def __init__(
        self,
        peerid: str | None,
        name: bytes | None,
        mode: int = 0,
        wait: bool = False,
        quantity: int = 1,
        create: bool = False,
        lifespan: int = 0,
        ext: str = "",
        kind: str = "simple",
    ) -> None:
        self.peerid = peerid
        self.name = name
        self.mode = mode
        self.wait = wait
        self.quantity = quantity
        self.create = create
        self.lifespan = lifespan
        self.ext = ext
        self.kind = kind


class Answer(Message):
    """The daemon answers a lock (wire.md 4.3); `rc` None: the answer had none (W-16)."""

    __slots__ = ("element", "peerid", "rc", "step")
    verb = 1
    step: int

    def __init__(
        self,
        step: int,
        rc: int | None,
        element: str | None = None,
        peerid: str | None = None,
        ext: str = "",
    ) -> None:
        self.step = step
        self.rc = rc
        self.element = element
        self.peerid = peerid
        self.ext = ext


class Unlock(Message):
    """A client gives a resource back (wire.md 4.4); `rollback` gives a sequence's value back."""

    __slots__ = ("name", "rollback")
    verb = 2
    step = 8

    def __init__(self, name: bytes, rollback: bool = False, ext: str = "") -> None:
        self.name = name
        self.rollback = rollback
        self.ext = ext


# The messages of a lock by verb and step; `rare.MESSAGES` has the others.
MESSAGES: dict[tuple[int, int], type[Message]] = {
    (1, 8): Lock,
    (1, FIRST): Answer,
    (1, LATER): Answer,
    (1, LAST): Answer,
    (2, 8): Unlock,
}
