"""Blocks about options, keys, modes, kinds and statuses, common to several pages."""

from flom import errors, trace
from flom.cli.help import SECTIONS
from flom.core import modes, names
from flom.options import OPTIONS, Option
from flom.values import MODE_NAMES

from . import facts, texts
from .markup import Block, Heading, Items, Table, as_sentence, paras, with_marks

_UNITS = {"MS": " milliseconds", "S": " seconds"}


def options(chosen: "list[Option] | tuple[Option, ...]" = OPTIONS) -> list[Block]:
    """The chosen options under the headings of the help, in its order."""
    blocks: list[Block] = []
    for section in SECTIONS:
        rows = [option for option in chosen if option.section == section]
        if rows:
            blocks += [Heading(section, 2), Items(dict(map(option, rows)))]
    return blocks


def option(option: Option) -> tuple[str, str]:
    """An option with its value, and everything there is to say about it."""
    term = ", ".join(f"`{name}`" for name in facts.spellings(option))
    if option.metavar:
        term += " " + "|".join(f"*{word}*" for word in option.metavar.split("|"))
    parts = [as_sentence(option.help)]
    if more := texts.OPTIONS.get(option.long):
        parts.append(more.strip())
    if option.long == "debug-feature":
        parts += [f"`{name}` {what}." for name, what in texts.DEBUG_FEATURES.items()]
    return term, "\n\n".join([*parts, *_remarks(option)])


def _remarks(option: Option) -> list[str]:
    """What the table knows besides the explanation: default, key, whose option."""
    known = []
    if option.type not in "FL":
        known.append(f"Default: {_default(option)}.")
    if option.key:
        known.append(f"In a file: `[{option.group}]/{option.key}`.")
    if option.ours:
        known.append("Not an option of the reference.")
    return [" ".join(known)] if known else []


def _default(option: Option) -> str:
    if option.rule == "name":
        return f"`{option.default}`"
    value = facts.default(option)
    unit = _UNITS.get(option.metavar, "") if value.isdigit() and value != "0" else ""
    return f"`{value}`{unit}" if value else "none"


def keys() -> list[Block]:
    """Every key of a configuration file, under its group."""
    blocks: list[Block] = []
    for group in groups():
        rows = sorted((o for o in OPTIONS if o.group == group), key=lambda option: option.dump)
        blocks += [Heading(f"[{group}]", 2), Items(dict(map(_key, rows)))]
    return blocks


def groups() -> list[str]:
    """The groups of a configuration file, in the order of the verbose dump."""
    rows = sorted((option for option in OPTIONS if option.key), key=lambda option: option.dump)
    return list(dict.fromkeys(option.group for option in rows))


def _key(option: Option) -> tuple[str, str]:
    known = f"{_type(option)}. Default: {_default(option)}."
    if option.long:
        known += f" Same as `{option.spelling.rpartition(' ')[2]}`."
    return f"`{option.key}`", f"{as_sentence(option.help)}\n\n{known}"


def _type(option: Option) -> str:
    if option.rule == "boolean":
        return "`yes` or `no`"
    return {"I": "Integer, decimal", "L": "List, separated by `;`"}.get(option.type, "Text")


def kinds() -> list[Block]:
    """The kinds of resources, told by their names."""
    rows = tuple((texts.KIND_NAMES[kind], kind, texts.KINDS[kind]) for kind in names.KINDS)
    return [Table(("Name", "Kind", "Meaning"), rows)]


def lock_modes() -> list[Block]:
    """The modes, and which of them go together."""
    rows = tuple(
        (f"`{name}`", f"`{texts.MODES[name][0]}`", texts.MODES[name][1], _companions(number))
        for number, name in enumerate(MODE_NAMES)
    )
    return [Table(("Mode", "Long name", "Meaning", "Goes together with"), rows)]


def _companions(mode: int) -> str:
    fitting = [name for other, name in enumerate(MODE_NAMES) if not modes.clash(other, mode)]
    if len(fitting) == len(MODE_NAMES):
        return "together with all modes"
    return "together with " + ", ".join(f"`{name}`" for name in fitting)


def statuses() -> Table:
    """The exit statuses of the command."""
    rows = [
        ("the command's own", "the command ran, and the lock was given back"),
        ("128+N", "signal N ended the command"),
    ]
    rows += [
        (str(getattr(errors, name)), with_marks(meaning))
        for name, meaning in texts.EXIT_STATUS.items()
    ]
    return Table(("Status", "Meaning"), tuple(rows))


def codes() -> Table:
    """The return codes shown as `ret_cod`."""
    rows = sorted(errors.symbols().items(), key=lambda item: -item[1])
    own = sorted(errors.own_symbols().items(), key=lambda item: -item[1])
    return Table(
        ("`ret_cod`", "Symbol", "Meaning"),
        tuple((str(rc), f"`FLOM_RC_{name}`", errors.describe(rc)) for name, rc in rows)
        + tuple((str(rc), "", errors.describe(rc)) for _, rc in own),
    )


def trace_bits() -> dict[str, int]:
    """The bits of FLOM_TRACE_MASK by the names of their constants."""
    return {
        name: value
        for name, value in vars(trace).items()
        if name.isupper() and isinstance(value, int) and value and not value & (value - 1)
    }


def trace_mask() -> Block:
    """The bits of FLOM_TRACE_MASK."""
    rows = [(f"`0x{bit:06x}`", texts.TRACE_BITS[name]) for name, bit in trace_bits().items()]
    return Table(("Bit", "Records of"), tuple(rows))


def layers() -> list[Block]:
    """Where settings come from."""
    return paras(texts.OPTIONS["config-file"])[:2]
