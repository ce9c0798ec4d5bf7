"""The process as the command's hands: carries out the steps of `command`."""

import posix
import sys
from time import monotonic

from flom import signals, trace
from flom.cli import child, messages, steps
from flom.cli.command import command
from flom.errors import FlomError
from flom.values import working_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from flom.cli.waiting import Waiting
    from flom.client import blocking
    from flom.client.blocking import Look
    from flom.client.brief import Begun
    from flom.client.reach import Tell
    from flom.client.session import Session
    from flom.settings import Settings
    from flom.store import lock

    Engine = blocking.Lock | lock.Lock

# Seconds of waiting before the user is told of it, and between two looks at it.
PATIENCE = 2.0


def main(
    words: list[str],
    hidden: int | None,
    environ: dict[str, str],
    begun: "Begun | None" = None,
    patience: float = PATIENCE,
) -> "NoReturn":
    """Run the command for this process.

    `hidden` is the mask of the signals the caller had ignored, as the launcher read it; `begun` is
    what `plain` has begun. A wait of more than `patience` seconds is shown to who looks at the
    terminal. Never returns: it leaves by `_exit`, which saves the interpreter's own tidying up (a
    fifth of its start) and is safe because nothing is buffered here.
    """
    hands = Hands(hidden, patience, begun)
    trace.start(environ)
    conversation = command(words, environ, working_directory())
    result: steps.Result = None
    while True:
        result = hands.carry_out(conversation.send(result))


class Hands:
    """Carries out one step after the other."""

    __slots__ = ("_begun", "_dispositions", "_lock", "_patience", "_waiting")

    def __init__(self, hidden: int | None, patience: float, begun: "Begun | None" = None) -> None:
        self._begun = begun
        self._dispositions = child.Dispositions(hidden)
        self._dispositions.claim()
        self._lock: Engine | None = None
        self._patience = patience
        self._waiting: Waiting | None = None

    def carry_out(self, step: "steps.Step") -> "steps.Result":
        """Do what the step says and return its result; `End` does not return."""
        try:
            return self._do(step)
        except FlomError as error:
            return error

    def _do(self, step: "steps.Step") -> "steps.Result":
        match step:
            case steps.Say():
                self._say(step)
            case steps.Connect():
                self._connect(step)
            case steps.Acquire():
                lock = self._held()
                try:
                    element = lock.acquire()
                finally:
                    self._waited()
                return steps.Held(element, lock.sessions, lock.token)
            case steps.Execute():
                return self._execute(step)
            case steps.Release():
                self._held().release(step.rollback)
            case steps.Stop():
                self._stop(step)
            case steps.End():
                if step.signal:
                    child.die_by(step.signal)
                posix._exit(step.status)
            case _:
                return step.carry_out(self._print)
        return None

    def _print(self, text: str) -> None:
        self._say(steps.Say(1, text))

    def _say(self, step: steps.Say) -> None:
        if self._waiting is not None:
            self._waiting.clear()
        try:
            _write(step.stream, step.text)
        except BrokenPipeError:
            if step.stream == 1:
                self._dispositions.broken_pipe()

    def _connect(self, step: steps.Connect) -> None:
        settings, patience = step.settings, self._patience
        settings.may_fork = True
        look = self._look(settings)
        told = self._told(settings)
        self._lock = lock = self._engine(settings, told, step.argv, look)
        if settings.store_url is not None:
            self._leave_when_ended(lock)
        # A timer that is running belongs to our caller.
        if look is None or signals.getitimer(signals.ITIMER_REAL)[0]:
            lock.connect()
            return
        former = signals.signal(signals.SIGALRM, lambda *_: look(None))
        signals.setitimer(signals.ITIMER_REAL, patience, patience)
        try:
            lock.connect()
        except FlomError:
            self._waited()
            raise
        finally:
            signals.setitimer(signals.ITIMER_REAL, 0)
            signals.signal(signals.SIGALRM, former)

    def _engine(
        self, settings: "Settings", tell: "Tell", argv: list[str], look: "Look | None"
    ) -> "Engine":
        """One lock, at a daemon or in a store."""
        if settings.store_url is None:
            from flom.client import blocking

            return blocking.Lock(settings, tell, argv, look=look, begun=self._begun)
        from flom.store import lock

        return lock.Lock(settings, tell, argv, look=look)

    def _leave_when_ended(self, lock: "Engine") -> None:
        """Let a signal that ends the wait end the request as well: its lease would live on.

        While the command runs these signals are blocked, and the command gets them as they were.
        """

        def leave(number: int, _frame: object) -> None:
            self._waited()
            lock.close()
            child.die_by(number)

        for number in child.PASSED_ON:
            if signals.getsignal(number) == signals.SIG_DFL:
                signals.signal(number, leave)

    def _execute(self, step: steps.Execute) -> "child.Ended | FlomError":
        if self._begun is not None and self._begun.ended is not None:
            return self._begun.ended
        settings, guard = step.settings, None
        if settings.on_lost is not None or settings.store_url is not None:
            from flom.cli.guard import Guard

            guard = Guard(self._held(), settings, self._complain)
        return child.run(
            step.argv, step.environ, step.ignored, self._dispositions, settings.kill_child, guard
        )

    def _complain(self, text: str) -> None:
        self._say(steps.Say(2, text))

    def _look(self, settings: "Settings") -> "Look | None":
        """Who shows a long wait, None if nobody wants to see it."""
        if settings.quiet or not (settings.progress or posix.isatty(2)):
            return None
        since = monotonic() if self._begun is None else self._begun.since

        def look(session: "Session | lock.Lock | None") -> float:
            if self._waiting is None:
                if (left := since + self._patience - monotonic()) > 0:
                    return left
                from flom.cli.waiting import Waiting

                self._waiting = Waiting(settings, since, self._patience)
            return self._waiting.look(session)

        return look

    def _waited(self) -> None:
        if self._waiting is not None:
            self._waiting.end()
            self._waiting = None

    def _stop(self, step: steps.Stop) -> None:
        from flom.client.stopping import shut_down

        shut_down(step.settings, immediate=step.immediate, tell=self._told(step.settings))

    def _told(self, settings: "Settings") -> "Tell":
        """What to do with the client's news: its lines belong to `-V`, its warnings to all."""

        def tell(stream: int, text: str) -> None:
            if stream == 1 and settings.verbose:
                self._print(f"{text}\n")
            elif stream == 2 and not settings.quiet:
                self._say(steps.Say(2, messages.warning(text)))

        return tell

    def _held(self) -> "Engine":
        assert self._lock is not None  # `command` connects first
        return self._lock


def _write(stream: int, text: str) -> None:
    data = text.encode(sys.getfilesystemencoding(), "surrogateescape")
    try:
        while data:
            data = data[posix.write(stream, data) :]
    except BrokenPipeError:
        raise
    except OSError:
        pass  # a full or closed stream never changes what the command does (cli.md 8)
