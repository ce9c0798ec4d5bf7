"""`flomctl daemon`: the daemon in the foreground, on good terms with a service manager.

Readiness and the end are told to `NOTIFY_SOCKET` (sd_notify), an inherited listening socket is
used when `LISTEN_FDS` passes one (socket activation), the log goes to stderr.
"""

import os
from time import monotonic

from flom import signals, trace
from flom.client.session import endpoint_of
from flom.daemon.launch import NOT_MOUNTED, identity, join, listen, mounting_of, serve
from flom.daemon.lifecycle import ENDING
from flom.daemon.streamlog import StreamLog
from flom.daemon.vfs.start import LONGEST
from flom.errors import RC_INVALID_OPTION, FlomError
from flom.net.listen import Listener, adopt
from flom.net.sockets import AF_UNIX, SOCK_DGRAM, socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from flom.settings import Settings

# The first descriptor of socket activation.
LISTEN_FDS_START = 3


def run(settings: "Settings", environ: "Mapping[str, str]") -> None:
    """Serve until told to end; raises FlomError when the daemon cannot begin."""
    signals.pthread_sigmask(signals.SIG_BLOCK, ENDING)
    trace.start(environ)
    files = identity(settings)
    inherited = _inherited(environ)
    if inherited is None:
        listener = listen(endpoint_of(settings), settings)
    else:
        listener = inherited
        join(listener, settings)
    signals.signal(signals.SIGHUP, signals.SIG_IGN)
    mounting = mounting_of(settings)
    failure = mounting.mount(monotonic() + LONGEST) if mounting is not None else ""
    if failure:
        StreamLog().record(NOT_MOUNTED, failure)
    notify(environ, "READY=1")
    try:
        serve(listener, settings, files, mounting, foreground=True)
    finally:
        notify(environ, "STOPPING=1")


def notify(environ: "Mapping[str, str]", state: str) -> None:
    """Tell the service manager, if there is one; nothing depends on its listening."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    sock = socket(AF_UNIX, SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.connect(address)
        sock.send(state.encode())
    except OSError:
        pass
    finally:
        sock.close()


def _inherited(environ: "Mapping[str, str]") -> Listener | None:
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    count = environ.get("LISTEN_FDS", "")
    if count in ("", "0"):
        return None
    if count != "1":
        raise FlomError(
            RC_INVALID_OPTION,
            f"the service manager passes {count} sockets, the daemon serves one (keep a single"
            " ListenStream= in the socket unit)",
        )
    return adopt(LISTEN_FDS_START)
