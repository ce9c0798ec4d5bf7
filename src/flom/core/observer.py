"""Who wants to know what happens in the table, without having a say in it."""

from .requests import Instant, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .resource import Entry, Resource


class Observer:
    """Is told each change as it is made; this one is not interested.

    A method must not touch the table, nor raise. It may give the resource a number, and note times
    there. Every entry told as `enqueued` ends as `granted` or `withdrawn`, every one told as
    `granted` as `released` or `lost`.
    """

    __slots__ = ()

    def created(self, resource: "Resource", now: Instant) -> None:
        """A resource came into being."""

    def forgotten(self, resource: "Resource", now: Instant) -> None:
        """A resource has ended."""

    def parked(self, client: object, request: Request, now: Instant) -> None:
        """A client waits for the creation of a resource."""

    def unparked(
        self, client: object, request: Request, asked: float, reason: str, now: Instant
    ) -> None:
        """A client waits no more for a creation, which has not happened; since when it had."""

    def refused(
        self, client: object, request: Request, kind: str, reason: str, now: Instant
    ) -> None:
        """A request was refused, see `requests.Refused`; kind "" if the name is none."""

    def enqueued(self, entry: "Entry", now: Instant) -> None:
        """A request waits in the queue."""

    def withdrawn(self, entry: "Entry", reason: str, now: Instant) -> None:
        """A waiter has gone without a lock: "left", "unlocked", "replaced" or "refused"."""

    def granted(self, entry: "Entry", now: Instant) -> None:
        """A request holds what it asked for."""

    def released(self, entry: "Entry", now: Instant) -> None:
        """A holder has given its lock back."""

    def lost(self, entry: "Entry", taken: bool, now: Instant) -> None:
        """A holder has gone with its connection; taken: an operator wanted it so."""
