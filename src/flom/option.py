"""What is known of one option: a row of the table in options.py."""


class Option:
    """One row: an option of the command line, its key in the files, its line in the dump.

    attr     name of the attribute of `settings.Settings` (for rule "show": of what is shown)
    short    the letter, or "" (cli.md 3)
    long     the long name, without dashes; "" for what stands in files only
    type     F flag, I integer, S text, B boolean text, L text that may be repeated
    rule     how the value is checked and adjusted: a key of `values.RULES`; "show" = print and end
    default  the built-in value, already converted
    group, key   where it stands in a configuration file (cli.md 5.1), both "" when it has no key
    dump     position of its line in the verbose dump (cli.md 8), 0 = not shown
    metavar  what the value is called in the help
    section  the heading it stands under in the help, "" without a long name
    help     one explanation for people
    ours     not an option of the reference
    """

    __slots__ = (
        "attr", "default", "dump", "group", "help", "key", "long", "metavar", "ours", "rule",
        "section", "short", "type",
    )  # fmt: skip

    def __init__(
        self,
        short: str,
        long: str,
        attr: str,
        type: str,  # noqa: A002  # the word of the specification
        rule: str,
        default: "str | int | tuple[int, ...] | None",
        group: str,
        key: str,
        dump: int,
        metavar: str,
        section: str,
        help: str,  # noqa: A002  # likewise
        ours: bool = False,
    ) -> None:
        self.short = short
        self.long = long
        self.attr = attr
        self.type = type
        self.rule = rule
        self.default = default
        self.group = group
        self.key = key
        self.dump = dump
        self.metavar = metavar
        self.section = section
        self.help = help
        self.ours = ours

    @property
    def spelling(self) -> str:
        """The option as people write it: `-r, --resource-name`."""
        return f"-{self.short}, --{self.long}" if self.short else f"--{self.long}"
