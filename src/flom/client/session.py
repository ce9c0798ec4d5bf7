"""One lock from request to release, without sockets: what is sent, what an answer means, deadlines.

The shells (`blocking`, `nonblocking`) only move bytes and read the clock.
"""

from flom.client import about
from flom.errors import (
    OWN_RC_ACCESS_DENIED,
    OWN_RC_LIMIT_REACHED,
    OWN_RC_LOCK_NESTED,
    OWN_RC_LOCK_TAKEN,
    RC_LOCK_BUSY,
    RC_LOCK_CANT_LOCK,
    RC_LOCK_CANT_WAIT,
    RC_LOCK_ENQUEUED,
    RC_LOCK_IMPOSSIBLE,
    RC_LOCK_WAIT_RESOURCE,
    RC_NETWORK_TIMEOUT,
    RC_NULL_OBJECT,
    RC_OK,
    RC_PROTOCOL_ERROR,
    RC_RECV_ERROR,
    RC_SEND_ERROR,
    RC_SSL_READ_ERROR,
    RC_UNIQUE_ID_DOES_NOT_MATCH,
    FlomError,
)
from flom.net.address import TcpEndpoint
from flom.net.unix import UnixEndpoint
from flom.values import MODAL_KINDS, MODE_NAMES, quoted, raw, resource_kind
from flom.wire.client import ASKED, ClientConversation
from flom.wire.messages import FIRST, LAST, LATER, NOTICE
from flom.wire.tokens import fenced, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.client.why import Why
    from flom.net.discovery import GroupEndpoint
    from flom.settings import Settings
    from flom.wire.messages import Answer

# Seconds for connecting, and for the answer to a request that does not wait, when the user has
# set no limit (design, ruling "deadlines").
DEFAULT_LIMIT = 30.0

_REFUSED = {
    RC_LOCK_BUSY: "the resource is locked by somebody else",
    RC_LOCK_CANT_WAIT: "the resource does not exist, and this request neither creates it nor waits",
    RC_LOCK_IMPOSSIBLE: "the resource can never satisfy this request",
    OWN_RC_ACCESS_DENIED: "the daemon does not allow this lock to this user or host",
}

# What a daemon has at most, by the option that says how much (docs/reference/limits.md).
_LIMITED = {
    "max-connections": "connections",
    "max-connections-per-peer": "connections of one user or address",
    "max-queue": "holders and waiters of one resource",
    "max-resources": "resources",
}

_MODE_NUMBERS = tuple(str(mode) for mode in range(len(MODE_NAMES)))


def variables(
    settings: "Settings", element: str | None, token: int | None, sessions: str
) -> dict[str, str]:
    """What a command that runs under a lock with these settings finds, see `about.variables`."""
    modal = resource_kind(settings.resource_name) in MODAL_KINDS
    mode = MODE_NAMES[settings.lock_mode] if modal else None
    return about.variables(settings.resource_name, mode, element, token, sessions)


def endpoint_of(settings: "Settings") -> "UnixEndpoint | TcpEndpoint | GroupEndpoint":
    """Whom to reach: socket name, else unicast address, else multicast group (daemon.md 2)."""
    if settings.socket_name:
        return UnixEndpoint(settings.socket_name, settings.socket_is_default)
    interface = settings.network_interface or ""
    if settings.unicast_address or not settings.multicast_address:
        return TcpEndpoint(settings.unicast_address or "", settings.unicast_port, interface)
    from flom.net.discovery import GroupEndpoint

    return GroupEndpoint(settings.multicast_address, settings.multicast_port, interface)


class Session:
    """A request made from `settings`, begun at `now` (seconds of the monotonic clock).

    A positive timeout is one deadline for everything from `now` on: connecting, a daemon's start,
    waiting (wire.md W-24). With `as_library` the rules are those of the reference's library: it
    bounds connecting, and then each wait for a further answer anew (api.md P-13); late refusals
    have other codes. `ext` is what we announce, see `about`. `served_by` is the daemon's id and
    the step of the answer that told it, None as long as none did. `peer_cn` is to be set to the
    common name in the daemon's certificate when the connection uses TLS. `parked` tells that the
    last answer was to wait for the creation of the resource. `token` is the fencing token of the
    grant, None if the daemon tells none.
    """

    __slots__ = (
        "_as_library", "_conversation", "_ext", "_kind", "_name", "_peerid", "_settings",
        "_waits_since", "_why", "deadline", "element", "parked", "peer_cn", "served_by", "started",
        "token",
    )  # fmt: skip

    def __init__(
        self,
        settings: "Settings",
        peerid: str,
        now: float,
        ext: str = "",
        as_library: bool = False,
    ) -> None:
        timeout = settings.resource_timeout
        self._settings = settings
        self._name = raw(settings.resource_name)
        self._kind = resource_kind(settings.resource_name)
        self._peerid = peerid
        self._ext = ext
        self._conversation = ClientConversation(peerid, ext=ext)
        self._as_library = as_library
        self._waits_since: float | None = None
        self._why: Why | None = None
        self.parked = False
        self.started = now
        self.deadline = now + timeout / 1000 if timeout > 0 else None
        self.element: str | None = None
        self.token: int | None = None
        self.peer_cn: str | None = None
        self.served_by: tuple[str, int] | None = None

    def __str__(self) -> str:
        settings = self._settings
        return (
            f"'{settings.resource_name}' is {self._kind}, mode {settings.lock_mode}, quantity "
            f"{settings.resource_quantity}, timeout {settings.resource_timeout} ms"
        )

    @property
    def known(self) -> bool:
        """Whether the daemon takes notice of what we announce, and can be asked for its state."""
        return self._conversation.extended

    @property
    def connect_deadline(self) -> float:
        """When connecting has to be given up."""
        return self.started + DEFAULT_LIMIT if self.deadline is None else self.deadline

    @property
    def lost_rc(self) -> int:
        """The return code for a connection that ended before the answer (api.md 5)."""
        return RC_SSL_READ_ERROR if self._settings.tls else RC_RECV_ERROR

    @property
    def unanswered(self) -> bool:
        """Whether a request was sent, and nothing has come back yet."""
        return self._conversation.state is ASKED

    @property
    def why(self) -> "Why":
        """The question why the request has to wait, for a daemon that is `known`."""
        if self._why is None:
            from flom.client.why import Why

            self._why = Why(self._conversation)
        return self._why

    def answer_deadline(self, now: float) -> float | None:
        """When waiting for an answer has to be given up, for a wait that goes on at `now`."""
        timeout = self._settings.resource_timeout
        if self._waits_since is None:
            self._waits_since = now
        if self._as_library:
            return self._waits_since + timeout / 1000 if timeout > 0 else None
        if timeout == 0:
            # A daemon that is not dead answers such a request at once.
            return self._waits_since + DEFAULT_LIMIT
        return self.deadline

    def request(self) -> bytes:
        """The lock message, first on a new connection.

        Raises ProtocolError (-12) when the name makes it too long.
        """
        settings = self._settings
        self._conversation = ClientConversation(self._peerid, ext=self._ext)
        self._waits_since = None
        self._why = None
        return self._conversation.lock(
            self._kind,
            self._name,
            mode=settings.lock_mode,
            wait=settings.resource_timeout != 0,
            quantity=settings.resource_quantity,
            create=settings.resource_create,
            lifespan=settings.resource_idle_lifespan,
        )

    def received(self, data: bytes) -> bool:
        """Take bytes of the daemon (empty: end of stream); True when the lock is held.

        Raises FlomError: 4, 5, 6 or 3 for a refusal, -126 (-409 over TLS) when the daemon closed,
        -23 or -4 when it is not who it has to be, others when it speaks wrongly.
        """
        if not data:
            raise self._closed()
        self._conversation.receive(data)
        while (answer := self._conversation.next_answer()) is not None:
            if answer.peerid:
                self.served_by = answer.peerid, answer.step
            if self._settings.tls_check_peer_id and answer.step == FIRST:
                self._check_daemon(answer.peerid)
            if self._is_grant(answer):
                self.element = answer.element
                self.token = fenced(answer.ext) if self.known else None
                return True
            if self._as_library:
                self._waits_since = None
        return False

    def to_send(self) -> bytes:
        """Bytes the conversation wants to send now (the answer to a ping, a question)."""
        data = self._conversation.data_to_send()
        return data if self._why is None else data + self._why.data_to_send()

    def expired(self) -> FlomError:
        """The error for a wait that reached its deadline."""
        timeout = self._settings.resource_timeout
        if timeout > 0:
            return FlomError(RC_NETWORK_TIMEOUT, f"the lock was not granted within {timeout} ms")
        return FlomError(self.lost_rc, f"the daemon does not answer (waited {DEFAULT_LIMIT:.0f} s)")

    def broken(self, error: OSError) -> FlomError:
        """The error for a connection that failed while an answer was waited for."""
        # Our own limit has no number; the kernel's "timed out" tells of a vanished host, as does
        # "no route to host".
        if isinstance(error, TimeoutError) and error.errno is None:
            return self.expired()
        return FlomError(self.lost_rc, f"the connection to the daemon was lost ({error.strerror})")

    def release(self, rollback: bool) -> bytes:
        """The unlock message."""
        return self._conversation.unlock(self._name, rollback)

    def heard(self, data: bytes) -> None:
        """Take what the daemon has sent while the lock was held.

        Raises FlomError (OWN_RC_LOCK_TAKEN) if an operator has taken it away.
        """
        self._conversation.receive(data)
        while self._conversation.next_answer() is not None:
            pass
        for told in self._conversation.told:
            if told.step == NOTICE:
                raise FlomError(OWN_RC_LOCK_TAKEN, _taken(told.data))

    def lost(self, error: OSError) -> FlomError:
        """The error for a connection that failed, or had failed, while the lock was held."""
        reason = f" ({error.strerror})" if error.strerror else ""
        return FlomError(
            RC_SEND_ERROR,
            "the daemon went away while the lock was held; somebody else may have locked the"
            f" resource meanwhile{reason}",
        )

    def _closed(self) -> FlomError:
        error = FlomError(self.lost_rc, "the daemon closed the connection without granting")
        if self._kind == "timestamp" and self.unanswered:
            error.advice = "does the format tell the time of day, as in _t_%T[1]?"
        return error

    def _check_daemon(self, peerid: str | None) -> None:
        """The first answer must carry the id that the daemon's certificate is for (wire.md 12)."""
        if not peerid or not self.peer_cn:
            what = "certificate has no common name" if peerid else "answer has no unique id"
            raise FlomError(RC_NULL_OBJECT, f"the daemon's id cannot be checked: its {what}")
        if peerid != self.peer_cn:
            raise FlomError(
                RC_UNIQUE_ID_DOES_NOT_MATCH,
                f"the daemon says that its unique id is {quoted(peerid)}, but its certificate is"
                f" for {quoted(self.peer_cn)}",
            )

    def _is_grant(self, answer: "Answer") -> bool:
        rc = answer.rc
        if rc == RC_OK:
            return True
        if rc in (RC_LOCK_ENQUEUED, RC_LOCK_WAIT_RESOURCE):
            self.parked = rc == RC_LOCK_WAIT_RESOURCE
            return False
        assert rc is not None  # the conversation lets no answer without rc pass (W-16)
        if rc == OWN_RC_LOCK_NESTED:
            code = RC_LOCK_CANT_LOCK if self._as_library else rc
            raise FlomError(code, self._in_vain(answer.ext))
        if rc == OWN_RC_LIMIT_REACHED:
            code = RC_LOCK_CANT_LOCK if self._as_library else rc
            raise FlomError(code, self._too_much(answer.ext))
        raise FlomError(
            self._code_of(rc, answer.step),
            _REFUSED.get(rc, f"the daemon refuses the lock for a reason unknown here (rc {rc})"),
        )

    def _code_of(self, rc: int, step: int) -> int:
        """The return code for a refusal by `rc` (wire.md W-19; api.md 6.3, AF-1)."""
        if self._as_library and step == LAST and rc != RC_LOCK_IMPOSSIBLE:
            return RC_LOCK_CANT_LOCK
        if self._as_library and step == LATER and rc not in (*_REFUSED, RC_LOCK_CANT_LOCK):
            return RC_PROTOCOL_ERROR
        return rc if rc in _REFUSED else RC_LOCK_CANT_LOCK

    def _too_much(self, ext: str) -> str:
        told = read(ext)
        option, number = told.get("limit", ""), told.get("number", "")
        what = f"the daemon at {endpoint_of(self._settings)} has reached"
        if option in _LIMITED and number.isdigit():
            return f"{what} its limit of {number} {_LIMITED[option]}, --{option}"
        return f"{what} one of its limits"

    def _in_vain(self, ext: str) -> str:
        holder = read(ext)
        name = quoted(holder.get("name") or self._settings.resource_name)
        mode, pid = holder.get("mode", ""), holder.get("pid")
        if self._kind in MODAL_KINDS and mode in _MODE_NUMBERS:
            name += f" in mode {MODE_NAMES[int(mode)]}"
        owner = f" of process {pid}" if pid else ""
        return f"this runs within the lock{owner} on {name} and would wait for its end for ever"


def _taken(data: bytes) -> str:
    """What a notice says about who has taken the lock."""
    import json  # rare

    try:
        by = json.loads(data)["by"]
        who = f"{by['user'] or by['cn'] or by['uid']}@{by['host'] or 'localhost'}"
    except (ValueError, KeyError, TypeError):
        who = "somebody"
    return f"the lock was taken by {who} (operator) while the command ran"
