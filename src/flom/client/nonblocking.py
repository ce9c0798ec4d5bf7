"""The asyncio shell around a session: one socket, one lock; the twin of `blocking`."""

import asyncio
import socket
from time import monotonic
from typing import TYPE_CHECKING

from flom.client.about import announcement, handed_on, new_session
from flom.client.blocking import RESTARTS, explain_close
from flom.client.holders import AskingSession
from flom.client.reach import reach, silent
from flom.client.session import endpoint_of
from flom.client.threads import in_thread
from flom.client.watch import ended
from flom.errors import RC_RECV_ERROR, FlomError
from flom.machine import unique_id
from flom.net.sockets import CLOSE_LIMIT, RECEIVE_SIZE
from flom.net.unix import UnixEndpoint, connect_unix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flom.client.reach import Stream, Tell
    from flom.net import sockets
    from flom.net.channel import Channel
    from flom.settings import Settings


class Lock:
    """One lock of one resource, by the settings given; the methods of `blocking.Lock`, awaited.

    Whoever calls them has to `close` when one is interrupted, by a cancellation too: a waiter
    leaves the queue by that, and a lock that was just granted is given back.
    """

    __slots__ = ("__weakref__", "_channel", "_name", "_session", "_settings", "_sock", "_tell")

    def __init__(
        self, settings: "Settings", tell: "Tell" = silent, command: "Sequence[str]" = ()
    ) -> None:
        self._settings = settings
        self._tell = tell
        self._name = new_session()
        ext = announcement(settings, endpoint_of(settings), command, self._name)
        self._session = AskingSession(settings, unique_id(), monotonic(), ext)
        self._sock: socket.socket | None = None
        self._channel: Channel | None = None

    @property
    def sessions(self) -> str:
        """What a command that runs under the lock finds in FLOM_SESSION."""
        return handed_on(self._name if self._session.known else "")

    @property
    def token(self) -> int | None:
        """The fencing token of the grant, None before it or if the daemon tells none."""
        return self._session.token

    @property
    def lease(self) -> None:
        """As in `blocking`: a daemon keeps a lock as long as the connection lasts."""
        return

    def fileno(self) -> int:
        """The descriptor of the connection, -1 without one."""
        return -1 if self._sock is None else self._sock.fileno()

    async def connect(self) -> None:
        """Reach the daemon, starting one if the settings allow it (daemon.md 3)."""
        raw: Stream | None = self._at_once()
        if raw is None:  # resolving a name, or starting a daemon, may take long
            raw = await in_thread(
                self._reach, lambda sock: sock.close(), name="flom-connect", daemon=True
            )
        self._channel = getattr(raw, "channel", None)  # the handshake is done, if there is TLS
        if self._channel is not None:
            self._session.peer_cn = self._channel.peer_cn
        self._sock = socket.socket(fileno=raw.detach())
        self._sock.setblocking(False)

    async def acquire(self) -> str | None:
        """Ask for the lock and wait for it; returns the element granted, if the kind has any."""
        try:
            return await self._acquire()
        except FlomError as error:
            if error.rc == RC_RECV_ERROR and self._session.unanswered:
                endpoint = endpoint_of(self._settings)
                await asyncio.to_thread(explain_close, error, endpoint, self._settings)
            raise

    async def _acquire(self) -> str | None:
        for _ in range(RESTARTS):
            try:
                return await self._ask()
            except ConnectionError:
                # As in `blocking`: nothing was granted yet.
                self.close()
                await self.connect()
        try:
            return await self._ask()
        except ConnectionError as error:
            raise FlomError(
                self._session.lost_rc, f"the daemon closed the connection ({error.strerror})"
            ) from None

    async def release(self, rollback: bool) -> None:
        """Give the lock back and wait, bounded, until the daemon has seen it.

        The unlock is sent before the first wait. Raises FlomError (-130) when the daemon is gone.
        """
        sock = self._connected()
        try:
            self._hear(sock)
            await self._send(self._session.release(rollback))
            sock.shutdown(socket.SHUT_WR)
            await self._await_close(sock)
        except OSError as error:
            raise self._session.lost(error) from None
        finally:
            self.close()

    def _hear(self, sock: socket.socket) -> None:
        """As in `blocking`: learn what the daemon did while we were not reading."""
        try:
            data = sock.recv(RECEIVE_SIZE)
        except BlockingIOError:
            return
        if not data:
            raise ConnectionResetError
        plain = data if self._channel is None else self._channel.receive(data)
        if plain:
            self._session.heard(plain)
        if ended(sock.fileno()):
            raise ConnectionResetError

    def close(self) -> None:
        """Leave the daemon; whatever was asked for or held ends."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _at_once(self) -> "sockets.socket | None":
        """The connection if there is a UNIX socket with somebody behind it, as nearly always."""
        endpoint = endpoint_of(self._settings)
        if not isinstance(endpoint, UnixEndpoint) or self._settings.tls:
            return None
        try:
            return connect_unix(endpoint, 0.0)  # which blocks for a millisecond at most
        except FlomError:
            return None

    def _reach(self) -> "Stream":
        return reach(
            endpoint_of(self._settings), self._settings, self._session.connect_deadline, self._tell
        )

    def _connected(self) -> socket.socket:
        assert self._sock is not None  # connected first, closed last
        return self._sock

    async def _ask(self) -> str | None:
        session = self._session
        request = session.request()
        deadline = session.answer_deadline(monotonic())
        answered = False
        try:
            async with asyncio.timeout(None if deadline is None else deadline - monotonic()):
                await self._send(request)
                while True:
                    data = await self._receive()
                    answered = True
                    granted = session.received(data)
                    if reply := session.to_send():
                        await self._send(reply)
                    if granted:
                        return session.element
        except OSError as error:
            if isinstance(error, ConnectionError) and not answered:
                raise
            raise session.broken(error) from None

    async def _send(self, data: bytes) -> None:
        if self._channel is not None:
            self._channel.send(data)
            data = self._channel.data_to_send()
        await asyncio.get_running_loop().sock_sendall(self._connected(), data)

    async def _receive(self) -> bytes:
        loop, sock, channel = asyncio.get_running_loop(), self._connected(), self._channel
        while True:
            data = await loop.sock_recv(sock, RECEIVE_SIZE)
            if channel is None or not data:
                return data
            data = channel.receive(data)
            if reply := channel.data_to_send():
                await loop.sock_sendall(sock, reply)
            if data or channel.ended:
                return data

    async def _await_close(self, sock: socket.socket) -> None:
        try:
            async with asyncio.timeout(CLOSE_LIMIT):
                while await self._receive():
                    pass
        except TimeoutError:
            pass  # a stopped daemon will read the unlock when it goes on
        except FlomError:
            pass  # some TLS libraries answer a bare end with an error (W-50)
