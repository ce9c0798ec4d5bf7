"""TLS on the daemon's connections: certificates that are renewed, peers that are who they say.

Loaded only by a daemon with TLS. Handshakes take their turn with everything else: each step is
done when its bytes have arrived, and nobody waits for anybody (wire.md W-49).
"""

from flom import trace
from flom.errors import RC_SSL_GET_VERIFY_RESULT_ERROR, FlomError
from flom.net.channel import Channel
from flom.net.tls import Identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.daemon.connection import Connection
    from flom.daemon.streamlog import StreamLog
    from flom.log import SystemLog

# Seconds between two looks at the files, at least.
LOOK_INTERVAL = 1.0


class Guard:
    """Gives connections their channel and decides about peers.

    `check_peer_id`: the certificate of a peer must carry the unique id that the peer sends.
    """

    __slots__ = ("_check_peer_id", "_identity", "_log", "_look_again")

    def __init__(
        self, identity: Identity, log: "SystemLog | StreamLog", *, check_peer_id: bool
    ) -> None:
        self._identity = identity
        self._log = log
        self._check_peer_id = check_peer_id
        self._look_again = 0.0

    def channel(self, now: float) -> Channel:
        """For a connection that has come at `now` (seconds of the monotonic clock)."""
        if now >= self._look_again:
            self._look_again = now + LOOK_INTERVAL
            self._renew()
        return Channel(self._identity.context, server=True)

    def _renew(self) -> None:
        try:
            if self._identity.renew():
                self._log.record("FLM103N", "the TLS files have changed and are in use")
        except FlomError as error:
            text = "the TLS files have changed, but the former ones stay in use"
            self._log.record("FLM102W", f"{text}: {error.text} [ret_cod={error.rc}]")

    def open(self, connection: "Connection", data: bytes) -> bytes:
        """The plain bytes behind those that have arrived; what TLS has to say is sent.

        Raises FlomError when the connection is to be ended.
        """
        channel = connection.channel
        assert channel is not None  # the guard has given it one
        begun = channel.established
        try:
            plain = channel.receive(data)
        except FlomError as error:
            known = error.rc == RC_SSL_GET_VERIFY_RESULT_ERROR
            self._log.record("FLM017E" if known else "FLM101W", f"{connection.peer}: {error.text}")
            raise
        finally:
            connection.send(b"")
        if not begun and channel.established:
            self._welcome(connection, channel)
        return plain

    def _welcome(self, connection: "Connection", channel: Channel) -> None:
        if connection.timer is not None:
            connection.timer.cancel()
            connection.timer = None
        connection.peer_cn = channel.peer_cn
        self._log.record("FLM011I", f"issuer {channel.issuer}")
        self._log.record("FLM012I", f"subject {channel.subject}")
        if trace.mask & trace.TLS:
            trace.record(f"flom_tls: {connection}: {channel.version}, {channel.subject}")

    def admits(self, connection: "Connection", peerid: str | None) -> bool:
        """Whether a peer that says `peerid` in its first message is served (wire.md 12)."""
        if not self._check_peer_id:
            return True
        name = connection.peer_cn
        good = bool(peerid) and peerid == name
        text = f"peer {connection.peer}, id {peerid or '{null}'}, certificate for {name}"
        self._log.record("FLM014I" if good else "FLM013E", text)
        return good
