"""The settings in the trace, and the trace in its file. Loaded only by runs that want either."""

from flom import trace
from flom.options import OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from flom.settings import Settings


class Trace:
    """The settings are known: record what was set, then go on in the file of `-T` (cli.md 1, 7)."""

    __slots__ = ("settings",)

    def __init__(self, settings: "Settings") -> None:
        self.settings = settings

    def carry_out(self, say: "Callable[[str], None]") -> None:
        """Never fails: a file that cannot be opened leaves the trace where it was."""
        settings = self.settings
        if trace.mask & trace.CONFIG:
            _record(settings)
        if settings.command_trace_file is not None:
            trace.open_file(settings.command_trace_file, settings.append_trace_file)


def _record(settings: "Settings") -> None:
    trace.record(f"flom_config: files read: {', '.join(settings.files) or 'none'}")
    for option in OPTIONS:
        value = getattr(settings, option.attr, option.default)
        if value != option.default and option.rule != "secret":
            trace.record(f"flom_config: {option.long}={value!r}")
