"""`flomctl`, the operator's command: finds out what to do and leaves it to who can do it.

Only this module and `daemon` run without the libraries of the extra `ctl`.
"""

import io
import os
import sys

from flom.cli.parse import parse
from flom.errors import (
    EXIT_FAILURE,
    EXIT_OK,
    RC_DAEMON_NOT_STARTED,
    RC_INACTIVE_FEATURE,
    RC_INVALID_OPTION,
    FlomError,
    UsageError,
)
from flom.net.unix import NobodyListens
from flom.options import OPTIONS, Option
from flom.settings import load
from flom.values import quoted, working_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

# Exit statuses besides those of `flom`.
EXIT_NO = 1
EXIT_USAGE = 2
# What a shell shows of a program that was writing to a pipe nobody reads.
EXIT_BROKEN_PIPE = 141

# Every command with its explanation for lists.
COMMANDS = {
    "ls": "list the resources: who holds, who waits, for how long",
    "show": "show who holds a resource and who waits for it, in order",
    "explain": "say whether a lock would be granted now, and if not, behind whom it would wait",
    "top": "show the resources again and again, the busiest ones first",
    "events": "print what happens to the locks, as it happens",
    "release": "break a lock: the resource is free, its holder is told that it has lost it",
    "hold": "take a lock by hand and keep it until Ctrl-C",
    "ping": "say whether the daemon or the store answers, and which one it is",
    "shutdown": "end the daemon, at once or when all locks are given back",
    "metrics": "print counters and times in the format of Prometheus, or serve them",
    "completion": "print the completion of flom and flomctl for a shell",
    "daemon": "run the lock daemon in the foreground, for a service manager; it takes the options "
    "of flom that concern a daemon (see flom --help) and lives until it is stopped, unless -d "
    "says otherwise",
    "pki": "make and check certificates for TLS: init, issue, renew, show, verify",
}
_WITH_EXTRA = {"pki": "pki"}

_USAGE = """\
Usage: flomctl COMMAND [OPTION...]

Commands
{commands}
Options may stand before or after the command; those that say where the daemon
or the store is are those of flom; flomctl COMMAND --help lists all. daemon
needs nothing but flom, pki some libraries (pip install 'pyflom[pki]'), the
others some more (pip install 'pyflom[ctl]').

Exit status: 0 done; 1 the answer is no (explain: would not be granted; show,
release: nobody uses the resource; ping: no daemon); 2 wrong words; 96, 98 as
flom's (hold); 99 any other failure.
"""
_NOBODY = "no daemon runs there, so nothing is locked; look at the address if you expected one"
_WIDTH = 79
_COLUMN = 13


def main(words: list[str] | None = None) -> int:
    """Run `flomctl` with these words (default: those of the process); returns the exit status."""
    words = sys.argv[1:] if words is None else words
    if sys.stdout is None:  # it was closed; what is opened later must not take its place
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # for as long as the process lives
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # not every terminal has every letter
    try:
        return _run(words)
    except FlomError as error:
        from flom.ctl.output import printable

        nobody = isinstance(error, NobodyListens) or error.rc == RC_DAEMON_NOT_STARTED
        advice = _NOBODY if nobody else error.advice
        hint = f" ({printable(advice)})" if advice else ""
        print(f"flomctl: {printable(error.text)}{hint} [ret_cod={error.rc}]", file=sys.stderr)
        return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILURE
    except OSError as error:
        return abandon_output(error)


def abandon_output(error: OSError) -> int:
    """Standard output takes nothing more, or something else fails; returns the exit status.

    The interpreter must not try to write the rest at its end.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if isinstance(error, BrokenPipeError):
        return EXIT_BROKEN_PIPE
    print(f"flomctl: {error.filename or 'standard output'}: {error.strerror}", file=sys.stderr)
    return EXIT_FAILURE


def _run(words: list[str]) -> int:
    place = position(words, _takes_next)
    if place is None:
        if {"-h", "--help"} & set(words):
            print(usage(), end="")
            return EXIT_OK
        raise UsageError("no command given (flomctl --help lists them)")
    name, rest = words[place], words[:place] + words[place + 1 :]
    if name == "help":
        print(usage(), end="")
        return EXIT_OK
    if name not in COMMANDS:
        raise UsageError(_unknown(name))
    try:
        if name in _APART:
            return _APART[name](rest)
        from flom.ctl.tree import run

        return run([name, *rest])
    except ModuleNotFoundError as error:
        raise _lacks(name, error) from None


def usage() -> str:
    """The text of `flomctl --help`."""
    import textwrap

    lines = []
    for name, text in COMMANDS.items():
        lines += textwrap.wrap(
            text,
            _WIDTH,
            initial_indent=f"  {name}".ljust(_COLUMN),
            subsequent_indent=" " * _COLUMN,
        )
    return _USAGE.format(commands="\n".join(lines) + "\n")


def position(words: list[str], takes_next: "Callable[[str], bool]") -> int | None:
    """Where the command stands: the first word that is neither an option nor the value of one.

    takes_next: whether the value of an option is the next word.
    """
    place = 0
    while place < len(words):
        word = words[place]
        if not word.startswith("-") or word == "-":
            return place
        place += 2 if takes_next(word) else 1
    return None


def _takes_next(word: str) -> bool:
    from flom.ctl import rows

    known = (*OPTIONS, *(row for row in vars(rows).values() if isinstance(row, Option)))
    if word.startswith("--"):
        return any(row.long == word[2:] and row.type != "F" for row in known)
    return any(row.short and row.short in word[1:] and row.type != "F" for row in known)


def _unknown(name: str) -> str:
    from flom.spelling import nearest

    near = nearest(name, list(COMMANDS))
    advice = f"did you mean {near}?" if near else "flomctl --help lists them"
    return f"unknown command {quoted(name)} ({advice})"


def _lacks(name: str, error: ModuleNotFoundError) -> Exception:
    library = (error.name or "").partition(".")[0]
    if library not in ("click", "rich", "prometheus_client", "cryptography"):
        return error
    return FlomError(
        RC_INACTIVE_FEATURE,
        f"the command {name} needs the library {library} "
        f"(pip install 'pyflom[{_WITH_EXTRA.get(name, 'ctl')}]')",
    )


def _daemon(words: list[str]) -> int:
    from flom.ctl.daemon import run

    invocation = _plainly(parse, words)
    if invocation.show == "help":
        print(usage(), end="")
        return EXIT_OK
    if invocation.command:
        raise FlomError(
            RC_INVALID_OPTION,
            f"a daemon runs no command: '{invocation.command[0]}' (drop it, or use flom)",
        )
    settings = load(invocation.given, os.environ, working_directory(), _warn)
    # A daemon that a service manager runs ends when it is told to; a lifespan in a file is meant
    # for the daemons that `flom` starts.
    if not any(option.attr == "daemon_lifespan" for option, _ in invocation.given):
        settings.daemon_lifespan = -1
    if settings.store_url is not None:
        raise FlomError(
            RC_INVALID_OPTION,
            f"the locks are kept in the store {quoted(settings.store_url)}, which needs no daemon"
            " (give -s, -a or -A to run one)",
        )
    settings.check(_warn)
    run(settings, os.environ)
    return EXIT_OK


def _pki(words: list[str]) -> int:
    from flom.ctl.pki_commands import run

    return _plainly(run, words)


def _plainly(parse_or_run: "Callable[[list[str]], T]", words: list[str]) -> "T":
    """For commands whose wrong words are a failure as any other."""
    try:
        return parse_or_run(words)
    except UsageError as error:
        raise FlomError(error.rc, error.text) from None


# Commands that are not made of the same parts as the others.
_APART = {"daemon": _daemon, "pki": _pki}


def _warn(text: str) -> None:
    print(f"flomctl: warning: {text}", file=sys.stderr)
