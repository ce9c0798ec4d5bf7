"""Rules of access, asked for the peers of the daemon. Loaded only if there are rules."""

import pwd

from flom.access.rules import EXCLUSIVE, FORCE, LOCK, SHUTDOWN, Peer, Policy, resource_of
from flom.net.sockets import AF_UNIX, peer_uid
from flom.values import MODE_NAMES, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.core.requests import Request
    from flom.daemon.connection import Connection
    from flom.daemon.streamlog import StreamLog
    from flom.log import SystemLog


class Gate:
    """Says who may do what, by `rules` (`Settings.access`), and logs whom it refuses."""

    __slots__ = ("_log", "_policy")

    def __init__(self, rules: tuple[tuple[str, str], ...], log: "SystemLog | StreamLog") -> None:
        self._log = log
        self._policy = Policy(rules, _uid)
        for rule, user in self._policy.missing():
            log.record(
                "FLM111W",
                f"rule {quoted(rule)} speaks of the user {quoted(user)}, who does not exist here"
                " (check [Access] in the configuration)",
            )

    def admits_lock(self, connection: "Connection", request: "Request") -> bool:
        """Whether the peer may lock this; what is no resource is left to others to refuse."""
        return self._admits(LOCK, connection, request.name, request.mode)

    def admits_force(self, connection: "Connection", name: bytes) -> bool:
        """Whether the peer may take a lock of this name away from whoever holds it."""
        return self._admits(FORCE, connection, name, EXCLUSIVE)

    def admits_shutdown(self, connection: "Connection") -> bool:
        """Whether the peer may end the daemon."""
        peer = _peer(connection)
        return self._verdict(connection, peer, "shutdown", self._policy.refusal(SHUTDOWN, peer))

    def _admits(self, action: str, connection: "Connection", name: bytes, mode: int) -> bool:
        seen = resource_of(name, mode)
        if seen is None:
            return True
        resource, mode = seen
        peer = _peer(connection)
        what = f"{action} {quoted(resource)}" + (f" {MODE_NAMES[mode]}" if action == LOCK else "")
        return self._verdict(
            connection, peer, what, self._policy.refusal(action, peer, resource, mode)
        )

    def _verdict(self, connection: "Connection", peer: Peer, what: str, why: str) -> bool:
        if why:
            who = f"{connection.peer} ({peer})" if str(peer) else connection.peer
            self._log.record("FLM110W", f"not allowed: {what}, from {who}: {why}")
        return not why


def _peer(connection: "Connection") -> Peer:
    sock = connection.sock
    uid = peer_uid(sock) if sock.family == AF_UNIX else None
    return Peer(connection.peer_cn or "", peerid=connection.peerid or "", uid=uid)


def _uid(user: str) -> int | None:
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return None
