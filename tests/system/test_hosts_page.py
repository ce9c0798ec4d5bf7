"""docs/use-cases/ipv6.md shows what really happens; UPDATE in the environment writes it anew.

The page is prose with blocks of commands, each behind the name of the host it runs on. The prose
is kept, what follows a command is what the command prints.
"""

import os
import pathlib
import re

from hosts import network
from support import FLOM

UPDATE = "FLOM_UPDATE_PAGES"
PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "use-cases" / "ipv6.md"
HELP = f"stale: {UPDATE}=1 .venv/bin/python -m pytest tests/system/test_hosts_page.py renews it"
BLOCK = re.compile(r"(?<=```console\n).*?(?=```\n)", re.DOTALL)
PROMPT = re.compile(r"(server|client)\$ (.*)")
# Times, process ids and thread ids differ from run to run.
VOLATILE = [
    (
        re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} \[\d+/0x[0-9a-f]+\]", re.MULTILINE),
        "2026-01-31 12:00:00.000000 [4711/0x1267]",
    ),
    (re.compile(r"\A\d+\n\Z"), "4711\n"),
    (re.compile(r" +$", re.MULTILINE), ""),
]


def even(output):
    """The output with a fixed value for whatever is volatile."""
    for pattern, fixed in VOLATILE:
        output = pattern.sub(fixed, output)
    return output


class Session:
    """What a reader does at the terminals of the two hosts."""

    def __init__(self, server, client):
        self._hosts = {"server": server, "client": client}
        self._status = 0
        self._path = f"{os.path.dirname(FLOM)}:{os.environ['PATH']}"

    def block(self, match):
        """The commands of a block of the page, with what they print now."""
        text = ""
        for line in match[0].splitlines():
            if prompt := PROMPT.fullmatch(line):
                text += f"{line}\n{self._run(self._hosts[prompt[1]], prompt[2])}"
        return text

    def _run(self, host, command):
        """`$?` is the status of the command before."""
        script = f"exec 2>&1; (exit {self._status}); {command}"
        done = host.run("sh", "-c", script, env={"PATH": self._path})
        self._status = done.returncode
        return done.stdout if command == "echo $?" else even(done.stdout)


def test_the_page_is_fresh(folder):
    with network(folder) as made:
        session = Session(*made.pair())
        shown = PAGE.read_text()
        real = BLOCK.sub(session.block, shown)
    if os.environ.get(UPDATE):
        PAGE.write_text(real)
    else:
        assert shown == real, HELP


def test_what_is_volatile():
    record = "2025-12-01 01:02:03.123456 [12/0x7f00] flom_exec: fd=12"
    assert even(f"{record}\n") == "2026-01-31 12:00:00.000000 [4711/0x1267] flom_exec: fd=12\n"
    assert even("99\n") == "4711\n"
    assert even("99 x  \n") == "99 x\n"
