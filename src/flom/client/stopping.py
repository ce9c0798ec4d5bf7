"""Ending a daemon (daemon.md 7)."""

from time import monotonic, sleep

from flom.client.blocking import explain_close, remaining, send
from flom.client.reach import connect, connect_plain, silent
from flom.client.record import log
from flom.client.session import DEFAULT_LIMIT, endpoint_of
from flom.errors import (
    RC_DAEMON_NOT_STARTED,
    RC_NETWORK_TIMEOUT,
    RC_SEND_ERROR,
    FlomError,
    describe,
)
from flom.machine import unique_id
from flom.net.address import TcpEndpoint
from flom.net.sockets import CLOSE_LIMIT, RECEIVE_SIZE
from flom.net.unix import NobodyListens, UnixEndpoint
from flom.wire.client import ClientConversation
from flom.wire.tokens import FLOM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.client.reach import Stream, Tell
    from flom.settings import Settings


def shut_down(
    settings: "Settings",
    *,
    immediate: bool,
    tell: "Tell" = silent,
    limit: float = DEFAULT_LIMIT,
    patience: float = CLOSE_LIMIT,
) -> bool:
    """Ask a running daemon to end; never starts one (daemon.md 7, cli.md 13).

    limit, patience: how many seconds connecting and the daemon's closing may take. Returns False
    when the daemon did not close the connection in time, which a reference daemon does not for a
    quiesce. Raises FlomError: -2 when nobody listens, others when the request could not be
    delivered or an immediate one was not obeyed.
    """
    endpoint = endpoint_of(settings)
    deadline = monotonic() + limit
    try:
        sock = connect(endpoint, settings, deadline, tell)
    except NobodyListens as error:
        raise FlomError(RC_DAEMON_NOT_STARTED, error.text) from None
    if not isinstance(endpoint, UnixEndpoint | TcpEndpoint):
        from flom.client.discover import peer_of

        endpoint = peer_of(sock)
    conversation = ClientConversation(unique_id(), ext=FLOM)
    closed = _ask(sock, conversation, immediate, patience)
    if rc := conversation.verdict():
        raise FlomError(rc, f"the daemon at {endpoint} refuses to end: {describe(rc)}")
    if not closed:
        text = f"rc {RC_NETWORK_TIMEOUT}: the daemon did not close within {patience:g} s"
        log("FLM020N", text)
    if immediate:
        _await_end(endpoint, settings, "did not obey" if closed else "does not answer")
    return closed


def _ask(
    sock: "Stream", conversation: ClientConversation, immediate: bool, patience: float
) -> bool:
    """Deliver the request; whether the daemon has closed the connection, answered or not."""
    give_up = monotonic() + patience
    try:
        send(sock, conversation.shutdown(immediate))
        sock.settimeout(remaining(give_up))
        while data := sock.recv(RECEIVE_SIZE):
            conversation.receive(data)
            sock.settimeout(remaining(give_up))
    except TimeoutError:
        return False
    except OSError as error:
        if not immediate:
            raise FlomError(
                RC_SEND_ERROR, f"the daemon did not take the request ({error.strerror})"
            ) from None
    finally:
        sock.close()
    return True


def _await_end(endpoint: UnixEndpoint | TcpEndpoint, settings: "Settings", otherwise: str) -> None:
    """An immediate shutdown was obeyed only if nobody listens any more (cli.md CF-19).

    otherwise: what the daemon did if somebody does.
    """
    give_up = monotonic() + CLOSE_LIMIT
    while True:
        try:
            connect_plain(endpoint, settings, give_up).close()
        except FlomError:
            return
        if monotonic() >= give_up:
            error = FlomError(
                RC_SEND_ERROR, f"the daemon at {endpoint} {otherwise}: it still accepts clients"
            )
            explain_close(error, endpoint, settings)
            raise error
        sleep(0.02)
