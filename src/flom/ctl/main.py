"""`flomctl`, the operator's command: what it can do, `flomctl daemon` and `flomctl pki`."""

import os
import sys

from flom.cli.parse import parse
from flom.errors import EXIT_FAILURE, EXIT_OK, RC_INACTIVE_FEATURE, FlomError
from flom.settings import load

USAGE = """\
Usage: flomctl COMMAND [OPTION...]

Commands
  daemon   run the lock daemon in the foreground, for a service manager; it takes
           the options of flom that concern a daemon (see flom --help) and lives
           until it is stopped, unless -d says otherwise
  pki      make and check certificates for TLS: init, issue, renew, show, verify;
           needs two libraries (pip install 'pyflom[pki]')
"""


def main(words: list[str] | None = None) -> int:
    """Run `flomctl` with these words (default: those of the process); returns the exit status."""
    words = sys.argv[1:] if words is None else words
    if words and words[0] in ("-h", "--help", "help"):
        print(USAGE, end="")
        return EXIT_OK
    command = _COMMANDS.get(words[0]) if words else None
    if command is None:
        problem = f"unknown command '{words[0]}'" if words else "no command given"
        print(f"flomctl: {problem} (flomctl --help lists them)", file=sys.stderr)
        return EXIT_FAILURE
    try:
        return command(words[1:])
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


def _pki(words: list[str]) -> int:
    try:
        from flom.ctl.pki_commands import run
    except ImportError as error:
        library = (error.name or "").partition(".")[0]
        if library not in ("click", "cryptography"):
            raise
        raise FlomError(
            RC_INACTIVE_FEATURE,
            f"the command pki needs the library {library} (pip install 'pyflom[pki]')",
        ) from None
    return run(words)


_COMMANDS = {"daemon": _daemon, "pki": _pki}


def _warn(text: str) -> None:
    print(f"flomctl: warning: {text}", file=sys.stderr)
