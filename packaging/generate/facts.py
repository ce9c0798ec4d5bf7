"""What the option table says about an option, in the words of manuals and completions."""

from dataclasses import dataclass

import click

from flom.ctl.commands import RowOption
from flom.ctl.main import COMMANDS
from flom.ctl.pki_commands import pki
from flom.ctl.rows import ENDPOINT
from flom.ctl.tree import TREE
from flom.options import OPTIONS, Option
from flom.signals import NAMES
from flom.values import MODE_NAMES, REACTIONS

from . import texts

# What stands on the command line, and not in files only.
WORDS = [option for option in OPTIONS if option.long]

BOOLEANS = (("yes", ""), ("no", ""))
SOCKET_MODES = (
    ("0600", "the owner"),
    ("0660", "owner and group"),
    ("0666", "everybody"),
)

# Kinds of values that a shell can complete by itself.
FILE, DIRECTORY, INTERFACE, HOST, FREE = "file", "directory", "interface", "host", "free"
_BY_RULE = {"directory": DIRECTORY, "file": FILE, "socket": FILE, "interface": INTERFACE}
_BY_METAVAR = {"FILE": FILE, "PATH": FILE, "DIR": DIRECTORY, "IF": INTERFACE, "HOST": HOST}


def default(option: Option) -> str:
    """The built-in value as it stands in a configuration file; "" if there is none to write."""
    value = option.default
    if option.rule == "mode":
        return MODE_NAMES[int(value)]  # type: ignore[arg-type]  # a mode is a number
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == () or option.rule == "name":
        return ""
    return str(value)


def summary(option: Option) -> str:
    """The explanation of an option in a few words, for a list in the terminal."""
    text = option.help
    for end in (": ", "; ", " (", ", by name", ", in a daemon"):
        text = text.partition(end)[0]
    return text


def words(option: Option) -> tuple[tuple[str, str], ...]:
    """The values an option can have, each with a meaning or ""; () when they are not a few."""
    if option.rule == "mode":
        return tuple((name, texts.MODES[name][1].partition(";")[0]) for name in MODE_NAMES)
    if option.rule == "reaction":
        return tuple((word, texts.REACTIONS[word]) for word in REACTIONS)
    if option.type == "B":
        return BOOLEANS
    if option.rule == "signals" or option.metavar == "SIGNAL":
        return tuple((name, "") for name in NAMES)
    if option.rule == "octal":
        return SOCKET_MODES
    if option.long == "debug-feature":
        return tuple((name, "") for name in texts.DEBUG_FEATURES)
    return ()


def kind(option: Option) -> str:
    """What the shell completes after an option whose values are not a few words."""
    return _BY_RULE.get(option.rule) or _BY_METAVAR.get(option.metavar, FREE)


def takes_value(option: Option) -> bool:
    """Whether a value follows the option."""
    return option.type != "F"


def spellings(option: Option) -> list[str]:
    """Every way to write the option on the command line."""
    names = [f"-{option.short}"] if option.short else []
    names.append(f"--{option.long}")
    return [*names, "-?", "--help-all"] if option.long == "help" else names


def of_daemon() -> list[Option]:
    """The options that `flomctl daemon` acts upon."""
    more = ("config-file", "daemon-trace-file", "append-trace-file", "help")
    return [
        option
        for option in OPTIONS
        if (
            option.group in ("Daemon", "Network", "TLS", "Limits")
            and "discovery" not in option.long
        )
        or option.long in more
    ]


@dataclass(frozen=True)
class Control:
    """A command of `flomctl`: its words, what it does, its own options, what stands after it.

    `reaches`: it takes the options that say where the daemon is as well. `values` are what its
    argument can be, when that are a few words.
    """

    name: str
    summary: str
    explanation: str
    arguments: str
    options: list[Option]
    reaches: bool
    values: tuple[str, ...] = ()


def control() -> list[Control]:
    """The commands of `flomctl` in the order of its help, those of `pki` behind it."""
    found = []
    for name, summary in COMMANDS.items():
        if name == "daemon":
            found.append(Control(name, summary, "", "", of_daemon(), False))
        elif name == "pki":
            found.append(Control(name, summary, "", "", [], False, tuple(pki.commands)))
            found += [_control(f"pki {sub}", it, "") for sub, it in pki.commands.items()]
        else:
            found.append(_control(name, TREE.commands[name], summary))
    return found


def all_options(command: Control) -> list[Option]:
    """Every option a command takes."""
    return [*command.options, *(ENDPOINT if command.reaches else ())]


def _control(name: str, command: click.Command, summary: str) -> Control:
    options: list[Option] = []
    arguments: list[str] = []
    values: tuple[str, ...] = ()
    for param in command.params:
        if isinstance(param, click.Option):
            row = param.row if isinstance(param, RowOption) else _row(param)
            options.append(row)
        else:
            arguments.append(_argument(param))
            values = tuple(getattr(param.type, "choices", ()))
    reaches = set(ENDPOINT) <= set(options)
    return Control(
        name, summary or command.get_short_help_str(100), command.help or "", " ".join(arguments),
        [row for row in options if row not in ENDPOINT], reaches, values,
    )  # fmt: skip


def _argument(param: click.Parameter) -> str:
    word = f"*{(param.name or '').upper()}*"
    if param.nargs == -1:
        return f"[{word}...]"
    return word if param.required else f"[{word}]"


def _row(param: click.Option) -> Option:
    """An option of `pki`, as a row."""
    short = next((opt[1:] for opt in param.opts if not opt.startswith("--")), "")
    long = next(opt[2:] for opt in param.opts if opt.startswith("--"))
    metavar = param.metavar or ("FILE" if isinstance(param.type, click.Path) else "TEXT")
    text = (param.help or "").partition(". ")[0].rstrip(".")
    number = isinstance(param.type, click.IntRange)
    return Option(
        short, long, long, "F" if param.is_flag else "I" if number else "S", "text",
        param.default if number else None, "", "", 0,
        "" if param.is_flag else "N" if number else metavar, "Command",
        text[:1].lower() + text[1:],
    )  # fmt: skip
