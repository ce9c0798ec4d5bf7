"""Questions to a daemon that is played here, message by message."""

import socket
import threading

import pytest

from flom.client.questions import Questions, named
from flom.errors import (
    OWN_RC_NO_STATE,
    OWN_RC_UNKNOWN_QUESTION,
    RC_LOCK_WAIT_RESOURCE,
    RC_NETWORK_TIMEOUT,
    RC_PROTOCOL_ERROR,
    RC_RECV_ERROR,
    FlomError,
)
from flom.net.unix import NobodyListens
from flom.settings import Settings
from flom.wire.codec import encode
from flom.wire.messages import END_OF_ANSWER, NOTICE, PART, Lock
from flom.wire.rare import Ask, Tell
from flom.wire.server import ServerConversation

LIMIT = 60.0


class Daemon:
    """Lets one client in; answers its lock, then its first question with `script(conversation)`.

    The script yields bytes to send, and False to stop sending without closing.
    """

    def __init__(self, folder, ext="flom", script=None):
        self.path = str(folder / "s")
        self.asked = []
        self._ext = ext
        self._script = script
        self._done = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def settings(self):
        settings = Settings()
        settings.socket_name = self.path
        return settings

    def _serve(self):
        conversation = ServerConversation("", ext=self._ext)
        sock, _ = self._listener.accept()
        with sock:
            while data := sock.recv(65536):
                conversation.receive(data)
                while (message := conversation.next_message()) is not None:
                    self.asked.append(message)
                    if isinstance(message, Lock):
                        sock.sendall(conversation.answer(RC_LOCK_WAIT_RESOURCE))
                    else:
                        for reply in self._script(conversation, message.number):
                            if not reply:
                                self._done.wait(LIMIT)
                                return
                            sock.sendall(reply)
                        return

    def end(self):
        self._done.set()
        self._thread.join(LIMIT)
        self._listener.close()


@pytest.fixture
def daemon(tmp_path):
    made = []

    def make(**words):
        made.append(Daemon(tmp_path, **words))
        return made[-1]

    yield make
    for each in made:
        each.end()


def asked(daemon, limit=LIMIT, **words):
    """What a question to this daemon gives."""
    questions = Questions(daemon.settings(), limit)
    try:
        return list(questions.ask("queue", {"name": named(b"R"), **words}))
    finally:
        questions.close()


def test_rows_arrive_whole_however_the_answer_is_cut(daemon):
    def script(conversation, number):
        yield encode(Tell(PART, number, b'{"a": 1}\n{"a"'))
        yield encode(Tell(NOTICE, 0, b'{"notice": "x"}\n'))
        yield encode(Tell(PART, number, b": 2}\n"))
        yield encode(Tell(END_OF_ANSWER, number, rc=0))

    played = daemon(script=script)
    assert asked(played, mode="3") == [{"a": 1}, {"a": 2}]
    lock, question = played.asked
    assert (lock.name, lock.mode, lock.create, lock.wait) == (b"flomState", 0, False, True)
    assert isinstance(question, Ask)
    assert (question.what, question.words) == ("queue", {"name": "Ug==", "mode": "3"})


@pytest.mark.parametrize(
    ("replies", "rc", "text"),
    [
        ([(END_OF_ANSWER, b"", OWN_RC_UNKNOWN_QUESTION, "unknown")], -603, "unknown"),
        ([(PART, b"[1]\n", None, "")], RC_PROTOCOL_ERROR, "no JSON object"),
        ([(PART, b"{\n", None, "")], RC_PROTOCOL_ERROR, "no JSON object"),
        ([], RC_RECV_ERROR, "closed the connection"),
    ],
)
def test_answers_that_are_none(daemon, replies, rc, text):
    def script(conversation, number):
        for step, data, code, words in replies:
            yield encode(Tell(step, number, data, code, words))

    with pytest.raises(FlomError, match=text) as caught:
        asked(daemon(script=script))
    assert caught.value.rc == rc


def test_a_daemon_that_does_not_answer_is_not_waited_for(daemon):
    with pytest.raises(FlomError, match=r"did not answer in 0\.1 s") as caught:
        asked(daemon(script=lambda conversation, number: [b""]), limit=0.1)
    assert caught.value.rc == RC_NETWORK_TIMEOUT


def test_a_daemon_without_the_extension_hears_a_lock_and_nothing_else(daemon):
    played = daemon(ext="")
    with pytest.raises(FlomError, match="tells nothing of its state") as caught:
        asked(played)
    assert caught.value.rc == OWN_RC_NO_STATE
    played.end()
    assert [type(message) for message in played.asked] == [Lock]


def test_none_is_started(tmp_path):
    settings = Settings()
    settings.socket_name = str(tmp_path / "s")
    with pytest.raises(NobodyListens):
        Questions(settings, LIMIT)
    assert not list(tmp_path.iterdir())
