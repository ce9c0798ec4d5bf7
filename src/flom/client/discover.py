"""Find a daemon by multicast, or start one that others find (wire.md 13.3, daemon.md 9.3, 9.5).

Loaded only by a command with a group and without an address.
"""

from time import monotonic

from flom import trace
from flom.client.session import DEFAULT_LIMIT
from flom.errors import (
    RC_CONNECT_ERROR,
    RC_CONNECTION_REFUSED,
    RC_NETWORK_TIMEOUT,
    RC_SENDTO_ERROR,
    FlomError,
)
from flom.net.address import TcpEndpoint, numeric
from flom.net.connect import connect_tcp
from flom.net.discovery import LARGEST, GroupEndpoint, asking, resolve_group
from flom.net.sockets import AF_INET, AF_INET6, SOCK_DGRAM, inet_pton, socket
from flom.net.unix import NobodyListens
from flom.wire.codec import decode_datagram, encode
from flom.wire.rare import Discover, Discovered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.client.reach import Stream, Tell
    from flom.net.address import Address
    from flom.net.options import Keepalive
    from flom.settings import Settings

# Seconds for which further answers are looked for after a daemon was started (W-60).
GATHER = 0.2
# Seconds for each step of ending a daemon of no use.
DISMISS_LIMIT = 1.0
# Answers that have arrived already are read even if the attempt is over, so many of them.
MOST_WAITING = 64
# Seconds that another starter on this host may take beyond a discovery of its own.
START_LIMIT = 5.0
# Seconds that a daemon that was just started may take to answer, on a busy machine.
FIRST_ANSWER_LIMIT = 5.0
# The IPv6 addresses of this host, as hexadecimal digits.
_OWN_ADDRESSES = "/proc/net/if_inet6"

_SEVERAL = (
    "more than one daemon answers in the group {}; they know nothing of each other's locks (start"
    " one beforehand with -d -1, and use -d 0 elsewhere)"
)


class Silence(NobodyListens):
    """Nobody in the group has answered."""


class Deserted(NobodyListens):
    """A daemon was announced at `endpoint`, but nobody listens there."""

    def __init__(self, error: FlomError, endpoint: TcpEndpoint) -> None:
        super().__init__(error.rc, error.text)
        self.endpoint = endpoint


def connect_group(
    endpoint: GroupEndpoint,
    settings: "Settings",
    deadline: float,
    keepalive: "Keepalive",
    tell: "Tell",
) -> socket:
    """A connection to the daemon of a group that answers first and can be reached.

    `deadline` (monotonic seconds) counts if the settings have a time limit. Raises Silence or
    Deserted (-105), FlomError: -110 and -20 for the group, -105 when no socket can be made or the
    answers lead nowhere, -131 when a question cannot be sent, 9 when the time limit is over.
    """
    search = Search(endpoint, settings, deadline, keepalive, tell)
    try:
        return search.connect()
    finally:
        search.close()


def start_and_connect(
    endpoint: GroupEndpoint,
    settings: "Settings",
    deadline: float,
    keepalive: "Keepalive",
    tell: "Tell",
) -> socket:
    """Like `connect_group`, but a daemon is started if there is still none.

    One starter on this host after the other: whoever comes second finds the daemon of the first
    (D-17). Raises also what starting raises, and FlomError 7 when the daemon does not answer.
    """
    from flom.net.turn import Turn

    search = Search(endpoint, settings, deadline, keepalive, tell)
    turn = Turn(search.group.host, search.group.port)
    try:
        turn.take(min(search.deadline, monotonic() + START_LIMIT + 2 * search.longest))
        if turn.problem:
            tell(2, f"{turn.problem}: another command may start a second daemon meanwhile")
        return _find_or_start(search, endpoint, settings, tell)
    finally:
        turn.end()
        search.close()


def _find_or_start(
    search: "Search", endpoint: GroupEndpoint, settings: "Settings", tell: "Tell"
) -> socket:
    # Only who has to start a daemon pays for loading what that takes.
    from flom.daemon.launch import start

    try:
        return search.connect()
    except Silence:
        place = start(endpoint, settings, search.deadline, lambda text: tell(2, text))
    try:
        sock = search.connect(FIRST_ANSWER_LIMIT)
    except Silence:
        _dismiss(place, settings)
        raise FlomError(
            RC_CONNECTION_REFUSED,
            f"a daemon was started, but no question reaches it in the multicast group {endpoint}",
        ) from None
    if search.others():
        tell(2, _SEVERAL.format(endpoint))
    return sock


def _dismiss(place: str, settings: "Settings") -> None:
    """End the daemon at `address/port`, unless somebody else found it (daemon.md 15, F23)."""
    from flom.client.reach import connect
    from flom.machine import unique_id
    from flom.wire.client import ClientConversation

    host, _, port = place.rpartition("/")
    local = TcpEndpoint("::1" if ":" in host else "127.0.0.1", int(port))
    try:
        sock = connect(local, settings, monotonic() + DISMISS_LIMIT)
    except FlomError:
        return
    try:
        sock.settimeout(DISMISS_LIMIT)
        sock.sendall(ClientConversation(unique_id()).shutdown(immediate=False))
        sock.recv(1)  # it closes when it has understood
    except (OSError, FlomError):
        pass
    finally:
        sock.close()


def peer_of(sock: "Stream") -> TcpEndpoint:
    """Where a TCP connection leads to."""
    return _endpoint(sock.getpeername())


class Search:
    """One discovery: questions to a group, the answers, connections to who answered."""

    __slots__ = (
        "_attempts", "_endpoint", "_group_text", "_interface", "_keepalive", "_question", "_seen",
        "_sock", "_taken", "_tell", "_timeout", "deadline", "group",
    )  # fmt: skip

    def __init__(
        self,
        endpoint: GroupEndpoint,
        settings: "Settings",
        deadline: float,
        keepalive: "Keepalive",
        tell: "Tell",
    ) -> None:
        self.deadline = deadline if settings.resource_timeout > 0 else float("inf")
        self._attempts = settings.discovery_attempts
        self._timeout = settings.discovery_timeout / 1000
        self._interface = settings.network_interface or ""
        self._keepalive = keepalive
        self._tell = tell
        self._endpoint = endpoint
        self._group_text = str(endpoint)
        self._question = encode(Discover())
        self._seen: set[tuple[str, int, str]] = set()
        self._taken: TcpEndpoint | None = None
        self._sock, self.group = asking(resolve_group(endpoint), settings.discovery_ttl)
        _record(f"searching a daemon in group {self.group}, {self._attempts} attempts")

    @property
    def longest(self) -> float:
        """Seconds that a search without any answer takes."""
        return self._attempts * self._timeout

    def close(self) -> None:
        """Listen to no more answers."""
        self._sock.close()

    def connect(self, at_last: float = 0.0) -> socket:
        """A connection to the first who answers and can be reached; raises like the callers.

        at_last: seconds for which the answers to the last question are waited for at least.
        """
        for left in range(self._attempts, 0, -1):
            self._ask()
            seconds = self._timeout if left > 1 else max(self._timeout, at_last)
            sock = self._reach_one(monotonic() + seconds)
            if sock is not None:
                return sock
            self._tell(1, f"no reply from {self._group_text}")
            _record(f"no reply from {self.group}")
            self._demand_time()
        raise Silence(RC_CONNECT_ERROR, f"no daemon answers in the multicast group {self.group}")

    def others(self) -> bool:
        """Whether further daemons answer, soon after the one that was taken."""
        taken = self._taken
        until = monotonic() + min(GATHER, self._timeout)
        while taken is not None and (place := self._next(until)) is not None:
            other = place[0]
            # One daemon may have been asked through several interfaces of this host.
            if other.port != taken.port or not (_is_here(other) and _is_here(taken)):
                return True
        return False

    def _ask(self) -> None:
        text = self._question.decode()
        self._tell(1, f"sending UDP multicast datagram to {self._group_text} ('{text}')")
        _record(f"query to {self.group}: {text!r}")
        self._seen.clear()
        try:
            self._sock.sendto(self._question, self.group.address)
        except OSError as error:
            raise FlomError(
                RC_SENDTO_ERROR,
                f"nothing can be sent to the multicast group {self.group}: {error.strerror}",
            ) from None

    def _reach_one(self, until: float) -> socket | None:
        """Try whoever answers until then, one after the other; None when nobody answers."""
        failure: FlomError | None = None
        while (place := self._next(min(until, self.deadline))) is not None:
            endpoint, announced = place
            now = monotonic()
            # Half of the time that is left: something must remain for who answers next.
            limit = now + (min(self.deadline, now + 2 * DEFAULT_LIMIT) - now) / 2
            try:
                sock = connect_tcp(endpoint, limit, self._keepalive)
                self._taken = endpoint
                self._endpoint.announced = self._announced(endpoint) if announced else None
                return sock
            except FlomError as error:
                reason = error
            except (OverflowError, ValueError) as error:  # an interface that cannot be
                reason = FlomError(RC_CONNECT_ERROR, f"cannot connect to {endpoint}: {error}")
            if isinstance(reason, NobodyListens) and announced:
                reason = Deserted(reason, endpoint)
            elif not announced:
                reason = FlomError(reason.rc, reason.text)  # starting one would be no help
            failure = failure or reason
        if failure is not None:
            raise failure
        return None

    def _next(self, until: float) -> "tuple[TcpEndpoint, bool] | None":
        """Where the next valid answer leads, and whether it names an address; None: no answer.

        Everything else that arrives is ignored, and the rest of the time is used (W-55, F15).
        """
        waiting = MOST_WAITING
        while waiting:
            left = until - monotonic()
            if left <= 0:
                waiting -= 1
            self._sock.settimeout(max(left, 0.0))
            try:
                data, sender = self._sock.recvfrom(LARGEST)
            except (TimeoutError, BlockingIOError):
                return None
            except OSError:
                continue  # an error report of an earlier datagram
            message = decode_datagram(data)
            if not isinstance(message, Discovered):
                _record(f"ignored datagram from {_shown(sender)}: {data!r}")
                continue
            self._tell(1, f"reply from {self._group_text} is '{_text(data)}'")
            _record(f"reply from {_shown(sender)}: {data!r}")
            key = (message.address, message.port, message.address or _shown(sender))
            if key not in self._seen:
                self._seen.add(key)
                return self._place(message, sender), bool(message.address)
        return None

    def _place(self, message: Discovered, sender: "Address") -> TcpEndpoint:
        if not message.address:
            return _endpoint((sender[0], message.port, *sender[2:]))
        scope = sender[3] if len(sender) == 4 else 0
        interface = str(scope) if scope else self._interface
        return TcpEndpoint(message.address, message.port, interface)

    def _announced(self, endpoint: TcpEndpoint) -> tuple[str, int]:
        """How to reach a daemon without a question, with the interface of the settings or none."""
        interface = "" if endpoint.interface == self._interface else f"%{endpoint.interface}"
        return f"{endpoint.host}{interface}", endpoint.port

    def _demand_time(self) -> None:
        if monotonic() >= self.deadline:
            raise FlomError(
                RC_NETWORK_TIMEOUT,
                f"no daemon answers in the multicast group {self.group} within the time of -o",
            )


def _endpoint(address: "Address | tuple[str, int, *tuple[int, ...]]") -> TcpEndpoint:
    """The endpoint with the same address, and the same interface if it is link local (W-59)."""
    scope = address[3] if len(address) == 4 else 0
    host = address[0].partition("%")[0]
    return TcpEndpoint(host, address[1], str(scope) if scope else "")


def _is_here(endpoint: TcpEndpoint) -> bool:
    """Whether an address belongs to this host, through whichever of its interfaces."""
    try:
        if ":" in endpoint.host:
            with open(_OWN_ADDRESSES, "rb") as table:
                return inet_pton(AF_INET6, endpoint.host).hex().encode() in table.read()
        sock = socket(AF_INET, SOCK_DGRAM)
    except OSError:
        return False
    try:
        sock.bind((endpoint.host, 0))
    except OSError:
        return False
    finally:
        sock.close()
    return True


def _shown(address: "Address") -> str:
    return "/".join(numeric(address))


def _text(data: bytes) -> str:
    """A datagram on one line, whoever made it."""
    text = data.decode("utf-8", "backslashreplace")
    return text if text.isprintable() else ascii(text)[1:-1]


def _record(what: str) -> None:
    if trace.mask & trace.CONNECTING:
        trace.record(f"flom_client_discover_udp: {what}")
