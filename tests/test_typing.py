"""Two type checkers, at their strictest, agree with a program that is right and see what is not."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).resolve().parent / "typing"
MISTAKES = {
    number
    for number, line in enumerate((FOLDER / "wrong.py").read_text().splitlines(), 1)
    if re.match(r"(flom\.|job\()", line)
}


def run(*words):
    """The output of a checker, run beside the project's own settings."""
    command = [sys.executable, "-m", *map(str, words)]
    return subprocess.run(
        command, check=False, cwd=FOLDER, capture_output=True, text=True, timeout=100
    ).stdout


def by_mypy():
    """Problems as (file, line)."""
    words = ("--config-file=", "--strict", "--no-incremental", "--python-version=3.11")
    out = run("mypy", *words, "sample.py", "wrong.py")
    found = re.findall(r"^(\w+\.py):(\d+): error", out, re.MULTILINE)
    return {(file, int(line)) for file, line in found}


def by_basedpyright():
    """Problems as (file, line); strict, as in the project file beside the programs."""
    report = json.loads(
        run("basedpyright", "--outputjson", "--project", FOLDER, "--pythonpath", sys.executable)
    )
    return {
        (pathlib.Path(each["file"]).name, each["range"]["start"]["line"] + 1)
        for each in report["generalDiagnostics"]
        if each["severity"] == "error"
    }


@pytest.mark.parametrize("check", [by_mypy, by_basedpyright])
def test_a_right_program_is_right_and_every_mistake_is_seen(check):
    assert check() == {("wrong.py", line) for line in MISTAKES}
