"""`flomctl`, the operator's command: what it can do, and `flomctl daemon`."""

import os
import sys

from flom.cli.parse import parse
from flom.errors import EXIT_FAILURE, EXIT_OK, FlomError
from flom.settings import load

USAGE = """\
Usage: flomctl daemon [OPTION...]

Commands
  daemon   run the lock daemon in the foreground, for a service manager; it takes
           the options of flom that concern a daemon (see flom --help) and lives
           until it is stopped, unless -d says otherwise
"""


def main(words: list[str] | None = None) -> int:
    """Run `flomctl` with these words (default: those of the process); returns the exit status."""
    words = sys.argv[1:] if words is None else words
    if words and words[0] in ("-h", "--help", "help"):
        print(USAGE, end="")
        return EXIT_OK
    if not words or words[0] != "daemon":
        problem = f"unknown command '{words[0]}'" if words else "no command given"
        print(f"flomctl: {problem} (flomctl --help lists them)", file=sys.stderr)
        return EXIT_FAILURE
    try:
        return _daemon(words[1:])
    except FlomError as error:
        print(f"flomctl: {error.text} [ret_cod={error.rc}]", file=sys.stderr)
        return EXIT_FAILURE


def _daemon(words: list[str]) -> int:
    from flom.ctl.daemon import run

    invocation = parse(words)
    if invocation.show == "help":
        print(USAGE, end="")
        return EXIT_OK
    if invocation.command:
        raise FlomError(
            -5, f"a daemon runs no command: '{invocation.command[0]}' (drop it, or use flom)"
        )
    settings = load(invocation.given, os.environ, os.getcwd(), _warn)
    # A daemon that a service manager runs ends when it is told to; a lifespan in a file is meant
    # for the daemons that `flom` starts.
    if not any(option.attr == "daemon_lifespan" for option, _ in invocation.given):
        settings.daemon_lifespan = -1
    settings.check(_warn)
    run(settings, os.environ)
    return EXIT_OK


def _warn(text: str) -> None:
    print(f"flomctl: warning: {text}", file=sys.stderr)
