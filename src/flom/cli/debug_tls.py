"""`tls.server` and `tls.client`: one handshake and one exchange of unique ids (cli.md 16).

The pair shows whether certificates, keys and authorities of two hosts fit together. It speaks to
the same features of the reference. The only part of the command that loads `ssl`.
"""

import socket  # noqa: TID253  # `ssl` needs it anyway
import ssl  # noqa: TID253
from time import monotonic

from flom import trace
from flom.errors import (
    RC_CONTAINER_FULL,
    RC_INVALID_OPTION,
    RC_NO_CERTIFICATE,
    RC_RECV_ERROR,
    RC_SSL_ACCEPT_ERROR,
    RC_SSL_CONNECT_ERROR,
    RC_SSL_CTX_LOAD_VERIFY_LOCATIONS_ERROR,
    RC_SSL_CTX_USE_CERTIFICATE_FILE_ERROR,
    RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR,
    RC_SSL_GET_VERIFY_RESULT_ERROR,
    RC_UNIQUE_ID_DOES_NOT_MATCH,
    FlomError,
)
from flom.machine import unique_id
from flom.net.address import TcpEndpoint
from flom.net.connect import connect_tcp
from flom.net.listen import listen_tcp
from flom.net.options import Keepalive
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
    context = _context(settings, ssl.PROTOCOL_TLS_SERVER)
    listener = listen_tcp(_endpoint(settings))
    listening = socket.socket(fileno=listener.sock.detach())
    with listening:
        listening.settimeout(None)
        _record(f"listening on {listener.place}")
        accepted, _ = listening.accept()
    with _handshake(context, accepted, server_side=True) as peer:
        try:
            _judge(settings, peer, _receive(peer))
            peer.sendall(unique_id().encode() + _END)
        except OSError as error:
            raise _broken(error) from None


def client(settings: "Settings") -> None:
    """Connect to the server on `-a`/`-p` by TLS; raises FlomError."""
    context = _context(settings, ssl.PROTOCOL_TLS_CLIENT)
    sock = connect_tcp(_endpoint(settings), monotonic() + LIMIT, Keepalive())
    connected = socket.socket(fileno=sock.detach())
    with _handshake(context, connected, server_side=False) as peer:
        try:
            peer.sendall(unique_id().encode() + _END)
            _judge(settings, peer, _receive(peer))
        except OSError as error:
            raise _broken(error) from None


def _endpoint(settings: "Settings") -> TcpEndpoint:
    interface = settings.network_interface or ""
    return TcpEndpoint(settings.unicast_address or "localhost", settings.unicast_port, interface)


def _context(settings: "Settings", protocol: int) -> ssl.SSLContext:
    certificate, key = settings.tls_certificate, settings.tls_private_key
    authority = settings.tls_ca_certificate
    if not (certificate and key and authority):
        raise FlomError(
            RC_NO_CERTIFICATE,
            "three files are needed: --tls-certificate, --tls-private-key, --tls-ca-certificate",
        )
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(authority)
    except OSError as error:
        raise _unusable(RC_SSL_CTX_LOAD_VERIFY_LOCATIONS_ERROR, authority, error) from None
    _check_certificate(certificate)
    try:
        # An encrypted key is refused instead of asking somebody who may not be there.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        raise _unusable(RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR, key, error) from None
    return context


def _check_certificate(path: str) -> None:
    """Tells a bad certificate from a bad key, which the library loads in one call."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            text = file.read()
        begin = text.index(ssl.PEM_HEADER)
        ssl.PEM_cert_to_DER_cert(text[begin : text.index(ssl.PEM_FOOTER, begin)] + ssl.PEM_FOOTER)
    except (OSError, ValueError) as error:
        raise _unusable(RC_SSL_CTX_USE_CERTIFICATE_FILE_ERROR, path, error) from None


def _unusable(rc: int, path: str, error: Exception) -> FlomError:
    return FlomError(rc, f"{quoted(path)} cannot be used: {_reason(error)}")


def _handshake(context: ssl.SSLContext, sock: socket.socket, *, server_side: bool) -> ssl.SSLSocket:
    """The encrypted connection; closes `sock` when there will be none."""
    sock.settimeout(LIMIT)
    try:
        peer = context.wrap_socket(sock, server_side=server_side)
    except OSError as error:
        sock.close()
        raise _refused(
            error, RC_SSL_ACCEPT_ERROR if server_side else RC_SSL_CONNECT_ERROR
        ) from None
    _record(f"{peer.version()} with {_name(peer) or 'a peer without name'}")
    return peer


def _refused(error: OSError, rc: int) -> FlomError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return FlomError(
            RC_SSL_GET_VERIFY_RESULT_ERROR,
            f"the peer's certificate is not accepted: {error.verify_message} (has it been signed"
            " by the authority in --tls-ca-certificate?)",
        )
    return FlomError(rc, f"no TLS connection: {_reason(error)}")


def _receive(peer: ssl.SSLSocket) -> bytes:
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


def _judge(settings: "Settings", peer: ssl.SSLSocket, told: bytes) -> None:
    """Compare the unique id the peer tells with the name in its certificate, if that is asked."""
    name, identity = _name(peer), told.decode("utf-8", "replace")
    _record(f"unique id of the peer {quoted(identity)}, of its certificate {quoted(name)}")
    if settings.tls_check_peer_id and (not identity or identity != name):
        raise FlomError(
            RC_UNIQUE_ID_DOES_NOT_MATCH,
            f"the peer's unique id is {quoted(identity)}, but its certificate is for"
            f" {quoted(name)} (issue it with that id as CN, or give --tls-check-peer-id=no)",
        )


def _name(peer: ssl.SSLSocket) -> str:
    """The CN of the peer's certificate; "" if it has none."""
    certificate = peer.getpeercert() or {}
    subject: tuple[tuple[tuple[str, str], ...], ...]
    subject = certificate.get("subject", ())  # type: ignore[assignment]  # as the library documents
    for part in subject:
        for key, value in part:
            if key == "commonName":
                return str(value)
    return ""


def _broken(error: OSError) -> FlomError:
    return FlomError(RC_RECV_ERROR, f"the connection broke: {_reason(error)}")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return getattr(error, "strerror", None) or str(error)


def _record(text: str) -> None:
    if trace.mask & (trace.DEBUG | trace.TLS):
        trace.record(f"flom_debug_features: {text}")
