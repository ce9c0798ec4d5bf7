"""Completion for bash."""

from flom.ctl.rows import ENDPOINT, JSON
from flom.options import Option

from . import facts

_HEAD = """\
# Made by scripts/generate; not to be edited.
# shellcheck shell=bash
"""

# Readline splits words at `=` and `:`; here they are put together again. In COMP_LINE the words of
# COMP_WORDS stand one after the other, and what no blank separates is one word.
_COMMON = r"""
# Sets words (as typed, up to the cursor) and cur; cut is what Readline would not have replaced.
__NAME_words() {
    local line=$COMP_LINE rest word
    words=()
    for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        rest=${line#"${line%%[![:blank:]]*}"}
        if ((${#words[@]})) && [[ $rest == "$line" && $word ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        line=${rest#"$word"}
    done
    cur=${words[${#words[@]} - 1]}
    cut=${cur%"${COMP_WORDS[COMP_CWORD]}"}
    [[ ${COMP_WORDS[COMP_CWORD]} == [=:] ]] && cut=$cur
}

# The option that takes its value from the next word if $1 is a word of options, else nothing.
__NAME_owner() {
    local letters
    case $1 in
        LONG_WITH_VALUE) printf '%s' "$1" ;;
        --*) ;;
        -?*)
            letters=${1//[!SHORT_WITH_VALUE]/}
            [[ $letters ]] && printf -- '-%s' "${letters:0:1}"
            ;;
    esac
}

# Completes $2 as a value of option $1.
__NAME_value() {
    local names
    case $1 in
VALUES
        *) return 1 ;;
    esac
}
"""

_FLOM = r"""
_flom() {
    local words cur cut owner='' at place
    __flom_words
    COMPREPLY=()
    for ((at = 1; at < ${#words[@]} - 1; at++)); do
        if [[ $owner ]]; then
            owner=''
        elif [[ ${words[at]} == -- ]]; then
            __flom_command $((at + 1))
            return
        elif [[ ${words[at]} == -?* ]]; then
            owner=$(__flom_owner "${words[at]}")
        elif [[ ! $place ]]; then
            place=$at
        fi
    done
    if [[ $owner ]]; then
        __flom_value "$owner" "$cur"
    elif [[ $cur == --*=* ]]; then
        __flom_value "${cur%%=*}" "${cur#*=}"
        if [[ $cut != *=* ]]; then
            COMPREPLY=("${COMPREPLY[@]/#/${cur%%=*}=}")
        fi
    elif [[ $cur == -* ]]; then
        # shellcheck disable=SC2207  # words without blanks
        COMPREPLY=($(compgen -W 'ALL_OPTIONS' -- "$cur"))
    else
        __flom_command "${place:-$((${#words[@]} - 1))}"
    fi
}

# Completes the command, which begins with word $1 of words, as the shell would without flom.
__flom_command() {
    local typed=$COMP_CWORD
    if (($1 == ${#words[@]} - 1)); then
        compopt -o filenames
        # shellcheck disable=SC2207  # as everywhere in completions
        COMPREPLY=($(compgen -c -- "$cur") $(compgen -d -- "$cur"))
    elif declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset $((typed - (${#words[@]} - 1 - $1)))
    elif declare -F _command_offset >/dev/null; then
        _command_offset $((typed - (${#words[@]} - 1 - $1)))
    fi
}

complete -o bashdefault -o default -F _flom flom
"""

_FLOMCTL = r"""
# What can stand after command $1 ("" before there is one): words, then options.
__flomctl_words_after() {
    case $1 in
WORDS_AFTER
    esac
}

__flomctl_options_of() {
    local endpoint='ENDPOINT_OPTIONS'
    case $1 in
OPTIONS_OF
    esac
}

_flomctl() {
    local words cur cut owner='' command='' at
    __flomctl_words
    COMPREPLY=()
    for ((at = 1; at < ${#words[@]} - 1; at++)); do
        if [[ $owner ]]; then
            owner=''
        elif [[ ${words[at]} == -?* ]]; then
            owner=$(__flomctl_owner "${words[at]}")
        elif [[ ! $command ]]; then
            command=${words[at]}
        elif [[ $command == pki ]]; then
            command="pki ${words[at]}"
        fi
    done
    if [[ $owner ]]; then
        __flomctl_value "$owner" "$cur"
    elif [[ $cur == --*=* ]]; then
        __flomctl_value "${cur%%=*}" "${cur#*=}"
        if [[ $cut != *=* ]]; then
            COMPREPLY=("${COMPREPLY[@]/#/${cur%%=*}=}")
        fi
    elif [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(__flomctl_options_of "$command")" -- "$cur")
    else
        mapfile -t COMPREPLY < <(compgen -W "$(__flomctl_words_after "$command")" -- "$cur")
    fi
}

complete -F _flomctl flomctl
"""

_ACTIONS = {
    facts.FILE: "            compopt -o filenames 2>/dev/null\n"
    "            mapfile -t COMPREPLY < <(compgen -f -- \"$2\")",
    facts.DIRECTORY: "            compopt -o filenames 2>/dev/null\n"
    "            mapfile -t COMPREPLY < <(compgen -d -- \"$2\")",
    facts.INTERFACE: "            names=$(cd /sys/class/net 2>/dev/null && echo *)\n"
    "            mapfile -t COMPREPLY < <(compgen -W \"$names\" -- \"$2\")",
    facts.HOST: "            mapfile -t COMPREPLY < <(compgen -A hostname -- \"$2\")",
    facts.FREE: "            compopt +o bashdefault +o default 2>/dev/null",
}  # fmt: skip


def flom() -> str:
    """The completion of the command."""
    return _HEAD + _filled(_COMMON + _FLOM, "flom", facts.WORDS)


def flomctl() -> str:
    """The completion of the operator's command."""
    known = facts.control()
    options = list({row.long: row for each in known for row in facts.all_options(each)}.values())
    first = [each.name for each in known if " " not in each.name]
    words = [_printed("", first)]
    words += [_printed(each.name, list(each.values)) for each in known if each.values]
    offers = [_offered(facts.Control("", "", "", "", [JSON], True)), *map(_offered, known)]
    text = _filled(_COMMON + _FLOMCTL, "flomctl", options)
    return _HEAD + (
        text.replace("WORDS_AFTER", "\n".join(words))
        .replace("OPTIONS_OF", "\n".join(offers))
        .replace("ENDPOINT_OPTIONS", " ".join(_spellings(ENDPOINT)))
    )


def _offered(command: facts.Control) -> str:
    words = " ".join(_spellings(command.options))
    endpoint = '"$endpoint"' if command.reaches else ""
    return f"        '{command.name}') printf '%s ' '{words}' {endpoint} ;;".replace("  ;;", " ;;")


def _spellings(options: "list[Option] | tuple[Option, ...]") -> list[str]:
    return [word for option in options for word in facts.spellings(option)]


def _printed(command: str, words: list[str]) -> str:
    return f"        '{command}') printf '%s' '{' '.join(words)}' ;;"


def _filled(text: str, name: str, options: list[Option]) -> str:
    valued = [option for option in options if facts.takes_value(option)]
    return (
        text.replace("NAME", name)
        .replace("LONG_WITH_VALUE", " | ".join(f"--{option.long}" for option in valued))
        .replace("SHORT_WITH_VALUE", "".join(option.short for option in valued))
        .replace("VALUES", "\n".join(_branches(valued)))
        .replace("ALL_OPTIONS", " ".join(_spellings(options)))
    )


def _branches(options: list[Option]) -> list[str]:
    """The branches of `case`, options that complete alike in one."""
    alike: dict[str, list[str]] = {}
    seen: set[str] = set()
    for option in options:
        names = [name for name in facts.spellings(option) if name not in seen]
        seen.update(names)
        alike.setdefault(_action(option), []).extend(names)
    return [
        f"        {' | '.join(names)})\n{action}\n            ;;" for action, names in alike.items()
    ]


def _action(option: Option) -> str:
    words = " ".join(word for word, _ in facts.words(option))
    if not words:
        return _ACTIONS[facts.kind(option)]
    match = '"${2^^}"' if option.rule == "mode" else '"$2"'
    return f"            mapfile -t COMPREPLY < <(compgen -W '{words}' -- {match})"
