"""What the option table says about an option, in the words of manuals and completions."""

from flom.core import modes
from flom.options import OPTIONS, Option
from flom.signals import NAMES

from . import texts

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
        return modes.NAMES[int(value)]  # type: ignore[arg-type]  # a mode is a number
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
        return tuple((name, texts.MODES[name][1].partition(";")[0]) for name in modes.NAMES)
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
        if (option.group in ("Daemon", "Network", "TLS") and "discovery" not in option.long)
        or option.long in more
    ]


def control_commands() -> list[tuple[str, str]]:
    """The commands of `flomctl`, each with its explanation, as its own help lists them."""
    from flom.ctl.main import USAGE

    found: list[tuple[str, str]] = []
    for line in USAGE.partition("Commands\n")[2].splitlines():
        name, _, text = line[2:].partition("  ")
        if line.startswith("  ") and name and not name.startswith(" "):
            found.append((name, text.strip()))
        elif found and line.strip():
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
    return found
