"""What `flom` says: every text for people in one place.

Functions return complete texts, newline included, and print nothing. Texts on stderr are one line
each: what happened, what to do about it, the code scripts look for (cli.md 10).
"""

from flom import errors
from flom.values import quoted

CONNECT = "flom_client_connect"
LOCK = "flom_client_lock"
UNLOCK = "flom_client_unlock"

NO_COMMAND = (
    "flom: no command to run (write it after the options: flom -r NAME -- COMMAND; "
    "flom --help explains)\n"
)


def line(text: str) -> str:
    """`text` as a line of ours, whatever characters it holds."""
    return f"flom: {visible(text)}\n"


def visible(text: str) -> str:
    """`text` with everything that a terminal could obey, or not show, as an escape sequence."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def warning(text: str) -> str:
    """Something worth knowing that does not end the run."""
    return line(f"warning: {text}")


def usage_error(text: str) -> str:
    """The words of the command line cannot be understood."""
    return line(text)


def config_error(error: errors.ConfigError) -> str:
    """A setting cannot be used."""
    return line(f"{error.text} [ret_cod={error.rc}]")


def failure(phase: str, error: errors.FlomError, store: str | None = None) -> str:
    """Connecting, locking or unlocking failed; `phase` is CONNECT, LOCK or UNLOCK.

    store: the URL of the store where that was, None at a daemon.
    """
    hint = error.advice
    if store is None:
        hint = hint or _ADVICE.get(error.rc, "")
    hint = hint or _phase_advice(phase, store)
    what = error.text or errors.describe(error.rc)
    return line(f"{what} ({hint}) [{phase}: ret_cod={error.rc}]")


_ADVICE = {
    errors.OWN_RC_LOCK_TAKEN: "somebody else may have locked the resource meanwhile",
    errors.OWN_RC_ACCESS_DENIED: "its rules under [Access] decide, its system log tells which",
    errors.OWN_RC_LOCK_NESTED: (
        "ask for a mode that goes with it, or remove FLOM_SESSION from the environment of what may "
        "outlive that lock"
    ),
    errors.OWN_RC_LIMIT_REACHED: "try again, or start the daemon with a higher limit",
    errors.RC_DAEMON_NOT_STARTED: "flom --check with the same options tells what works",
    errors.RC_CONTAINER_FULL: "choose a shorter resource name",
    errors.RC_INVALID_RESOURCE_NAME: "choose another resource name",
    errors.RC_NO_CERTIFICATE: "both sides need a certificate",
    errors.RC_UNIQUE_ID_DOES_NOT_MATCH: "use the certificate of this host, see --unique-id",
    errors.RC_CONNECT_ERROR: "is a daemon running there? -d other than 0 starts one",
    errors.RC_GETADDRINFO_ERROR: "check -a, -p and -n",
    errors.RC_SENDTO_ERROR: "is there a route for the group? -n chooses an interface",
    errors.RC_CONNECTION_REFUSED: "does a firewall drop the datagrams? -n chooses an interface",
    errors.RC_OPEN_ERROR: "is the directory of the socket writable?",
    errors.RC_SSL_CTX_LOAD_VERIFY_LOCATIONS_ERROR: "check --tls-ca-certificate",
    errors.RC_SSL_CTX_USE_CERTIFICATE_FILE_ERROR: "check --tls-certificate",
    errors.RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR: "check --tls-private-key",
    errors.RC_SSL_ACCEPT_ERROR: "does the other side use TLS, with the same authority?",
    errors.RC_SSL_CONNECT_ERROR: "does the other side use TLS, with the same authority?",
    errors.RC_SSL_GET_VERIFY_RESULT_ERROR: "check --tls-ca-certificate on both sides",
    errors.RC_SSL_READ_ERROR: "did the daemon refuse the certificate? Its system log tells",
}


def _phase_advice(phase: str, store: str | None) -> str:
    if phase == CONNECT and store is not None:
        return "flom --check with the same options tells what works"
    if phase == CONNECT:
        return "check -s, -a, -p and whether the daemon runs"
    if phase == LOCK:
        return "the command was not run; try again"
    return "the lock may have been given to someone else while the command ran"


def busy(name: str) -> str:
    """Somebody else holds the resource and `-o 0` says not to wait (exit 98)."""
    return line(f"{quoted(name)} is already locked (-o MS waits for it)")


def timed_out(name: str, milliseconds: int) -> str:
    """The time of `-o` is over (exit 98)."""
    return line(
        f"{quoted(name)} could not be locked within {milliseconds} milliseconds "
        "(a larger -o waits longer)"
    )


def cannot_wait(name: str) -> str:
    """The resource does not exist, is not to be created, and `-o 0` says not to wait (exit 96)."""
    return line(
        f"{quoted(name)} does not exist; it may become available later, but -o 0 does not wait "
        "(-o MS waits, -e yes creates it)"
    )


def impossible(name: str, quantity: int) -> str:
    """The resource can never give what is asked for (exit 99)."""
    return line(
        f"{quoted(name)} can never satisfy this request for {quantity} "
        "(ask for less with -q, or enlarge the resource) "
        f"[{LOCK}: ret_cod={errors.RC_LOCK_IMPOSSIBLE}]"
    )


def not_executed(program: str, reason: str) -> str:
    """The command cannot be executed (exit 97)."""
    return line(f"{quoted(program)} cannot be executed: {reason} (is it spelled right, on PATH?)")


def lost(error: errors.FlomError, store: str | None = None) -> str:
    """The lock was lost while the command ran (exit 99)."""
    return failure(UNLOCK, error, store)


def lost_meanwhile(error: errors.FlomError, policy: str, child: int, grace: float) -> str:
    """The lock is lost while the command runs, process `child`; policy: of `--on-lost`.

    grace: seconds from SIGTERM to SIGKILL.
    """
    what = {
        "term": f"the command has been sent SIGTERM, and SIGKILL follows in {grace:.1f} s",
        "kill": "the command has been sent SIGKILL",
        "stop": f"the command is stopped: 'kill -CONT {child}' lets it go on, "
        f"'kill -KILL {child}' ends it",
        "warn": "the command goes on",
    }[policy]
    return line(f"{error.text} ({what}) [{UNLOCK}: ret_cod={error.rc}]")


def outlived(grace: float) -> str:
    """The command did not end when it was told that its lock is lost."""
    return line(f"the command still runs {grace:.1f} s after SIGTERM (it is sent SIGKILL)")


def not_reached(child: int) -> str:
    """A signal for the command was refused, as to a program of another user."""
    return line(
        f"the command, process {child}, belongs to somebody else and goes on without the lock "
        "(end it by hand)"
    )


def in_jeopardy(left: float) -> str:
    """The lock will be lost if the store is not heard of."""
    return warning(
        f"the store does not answer; in {left:.1f} s the lock is lost unless it does "
        "(check the way to it)"
    )


def out_of_jeopardy() -> str:
    """The store has been heard of again."""
    return warning("the store answers again; the lock was never lost")


def not_ignorable(signal: str) -> str:
    """A signal of `--ignore-signal` that no process can ignore."""
    return warning(f"{signal} cannot be ignored by any process")


def locked_element(element: str) -> str:
    """The line of `-V` for a resource that yields an element (cli.md 8)."""
    return f"Locked element is '{element}'\n"


def debug_failed(name: str, error: errors.FlomError) -> str:
    """A debug feature failed (exit 1, CF-17)."""
    return line(f"debug feature {quoted(name)}: {error.text} [ret_cod={error.rc}]")


def would_fail(count: int) -> str:
    """`--check` has found something (exit 99)."""
    what = "1 problem" if count == 1 else f"{count} problems"
    return line(f"this command would fail: {what} (see the lines marked 'problem')")


def no_unique_id() -> str:
    """`--unique-id` on a host without a machine id (CF-14)."""
    return line(
        "this host has no unique id (dbus-uuidgen --ensure or systemd-machine-id-setup makes "
        f"/etc/machine-id) [ret_cod={errors.RC_OBJ_NOT_FOUND_ERROR}]"
    )


def version() -> str:
    """The seven lines of `--version` (cli.md 9); 1, 4 and 5 are read by scripts."""
    from flom.version import DATE, VERSION

    return (
        "FLoM: Free Lock Manager\n"
        "A lock manager in Python, compatible with FLoM 1.7.2\n"
        "License: MIT; without any warranty\n"
        f"Package name: flom; package version: {VERSION}; release date: {DATE}\n"
        "TLS supported protocol(s): TLSv1.2, TLSv1.3\n"
        "Distribution: pyflom\n"
        "Help: flom --help\n"
    )


def signal_list() -> str:
    """The table of `--signal-list`, byte for byte (cli.md 9)."""
    from flom.signals import NAMES

    cells = []
    for number, name in enumerate(NAMES, 1):
        cells.append(f"{number}) {name}\t")
        if number % 4 == 0:
            cells.append("\n")
    return "".join(cells) + "\n"
