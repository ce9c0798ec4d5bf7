"""Completion for fish."""

from flom.options import OPTIONS, Option

from . import facts

_HEAD = "# Made by scripts/generate; not to be edited.\n"

_ACTIONS = {
    facts.FILE: "-rF",
    facts.DIRECTORY: "-xa '(__fish_complete_directories)'",
    facts.INTERFACE: "-xa '(__flom_interfaces)'",
    facts.HOST: "-xa '(__fish_print_hostnames)'",
    facts.FREE: "-x",
}

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
    valued = [option for option in OPTIONS if facts.takes_value(option)]
    command = _COMMAND.replace(
        "LONG_WITH_VALUE", "|".join(f"--{option.long}" for option in valued)
    ).replace("SHORT_WITH_VALUE", "".join(option.short for option in valued))
    lines = [_line("flom -n __flom_options", option) for option in OPTIONS]
    return _HEAD + _INTERFACES + command + "\n".join(lines) + "\n"


def flomctl() -> str:
    """The completion of the operator's command."""
    first = "__fish_is_nth_token 1"
    commands = [
        f"complete -c flomctl -n '{first}' -xa {name} -d {_quoted(_short(text))}"
        for name, text in facts.control_commands()
    ]
    begin = "flomctl -n '__fish_seen_subcommand_from daemon'"
    lines = [_line(begin, option) for option in facts.of_daemon()]
    return _HEAD + _INTERFACES + "\ncomplete -c flomctl -f\n" + "\n".join(commands + lines) + "\n"


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
    return text.partition(",")[0].partition(";")[0]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
