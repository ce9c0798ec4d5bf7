"""The man pages and the reference pages."""

from flom.version import DATE, VERSION

from . import entries, markdown, roff
from .markup import Block, Code, Heading, Items, Para, paras

_ORIGIN = f"flom {VERSION}"

_SYNOPSIS = """\
flom [OPTION...] [--] COMMAND [ARGUMENT...]
flom -x | -X [OPTION...]
flom -v | -h | --signal-list | --unique-id
flom --debug-feature NAME [OPTION...]"""

_DESCRIPTION = """\
`flom` asks for a lock, waits until it gets it, runs *COMMAND* and gives the lock back when
*COMMAND* has ended, in whatever way. No two commands run at the same time under locks that
exclude each other. The lock has the name given by `--resource-name`.

The locks are kept by a daemon. On one machine it starts by itself when the first lock is asked
for and ends a few seconds after the last; `--unicast-address` reaches the daemon of another
machine, so that commands on several machines exclude each other. `flomctl(1)` runs a daemon under
a service manager. With `--store` they are kept in etcd instead, where they outlive any one host.
The protocol is that of FLoM, the Free Lock Manager: its commands and client libraries can use this
daemon, and this command can use its daemon.

Options may also stand after the first word of the command, up to a `--`; so put `--` before a
command that has options of its own. The value of a letter is the next word (`-o 10`), of a long
name the next word or what follows `=` (`--resource-timeout=10`). Long names cannot be
abbreviated. Integers may be written as in C: `0x10` and `020` are 16. If an option is given
twice, the last one counts.

The command gets the environment, the open files and the terminal of `flom` as they are, and a few
variables, see `ENVIRONMENT`. For a set, sequence or timestamp one more argument is added to the
command: the element that was locked.
"""

_STATUS_NOTES = """\
A command may itself end with one of these values; the line on standard error tells them apart.
Every status that is not the command's comes with such a line, unless `--quiet` forbids it;
`ret_cod=`*N* in it is a code that FLoM programs share.

A command that does not end with 0 gives back the number of a `_S_` sequence.
"""

_ENVIRONMENT = {
    "`HOME`": "Where `.flom` is looked for; if it is not set, the user database says.",
    "`FLOM_TRACE_MASK`": "Which parts of the program write trace records: an integer, the sum of "
    "bits of the list below.",
}
_SET_FOR_COMMAND = {
    "`FLOM_RESOURCE`": "The name of the resource.",
    "`FLOM_LOCK_MODE`": "The mode in two letters; for simple and hierarchical resources.",
    "`FLOM_ELEMENT`": "The element of a set, sequence or timestamp.",
    "`FLOM_FENCING_TOKEN`": "A number that is higher than those of all who held the resource "
    "before, for a storage that refuses who comes with a lower one; if the daemon tells it.",
    "`FLOM_SESSION`": "The names of the locks that the command runs within, so that a **flom** in "
    "it never waits for those who wait for them, and is refused instead of waiting for them.",
}

_EXAMPLES = {
    "Wait for the others, then run:": "flom -r backup -- ./backup.sh",
    "Run now or give up; wait five seconds at most:": "flom -r backup -o 0 -- ./backup.sh\n"
    "flom -r backup -o 5000 -- ./backup.sh",
    "Readers together, writers alone:": "flom -r data -l PR -- ./report.sh\n"
    "flom -r data -l EX -- ./update.sh",
    "Two of four units:": "flom -r 'licence[4]' -q 2 -- ./compile.sh",
    "One of three devices; its name is the last argument of the command:": "flom -r "
    "gpu0.gpu1.gpu2 -- ./train.sh",
    "One run at a time on all machines, with a daemon on one of them:": "flom -a lockhost "
    "-r deploy -o 1800000 -- ./deploy.sh",
    "The same, with the locks in etcd:": "flom --store etcd://db1,db2,db3/jobs -r deploy -- "
    "./deploy.sh",
    "Tell the daemon to end when everybody has finished:": "flom -x",
}

_CAVEATS = """\
`flom` inside a command that `flom` runs waits for ever if both ask for the same resource in modes
that exclude each other: the outer one holds what the inner one wants, and ends only after it.

Only the command itself holds the lock, not the processes it leaves in the background.

State is kept in the memory of the daemon: its end, and the time of `--resource-idle-lifespan`
without users, let a sequence begin again.

If the daemon is lost while the command runs, somebody else may get the lock. The command runs on;
the status is 99.

A `flom` that is stopped, or whose machine is, does nothing, and so does not end its command when
its lock in a store is lost. When it goes on, the command may write although somebody else has the
lock. Let what is written to refuse a fencing token that is lower than the highest it has seen.

A signal sent to `flom` alone is passed on to the command (`SIGTERM`, `SIGINT`, `SIGHUP`,
`SIGQUIT`). One sent to the whole process group by `kill` reaches the command twice.
"""

_FILES = {
    "`/etc/flom.conf`": "Settings of the machine, see `flom.conf(5)`.",
    "`~/.flom`": "Settings of the user.",
    "`/tmp/flom-`*LOGIN*": "The default socket, with a `.lock` file beside it.",
}

ORIGINS: tuple[Block, ...] = (
    Heading("Author"),
    Para("The authors of flom, an independent implementation of FLoM in Python."),
    Heading("Reporting bugs"),
    Para("Tell the maintainers of the package `pyflom`, with the output of `flom -V`."),
    Heading("Copyright"),
    Para("MIT licence; no warranty."),
)

_FILE_DESCRIPTION = """\
Every setting of `flom(1)` that has a key below can stand in a file, under its group. The built-in
value applies to what stands nowhere.
"""

_SYNTAX = r"""
A file has lines of these kinds: blank; a comment, which begins with `#`; a group in brackets;
*key*`=`*value*, which belongs to the group above it. Names of groups and keys are written as
below, capitals included; unknown ones are ignored, with a warning if they look like a slip of the
pen. A key given twice counts with its last value.

A comment has a line of its own: in a text, `#` is part of the value. Blanks before a value are
dropped, those after a text are part of it. Quotes are ordinary characters. In texts, `\s` stands
for a blank, `\t` for a tab, `\n` for a line break, `\r` for a return, `\\` for a backslash, and
in lists `\;` for a semicolon.

Integers are decimal; what follows a blank is not looked at. A value that cannot be used ends the
run with status 99 and a line that names file, line and key.
"""

_ACCESS = """\
Rules: who may lock what, and who may end the daemon. The daemon applies them. Names of the keys are
of your choice, a rule has one of these forms:
"""

_ACCESS_FORMS = """\
NAME=allow|deny lock PATTERN [MODES] to WHO...
NAME=allow|deny force PATTERN to WHO...
NAME=allow|deny shutdown to WHO...
NAME=allow|deny * to WHO..."""

_ACCESS_NOTES = """\
WHO is `cn:`*PATTERN* for the common name in the peer's certificate, `uid:`*USER* for the user at
the other end of a local socket, `id:`*PATTERN* for the unique id that the peer claims, or `*` for
everybody. In patterns `*` stands for anything but `/`, and `**` for anything. *MODES* are those
that the rule is about, with commas between them; without, it is about all.

The first rule that fits decides. What no rule fits is refused, and without rules all is allowed.
If several files have rules, those of the last one count, and no others.
"""

_FILE_EXAMPLE = """\
# All jobs of this machine use the daemon on lockhost.
[Daemon]
UnicastAddress=lockhost

[Resource]
Timeout=600000"""


def flom_1() -> str:
    """The man page of the command."""
    blocks: list[Block] = [
        Heading("Name"),
        Para("flom - run a command while holding a lock"),
        Heading("Synopsis"),
        Code(_SYNOPSIS),
        Heading("Description"),
        *paras(_DESCRIPTION),
        Heading("Resources", 2),
        *entries.kinds(),
        Heading("Lock modes", 2),
        *entries.lock_modes(),
        Heading("Options"),
        *entries.options(),
        Heading("Exit status"),
        entries.statuses(),
        *paras(_STATUS_NOTES),
        Heading("Environment"),
        Items(_ENVIRONMENT),
        entries.trace_mask(),
        Para("The command finds these variables; one that does not apply is removed:"),
        Items(_SET_FOR_COMMAND),
        Heading("Examples"),
        *_examples(),
        Heading("Caveats"),
        *paras(_CAVEATS),
        *ORIGINS,
        Heading("See also"),
        Para("`flomctl(1)`, `flom.conf(5)`, `flock(1)`"),
        Items(_FILES),
        Para("A sample configuration file is `share/doc/pyflom/flom.conf`."),
    ]
    return roff.page("flom", 1, DATE, _ORIGIN, blocks)


def _examples() -> list[Block]:
    return [block for text, code in _EXAMPLES.items() for block in (Para(text), Code(code))]


def flom_conf_5() -> str:
    """The man page of the configuration files."""
    blocks: list[Block] = [
        Heading("Name"),
        Para("flom.conf - configuration of flom"),
        Heading("Synopsis"),
        Code("/etc/flom.conf\n~/.flom"),
        Heading("Description"),
        *_configuration(),
        Heading("Keys"),
        *entries.keys(),
        *_access(),
        Heading("Examples"),
        Code(_FILE_EXAMPLE),
        *ORIGINS,
        Heading("See also"),
        Para("`flom(1)`"),
        Para("A sample file with every key is `share/doc/pyflom/flom.conf`."),
    ]
    return roff.page("flom.conf", 5, DATE, _ORIGIN, blocks)


def _configuration() -> list[Block]:
    return [
        *paras(_FILE_DESCRIPTION),
        *entries.layers(),
        Heading("Syntax", 2),
        *paras(_SYNTAX),
    ]


def _access() -> list[Block]:
    return [
        Heading("[Access]", 2),
        Para(_ACCESS),
        Code(_ACCESS_FORMS),
        *paras(_ACCESS_NOTES),
    ]


def options_md() -> str:
    """The reference page of the options."""
    return markdown.page(
        "Options of flom",
        [
            Code(_SYNOPSIS),
            *paras(_DESCRIPTION)[2:],
            *entries.options(),
            Heading("Resources"),
            *entries.kinds(),
            Heading("Lock modes"),
            *entries.lock_modes(),
            Heading("Environment"),
            Items(_ENVIRONMENT),
            entries.trace_mask(),
            Para("The command finds these variables; one that does not apply is removed:"),
            Items(_SET_FOR_COMMAND),
        ],
    )


def configuration_md() -> str:
    """The reference page of the configuration files."""
    return markdown.page(
        "Configuration files",
        [
            *_configuration(),
            Heading("Example"),
            Code(_FILE_EXAMPLE),
            Heading("Keys"),
            *entries.keys(),
            *_access(),
            Para("[access.md](access.md) explains them."),
            Heading("Sample"),
            Para("`share/doc/pyflom/flom.conf`, also installed, has every key as a comment."),
        ],
    )


def exit_codes_md() -> str:
    """The reference page of exit statuses and return codes."""
    return markdown.page(
        "Exit statuses and return codes",
        [
            entries.statuses(),
            *paras(_STATUS_NOTES),
            Heading("Return codes"),
            Para("Positive codes are conditions, negative ones are errors. The symbols are those "
                 "of FLoM's client libraries."),
            entries.codes(),
        ],
    )  # fmt: skip
