"""The text of `--help`, made from the table of options. Loaded only to print it."""

from flom.options import OPTIONS, Option

WIDTH = 79
_COLUMN = 34
SECTIONS = (
    "Lock", "Command", "Daemon", "Network", "TLS", "Daemon limits", "Store", "Information", "Trace",
)  # fmt: skip

_USAGE = """\
Usage:
  flom [OPTION…] [-- command to execute]

Runs a command while holding a lock. Options may also follow the command, until
a `--`; put one before a command that has options of its own.
"""

_EXAMPLES = """\
Examples:
  flom -r backup -- ./backup.sh          wait for the others, then run
  flom -r backup -o 0 -- ./backup.sh     run now or give up (exit status 98)
  flom -r 'gpu[4]' -q 2 -- ./train       two of four units
  flom -r data -l PR -- ./report         together with other readers
  flom -a lockhost -r data -- ./report   lock across the network

Exit status: the one of the command (128+N if signal N killed it), 96 the
resource does not exist and -o 0, 97 the command could not be run, 98 busy or
time over, 99 any other failure.
"""


def text(ellipsis: str = "…") -> str:
    """The help; `ellipsis` is what the terminal's character set has for one."""
    parts = [_USAGE.replace("…", ellipsis)]
    for section in SECTIONS:
        options = [option for option in OPTIONS if option.section == section]
        parts.append(f"{section}:\n" + "".join(map(_entry, options)))
    return "\n".join([*parts, _EXAMPLES])


def _entry(option: Option) -> str:
    head = f"  {option.spelling} {option.metavar}".rstrip()
    explanation = option.help
    if option.type == "I":
        explanation += f" [{option.default}]"
    lines = _wrapped(explanation, WIDTH - _COLUMN)
    if len(head) >= _COLUMN - 1:
        return "".join([head, *("\n" + " " * _COLUMN + line for line in lines), "\n"])
    first = head.ljust(_COLUMN) + lines[0]
    return "".join([first, *("\n" + " " * _COLUMN + line for line in lines[1:]), "\n"])


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines
