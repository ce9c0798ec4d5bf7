"""The recorded scenarios of the reference's Python binding, with ours and with our daemon."""

import getpass
import json
import os
import pathlib
import random
import socket
import subprocess
import sys

import pytest
from shared import vectors
from system.replay import Ahead, scratch

PLAYER = pathlib.Path(__file__).with_name("api_player.py")
# In these the files are refused, which is told on standard output (api.md 8).
REFUSED = (
    "config_bad_integer_then_fixed",
    "config_bad_lock_mode",
    "config_conflict",
    "config_peer_check_without_tls",
)
BOUND = 100.0  # seconds; what takes longer hangs
SCENARIOS = {scenario["name"]: scenario for scenario in vectors("api")["scenarios"]}


def variables(folder):
    """What the names in braces stand for."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("", 0)) as two:
        ports = [each.getsockname()[1] for each in (one, two)]
    return {
        "TMP": str(folder),
        "HOME": str(folder / "home"),
        "SOCK": str(folder / "s1"),
        "SOCK2": str(folder / "s2"),
        "PORT": ports[0],
        "PORT2": ports[1],
        "MPORT": random.randrange(20000, 60000),
        "MADDR": f"239.255.{random.randrange(256)}.{random.randrange(1, 255)}",
        "USER": getpass.getuser(),
    }


def play(name):
    """What differs from the recording, and what is printed.

    Every scenario has a process and a folder of its own.
    """
    with scratch() as folder:
        (folder / "home").mkdir()
        case = {"variables": variables(folder), "scenario": SCENARIOS[name]}
        environ = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        done = subprocess.run(
            [sys.executable, PLAYER, folder / "home" / "differences"],
            input=json.dumps(case),
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            env=environ | {"HOME": str(folder / "home")},
            timeout=BOUND,
        )
        assert done.returncode == 0, done.stderr
        return (folder / "home" / "differences").read_text(), done.stdout, done.stderr


@pytest.fixture(scope="module")
def outcomes(request):
    with Ahead(request, play) as ahead:
        yield ahead


@pytest.mark.parametrize("case", SCENARIOS)
def test_binding(outcomes, case):
    """P-26: nothing is printed but why the files are refused."""
    differences, out, err = outcomes.outcome(case)
    assert differences == ""
    assert err == ""
    lines = out.splitlines()
    assert bool(lines) == (case in REFUSED)
    assert all(line.startswith("flom: ") for line in lines)
