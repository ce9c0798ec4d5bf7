"""The process that shows a daemon's state in a directory, from its start to its end.

Descriptor 0 is its line to the daemon, descriptor 1 a pipe to who wants to know whether the
mounting worked. It unmounts and ends when the line ends, in whatever way the daemon does.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import time
import types

from flom import mounts
from flom.daemon.launch import close_others
from flom.daemon.vfs.files import Files
from flom.daemon.vfs.line import Line
from flom.daemon.vfs.start import MOUNTED
from flom.daemon.vfs.view import View
from flom.net.sockets import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# `pgrep flom` finds commands and daemons; this is neither.
PROCESS_NAME = b"lock-vfs"
LIBRARIES = ("libfuse3.so.4", "libfuse3.so.3")
DEVICE = "/dev/fuse"
# Seconds that a predecessor at the same directory, about to end, has to unmount.
PATIENCE = 2.0
PAUSE = 0.02


class Unmountable(Exception):
    """Why there will be no file system, and what to do; one line."""


def main(directory: str) -> "NoReturn":
    """Show the state in `directory` as long as the daemon lives; never returns."""
    if os.fork():
        os._exit(0)  # the starter has nobody to wait for
    errors = _detach()
    try:
        _mount(directory)
    except Unmountable as problem:
        _tell(str(problem))
    except BaseException as fault:
        _tell(_last_line(errors) or f"{type(fault).__name__}: {fault}")
    os._exit(1)


def _mount(directory: str) -> None:
    _make_room(directory)
    fuse = _library()
    if not os.path.exists(DEVICE):
        raise Unmountable(f"there is no {DEVICE} (load the kernel module fuse)")
    shown = Shown(Line(socket(fileno=os.dup(0))), os.getuid(), os.getgid())
    # Returns when it has been unmounted, by `Shown` or by hand.
    fuse.FUSE(
        shown, directory, foreground=True, nothreads=True, direct_io=True,
        fsname="flom", subtype="flom",
    )  # fmt: skip
    os._exit(0)


class Shown(Files):
    """The files, together with what happens once they are mounted."""

    def __init__(self, line: Line, uid: int, gid: int) -> None:
        super().__init__(View(line.rows), uid, gid)
        self._line = line
        self._served_by = threading.get_ident()

    def init(self, path: str) -> None:
        """The file system is there."""
        self._line.ready()
        _tell(MOUNTED)
        os.dup2(os.open(os.devnull, os.O_RDWR), 2)
        signal.signal(signal.SIGUSR1, lambda _number, _frame: None)
        threading.Thread(target=self._end_with_the_daemon, daemon=True).start()

    def _end_with_the_daemon(self) -> None:
        poll = select.poll()
        poll.register(self._line.fileno(), select.POLLRDHUP)
        poll.poll()
        # The library's own handler leaves its loop. A signal that comes just before the loop
        # sleeps wakes nobody, so others follow; not the same, which kills once the loop is left.
        signal.pthread_kill(self._served_by, signal.SIGTERM)
        while True:
            time.sleep(PAUSE)
            signal.pthread_kill(self._served_by, signal.SIGUSR1)


def unmount(directory: str) -> bool:
    """Free a directory whose file system has lost its process; False if that did not work."""
    command = [*mounts.UNMOUNT, directory]
    try:
        return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def _make_room(directory: str) -> None:
    end = time.monotonic() + PATIENCE
    while mounts.is_ours(directory):
        if mounts.is_dead(directory):
            if not unmount(directory):
                raise Unmountable(
                    "what a killed daemon left there cannot be unmounted"
                    f" (fusermount3 -u '{directory}')"
                )
        elif time.monotonic() > end:
            raise Unmountable("another daemon shows its state there (give another directory)")
        else:
            time.sleep(PAUSE)


def _library() -> types.ModuleType:
    for name in LIBRARIES:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        # Spares the search, which runs a compiler.
        os.environ.setdefault("FUSE_LIBRARY_PATH", name)
        break
    try:
        import mfusepy
    except ImportError:
        raise Unmountable(
            "the Python library mfusepy is missing (pip install 'pyflom[vfs]')"
        ) from None
    except (OSError, AttributeError):
        raise Unmountable("the library libfuse3 is missing (apt install fuse3)") from None
    library: types.ModuleType = mfusepy
    return library


def _detach() -> int:
    """Leave everything of the starter behind; returns a file that gets what libraries print."""
    os.setsid()
    os.chdir("/")
    os.umask(0o077)
    close_others({0, 1, 2})
    try:
        with open("/proc/self/comm", "wb") as file:
            file.write(PROCESS_NAME)
    except OSError:
        pass  # a place without /proc
    errors = os.memfd_create("errors")
    os.dup2(errors, 2)
    return errors


def _last_line(file: int) -> str:
    sys.stderr.flush()
    text = os.pread(file, 10_000, 0).decode("utf-8", "replace")
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _tell(result: str) -> None:
    try:
        os.write(1, result.encode("utf-8", "replace"))
    except OSError:
        pass  # nobody waits any more
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
