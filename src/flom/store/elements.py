"""What a holder is given, and what the resource remembers of it (resources.md 6.3, 6.5, 6.6)."""

from flom.core.names import SEQUENCE, SET, TIMESTAMP, Name
from flom.core.sequence import following
from flom.core.sets import choose
from flom.core.timestamp import Ticks, stamp
from flom.store.records import Grant, State, View

_LOOK_AGAIN = 60.0  # s; the wall clock may be set or slewed while we sleep
_SECOND = 1_000_000


def unused(name: Name, state: State | None, wall: int) -> float:
    """Seconds until the clock allows a grant; 0.0 if it does at `wall` (µs since the epoch)."""
    if name.kind != TIMESTAMP or state is None or state.last is None:
        return 0.0
    ticks = Ticks(name.pattern.decode("ascii"))
    if ticks.number(wall) > state.last:
        return 0.0
    return min(ticks.missing(wall, state.last) / _SECOND, _LOOK_AGAIN)


def take(name: Name, view: View, state: State, session: str, wall: int) -> tuple[Grant, State]:
    """What `session` gets at `wall`, and the state afterwards: a new one if it has changed."""
    if name.kind == SET:
        return _element(name, view, state, wall)
    if name.kind == SEQUENCE:
        return _number(name, view, state, session, wall)
    if name.kind == TIMESTAMP:
        pattern = name.pattern.decode("ascii")
        changed = state.copy()
        changed.last = Ticks(pattern).number(wall)
        return Grant(wall, stamp(pattern, wall)), changed
    return Grant(wall), state


def give_back(state: State, session: str, rollback: bool) -> State:
    """The state after a number was used up, or was not."""
    changed = state.copy()
    number = changed.out.pop(session, None)
    if rollback and number is not None:
        changed.returned += (number,)
    return changed


def _element(name: Name, view: View, state: State, wall: int) -> tuple[Grant, State]:
    free = (1 << name.size) - 1
    for entry in view.entries:
        if entry.request.grant is not None:
            free &= ~(1 << entry.request.grant.position)
    changed = state.copy()
    position = choose(free, state.cursor)
    changed.cursor = (state.cursor + 1) % name.size
    return Grant(wall, name.parts[position].decode("ascii"), position), changed


def _number(name: Name, view: View, state: State, session: str, wall: int) -> tuple[Grant, State]:
    """The numbers of those who have gone without a word are given again (resources.md 7.3)."""
    changed = state
    for other in state.out:
        if view.find(other) is None:
            changed = give_back(changed, other, rollback=True)
    changed = changed.copy()
    if changed.returned:
        number, *rest = changed.returned
        changed.returned = tuple(rest)
    else:
        number = changed.following
        changed.following = following(number)
    if name.transactional:
        changed.out[session] = number
    return Grant(wall, str(number)), changed
