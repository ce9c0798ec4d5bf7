"""How a command of `flomctl` is made: its options from the table, its settings, its output."""

import os
from collections.abc import Callable, Sequence

import click

from flom.ctl.main import abandon_output
from flom.ctl.output import Output, warn
from flom.ctl.rows import ENDPOINT, JSON
from flom.defaults import RESOURCE
from flom.errors import EXIT_OK, ConfigError, UsageError
from flom.options import OPTIONS, Option
from flom.settings import Settings, load
from flom.values import (
    INTEGER_RULES,
    INTEGER_SYNTAX,
    TEXT_RULES,
    c_integer,
    quoted,
    working_directory,
)

_NAME = next(option for option in OPTIONS if option.attr == "resource_name")
_INTERRUPTED = 130


class Call:
    """One run of a command: what it was given.

    `settings` are those of the files and of the options of `flom`, checked; `values` the command's
    own options by their attribute, None for those not given; `output` is where it writes.
    """

    __slots__ = ("output", "settings", "values")

    def __init__(self, settings: Settings, values: dict[str, object], output: Output) -> None:
        self.settings = settings
        self.values = values
        self.output = output

    def number(self, option: Option) -> int:
        """The value of an option that is an integer, given or built-in."""
        value = self.values[option.attr]
        assert isinstance(value, int)
        return value

    def flag(self, option: Option) -> bool:
        """Whether a flag was given."""
        return bool(self.values[option.attr])


Run = Callable[..., int]


def command(
    *rows: Option,
    arguments: Sequence[click.Argument] = (),
    reaches: bool = True,
) -> Callable[[Run], click.Command]:
    """Make a function the command of its own name; its docstring is the explanation.

    It is called with a `Call` and the values of the arguments and returns the exit status. `rows`
    are its options besides those that every command has. Without `reaches` it takes none that say
    where a daemon or a store is. An argument `resource` becomes the resource of the settings, too.
    """

    def made(run: Run) -> click.Command:
        own = [row for row in (*rows, JSON) if row not in OPTIONS]
        of_flom = [row for row in (*rows, *(ENDPOINT if reaches else ())) if row in OPTIONS]

        def callback(**values: object) -> int:
            told = [(row, values.pop(row.attr)) for row in of_flom]
            given = [(row, str(value)) for row, value in told if value not in (None, False)]
            mine = {row.attr: _or_default(values.pop(row.attr), row) for row in own}
            resource = values.get("resource")
            if resource not in (None, RESOURCE):
                given.append((_NAME, str(resource)))
            settings = _settings(given) if reaches else Settings()
            try:
                return run(Call(settings, mine, Output(json=bool(mine[JSON.attr]))), **values)
            except BrokenPipeError as error:  # of which `click` would make a status of its own
                return abandon_output(error)

        return click.Command(
            run.__name__.rstrip("_"),
            callback=callback,
            params=[*arguments, *map(RowOption, [*own, *of_flom])],
            help=run.__doc__,
            context_settings={"help_option_names": ["-h", "--help"]},
        )

    return made


def resource(*, required: bool = True) -> click.Argument:
    """The argument RESOURCE."""
    return click.Argument(["resource"], required=required, callback=_check_name)


class RowOption(click.Option):
    """A row of the table of options as `click` wants it.

    Values of the options of `flom` stay texts, which `settings` judges; others are converted.
    """

    def __init__(self, row: Option) -> None:
        self.row = row
        names = [f"--{row.long}", row.attr] + ([f"-{row.short}"] if row.short else [])
        if row.type == "F":
            super().__init__(names, is_flag=True, default=False, help=row.help)
        else:
            super().__init__(names, metavar=row.metavar, help=row.help, callback=_check_value)


def _check_value(
    context: click.Context, param: click.Parameter, value: str | None
) -> str | int | None:
    assert isinstance(param, RowOption)
    row = param.row
    if value is None or row.type != "I":
        return value
    number = c_integer(value)
    if number is None:
        raise click.BadParameter(f"{quoted(value)}: expected {INTEGER_SYNTAX}")
    return value if row in OPTIONS else INTEGER_RULES[row.rule](number, "/")


def _check_name(
    context: click.Context, param: click.Parameter, value: str | None
) -> str | int | None:
    """Unlike in `flom`, the name of those who give none may be written."""
    if value in (None, RESOURCE):
        return value
    try:
        return TEXT_RULES[_NAME.rule](str(value), "/")
    except ConfigError as error:
        raise click.BadParameter(f"{quoted(str(value))}: {error.text}") from None


def _or_default(value: object, row: Option) -> object:
    return row.default if value is None else value


def _settings(given: list[tuple[Option, str]]) -> Settings:
    settings = load(given, os.environ, working_directory(), warn)
    settings.check(warn)
    return settings


def run_click(tree: click.Command, words: list[str], name: str) -> int:
    """Run a command of `click`; returns the exit status, raises UsageError and what it raises."""
    try:
        status = tree.main(words, prog_name=name, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError:
        raise UsageError(f"no command given ({name} --help lists them)") from None
    except click.ClickException as error:
        raise UsageError(_told(error, name)) from None
    except click.Abort:
        click.echo(err=True)  # what was asked stands on that line
        return _INTERRUPTED
    return status if isinstance(status, int) else EXIT_OK


def _told(error: click.ClickException, name: str) -> str:
    text = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    place = context.command_path if context else name
    return f"{text[:1].lower()}{text[1:]} ({place} --help tells more)"
