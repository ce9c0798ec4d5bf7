"""The commands that go on until they are stopped: `events` and `top`."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, time
from typing import TYPE_CHECKING

from flom.ctl import views
from flom.ctl.asking import Keeper, connected
from flom.ctl.commands import Call, command, resource
from flom.ctl.keys import Keys
from flom.ctl.output import Output, Row
from flom.ctl.rows import COUNT, INTERVAL, TIMEOUT
from flom.errors import EXIT_OK
from flom.values import raw

if TYPE_CHECKING:
    from rich.console import RenderableType


@contextmanager
def until_interrupted() -> Iterator[None]:
    """Ctrl-C is how these commands are ended, and no failure."""
    try:
        yield
    except KeyboardInterrupt:
        pass


@command(COUNT, TIMEOUT, arguments=[resource(required=False)])
def events(call: Call, resource: str | None) -> int:
    """Print what happens to the locks from now on, or to RESOURCE alone, one line an event.

    If the daemon has more to tell than can be read, a line says how many events are missing.
    Ends by Ctrl-C, or after --count events; with status 99 when the daemon goes away.
    """
    words = {} if resource is None else {"name": raw(resource)}
    left = call.values[COUNT.attr]
    with until_interrupted(), connected(call) as keeper:
        for row in keeper.watch("events", **words):
            if call.output.json:
                call.output.value(row)
            else:
                call.output.text(views.event(row))
            if isinstance(left, int):
                left -= 1
                if not left:
                    break
    return EXIT_OK


@command(INTERVAL, COUNT, TIMEOUT)
def top(call: Call) -> int:
    """Show the daemon and its resources again and again, those with most waiters first.

    Ends by q, by Ctrl-C, or after --count looks. Where nobody looks at a terminal, each look is
    printed below the last one.
    """
    output = call.output
    with until_interrupted(), connected(call) as keeper, Keys() as keys:
        looks = _looks(call, keeper, keys)
        if output.json:
            for look in looks:
                output.value(look)
        elif output.terminal:
            _live(output, looks)
        else:
            for look in looks:
                output.text(views.headline(look) + views.resources(_rows(look)).plain())
    return EXIT_OK


def _looks(call: Call, keeper: Keeper, keys: Keys) -> Iterator[Row]:
    """One row a look: time, the daemon, its resources, and how many grants a second since the
    last look; until `q` is pressed.
    """
    pause = call.number(INTERVAL) / 1000
    left = call.values[COUNT.attr]
    before: Row | None = None
    while True:
        began = monotonic()
        metrics = next(keeper.ask("metrics"))
        yield {
            "time": time(),
            "daemon": next(keeper.ask("daemon")),
            "resources": views.busiest(keeper.ask("resources")),
            "rates": _rates(before, metrics),
        }
        before = metrics
        if isinstance(left, int):
            left -= 1
            if not left:
                return
        if keys.wait(began + pause - monotonic()) in ("q", "Q"):
            return


def _rates(before: Row | None, now: Row) -> Row | None:
    """Grants, releases and refusals a second between two rows of `metrics`; None at first.

    None for a store as well, where nobody counts them.
    """
    if before is None or now["uptime"] is None:
        return None
    old, new = totals(before), totals(now)
    seconds = _number(now["uptime"]) - _number(before["uptime"])
    return {what: (new[what] - old[what]) / seconds if seconds > 0 else 0.0 for what in new}


def totals(metrics: Row) -> dict[str, int]:
    """Grants, releases and refusals since the daemon's start, over all kinds."""
    sums = {"grants": 0, "releases": 0, "refusals": 0}
    kinds = metrics["kinds"]
    assert isinstance(kinds, dict)
    for tally in kinds.values():
        sums["grants"] += tally["grants"]
        sums["releases"] += tally["releases"] + tally["losses"] + tally["taken"]
        sums["refusals"] += sum(tally["refusals"].values())
    return sums


def _number(value: object) -> float:
    assert isinstance(value, int | float)
    return value


def _rows(look: Row) -> list[Row]:
    rows = look["resources"]
    assert isinstance(rows, list)
    return rows


def _live(output: Output, looks: Iterator[Row]) -> None:
    """On a terminal each look takes the place of the last one, as far as there is room."""
    from rich.live import Live

    console = output.console()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        for look in looks:
            live.update(_screen(look, console.width, console.height), refresh=True)


def _screen(look: Row, width: int, height: int) -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    rows = _rows(look)
    shown = rows[: max(height - 4, 1)]
    hidden = len(rows) - len(shown)
    parts: list[RenderableType] = [
        Text(views.headline(look).rstrip(), style="bold", no_wrap=True, overflow="ellipsis"),
        Text(""),
        views.resources(shown).table(width),
    ]
    if hidden:
        parts.append(Text(f"and {views.counted(hidden, 'resource')} more"))
    return Group(*parts)
