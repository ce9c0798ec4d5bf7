"""Connecting to a daemon in the network, bounded in time (daemon.md 3, 9.1)."""

from time import monotonic

from flom import trace
from flom.errors import RC_CONNECT_ERROR
from flom.net.address import Candidate, TcpEndpoint, resolve
from flom.net.options import tune_tcp
from flom.net.sockets import SOCK_STREAM, socket
from flom.net.unix import NobodyListens, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.net.options import Keepalive


def connect_tcp(endpoint: TcpEndpoint, deadline: float, keepalive: "Keepalive") -> socket:
    """A blocking stream socket connected to the first address of `endpoint` that accepts.

    Addresses are tried strictly in the resolver's order, never in parallel (two daemons would be
    two lock domains); a dead address costs at most its equal share of the time that is left.
    Raises NobodyListens (-105) when none accepts, FlomError (-110, -20) from the resolution.
    """
    tracing = trace.mask & trace.CONNECTING
    if tracing:
        from flom.net import story

        trace.record(
            f"flom_client_connect_tcp: connecting to address '{endpoint.host}' and port "
            f"{endpoint.port}"
        )
    candidates = resolve(endpoint)
    failures: list[str] = []
    for position, candidate in enumerate(candidates):
        share = (deadline - monotonic()) / (len(candidates) - position)
        if tracing:
            story.candidate(candidate)
        try:
            return _connect_candidate(candidate, max(share, 0.001), keepalive)
        except OSError as error:
            if tracing:
                story.skipped("connect", error)
            failures.append(f"{candidate}: {_explained(candidate, error)}")
    raise NobodyListens(
        RC_CONNECT_ERROR, f"cannot connect to {endpoint} ({'; '.join(failures) or 'no address'})"
    )


def _connect_candidate(candidate: Candidate, seconds: float, keepalive: "Keepalive") -> socket:
    sock = socket(candidate.family, SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.connect(candidate.address)
        sock.settimeout(None)
        tune_tcp(sock, keepalive)
    except OSError:
        sock.close()
        raise
    return sock


def _explained(candidate: Candidate, error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return reason(error)  # a host that answers: nothing is wrong with the way there
    from flom.net.interfaces import explained

    more = explained(candidate, error)
    return f"{reason(error)}: {more}" if more else reason(error)
