"""What is fuzzed: functions of some bytes that must come back, whatever the bytes are.

A target raises when a promise is broken; refusals that belong to the interface are its business.
`TARGETS` is the list of them, and each has its corpus beside this file.
"""

from simulation.daemon import Daemon, in_simulation
from simulation.network import World

from flom import keyfile
from flom.cli.parse import parse as parse_words
from flom.client.session import Session
from flom.core import names
from flom.core.requests import Instant, Request
from flom.core.table import Table
from flom.errors import ConfigError, FlomError, ProtocolError, UsageError
from flom.settings import Settings
from flom.wire import codec, tokens
from flom.wire.messages import LOCK_ATTRIBUTES, Lock, Unlock
from flom.wire.rare import Ask, Shutdown
from flom.wire.stream import MessageStream

_KINDS = sorted(LOCK_ATTRIBUTES)
_RESOURCES = (
    b"a",
    b"a",
    b"n[3]",
    b"x.y",
    b"/t",
    b"/t/u",
    b"_s_q[2]",
    b"_S_q[1]",
    b"_t_%S[2]",
    b"?",
)
_QUESTIONS = (
    "daemon",
    "resources",
    "queue",
    "snapshot",
    "explain",
    "events",
    "metrics",
    "break",
    "",
)


class Script:
    """Bytes as a source of small decisions; zero once they are used up."""

    def __init__(self, data):
        self._data = data
        self._next = 0

    @property
    def left(self):
        return self._next < len(self._data)

    def number(self, below=256):
        self._next += 1
        return self._data[self._next - 1] % below if self._next <= len(self._data) else 0

    def one_of(self, choices):
        return choices[self.number(len(choices))]

    def rest(self, limit):
        start, self._next = self._next, min(self._next + limit, len(self._data))
        return self._data[start : self._next]


def message(data):
    """One document: read or refused; what was read is written so that it reads the same."""
    try:
        read = codec.decode(data)
    except ProtocolError:
        return
    if read is not None:
        written = codec.encode(read)
        assert codec.encode(_sure(codec.decode(written))) == written


def _sure(message):
    assert message is not None
    return message


def reading(data):
    """The quick reader of documents agrees with the thorough one."""
    quick = codec._read_canonical(data)
    if quick is not None:
        assert codec._read_any(data) == quick


def stream(data):
    """However bytes are cut, the same messages come, and the same end."""
    cuts, data = data[:4], data[4:]
    assert _split(data, [len(data)]) == _split(data, [1 + cut for cut in cuts] or [1])


def _split(data, sizes):
    taken, stream, position = [], MessageStream(2000), 0
    try:
        while position < len(data):
            size = sizes[len(taken) % len(sizes)] or 1
            stream.feed(data[position : position + size])
            position += size
            while (message := stream.next_message()) is not None:
                taken.append(message)
    except ProtocolError as error:
        return taken, error.rc
    return taken, None


def server(data):
    """Bytes on three connections to a daemon: it serves on, and nobody is left when all have gone.

    The first byte of each piece says which connection it goes to, and how long it is.
    """
    script = Script(data)
    with _Party() as party:
        while script.left:
            choice = script.number()
            party.send(choice % 3, script.rest(1 + choice // 3))


def conversation(data):
    """Well formed messages in any order, from three connections of which each may leave."""
    script = Script(data)
    with _Party() as party:
        while script.left:
            who, what = script.number(3), script.number(8)
            if what == 7:
                party.leave(who)
            else:
                party.send(who, codec.encode(_message(script, what)))


def _message(script, what):
    name = script.one_of(_RESOURCES)
    if what < 3:
        ext = script.one_of(
            ("", "flom", "flom pid=1 session=00aa11bb22cc33dd within=00aa11bb22cc33dd")
        )
        return Lock(
            "0" * 32, name, script.number(7), script.number(2) == 0, script.number(5),
            script.number(4) > 0, script.number(3), ext, script.one_of(_KINDS),
        )  # fmt: skip
    if what < 5:
        return Unlock(name, script.number(2) == 1)
    if what == 5:
        question = script.one_of(_QUESTIONS)
        return Ask(script.number(), question, _parameters(script, name))
    return Shutdown("0" * 32, script.number(2) == 1, "flom")


def _parameters(script, name):
    parameters = {}
    if script.number(3):
        parameters["name"] = name.decode()
    if script.number(3) == 1:
        parameters["mode"] = str(script.number(8) - 1)
        parameters["quantity"] = str(script.number(5) - 1)
        parameters["holder"] = str(script.number(9))
    return parameters


class _Party:
    """Three connections to a simulated daemon."""

    def __enter__(self):
        self._world = World(0)
        self._patch = in_simulation(self._world)
        self._patch.__enter__()
        self._daemon = Daemon(self._world, 0)
        self._ends = [self._daemon.connect() for _ in range(3)]
        self._world.run(1.0)
        return self

    def send(self, who, data):
        end = self._ends[who]
        try:
            while data:
                data = data[end.send(data) :]
        except BlockingIOError:
            pass
        except OSError:
            self._ends[who] = self._daemon.connect()
        self._world.run(0.5)

    def leave(self, who):
        self._ends[who].close()
        self._ends[who] = self._daemon.connect()
        self._world.run(0.5)

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                for end in self._ends:
                    end.close()
                self._world.run(3600.0)
                assert not self._daemon.log.faults, self._daemon.log.faults
                assert not self._daemon.server.connections
                snapshot = self._daemon.table.snapshot()
                assert not snapshot.parked
                assert not any(queue.holders or queue.waiters for queue in snapshot.resources)
        finally:
            self._patch.__exit__(kind, error, trace)


def client(data):
    """Whatever a daemon says, the client is granted, refused or told a fault."""
    session = Session(Settings(), "0" * 32, 0.0)
    session.request()
    script = Script(data)
    try:
        while script.left:
            piece = script.rest(1 + script.number())
            if piece and session.received(piece):
                return
            session.to_send()
    except FlomError:
        pass


def key_file(data):
    """A configuration file: lines of groups and keys, or an error that names the line."""
    try:
        lines = keyfile.parse(data)
    except keyfile.KeyFileError as error:
        assert error.line >= 1
        return
    for _, _, _, value in lines:
        keyfile.integer(value)
        keyfile.text(value)
        keyfile.items(value)


def name(data):
    """A name has a kind or none; a table takes any."""
    parsed = names.parse(data)
    assert (parsed is None) == (names.kind_of(data) is None)
    table = Table(0)
    table.lock("c", Request(data), Instant(1.0, 1))
    table.disconnect("c", Instant(2.0, 2))
    table.advance(Instant(1e9, 3))
    assert table.idle


def datagram(data):
    """A datagram holds one message, or nothing is there."""
    read = codec.decode_datagram(data)
    assert read is None or codec.decode_datagram(codec.encode(read)) is not None


def announcement(data):
    """Tokens of anybody are read; those of ours come back as they were."""
    text = data.decode("utf-8", "replace")
    tokens.read(text)
    assert tokens.read(tokens.write([("command", text)])).get("command") == text


def words(data):
    """Words of a command line: an invocation, or an error in words."""
    try:
        parse_words([word.decode("utf-8", "surrogateescape") for word in data.split(b"\n")])
    except (UsageError, ConfigError, FlomError):
        pass


TARGETS = (
    message, reading, stream, server, conversation, client, key_file, name, datagram, announcement,
    words,
)  # fmt: skip
BY_NAME = {target.__name__: target for target in TARGETS}
