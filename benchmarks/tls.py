"""What TLS costs: the command, start to end, and the daemon, in locks a second.

The unit is the same without TLS: the same installation, a local socket, measured in turns. Keys
are on an elliptic curve. "Fresh" is a connection, and so a handshake, for each lock, as the command
makes; a lock of a program that keeps its connection costs two records each way.
"""

import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from common import (
    DAEMON_LIFESPAN,
    Daemon,
    Outcome,
    Series,
    answered,
    arguments,
    connect,
    finish,
    in_turns,
    lock_message,
    run,
    surroundings,
    unlock_message,
    workplace,
)

NAME = "bench"
SCRIPT = """
ec='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
openssl req -x509 $ec -keyout ca.key -out ca.pem -days 2 -subj /CN=authority
openssl req $ec -keyout key.pem -out request.pem -subj /CN=host
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out cert.pem
"""


def make_files(folder: Path) -> list[str]:
    """Certificate, key and authority in `folder`, as words for `flom`."""
    if shutil.which("openssl") is None:
        sys.exit("this benchmark needs the openssl command")
    subprocess.run(["sh", "-ec", SCRIPT], check=True, cwd=folder, capture_output=True)
    return [
        "--tls-certificate", str(folder / "cert.pem"), "--tls-private-key", str(folder / "key.pem"),
        "--tls-ca-certificate", str(folder / "ca.pem"),
    ]  # fmt: skip


def context(folder: Path) -> ssl.SSLContext:
    """For a client of the daemon."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.load_verify_locations(folder / "ca.pem")
    made.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return made


class Side:
    """A daemon, with or without TLS, and what is done to it."""

    def __init__(self, flom: Path, folder: Path, name: str, files: list[str]) -> None:
        self._folder = folder
        self._environ = surroundings(folder)
        self._daemon = Daemon(flom, folder, name, files=files)
        self._context = context(folder) if files else None
        self._lock, self._unlock = lock_message(NAME), unlock_message(NAME)
        self._kept = self._connected()

    def command(self) -> Outcome:
        """The whole command."""
        return run([*self._daemon.words, "--", "true"], self._environ)

    def cold(self) -> Outcome:
        """The same when a daemon has to be started; its end is not measured."""
        words = [*self._daemon.words, "-d", DAEMON_LIFESPAN]
        words[words.index("-s") + 1] += ".cold"
        outcome = run([*words, "--", "true"], self._environ)
        run([*words, "-X"], self._environ)
        return outcome

    def _connected(self) -> socket.socket:
        sock = connect(self._daemon.address)
        return self._context.wrap_socket(sock) if self._context else sock

    def kept(self, seconds: float) -> float:
        """Locks and unlocks a second over one connection."""
        return _rate(lambda: self._pair(self._kept), seconds)

    def fresh(self, seconds: float) -> float:
        """The same with a connection for each."""

        def one() -> None:
            with self._connected() as sock:
                self._pair(sock)

        return _rate(one, seconds)

    def _pair(self, sock: socket.socket) -> None:
        sock.sendall(self._lock)
        answered(sock, 0)
        sock.sendall(self._unlock)

    def close(self) -> None:
        self._kept.close()
        self._daemon.close()


def _rate(act: Callable[[], None], seconds: float) -> float:
    count, begin = 0, time.perf_counter()
    while (passed := time.perf_counter() - begin) < seconds:
        act()
        count += 1
    return count / passed


def compare(
    what: str, plain: Callable[[], float], tls: Callable[[], float], rounds: int
) -> dict[str, float]:
    """Both in turns; prints and returns the ratio of TLS to plain."""
    sides = {"plain": plain, "tls": tls}
    in_turns(1, sides)
    results = in_turns(rounds, sides)
    base, other = Series(results["plain"]), Series(results["tls"])
    ratio = other.over(base)
    print(f"{what:28}{base.median:12.4g}{other.median:12.4g}   {ratio}", flush=True)
    return ratio.figures()


def main() -> None:
    options = arguments(
        "what TLS costs, as a ratio to the same without", runs=50, rounds=20, milliseconds=200
    )
    seconds = options.milliseconds / 1000
    with workplace(options.flom) as (folder, flom):
        plain, tls = Side(flom, folder, "plain", []), Side(flom, folder, "tls", make_files(folder))
        try:
            print(f"{'':28}{'plain':>12}{'TLS':>12}   TLS over plain")
            figures = {
                "flom -- true": compare(
                    "flom -- true, seconds",
                    lambda: plain.command().wall, lambda: tls.command().wall, options.runs,
                ),
                "flom -- true, cold": compare(
                    "flom -- true, cold, seconds",
                    lambda: plain.cold().wall, lambda: tls.cold().wall, options.runs,
                ),
                "kept": compare(
                    "locks/s, one connection",
                    lambda: plain.kept(seconds), lambda: tls.kept(seconds), options.rounds,
                ),
                "fresh": compare(
                    "locks/s, a connection each",
                    lambda: plain.fresh(seconds), lambda: tls.fresh(seconds), options.rounds,
                ),
            }  # fmt: skip
        finally:
            plain.close()
            tls.close()
    finish("tls", runs=options.runs, rounds=options.rounds, figures=figures)


if __name__ == "__main__":
    main()
