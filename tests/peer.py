"""Scripted peers of a daemon: the protocol as bytes, not through the code under test."""

import base64
import contextlib
import re
import socket
import struct

PROLOG = '<?xml version="1.0" encoding="UTF-8" ?>'


def message(verb, step, body, level=3):
    """The bytes of a message."""
    return f'{PROLOG}<msg level="{level}" verb="{verb}" step="{step}">{body}</msg>'.encode()


def encoded(name):
    """A resource name as it travels."""
    return base64.b64encode(name.encode()).decode()


def lock_message(name="R", mode=5, wait=1, create=1, quantity=1, lifespan=0):
    """A lock request."""
    return message(
        1,
        8,
        f'<session peerid=""/><resource name="{encoded(name)}" mode="{mode}" wait="{wait}"'
        f' quantity="{quantity}" create="{create}" lifespan="{lifespan}"/>',
    )


def unlock_message(name="R", rollback=0):
    """An unlock."""
    return message(2, 8, f'<resource name="{encoded(name)}" rollback="{rollback}" />')


def shutdown_message(immediate):
    """A shutdown request."""
    return message(5, 8, f'<session peerid=""/><shutdown immediate="{immediate}"/>')


class Peer:
    """A client that says what the test wants, when the test wants it.

    `element` is what the last answer has given.
    """

    def __init__(self, sock):
        self.sock = sock
        self.element = None
        self._data = b""

    def send(self, data):
        """Bytes, as they are."""
        self.sock.sendall(data)

    def lock(self, name="R", **attributes):
        """Asks for a lock; returns the code of the first answer."""
        self.send(lock_message(name, **attributes))
        return self.answer()

    def unlock(self, name="R", rollback=0):
        """Gives the lock back."""
        self.send(unlock_message(name, rollback))

    def answer(self):
        """The code of the next answer; None at the end of the stream."""
        while b"</msg>" not in self._data:
            data = self.sock.recv(4096)
            if not data:
                return None
            self._data += data
        document, _, self._data = self._data.partition(b"</msg>")
        element = re.search(rb'element="([^"]*)"', document)
        self.element = element and element[1].decode()
        return int(re.search(rb'rc="(-?\d+)"', document)[1])

    def await_close(self):
        """Returns when the daemon has closed (a reset is a close as well)."""
        with contextlib.suppress(ConnectionError):
            while self.sock.recv(4096):
                pass

    def close(self):
        """Ends the connection."""
        self.sock.close()

    def reset(self):
        """Ends a TCP connection the hard way."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
