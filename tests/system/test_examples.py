"""The programs of docs/examples run, and do what their pages say."""

import pathlib
import re
import subprocess
import sys

import pytest
from support import BOUND, environment

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
PAGE = ROOT / "docs" / "use-cases" / "python.md"


@pytest.fixture
def start(place):
    """Starts an example, in a home directory whose settings name the place of this test."""
    (place.folder / ".flom").write_text(f"[Daemon]\nSocketName={place.path}\n")

    def popen(*words, **more):
        process = subprocess.Popen(
            [sys.executable, *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=EXAMPLES, env=environment(place.folder, **more),
        )  # fmt: skip
        place.processes.append(process)
        return process

    return popen


def output(process, status=0):
    """What a program prints until its end."""
    out, err = process.communicate(timeout=2 * BOUND)
    assert (process.returncode, err) == (status, "")
    return out.splitlines()


def test_the_tutorial_prints_what_its_page_shows(start):
    shown = re.search(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    assert output(start("tutorial.py")) == shown.splitlines()


def test_the_page_shows_every_example(start):
    page = PAGE.read_text()
    for path in EXAMPLES.glob("*.py"):
        assert f"../examples/{path.name}" in page


def test_a_cron_job_does_not_overtake_itself(start):
    first = start("cron_job.py", BOUND)
    assert first.stdout.readline() == "begin\n"
    assert output(start("cron_job.py", 0)) == ["the last run is not done yet"]
    first.kill()
    first.wait(BOUND)
    # A run that was killed blocks nobody.
    last = start("cron_job.py", 0)
    while (said := output(last)) != ["begin", "end"]:
        assert said == ["the last run is not done yet"]
        last = start("cron_job.py", 0)


def test_a_fixture_serialises_access_to_a_device(start, folder):
    words = (
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        "--rootdir",
        EXAMPLES,
    )
    run = start(*words, "-n", 3, "test_device.py", DEVICE=str(folder / "device"))
    assert "20 passed" in output(run)[-1]


def test_workers_share_two_cards(start):
    assert output(start("worker_pool.py")) == ["20 jobs done"]


def test_only_one_of_a_kind_runs(start):
    first = start("only_one.py", "news", BOUND)
    assert first.stdout.readline() == "rebuilding news\n"
    assert output(start("only_one.py", "news", 0)) == ["somebody else rebuilds it"]
    assert output(start("only_one.py", "mail", 0)) == ["rebuilding mail", "rebuilt mail"]
