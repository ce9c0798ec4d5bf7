"""The handle of the binding: the object, its states, what may be passed for one (api.md 3, 4)."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.client.blocking import Lock

    Value = int | str | None
    Values = dict[str, Value]

UNINITIALISED = 0
STATES = {"INIT": 22, "CONNECTED": 23, "LOCKED": 24, "DISCONNECTED": 25, "CLEANED": 26}
INIT, CONNECTED, LOCKED, DISCONNECTED, CLEANED = STATES.values()


class Connection:
    """What a handle keeps of its connection: the lock it holds, if any."""

    __slots__ = ("lock",)

    def __init__(self) -> None:
        self.lock: Lock | None = None


class flom_handle_t:  # noqa: N801  # the name programs use
    """One set of properties, at most one connection, at most one lock (api.md 1, 3).

    `state` is one of the FLOM_HANDLE_STATE_ constants, 0 before `flom_handle_init`.
    `locked_element` is what `flom_handle_get_locked_element` returns while the lock is held.
    `conn` and `config` belong to the functions; they are None without `flom_handle_init` and after
    `flom_handle_clean`. A locked handle that is dropped keeps its lock until the process ends.
    """

    def __init__(self) -> None:
        self.state = UNINITIALISED
        self.locked_element: str | None = None
        self.conn: Connection | None = None
        self.config: Values | None = None
        self.thisown = True
        self.this = f"flom_handle_t at {id(self):#x}"

    @property
    def state(self) -> int:
        """The state; other integers may be assigned, anything else raises TypeError."""
        return self._state

    @state.setter
    def state(self, value: int) -> None:
        self._state = integer(value)


def checked(handle: object) -> "flom_handle_t | None":
    """A handle or None; raises TypeError for anything else."""
    if handle is not None and not isinstance(handle, flom_handle_t):
        raise TypeError(f"a flom_handle_t is needed, not {type(handle).__name__}")
    return handle


def integer(value: object) -> int:
    """A number that C would take for an int; raises TypeError or OverflowError (api.md 3.1)."""
    if not isinstance(value, int):
        raise TypeError(f"an int is needed, not {type(value).__name__}")
    if not -0x80000000 <= value <= 0x7FFFFFFF:
        raise OverflowError("the number does not fit into 32 bits")
    return int(value)


def text(value: object) -> str | None:
    """A text that can be sent, or None; raises TypeError (api.md 3.1, AF-22)."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"a str or None is needed, not {type(value).__name__}")
    if "\0" in value:
        raise TypeError("the text contains a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise TypeError("the text contains a lone surrogate") from None
    return str(value)
