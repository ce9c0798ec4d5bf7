"""Completion for zsh."""

from flom.ctl.rows import ENDPOINT, JSON
from flom.options import Option

from . import facts

_HEAD = "#compdef {name}\n# Made by scripts/generate; not to be edited.\n\n"

_ACTIONS = {
    facts.FILE: "_files",
    facts.DIRECTORY: "_files -/",
    facts.INTERFACE: "_net_interfaces",
    facts.HOST: "_hosts",
    facts.FREE: "",
}

# The flags of `_arguments`: letters may be put together, `--` ends the options. As long as there
# is no `--`, options belong to flom even behind the command.
_FLOM = """\
local -a options=(
{specs}
)
if [[ $words[CURRENT] == -* ]] && (( CURRENT <= $words[(i)--] )); then
    _arguments -s -S : $options '*:argument: _default'
elif [[ $words[2] == -- ]] && (( CURRENT > 2 )); then
    shift 2 words
    (( CURRENT -= 2 ))
    _normal
else
    _arguments -s -S : $options '(-)1:command: _command_names -e' '*::argument: _normal'
fi
"""

_FLOMCTL = """\
local curcontext=$curcontext state line
local -a endpoint=(
{endpoint}
)
_arguments -C -s : $endpoint '1:command:(({commands}))' '*::option:->option'
[[ $state == option ]] || return
case $words[1] in
{cases}
esac
"""

_PKI = """\
_arguments -C '1:command:({commands})' '*::option:->pki'
        [[ $state == pki ]] || return
        case $words[1] in
{cases}
        esac"""


def flom() -> str:
    """The completion of the command."""
    return _HEAD.format(name="flom") + _FLOM.format(specs=_specs(facts.WORDS))


def flomctl() -> str:
    """The completion of the operator's command."""
    known = facts.control()
    first = [each for each in known if " " not in each.name]
    inner = [_case(each, each.name.partition(" ")[2]) for each in known if each not in first]
    cases = []
    for each in first:
        if each.name == "pki":
            body = _PKI.format(commands=" ".join(each.values), cases="\n".join(inner))
            cases.append(f"    pki)\n        {body}\n        ;;")
        else:
            cases.append(_case(each, each.name))
    listed = " ".join(f'{each.name}\\:"{_short(each.summary)}"' for each in first)
    return _HEAD.format(name="flomctl") + _FLOMCTL.format(
        endpoint=_specs([*ENDPOINT, JSON]), commands=listed, cases="\n".join(cases)
    )


def _case(command: facts.Control, word: str) -> str:
    own = [row for row in command.options if not (command.reaches and row is JSON)]
    specs = [spec for option in own for spec in _spec(option)]
    if command.values:
        specs.append(f"'1:value:({' '.join(command.values)})'")
    parts = [*(["$endpoint"] if command.reaches else []), *specs]
    return (
        f"    {word})\n        _arguments -s -S : \\\n            "
        + " \\\n            ".join(parts)
        + "\n        ;;"
    )


def _short(text: str) -> str:
    return text.partition(":")[0].partition(";")[0].partition(",")[0]


def _specs(options: list[Option]) -> str:
    return "\n".join(f"    {spec}" for option in options for spec in _spec(option))


def _spec(option: Option) -> list[str]:
    names = facts.spellings(option)
    value = _value(option)
    explanation = f"[{_escaped(facts.summary(option))}]"
    before = "*" if option.type == "L" else f"({' '.join(names)})"
    return [
        _quoted(
            before + name + ("=" if value and name.startswith("--") else "") + explanation + value
        )
        for name in names
    ]


def _value(option: Option) -> str:
    if not facts.takes_value(option):
        return ""
    return f":{option.metavar.lower()}:{_action(option)}"


def _action(option: Option) -> str:
    words = facts.words(option)
    if not words:
        return _ACTIONS[facts.kind(option)]
    if any(meaning for _, meaning in words):
        pairs = " ".join(f'{word}\\:"{meaning}"' for word, meaning in words)
        return f"(({pairs}))"
    return f"({' '.join(word for word, _ in words)})"


def _escaped(text: str) -> str:
    for char in "[]:":
        text = text.replace(char, "\\" + char)
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
