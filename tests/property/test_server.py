"""What busy clients say is served by shorter ways: nobody can tell the difference (design.md 5)."""

from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from flom import trace
from flom.core.table import Table
from flom.daemon.hearing import NEXT_ROUND
from flom.daemon.limits import Limits
from flom.daemon.reactor import Reactor
from flom.daemon.server import Server
from flom.daemon.terms import Terms
from flom.net.options import USUAL
from flom.net.sockets import socketpair
from flom.settings import Settings
from flom.wire.codec import decode, encode
from flom.wire.messages import Lock, Unlock

CLIENTS = 2
NAMES = (b"one", b"one", b"two", b"left.right")
LOCKS = [
    encode(Lock("p", name, mode=mode, wait=True, create=True)) for name in NAMES for mode in (5, 3)
]
UNLOCKS = [encode(Unlock(name, rollback)) for name in NAMES for rollback in (False, True)]
locks, unlocks = st.sampled_from(LOCKS), st.sampled_from(UNLOCKS)
# Mostly as those speak who do one thing over and over.
habits = st.sampled_from([unlock + lock for unlock, lock in zip(UNLOCKS, LOCKS, strict=True)])
pieces = st.one_of(
    habits,
    locks,
    st.tuples(unlocks, locks).map(b"".join),
    st.lists(locks | unlocks, min_size=1, max_size=3).map(b"".join),
)
scripts = st.lists(st.tuples(st.integers(0, CLIENTS - 1), pieces), min_size=1, max_size=30)


@contextmanager
def server():
    """A server, and how it is made to hear all that has been said."""
    reactor = Reactor()
    with ExitStack() as ends:
        ends.callback(reactor.close)
        door, knocker = socketpair()
        ends.callback(knocker.close)
        listener = SimpleNamespace(sock=door, discovery=None, close=door.close)
        made = Server(
            reactor, listener, Table(), mock.Mock(), Terms(Limits(Settings()), "", USUAL),
            changed=lambda: None, shutdown=print, facts=dict,
        )  # fmt: skip
        ends.callback(made.close_all)

        def serve():
            behind = True
            while behind:
                reactor.call_at(reactor.now + 2 * NEXT_ROUND, reactor.stop)
                reactor.run()
                reactor._stopped = False
                behind = any(connection.behind for connection in made.connections)

        yield made, serve


def told(script, mask):
    """What each client is told after each piece; None = its connection is at its end."""
    with server() as (made, serve), mock.patch.object(trace, "mask", mask), ExitStack() as ends:
        clients = []
        for _ in range(CLIENTS):
            near, far = socketpair()
            ends.callback(near.close)
            near.setblocking(False)
            made._welcome(far, "")
            clients.append(near)
        return [one for who, piece in script for one in _step(clients, who, piece, serve)]


def _step(clients, who, piece, serve):
    try:
        clients[who].send(piece)
    except OSError:
        pass  # the server has closed it
    serve()
    for client in clients:
        try:
            yield client.recv(65536) or None
        except BlockingIOError:
            yield b""
        except ConnectionResetError:
            yield None


@settings(max_examples=200, deadline=None)
@given(st.tuples(*[locks] * CLIENTS), scripts)
def test_a_short_way_leads_to_the_same_place(first, script):
    """Any trace bit makes the server read each message in full."""
    script = [*enumerate(first), *script]
    for word in LOCKS + UNLOCKS:
        decode(word)  # what was never decoded is known to no short way
    assert told(script, 0) == told(script, trace.GENERIC)
