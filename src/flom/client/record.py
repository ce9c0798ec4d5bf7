"""Records that a client leaves in the system log."""

import posix

# Where a host that keeps a system log listens for it.
SYSTEM_LOG = "/dev/log"


def log(code: str, text: str) -> None:
    """A record of the system log, where there is one (cli.md 15)."""
    try:
        posix.stat(SYSTEM_LOG)
    except OSError:
        return
    from flom.log import USER, SystemLog

    log = SystemLog(USER, pid=False, path=SYSTEM_LOG)
    log.record(code, text)
    log.close()


def log_daemon(peerid: str, step: int) -> None:
    """Whom this client talks to, as the answer of this step has told."""
    log("FLM016I", f"serving peer {peerid}, verb 1, step {step}")
