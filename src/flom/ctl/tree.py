"""All commands made with `click`, in the order of the list."""

import click

from flom.ctl.acting import hold, release, shutdown
from flom.ctl.commands import run_click
from flom.ctl.completion import completion
from flom.ctl.looking import explain, ls, ping, show
from flom.ctl.metrics import metrics
from flom.ctl.streams import events, top

TREE = click.Group(
    "flomctl",
    commands=[
        ls, show, explain, top, events, release, hold, ping, shutdown, metrics, completion,
    ],
)  # fmt: skip


def run(words: list[str]) -> int:
    """Run the command named first; returns the exit status, raises FlomError."""
    return run_click(TREE, words, "flomctl")
