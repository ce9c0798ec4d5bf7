"""Simulated clients: the real session, moved by simulated bytes, with human habits and mishaps."""

from history import Ask

from flom.client.session import Session
from flom.errors import FlomError
from flom.settings import Settings
from flom.wire.tokens import FLOM

REFUSALS = {4: "busy", 5: "absent", 6: "impossible"}
MODES = {"NL": 0, "CR": 1, "CW": 2, "PR": 3, "PW": 4, "EX": 5}

NAMES = ("plain", "plain", "count[5]", "red.green.blue", "/a", "/a/b", "/a/b/c", "/a/d",
         "_s_n[2]", "_S_n[2]", "_S_one[1]", "_t_%S#ff[2]")  # fmt: skip


def habits(chance, names=NAMES):
    """What somebody asks for next; lives long enough that no counter starts again."""
    name = chance.choice(names)
    settings = Settings()
    settings.resource_name = name
    settings.resource_idle_lifespan = 10_000_000
    settings.resource_timeout = chance.choice((-1, -1, -1, 0, 0, 300, 5000))
    # Without a limit, a request for what nobody creates would wait for ever, rightly.
    settings.resource_create = settings.resource_timeout < 0 or chance.random() < 0.7
    mode = chance.choice(tuple(MODES)) if name[0] in "p/" else "EX"
    settings.lock_mode = MODES[mode]
    if name.startswith("count"):
        settings.resource_quantity = chance.choice((1, 1, 2, 3, 5, 6))
    ask = Ask(name, mode, settings.resource_quantity, settings.resource_timeout != 0)
    return settings, ask


class Client:
    """Locks some times in a row, each on a connection of its own, and writes down what it sees."""

    def __init__(self, world, daemon, history, rounds, names=NAMES):
        self._world = world
        self._daemon = daemon
        self._history = history
        self._rounds = rounds
        self._names = names
        self._round = None
        self._pause_then(self._begin)

    def _pause_then(self, action):
        self._world.after(self._world.random.choice((0.0, 0.001, 0.1, 2.0)), action)

    def _begin(self):
        if self._rounds:
            self._rounds -= 1
            settings, ask = habits(self._world.random, self._names)
            self._round = Round(self._world, self._daemon, self._history, settings, ask, self._done)

    def _done(self):
        self._pause_then(self._begin)


class Round:
    """One request, from connecting to the end of the connection."""

    def __init__(self, world, daemon, history, settings, ask, done):
        self._world = world
        self._history = history
        self._done = done
        ext = world.random.choice(("", FLOM))
        self._session = Session(settings, "1" * 32, world.now, ext)
        self._rollback = world.random.random() < 0.3
        self._state = "waiting"
        self._unsent = b""
        self._end = daemon.connect()
        self._end.arrived = self._readable
        self._end.severed = self._severed
        self._number = history.ask(world.now, ask)
        self._send(self._session.request())
        mishap = world.random.random()
        if mishap < 0.1:
            world.after(world.delay() * 5, self._crash)
        elif mishap < 0.15:
            world.after(world.delay() * 5, self._vanish)
        if settings.resource_timeout > 0:
            world.after(settings.resource_timeout / 1000, self._expire)

    def _send(self, data):
        self._unsent += data
        try:
            self._unsent = self._unsent[self._end.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._lost()
            return
        if self._unsent:
            self._world.after(0.001, lambda: self._state != "over" and self._send(b""))

    def _readable(self):
        while self._state != "over":
            try:
                data = self._end.recv(4096)
            except BlockingIOError:
                return
            except OSError:
                self._lost()
                return
            if not data:
                self._ended()
                return
            if self._state == "waiting":
                self._answered(data)

    def _answered(self, data):
        before = self._world.now
        try:
            granted = self._session.received(data)
        except FlomError as error:
            self._note("refused", how=REFUSALS.get(error.rc, "refused"))
            self._leave()
            return
        if granted:
            self._state = "holding"
            assert (self._session.token is not None) == self._session.known
            self._note("granted", element=self._session.element, token=self._session.token)
            self._world.after(self._world.random.choice((0.0, 0.001, 0.1, 1.0)), self._release)
        elif b'rc="1"' in data and self._state == "waiting":
            self._history.note(before, "queued", self._number)

    def _release(self):
        if self._state == "holding":
            self._state = "releasing"
            self._note("ending", how="rollback" if self._rollback else "commit")
            self._send(self._session.release(self._rollback))
            self._half_close()

    def _half_close(self):
        if self._unsent:
            self._world.after(0.001, lambda: self._state == "releasing" and self._half_close())
        elif self._state == "releasing":
            self._end.shutdown(1)

    def _ended(self):
        """The daemon has closed: what we had is free, or the daemon has died."""
        if self._state == "releasing":
            self._note("ended")
        elif self._state == "waiting":
            self._note("refused", how="closed")
        self._leave()

    def _lost(self):
        if self._state == "waiting":
            self._note("refused", how="closed")
        elif self._state == "holding":
            self._note("ending", how="crash")
        self._leave()

    def _expire(self):
        if self._state == "waiting":
            self._note("ending", how="withdraw")
            self._leave()

    def _severed(self):
        """The daemon's kernel has given the connection up; whatever we had is free now."""
        if self._state != "releasing":
            self._gone(lambda: None)
        else:
            self._state = "over"
            self._note("ended", how="crash")  # nobody knows whether the unlock was read
            self._pause()

    def _crash(self):
        self._gone(self._end.reset)

    def _vanish(self):
        self._gone(self._end.vanish)

    def _gone(self, how):
        if self._state in ("waiting", "holding"):
            self._note("ending", how="crash")
            self._state = "over"
            how()
            self._pause()

    def _leave(self):
        self._state = "over"
        self._end.close()
        self._pause()

    def _pause(self):
        self._world.after(0.0, self._done)

    def _note(self, what, element=None, how="", token=None):
        self._history.note(self._world.now, what, self._number, element, how, token=token)
