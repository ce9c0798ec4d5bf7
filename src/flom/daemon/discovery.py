"""The daemon's answers to those who search it by multicast (wire.md 13.2, daemon.md 9.4).

Loaded only by a daemon with a group. Nothing that arrives here can end or stop it (F1, F14).
"""

from flom import trace
from flom.daemon.reactor import READ
from flom.net.address import numeric
from flom.net.discovery import LARGEST, WILDCARDS
from flom.wire.codec import decode_datagram, encode
from flom.wire.rare import Discover, Discovered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from flom.daemon.reactor import Reactor
    from flom.daemon.streamlog import StreamLog
    from flom.log import SystemLog
    from flom.net.address import Address
    from flom.net.discovery import Membership
    from flom.net.sockets import socket

# How many datagrams are read before others are served again.
BATCH = 64


class Discovery:
    """Answers each question that arrives at `membership` with the address of `listener`.

    `asked` is called when there was one: it counts as activity.
    """

    __slots__ = ("_answer", "_asked", "_log", "_reactor", "_sock")

    def __init__(
        self,
        reactor: "Reactor",
        membership: "Membership",
        listener: "socket",
        log: "StreamLog | SystemLog",
        *,
        asked: "Callable[[], None]",
    ) -> None:
        self._reactor = reactor
        self._sock = membership.sock
        self._log = log
        self._asked = asked
        self._answer = encode(announced(listener.getsockname()))
        reactor.add(self._sock.fileno(), READ, lambda _: self._invited())

    def close(self) -> None:
        """Answer no more; the socket is closed with the listener."""
        self._reactor.remove(self._sock.fileno())

    def answer(self) -> int:
        """Answer what has arrived, a limited number of datagrams; how many were questions."""
        questions = 0
        for _ in range(BATCH):
            try:
                data, sender = self._sock.recvfrom(LARGEST)
            except BlockingIOError:
                break
            except OSError:
                continue  # an error report of an earlier answer
            if isinstance(decode_datagram(data), Discover):
                questions += 1
                self._reply(sender)
            elif trace.mask & (trace.DAEMON | trace.TCP):
                trace.record(f"flom_listen_discover: ignored {data!r} from {_shown(sender)}")
        return questions

    def _invited(self) -> None:
        if self.answer():
            self._asked()

    def _reply(self, sender: "Address") -> None:
        self._log.record("FLM005I", f"discovery by {_shown(sender)}")
        if trace.mask & (trace.DAEMON | trace.TCP):
            trace.record(f"flom_listen_discover: {_shown(sender)} is sent {self._answer!r}")
        try:
            self._sock.sendto(self._answer, sender)
        except OSError:
            pass  # it asks again, or not


def announced(address: "Address") -> Discovered:
    """What is said of a listener with this address: as digits, "" for every address (F17).

    Never with an interface: that of the asker may have another name.
    """
    host = address[0].partition("%")[0]
    return Discovered("" if host in WILDCARDS.values() else host, address[1])


def _shown(address: "Address") -> str:
    return "/".join(numeric(address))
