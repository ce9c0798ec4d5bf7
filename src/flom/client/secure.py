"""TLS between a command and its daemon. Loaded only where it is configured, or missed.

The files are read before anything is connected (api.md, AF-14), and the handshake has its own
time limit: the daemon may not speak TLS at all.
"""

from time import monotonic

from flom.client.reach import connect_plain
from flom.client.record import log
from flom.client.session import DEFAULT_LIMIT
from flom.errors import (
    RC_SSL_CONNECT_ERROR,
    RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR,
    RC_SSL_GET_VERIFY_RESULT_ERROR,
    FlomError,
)
from flom.net.channel import BEGINNINGS, Channel
from flom.net.sockets import socket
from flom.net.tls import Identity, blank
from flom.net.tlssocket import TlsSocket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from flom.client.reach import Endpoint
    from flom.net.tls import Context
    from flom.settings import Settings

# How often a connection is made anew because the daemon ended between accept and handshake.
RESTARTS = 3
# Seconds for connecting, and for the answer, when it is asked whether a daemon speaks TLS.
ASK_LIMIT = 2.0


def secured(connect: "Callable[[], socket]", settings: "Settings", deadline: float) -> TlsSocket:
    """The connection that `connect` makes, with TLS on top.

    `deadline` (monotonic seconds) counts for the handshake too if the settings have a time limit.
    Raises what `connect` raises and FlomError: -401, -403, -404 for the files, -407 when the
    daemon's certificate is not accepted, -406 when the handshake fails for another reason.
    """
    context = _context(settings)
    for _ in range(RESTARTS):
        sock = connect()
        try:
            return _shake_hands(sock, context, settings, deadline)
        except ConnectionError as error:
            # Reset before anything was said: a daemon at its end accepted nothing any more.
            sock.close()
            reason = error.strerror
        except BaseException:
            sock.close()
            raise
    raise FlomError(RC_SSL_CONNECT_ERROR, f"no TLS connection: {reason}")


def _context(settings: "Settings") -> "Context":
    try:
        return Identity(settings, server=False).context
    except FlomError as error:
        if error.rc == RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR:
            log("FLM018E", error.text)
        raise


def _shake_hands(
    sock: socket, context: "Context", settings: "Settings", deadline: float
) -> TlsSocket:
    limit = deadline if settings.resource_timeout > 0 else monotonic() + DEFAULT_LIMIT
    secure = TlsSocket(sock, context)
    try:
        secure.shake_hands(limit)
    except FlomError as error:
        if error.rc == RC_SSL_GET_VERIFY_RESULT_ERROR:
            log("FLM017E", error.text)
        raise
    log("FLM011I", f"issuer {secure.channel.issuer}")
    log("FLM012I", f"subject {secure.channel.subject}")
    return secure


def speaks_tls(endpoint: "Endpoint", settings: "Settings") -> bool:
    """Whether the daemon at `endpoint`, which has closed a plain connection, begins a handshake."""
    try:
        sock = connect_plain(endpoint, settings, monotonic() + ASK_LIMIT)
    except FlomError:
        return False
    try:
        sock.settimeout(ASK_LIMIT)
        sock.sendall(Channel(blank(server=False), server=False).data_to_send())
        return sock.recv(1)[:1] in BEGINNINGS
    except OSError:
        return False
    finally:
        sock.close()
