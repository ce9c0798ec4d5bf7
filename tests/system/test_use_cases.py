"""Every command of docs/use-cases is run, and must print what the page shows."""

import os
import pathlib
import subprocess
import sys

import pytest
from support import need, need_program

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "use-cases").glob("*.md"))
LIMIT = 120  # seconds for one block


def blocks(page):
    """Pairs of a shell block and the output shown after it, in the order of the page."""
    kind, lines, script = None, [], None
    for line in page.read_text().splitlines():
        if kind is None:
            if line.startswith("```"):
                kind, lines = line[3:], []
        elif line != "```":
            lines.append(line)
        else:
            text = "".join(f"{line}\n" for line in lines)
            if kind == "sh":
                script = text
            elif kind == "text":
                yield script, text
                script = None
            kind = None


@pytest.fixture
def home(tmp_path):
    """A place with a daemon of its own, as everybody has one of his own."""
    (tmp_path / ".flom").write_text(f"[Daemon]\nSocketName={tmp_path}/socket\n")
    yield tmp_path
    run(tmp_path, "flom -X")


def run(home, script, **environ):
    folder = pathlib.Path(sys.executable).parent
    environ = {
        "HOME": str(home),
        "PATH": f"{folder}:{os.environ['PATH']}",
        "LANG": "C",
        **environ,
    }
    command = ["sh", "-c", script]
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd=home,
        env=environ,
        timeout=LIMIT,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(page, home, etcds):
    environ = {}
    if page.stem == "vfs":
        need(os.access("/dev/fuse", os.R_OK | os.W_OK), "needs /dev/fuse")
        need_program("fusermount3")
    if page.stem == "store":
        (address,) = etcds().addresses
        environ = {"STORE": address, "ETCDCTL_ENDPOINTS": address}
    for script, shown in blocks(page):
        result = run(home, script, **environ)
        assert result.stdout == shown, f"{script}\nstderr: {result.stderr}"


def test_every_kind_has_a_page_with_commands():
    kinds = {"simple", "numeric", "set", "hierarchical", "sequence", "timestamp"}
    assert kinds <= {page.stem for page in PAGES if list(blocks(page))}
