"""Programs written for the reference's Python binding, run unchanged (api.md section 16, P-27).

They use fixed names in /tmp, so each test has a /tmp of its own.
"""

import os
import pathlib
import pwd
import shutil
import signal
import sys

import pytest
from room import room
from support import BOUND, FLOM, Place

PROGRAMS = pathlib.Path(__file__).with_name("programs")
DEFAULT_SOCKET = f"/tmp/flom-{pwd.getpwuid(os.getuid()).pw_name}"
# What must be found in there as well.
NEEDED = {str(PROGRAMS.parents[2]), sys.prefix, sys.base_prefix}
OWN_TMP = "mkdir {folder}/tmp\nmount -t tmpfs none {folder}/tmp\nchmod 1777 {folder}/tmp\n"
KEEP = "mkdir -p {folder}{path}\nmount --bind {path} {folder}{path}\n"
USE = "mount --rbind {folder}/tmp /tmp\n"


class Room(Place):
    """Commands and programs with a /tmp of their own."""

    def __init__(self, folder, shell):
        super().__init__(folder, [])
        self._shell = shell

    def start(self, *words, **options):
        """See Place; without words that name an endpoint."""
        return super().start(*words, shell=self._shell, **options)

    def daemon_at(self, *words):
        """Starts a daemon that stays."""
        done = self.run(*words, "-d", "-1", "--", "true", program=(FLOM,))
        assert (done.returncode, done.stderr) == (0, "")

    def program(self, name):
        """What a program gives: status, and what it prints."""
        done = self.run(program=(sys.executable, PROGRAMS / f"{name}.py"))
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def place(folder):
    kept = sorted(path for path in {*NEEDED, str(folder)} if path.startswith("/tmp/"))
    parts = [KEEP.replace("{path}", path) for path in kept]
    with room(folder, OWN_TMP, *parts, USE) as made:
        # Entered anew: the working directory outside is another one than that inside.
        place = Room(folder, f'{made.shell()[:-4]} env --chdir={folder} "$@"')
        yield place
        place.clear()


def values(out):
    """The last word of each line."""
    return [line.split()[-1] for line in out.splitlines()]


@pytest.mark.parametrize("name", ["basic", "case3001", "case3"])
def test_silent_programs(place, name):
    place.daemon_at()
    assert place.program(name) == (0, "", "")
    assert place.program(name) == (0, "", "")


@pytest.mark.parametrize("name", ["basic", "advanced", "transactional", "case3004"])
def test_without_a_daemon(place, name):
    """P-12: it is told, and none is started."""
    status, out, err = place.program(name)
    assert (status, out) == (1, "")
    assert err == (
        "flom_handle_lock() returned -105, ERROR: 'connect' function returned an error condition\n"
    )


def test_an_element_at_a_daemon_of_choice(place):
    place.daemon_at("-s", "/tmp/my_socket_name")
    status, out, err = place.program("advanced")
    assert (status, err, values(out)) == (0, "", ["Red"])


def killed_while_it_sleeps(place):
    """What the program prints before the sleep at its end."""
    program = place.start(program=(sys.executable, PROGRAMS / "transactional.py"))
    printed = [program.stdout.readline().split()[-1] for _ in range(3)]
    program.kill()
    program.wait(BOUND)
    return printed


def test_a_transactional_sequence(place):
    """Values go on when it is run again; what a killed program had is given back."""
    place.daemon_at()
    assert killed_while_it_sleeps(place) == ["1", "1", "2"]
    status, out, err = place.program("transactional")
    assert (status, err, len(out.splitlines())) == (0, "", 4)
    assert values(out)[:3] == ["2", "2", "3"]
    assert killed_while_it_sleeps(place) == ["4", "4", "5"]


def test_two_sequences_and_an_abort(place):
    place.daemon_at()
    for expected in (["1", "2", "1", "1", "2"], ["3", "4", "2", "2", "3"]):
        status, out, err = place.program("case3004")
        assert (status, err) == (-signal.SIGABRT, "")
        assert values(out) == expected


BEFORE_AND_AFTER = [
    DEFAULT_SOCKET, "/tmp/flom_socket_name", "/tmp/flom.trc", "_RESOURCE", "red.green.blue",
    "1", "0", "1", "-1", "-1", "1", "3", "5", "4", "0", "10000", "None", "127.0.0.1", "None",
    "224.0.0.1", "28015", "7777", "28015", "8888", "2", "5", "500", "750", "1", "2", "0", "0", "1",
    "red",
]  # fmt: skip


def test_every_property_and_tls(place, folder, certificates):
    """Case 3002: paths are made absolute, the peer's id is checked."""
    (folder / "CA1").mkdir()
    for source, copy in (
        ("mine.pem", "peer1_CA1_cert.pem"),
        ("mine.key", "peer1_CA1_key.pem"),
        ("one.ca", "cacert.pem"),
        ("peer.pem", "peer2_CA1_cert.pem"),
        ("peer.key", "peer2_CA1_key.pem"),
    ):
        shutil.copy(certificates / source, folder / "CA1" / copy)
    daemon = ("--tls-certificate", "CA1/peer2_CA1_cert.pem",
              "--tls-private-key", "CA1/peer2_CA1_key.pem",
              "--tls-ca-certificate", "CA1/cacert.pem", "--tls-check-peer-id=yes")  # fmt: skip
    place.daemon_at("-s", "/tmp/flom_socket_name", *daemon)
    status, out, err = place.program("case3002")
    assert (status, values(out)) == (0, BEFORE_AND_AFTER), err
    assert values(err) == [
        "None", f"{folder}/CA1/peer1_CA1_cert.pem", "None", f"{folder}/CA1/peer1_CA1_key.pem",
        "None", f"{folder}/CA1/cacert.pem",
    ]  # fmt: skip
    assert place.run(program=("test", "-e", "/tmp/flom.trc")).returncode == 0
