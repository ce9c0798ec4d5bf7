"""The pages of `flomctl`, made from its commands."""

import json
import pathlib

from flom.ctl import rows
from flom.version import DATE, VERSION

from . import entries, facts, markdown, pages, roff
from .markup import Block, Code, Heading, Items, Para, Table, paras, with_marks

_SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "docs/reference/flomctl.schema.json"

_DESCRIPTION = """\
`flomctl` is for those who look after the locks of `flom(1)`: what is locked, by whom, who
waits for whom, what happens. Its first word that is no option says what to do; options may stand
before or after it.

`flomctl daemon` runs a daemon and needs nothing else. The other commands need a few libraries
(`pip install 'pyflom[ctl]'`) and talk to a daemon that runs already; only `hold` starts one, as
`flom` does. They find it by the options and the configuration files of `flom`.

A daemon of the reference, or of another implementation, tells nothing of its state: with it only
`ping`, `shutdown` and `hold` work.
"""

_STORE = """\
Where the options or the files name a store (`--store`, `[Store]/Url`), all commands look there, and
there is no daemon: `shutdown` and `daemon` are refused. What a store knows is the locks themselves.
"""

_OF_STORE = {
    "`ls`, `show`": "The number of a claim, in the column ID and for `--holder`, is the revision "
    "of etcd at which it entered the queue. Times are what the clients have written by their own "
    "clocks. A resource that nobody uses any more is shown until its lease ends, which takes at "
    "least the time of a session (`--store-session-ttl`).",
    "`events`": "Each request is `enqueued` and then `granted`, however short the wait. `released` "
    "says that a lock has ended, be it given back, lost or taken; `withdrawn` that a request has "
    "gone without a lock, be it refused or ended. The time is that of hearing of it. `dropped` "
    "counts changes of the store, which was compacted before they were read. It goes on at "
    "another endpoint when one fails, and ends with status 99 when none answers in time.",
    "`release`": "Ends the holder's session. Who waits gets the lock at once; the holder is told, "
    "as by a loss, when it next renews its session: within a third of its time. Everybody whom "
    "etcd lets write below the prefix may do it.",
    "`hold`": "Takes `--store-session-ttl` as well.",
    "`ping`": "Shows what each endpoint says of itself: its version, and whether it leads.",
    "`top`, `metrics`": "Tell who holds and waits now. Nobody counts the grants, refusals and "
    "releases of a store, or the times they took: they are left out, and `null` in JSON.",
}

_OUTPUT = """\
On a terminal, tables have colours (not if `NO_COLOR` is set) and fit its width: owners and
commands are cut, names get several lines, and where that is not enough, columns are left out.
Everywhere else the output is plain and complete, one
line for each thing. Names and commands come from clients; characters that cannot be printed are
shown as in Python, such as `\\x1b`, and a backslash is doubled.

With `--json` every command prints JSON in ASCII, one value a line.
"""

_JSON = """\
[flomctl.schema.json](flomctl.schema.json) describes what each command prints, and refers to
[state.schema.json](state.schema.json) for what daemons tell; [extension.md](extension.md) explains
those fields. Names of fields are stable; fields may be added.
"""

_FORCE = """\
The daemon decides who may break locks: over a UNIX socket its own user and root, over TCP nobody.
If its configuration has rules of access, they alone decide (`force`). The clients whose locks are
broken are told, if they are of this flom; others lose the connection. Commands that run under such
a lock are not ended. The daemon logs who broke which lock of whom.
"""

_DAEMON = """\
`flomctl daemon` writes its log to standard error. It tells a service manager when it is ready
(`NOTIFY_SOCKET`) and takes a listening socket from it (`LISTEN_FDS`). It lives until it gets
`SIGTERM` or is told to end by `flomctl shutdown`, `flom -x` or `flom -X`, unless
`--daemon-lifespan` is given.

It takes all options of `flom(1)`; these concern it:
"""

_PKI_DESCRIPTION = """\
`flomctl pki` makes and checks the certificates with which hosts know each other. It needs the
libraries click and cryptography (`pip install 'pyflom[pki]'`), and none of the rest of flom does.
"""

_PKI = {
    "`init`": "Make an authority: `ca.pem` and its private key `ca.key`, for ten years.",
    "`issue`": "Issue a certificate for a host, this one unless `--id` *ID* names another by its "
    "unique id: `ID.pem` and `ID.key`, or as `--name` says. Prints the lines for the host's "
    "configuration file.",
    "`renew` [*NAME*]": "Put a new certificate in the place of `NAME.pem`, in one step; the old "
    "one becomes `NAME.pem.old`. The key stays, unless `--new-key` is given. `renew ca` renews the "
    "authority's own.",
    "`show` [*FILE*...]": "Show the certificates in the files, or all in the directory.",
    "`verify` [*NAME*]": "Say what is wrong with a certificate, its key and the authorities, one "
    "line each: those of *NAME*, or those of `--tls-certificate`, `--tls-private-key` and "
    "`--tls-ca-certificate`, or those of the configuration files.",
}

_PKI_NOTE = """\
The directory is that of `--dir`, else `/etc/flom/pki` for root and `flom/pki` below
`$XDG_CONFIG_HOME` (`~/.config`) for others. Nothing in it is overwritten, except by `renew`.
`--days` *N* says how long a certificate is valid; `show` and `verify` print JSON with `--json`.
`flomctl pki` *COMMAND* `--help` lists all options.
"""

_STATUSES = {
    "0": "done; of `explain`: it would be granted",
    "1": "the answer is no: `explain`: it would not be granted now; `show`, `release`: nobody "
    "uses or holds the resource; `ping`: there is no daemon, or no store; `pki verify`: there are "
    "warnings",
    "2": "the words cannot be understood; of `pki verify`: connections do not work",
    "96, 98": "of `hold`, as of `flom`: the lock cannot be waited for, or is busy; "
    "`--conflict-exit-code` chooses another value than 98",
    "99": "any other failure: no daemon or store, no answer in time, a bad setting, not allowed, "
    "the lock that `hold` had was lost; of `daemon` and `pki` wrong words as well",
    "130": "interrupted by Ctrl-C; for `events`, `top`, `hold` and `metrics --listen` that is the "
    "way to end them, and their status is 0",
}

_EXAMPLES = {
    "Who holds what, and who waits for whom:": "flomctl ls\nflomctl show backup\n"
    "flomctl explain backup -l PR",
    "The resources with waiters, for a script:": "flomctl ls --json | jq -r '.[] | "
    "select(.waiter_count > 0) | .name'",
    "Nobody shall deploy while somebody works on the host:": "flomctl hold deploy -a lockhost",
    "Break the lock of a process that hangs:": "flomctl release backup --force",
    "Which endpoints of a store answer, and what happens there:": "flomctl ping --store "
    "etcd://h1,h2,h3/locks\nflomctl events --store etcd://h1,h2,h3/locks",
    "For Prometheus:": "flomctl metrics --listen 127.0.0.1:9528",
    "A daemon for everybody on this machine; for the machines of a network:": "flomctl daemon "
    "-s /run/flom/flom.sock\nflomctl daemon -a lockhost",
    "Certificates for two hosts, of which this is one:": "flomctl pki init\nflomctl pki issue\n"
    "flomctl pki issue --name other --id 00112233445566778899aabbccddeeff",
}


def flomctl_1() -> str:
    """The man page."""
    blocks: list[Block] = [
        Heading("Name"),
        Para("flomctl - look after the locks of flom and their daemon, and run it"),
        Heading("Synopsis"),
        Code("flomctl COMMAND [OPTION...] [ARGUMENT...]"),
        Heading("Description"),
        *paras(_DESCRIPTION),
        Heading("Commands"),
        Items({f"`{each.name}`": _sentence(each.summary) for each in _first()}),
        *_commands(),
        *_common(),
        Heading("Locks in a store"),
        *paras(_STORE),
        Items(_OF_STORE),
        Heading("Options of flomctl daemon"),
        *paras(_DAEMON),
        *entries.options(facts.of_daemon()),
        Heading("Commands of flomctl pki"),
        *paras(_PKI_DESCRIPTION),
        Items(_PKI),
        *paras(_PKI_NOTE),
        Heading("Output"),
        *paras(_OUTPUT),
        Heading("Exit status"),
        _statuses(),
        Heading("Examples"),
        *_examples(),
        *pages.ORIGINS,
        Heading("See also"),
        Para("`flom(1)`, `flom.conf(5)`"),
    ]
    return roff.page("flomctl", 1, DATE, f"flom {VERSION}", blocks)


def flomctl_md() -> str:
    """The reference page."""
    return markdown.page(
        "flomctl: looking after locks and their daemon",
        [
            *paras(_DESCRIPTION),
            Heading("Commands"),
            Table(
                ("Command", "What it does"),
                tuple((f"`{each.name}`", _sentence(each.summary)) for each in _first()),
            ),
            *_commands(),
            *_common(),
            Heading("Locks in a store"),
            *paras(_STORE),
            Items(_OF_STORE),
            Heading("Output"),
            *paras(_OUTPUT),
            Heading("JSON"),
            Para(" ".join(_JSON.split())),
            _printed(),
            Heading("Exit status"),
            _statuses(),
            Heading("Examples"),
            *_examples(),
        ],
    )


def _first() -> list[facts.Control]:
    return [each for each in facts.control() if " " not in each.name]


def _sentence(text: str) -> str:
    return with_marks(text[0].upper() + text[1:]) + "."


def _commands() -> list[Block]:
    """A section for each command that is not described elsewhere."""
    blocks: list[Block] = []
    for each in facts.control():
        if not each.explanation or " " in each.name:
            continue
        own = [row for row in each.options if row in vars(rows).values()]
        own = [row for row in own if row not in (rows.JSON, rows.TIMEOUT)]
        of_flom = [row for row in each.options if row not in vars(rows).values()]
        title = f"flomctl {each.name} {each.arguments.replace('*', '')}".rstrip()
        blocks += [Heading(title, 2), *paras(with_marks(each.explanation))]
        if of_flom:
            names = ", ".join(f"`{row.spelling.rpartition(' ')[2]}`" for row in of_flom)
            blocks.append(Para(f"Of the options of `flom(1)`, it takes {names}."))
        if own:
            blocks.append(Items(dict(map(entries.option, own))))
        if each.name == "release":
            blocks += paras(_FORCE)
    return blocks


def _common() -> list[Block]:
    return [
        Heading("Options of all commands"),
        Items(dict(map(entries.option, (rows.JSON, rows.TIMEOUT)))),
        *entries.options(rows.ENDPOINT),
    ]


def _statuses() -> Table:
    return Table(("Status", "Meaning"), tuple(_STATUSES.items()))


def _printed() -> Table:
    """What each command prints as JSON, from the schema."""
    defined = json.loads(_SCHEMA.read_text(encoding="utf-8"))["$defs"]
    return Table(
        ("Command", "JSON"),
        tuple(
            (f"`{name.replace('-', ' --')}`", part["description"]) for name, part in defined.items()
        ),
    )


def _examples() -> list[Block]:
    return [block for text, code in _EXAMPLES.items() for block in (Para(text), Code(code))]
