"""The recorded runs of the reference's command, by our command as it is installed."""

import contextlib
import os
import pathlib
import re

import pytest
from shared import vectors
from system.replay import FLOM, Ahead, Command, scratch, surroundings, unused

RECORDED = vectors("cli")
EXPECTED = {case["name"]: (case, case["expect"]) for case in RECORDED["cases"]}
FAULTS = {case["name"]: (case, case["required"]) for case in RECORDED["fault_cases"]}
CASES = {f"fault-{name}": pair for name, pair in FAULTS.items()} | EXPECTED


def play(name):
    """What is wrong with the outcome of a case, nothing if it is as expected."""
    case, expect = CASES[name]
    with scratch() as folder:
        environment = surroundings(folder) | case.get("env", {})
        if "user_config" in case:
            (folder / "home" / ".flom").write_text(case["user_config"])
        with Command(folder, words_of(case, folder), environment) as command:
            status = command.status()
        return wrong(expect, status, command)


def words_of(case, folder):
    """The words of a case with its placeholders filled in (`about` in cli.json)."""
    values = {
        "FLOM": FLOM,
        "SOCK": os.fspath(folder / "sock"),
        "PORT": str(unused("tcp4", folder).address[1]),
        "DIR": os.fspath(folder),
        "CONF": os.fspath(folder / "conf"),
    }
    if "config" in case:
        (folder / "conf").write_text(case["config"])
    return [re.sub("{([A-Z]+)}", lambda m: values[m[1]], word) for word in case["argv"]]


def wrong(expect, status, command):
    """The expectations that are not met."""
    streams = {"stdout": command.stdout, "stderr": command.stderr}
    streams["output"] = streams["stdout"] + streams["stderr"]
    found = {"exit_code": status if status >= 0 else 128 - status}
    for stream, text in streams.items():
        found[f"{stream}_empty"] = text == ""
        pattern = expect.get(f"{stream}_regex")
        if pattern is not None:
            found[f"{stream}_regex"] = re.search(pattern, text, re.MULTILINE) and pattern
    unmet = {key: (wanted, found[key]) for key, wanted in expect.items() if found[key] != wanted}
    return f"{unmet} in {status, streams}" if unmet else ""


@pytest.fixture(scope="module")
def outcomes(request):
    with Ahead(request, play) as ahead:
        yield ahead


@pytest.mark.parametrize("case", CASES)
def test_the_command_behaves_as_recorded(outcomes, case):
    assert not outcomes.outcome(case)


def test_no_system_wide_file_disturbs():
    for path in "/etc/flom.conf", "/usr/local/etc/flom.conf":
        with contextlib.suppress(FileNotFoundError):
            assert not pathlib.Path(path).read_text()
