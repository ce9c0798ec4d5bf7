"""From the start of the interpreter to the command: what was given, and what if all goes wrong."""

import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def start() -> "NoReturn":
    """Run the command with this process's arguments; never returns.

    A program that needs a daemon runs the package too, to have one started (daemon/fresh.py).

    Whatever goes wrong unexpectedly is one line on stderr and exit status 99 (cli.md 10).
    """
    try:
        # In the C locale Python adds LC_CTYPE to the environment.
        if "flom-environ" in sys._xoptions or posix.environ.get(b"LC_CTYPE") == b"C.UTF-8":
            restore_environment()
        take_name()
        if "flom-starts-daemon" in sys._xoptions:
            from flom.daemon import fresh

            fresh.answer()
        occupy_standard_streams()
        words, hidden, environ = sys.argv[1:], ignored_signals(), environment()
        from flom.cli import plain

        begun = plain.run(words, hidden, environ)
        if "flom._hot" in sys.modules:
            sys.modules["flom._hot"].load_more("_full")
        from flom.cli.main import main

        main(words, hidden, environ, begun)
        raise RuntimeError("the command has returned")
    except BaseException as error:
        _fail(error)


def take_name() -> None:
    """`pgrep flom` finds the command, and the daemon it may become (daemon.md 4.2)."""
    try:
        descriptor = posix.open("/proc/self/comm", posix.O_WRONLY | posix.O_CLOEXEC)
    except OSError:
        return
    posix.write(descriptor, b"flom")
    posix.close(descriptor)


def occupy_standard_streams() -> None:
    """No connection may ever get a number that somebody writes diagnostics to (cli.md CF-21).

    The descriptors are not inheritable: the command sees its streams closed as `flom` found them.
    """
    for descriptor in (0, 1, 2):
        try:
            posix.fstat(descriptor)
        except OSError:
            posix.open("/dev/null", posix.O_RDWR)


def environment() -> dict[str, str]:
    """The environment as text, whose bytes can be had back."""
    encoding = sys.getfilesystemencoding()
    return {
        name.decode(encoding, "surrogateescape"): value.decode(encoding, "surrogateescape")
        for name, value in posix.environ.items()
    }


def ignored_signals() -> int | None:
    """The signals that flom's caller ignored, bit N-1 for signal N; None when nobody has looked.

    Without the launcher SIGPIPE and SIGXFSZ cannot be known: Python ignores them itself.
    """
    given = sys._xoptions.get("flom-ignored")
    return int(given) if isinstance(given, str) else None


def restore_environment() -> None:
    """Make `posix.environ` what flom was started with (cli.md 11).

    The launcher hands it over, in hexadecimal digits, if the shell has changed it; else the
    system still knows it.
    """
    size = sys._xoptions.get("flom-environ")
    data = _first() if size is None else _handed_over(int(size))
    entries = [entry.partition(b"=") for entry in data.split(b"\0")]
    posix.environ.clear()
    posix.environ.update((name, value) for name, equals, value in entries if name and equals)


def _handed_over(size: int) -> bytes:
    pieces = (posix.environ[b"FLOM_ENVIRON_%d" % start] for start in range(0, size, 40000))
    return bytes.fromhex(b"".join(pieces).decode())


def _first() -> bytes:
    try:
        with open("/proc/self/environ", "rb") as file:
            return file.read()
    except OSError:
        return b"\0".join(name + b"=" + value for name, value in posix.environ.items())


def _fail(error: BaseException) -> "NoReturn":
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f" in {place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else ""
    what = f"{type(error).__name__}: {error}{where}".replace("\n", " ")
    text = f"flom: unexpected failure, please report it ({what})\n"
    try:
        posix.write(2, text.encode("utf-8", "backslashreplace"))
    finally:
        posix._exit(99)
