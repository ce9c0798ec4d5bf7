"""Completion for fish."""

from flom.ctl.rows import ENDPOINT, JSON
from flom.options import Option

from . import facts

_HEAD = "# Made by scripts/generate; not to be edited.\n"

_ACTIONS = {
    facts.FILE: "-rF",
    facts.DIRECTORY: "-xa '(__fish_complete_directories)'",
    facts.INTERFACE: "-xa '(__flom_interfaces)'",
    facts.HOST: "-xa '(__fish_print_hostnames)'",
    facts.FREE: "-x",
}

_SEEN = "__fish_seen_subcommand_from"
_INTERFACES = """
function __flom_interfaces
    for folder in /sys/class/net/*
        string replace -r '.*/' '' $folder
    end
end
"""

# fish passes the words before the cursor without the one being typed.
_COMMAND = """
# Prints the words of the command, the one being typed last; fails while there are only options.
function __flom_command
    set -l words (commandline -opc)
    set -e words[1]
    set -l value no
    set -l current (commandline -ct)
    while set -q words[1]
        if test $value = yes
            set value no
        else if test "$words[1]" = --
            set -e words[1]
            string join0 -- $words "$current"
            return 0
        else if string match -qr -- '^(LONG_WITH_VALUE)$' $words[1]
            set value yes
        else if string match -qr -- '^-[^-]*[SHORT_WITH_VALUE]' $words[1]
            set value yes
        else if not string match -qr -- '^-.' $words[1]
            # Without `--`, options belong to flom even behind the command.
            contains -- -- $words; or not string match -q -- '-*' $current; or return 1
            string join0 -- $words "$current"
            return 0
        end
        set -e words[1]
    end
    test $value = no; and not string match -q -- '-*' $current; or return 1
    string join0 -- "$current"
    return 0
end

function __flom_options
    not __flom_command >/dev/null
end

function __flom_complete_command
    __fish_complete_subcommand --commandline (__flom_command | string split0)
end

complete -c flom -n __flom_command -xa '(__flom_complete_command)'
"""


def flom() -> str:
    """The completion of the command."""
    valued = [option for option in facts.WORDS if facts.takes_value(option)]
    command = _COMMAND.replace(
        "LONG_WITH_VALUE", "|".join(f"--{option.long}" for option in valued)
    ).replace("SHORT_WITH_VALUE", "".join(option.short for option in valued))
    lines = [_line("flom -n __flom_options", option) for option in facts.WORDS]
    return _HEAD + _INTERFACES + command + "\n".join(lines) + "\n"


def flomctl() -> str:
    """The completion of the operator's command."""
    known = facts.control()
    first = [each.name for each in known if " " not in each.name]
    lines = []
    for each in known:
        if each.name in first:
            begin = f"not {_SEEN} {' '.join(first)}"
            lines.append(_word(begin, each.name, each.summary))
    apart = [each.name for each in known if each.name in first and not each.reaches]
    begin = f"not {_SEEN} {' '.join(apart)}"
    lines += [_line(f"flomctl -n '{begin}'", option) for option in (*ENDPOINT, JSON)]
    for each in known:
        outer, _, inner = each.name.partition(" ")
        begin = f"{_SEEN} {outer}" + (f"; and {_SEEN} {inner}" if inner else "")
        if not inner and outer != "pki":
            begin += f"; and not {_SEEN} pki"
        own = [row for row in each.options if not (each.reaches and row is JSON)]
        lines += [_line(f"flomctl -n '{begin}'", option) for option in own]
        if each.values:
            begin += f"; and not {_SEEN} {' '.join(each.values)}"
            lines += [_word(begin, value, "") for value in each.values]
    return _HEAD + _INTERFACES + "\ncomplete -c flomctl -f\n" + "\n".join(lines) + "\n"


def _word(condition: str, word: str, text: str) -> str:
    explained = f" -d {_quoted(_short(text))}" if text else ""
    return f"complete -c flomctl -n '{condition}' -xa {word}{explained}"


def _line(begin: str, option: Option) -> str:
    parts = [f"complete -c {begin}"]
    if option.short:
        parts.append(f"-s {option.short}")
    parts.append(f"-l {option.long}")
    if facts.takes_value(option):
        parts.append(_action(option))
    parts.append(f"-d {_quoted(facts.summary(option))}")
    return " ".join(parts)


def _action(option: Option) -> str:
    words = facts.words(option)
    if not words:
        return _ACTIONS[facts.kind(option)]
    # A tab separates a word from its meaning.
    lines = [f"{word}\\t{meaning}" if meaning else word for word, meaning in words]
    return f'-xa "{" ".join(line.replace(" ", chr(92) + " ") for line in lines)}"'


def _short(text: str) -> str:
    return text.partition(":")[0].partition(";")[0].partition(",")[0]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
