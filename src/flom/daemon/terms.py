"""On what terms a daemon serves its peers."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.daemon.gate import Gate
    from flom.daemon.limits import Limits
    from flom.daemon.secure import Guard
    from flom.net.options import Keepalive


class Terms:
    """What is settled for all connections before the first one comes.

    limits: what it takes at most. peerid: the unique id of its host. keepalive: the probes of TCP
    connections. With a `guard` connections use TLS; with a `gate` not everybody may do everything.
    """

    __slots__ = ("gate", "guard", "keepalive", "limits", "peerid")

    def __init__(
        self,
        limits: "Limits",
        peerid: str,
        keepalive: "Keepalive",
        guard: "Guard | None" = None,
        gate: "Gate | None" = None,
    ) -> None:
        self.limits = limits
        self.peerid = peerid
        self.keepalive = keepalive
        self.guard = guard
        self.gate = gate
