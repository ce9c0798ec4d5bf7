"""`tls.server` and `tls.client`: one handshake and one exchange of unique ids (cli.md 16).

The pair shows whether certificates, keys and authorities of two hosts fit together. It speaks to
the same features of the reference.
"""

from time import monotonic

from flom import trace
from flom.errors import (
    RC_CONTAINER_FULL,
    RC_INVALID_OPTION,
    RC_NO_CERTIFICATE,
    RC_RECV_ERROR,
    RC_UNIQUE_ID_DOES_NOT_MATCH,
    FlomError,
)
from flom.machine import unique_id
from flom.net.address import TcpEndpoint
from flom.net.connect import connect_tcp
from flom.net.listen import listen_tcp
from flom.net.options import USUAL
from flom.net.sockets import accept
from flom.net.tls import Identity
from flom.net.tlssocket import TlsSocket
from flom.values import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.settings import Settings

# Seconds for connecting, for the handshake and for each of the two messages (cli.md CF-20).
LIMIT = 30.0
_END = b"</msg>"
_LARGEST = 1024


def server(settings: "Settings") -> None:
    """Take one TLS client on `-a`/`-p`, however long it takes to come; raises FlomError."""
    if not settings.unicast_address:
        raise FlomError(RC_INVALID_OPTION, "an address of this host is needed (-a)")
    identity = _identity(settings, server=True)
    listener = listen_tcp(_endpoint(settings))
    listener.sock.settimeout(None)
    _record(f"listening on {listener.place}")
    try:
        sock, _ = accept(listener.sock)
    finally:
        listener.close()
    peer = TlsSocket(sock, identity.context, server=True)
    _exchange(settings, peer, first=False)


def client(settings: "Settings") -> None:
    """Connect to the server on `-a`/`-p` by TLS; raises FlomError."""
    identity = _identity(settings, server=False)
    sock = connect_tcp(_endpoint(settings), monotonic() + LIMIT, USUAL)
    _exchange(settings, TlsSocket(sock, identity.context), first=True)


def _endpoint(settings: "Settings") -> TcpEndpoint:
    interface = settings.network_interface or ""
    return TcpEndpoint(settings.unicast_address or "localhost", settings.unicast_port, interface)


def _identity(settings: "Settings", *, server: bool) -> Identity:
    if not settings.tls:
        raise FlomError(
            RC_NO_CERTIFICATE,
            "three files are needed: --tls-certificate, --tls-private-key, --tls-ca-certificate",
        )
    return Identity(settings, server=server)


def _exchange(settings: "Settings", peer: TlsSocket, *, first: bool) -> None:
    """Shake hands, then both tell who they are; `first`: we do before we hear the other side."""
    try:
        peer.shake_hands(monotonic() + LIMIT)
        _record(f"{peer.channel.version} with {peer.channel.peer_cn or 'a peer without name'}")
        peer.settimeout(LIMIT)
        if first:
            peer.sendall(unique_id().encode() + _END)
        _judge(settings, peer, _receive(peer))
        if not first:
            peer.sendall(unique_id().encode() + _END)
    except OSError as error:
        reason = error.strerror or str(error)
        raise FlomError(RC_RECV_ERROR, f"the connection broke: {reason}") from None
    finally:
        peer.close()


def _receive(peer: TlsSocket) -> bytes:
    data = b""
    while not data.endswith(_END):
        received = peer.recv(_LARGEST)
        if not received:
            raise FlomError(
                RC_RECV_ERROR,
                "the peer has closed the connection (it may have refused the certificate)",
            )
        data += received
        if len(data) > _LARGEST:
            raise FlomError(RC_CONTAINER_FULL, "the peer does not send a unique id")
    return data[: -len(_END)]


def _judge(settings: "Settings", peer: TlsSocket, told: bytes) -> None:
    """Compare the unique id the peer tells with the name in its certificate, if that is asked."""
    name, identity = peer.channel.peer_cn or "", told.decode("utf-8", "replace")
    _record(f"unique id of the peer {quoted(identity)}, of its certificate {quoted(name)}")
    if settings.tls_check_peer_id and (not identity or identity != name):
        raise FlomError(
            RC_UNIQUE_ID_DOES_NOT_MATCH,
            f"the peer's unique id is {quoted(identity)}, but its certificate is for"
            f" {quoted(name)} (issue it with that id as CN, or give --tls-check-peer-id=no)",
        )


def _record(text: str) -> None:
    if trace.mask & (trace.DEBUG | trace.TLS):
        trace.record(f"flom_debug_features: {text}")
