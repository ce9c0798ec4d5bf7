"""What the trace says about connections, messages and decisions. Loaded only when it is on."""

from flom import trace
from flom.core.names import kind_of
from flom.core.requests import Closed, Enqueued, Granted, Parked, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.core.requests import Effect, Request
    from flom.daemon.connection import Connection

_BITS = {
    "simple": trace.SIMPLE,
    "numeric": trace.NUMERIC,
    "set": trace.SET,
    "hierarchical": trace.HIERARCHICAL,
    "sequence": trace.SEQUENCE,
    "timestamp": trace.TIMESTAMP,
}
_COMMON = trace.LOCKER | trace.RESOURCE


def request(peer: "Connection", wanted: "Request") -> None:
    """A client asks for a lock."""
    if _chosen(wanted.name):
        trace.record(
            f"flom_resource: {peer} asks for {_shown(wanted.name)}, mode {wanted.mode}, quantity "
            f"{wanted.quantity}, wait {wanted.wait:d}, create {wanted.create:d}"
        )


def unlock(peer: "Connection", name: bytes, rollback: bool) -> None:
    """A client gives a lock back."""
    if _chosen(name):
        trace.record(f"flom_resource: {peer} gives {_shown(name)} back, rollback {rollback:d}")


def decision(peer: "Connection", effect: "Effect") -> None:
    """What the table has decided for a client."""
    if isinstance(effect, Granted):
        if _chosen(effect.name):
            element = "" if effect.element is None else f", element '{effect.element}'"
            trace.record(f"flom_resource: {peer} gets {_shown(effect.name)}{element}")
        return
    if isinstance(effect, Enqueued):
        outcome = f"waits, position {effect.position}"
    elif isinstance(effect, Parked):
        outcome = "waits until somebody creates the resource"
    elif isinstance(effect, Refused):
        outcome = f"is refused: {effect.reason}"
    elif isinstance(effect, Closed):
        outcome = f"is dismissed: {effect.why}"
    trace.record(f"flom_resource: {peer} {outcome}")


def _chosen(name: bytes) -> int:
    return trace.mask & (_COMMON | _BITS.get(kind_of(name) or "", 0))


def _shown(name: bytes) -> str:
    return ascii(name.decode("utf-8", "surrogateescape"))
