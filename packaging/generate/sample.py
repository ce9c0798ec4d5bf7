"""The sample configuration file."""

import textwrap

from flom.options import OPTIONS

from . import entries, facts, texts

_HEAD = """\
# Made by scripts/generate; not to be edited.
#
# A sample of /etc/flom.conf and ~/.flom: every key as a comment. Take the `#` away from those you
# want to set. flom.conf(5) explains the syntax.
"""


_ACCESS = """\

[Access]

# Rules: who may lock what, and who may end the daemon; the first one that fits decides, and what
# none fits is refused. Without rules all is allowed. The names of the keys are yours.
#readers=allow lock /books/** PR,CR to *
#writers=allow lock /books/** to cn:web-* uid:books
#admin=allow * to uid:root
"""


def conf() -> str:
    """Every group, and every key with its default or, where there is none, an example."""
    return _HEAD + "".join(map(_group, entries.groups())) + _ACCESS


def _group(group: str) -> str:
    rows = sorted((o for o in OPTIONS if o.group == group), key=lambda option: option.dump)
    lines = [f"\n[{group}]\n"]
    for option in rows:
        default = facts.default(option)
        text = option.help[0].upper() + option.help[1:] + "."
        if not default:
            text += " Not set by default; for instance:"
        comment = textwrap.wrap(text, 96, initial_indent="# ", subsequent_indent="# ")
        value = default or texts.EXAMPLES[option.key]
        lines.append("\n".join(["", *comment, f"#{option.key}={value}", ""]))
    return "".join(lines)
