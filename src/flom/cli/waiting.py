"""Shows on standard error what a lock is waited for. Loaded when a wait has become long.

On a terminal it is one line, rewritten and in the end removed; otherwise, if it is asked for, plain
lines. Nothing here ever waits for who reads them.
"""

import posix
import sys
from select import POLLOUT, poll
from time import monotonic

from flom import signals, trace
from flom.cli import progress
from flom.cli.child import die_by
from flom.client.session import endpoint_of
from flom.net.address import TcpEndpoint
from flom.net.unix import UnixEndpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.client.session import Session
    from flom.settings import Settings
    from flom.store.lock import Lock

_STDERR = 2
_ERASE = "\r\x1b[K"
# Signals that end or stop the command, which must not leave the line behind.
_ENDING = (signals.SIGINT, signals.SIGTERM, signals.SIGHUP, signals.SIGQUIT, signals.SIGTSTP)
# Seconds that a daemon has for its first answer, before something is shown without it.
_ANSWER = 0.5
# In units of the interval: the longest pause between two questions where lines are plain, and the
# first and the longest one between two lines that say the same.
_LONGEST_PAUSE = 30
_REMINDER, _LAST_REMINDER = 30, 1800


class Waiting:
    """One wait. since: monotonic seconds of its begin; interval: seconds between two looks."""

    __slots__ = (
        "_again", "_ask_at", "_asked_at", "_gap", "_interval", "_key", "_place", "_plain", "_row",
        "_row_at", "_settings", "_shown", "_since", "_taken",
    )  # fmt: skip

    def __init__(self, settings: "Settings", since: float, interval: float) -> None:
        self._settings = settings
        self._since = since
        self._interval = interval
        dumb = posix.environ.get(b"TERM", b"dumb") in (b"", b"dumb")
        # Records of the trace would come between.
        self._plain = settings.progress or dumb or trace.mask != 0
        self._place = settings.store_url or endpoint_of(settings)
        self._row: progress.Row | None = None
        self._row_at = 0.0
        self._ask_at = 0.0
        self._asked_at = 0.0
        self._key: object = None
        self._again = 0.0
        self._gap = 0.0
        self._shown = ""
        self._taken: list[int] = []

    def look(self, session: "Session | Lock | None") -> float:
        """Show what is waited for, None = for a connection; returns when to look again (seconds).

        Asks the daemon, if it can tell, not more often than the interval says.
        """
        now = monotonic()
        if not self._wanted():
            return self._interval
        if session is None:
            news: progress.News | None = self._connecting(now)
        elif self._settings.store_url is not None:
            news = self._in_store(session, now)  # type: ignore[arg-type]  # as it was made
        else:
            news = self._waiting(session, now)  # type: ignore[arg-type]  # likewise
        if news is not None:
            if self._plain:
                self._say(news, now)
            else:
                self._draw(news)
        return self._interval if session is None else max(self._ask_at - now, 0.0)

    def clear(self) -> None:
        """Take the line away, for something else to be written; the next look brings it back."""
        if self._shown:
            self._shown = ""
            _write(_ERASE)

    def end(self) -> None:
        """The wait is over."""
        self.clear()
        for number in self._taken:
            signals.signal(number, signals.SIG_DFL)
        self._taken = []

    def _wanted(self) -> bool:
        """Whether somebody wants to read: in the background a terminal belongs to others.

        A shell without job control has commands in the background ignore what interrupts others.
        """
        if self._settings.progress:
            return True
        if signals.getsignal(signals.SIGINT) == signals.SIG_IGN:
            return False
        try:
            return posix.tcgetpgrp(_STDERR) == posix.getpgrp()
        except OSError:
            return False

    def _connecting(self, now: float) -> progress.News:
        direct = isinstance(self._place, str | UnixEndpoint | TcpEndpoint)
        what = progress.connecting if direct else progress.searching
        return what(str(self._place), now - self._since, self._left(now))

    def _waiting(self, session: "Session", now: float) -> progress.News | None:
        waited, left, place = now - self._since, self._left(now), str(self._place)
        due = now >= self._ask_at
        if due:
            self._ask_at = now + self._pause(waited)
        if session.unanswered:
            return progress.unanswered(place, waited, left)
        name = self._settings.resource_name
        if session.known:
            row = session.why.answer()
            if row is not None:
                self._row, self._row_at = row, now
            if due:
                session.why.ask()
                self._asked_at = self._asked_at or now
            if self._row is None and now < self._asked_at + _ANSWER:
                return None  # it will have answered in a moment
            if self._row is not None:
                age = now - self._row_at
                news = progress.explained(name, self._row, waited, left, age)
                if news is not None:
                    return news
            elif not due:
                return None
        return progress.waiting(name, place, waited, left, parked=session.parked)

    def _in_store(self, lock: "Lock", now: float) -> progress.News:
        """Nothing is asked for this: it tells what the request has read for itself."""
        name, waited, left = self._settings.resource_name, now - self._since, self._left(now)
        self._ask_at = now + self._pause(waited)
        row = lock.why
        news = None if row is None else progress.explained(name, row, waited, left, 0.0)
        return news or progress.waiting(name, str(self._place), waited, left)

    def _pause(self, waited: float) -> float:
        """Seconds between two questions: nobody looks at plain lines all the time."""
        if not self._plain:
            return self._interval
        return min(max(self._interval, waited / 10), _LONGEST_PAUSE * self._interval)

    def _left(self, now: float) -> float | None:
        timeout = self._settings.resource_timeout
        return self._since + timeout / 1000 - now if timeout > 0 else None

    def _say(self, news: progress.News, now: float) -> None:
        """A line if there is something new, and at growing intervals."""
        if news.key != self._key:
            self._key, self._gap = news.key, _REMINDER * self._interval
        elif now < self._again:
            return
        else:
            self._gap = min(2 * self._gap, _LAST_REMINDER * self._interval)
        self._again = now + self._gap
        _write(news.texts[0] + "\n")

    def _draw(self, news: progress.News) -> None:
        text = progress.fitted(news, _columns() - 1)  # the last one would begin a new line
        if text == self._shown:
            return
        self._take_signals()
        self._shown = text
        _write(f"\r{text}\x1b[K")

    def _take_signals(self) -> None:
        for number in _ENDING:
            if number not in self._taken and signals.getsignal(number) == signals.SIG_DFL:
                signals.signal(number, self._signalled)
                self._taken.append(number)

    def _signalled(self, number: int, _frame: object) -> None:
        self.clear()
        if number != signals.SIGTSTP:
            die_by(number)
        signals.signal(number, signals.SIG_DFL)
        posix.kill(posix.getpid(), number)
        signals.signal(number, self._signalled)  # somebody has made us go on


def _columns() -> int:
    try:
        return posix.get_terminal_size(_STDERR).columns or 80
    except OSError:
        return 80


def _write(text: str) -> None:
    """Write to who reads at once; what others miss does not matter."""
    ready = poll()
    ready.register(_STDERR, POLLOUT)
    if not ready.poll(0):
        return
    try:
        posix.write(_STDERR, text.encode(sys.getfilesystemencoding(), "backslashreplace"))
    except OSError:
        pass
