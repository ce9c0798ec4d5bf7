"""From the words of the command line to options and command, by the conventions of cli.md 2."""

from flom.errors import UsageError
from flom.options import OPTIONS, Option
from flom.values import INTEGER_SYNTAX, c_integer, quoted


class Invocation:
    """What the words say.

    given    every option with its value as text ("" for a flag), in the order of the words
    command  the words of the command, unchanged
    show     what to print instead of running: "" (nothing), "help", "version", "signal-list",
             "version+signal-list" or "unique-id"
    """

    __slots__ = ("command", "given", "show")

    def __init__(self, given: list[tuple[Option, str]], command: list[str], show: str) -> None:
        self.given = given
        self.command = command
        self.show = show


def parse(words: list[str]) -> Invocation:
    """Sort the words after the program's name into options and command.

    Left to right: help ends everything at the moment it is met, an error before it wins.
    Raises UsageError.
    """
    parser = _Parser(words)
    while parser.position < len(words) and not parser.help:
        parser.step()
    return Invocation(parser.given, parser.command, parser.show())


class _Parser:
    __slots__ = ("command", "given", "help", "position", "words")

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.position = 0
        self.given: list[tuple[Option, str]] = []
        self.command: list[str] = []
        self.help = False

    def step(self) -> None:
        word = self.words[self.position]
        self.position += 1
        if word == "--":
            self.command += self.words[self.position :]
            self.position = len(self.words)
        elif word.startswith("--"):
            self.long(word)
        elif word.startswith("-") and word != "-":
            self.cluster(word)
        else:
            self.command.append(word)

    def long(self, word: str) -> None:
        if word in ("--help", "--help-all"):
            self.help = True
            return
        name, equals, value = word[2:].partition("=")
        option = _by_long(name)
        if option is None:
            raise _unknown_long(name)
        if option.type == "F":
            self.take(option, "")
        else:
            self.take(option, value if equals else self.next_word(option))

    def cluster(self, word: str) -> None:
        """A word of letters, of which one may take a value: the next word (C-05)."""
        owner = ""
        for letter in word[1:]:
            if letter in "h?":
                self.help = True
                return
            option = _by_letter(letter)
            if option is None:
                raise _unknown_letter(letter, word, owner)
            if option.type == "F":
                self.take(option, "")
                continue
            if owner:
                raise UsageError(
                    f"-{owner} and -{letter} both take a value (write them apart: "
                    f"-{owner} {_metavar(owner)} -{letter} {option.metavar})"
                )
            owner = letter
            self.take(option, self.next_word(option))

    def next_word(self, option: Option) -> str:
        if self.position == len(self.words):
            raise UsageError(f"{option.spelling} needs a value ({option.metavar})")
        self.position += 1
        return self.words[self.position - 1]

    def take(self, option: Option, value: str) -> None:
        if option.type == "I" and c_integer(value) is None:
            raise UsageError(f"{option.spelling} {quoted(value)}: expected {INTEGER_SYNTAX}")
        self.given.append((option, value))

    def show(self) -> str:
        if self.help:
            return "help"
        wanted = [option.attr for option, _ in self.given if option.rule == "show"]
        lists = [what for what in ("version", "signal-list") if what in wanted]
        return "+".join(lists) if lists else "unique-id" if wanted else ""


def _by_long(name: str) -> Option | None:
    for option in OPTIONS:
        if option.long == name != "" and option.attr != "help":
            return option
    return None


def _by_letter(letter: str) -> Option | None:
    for option in OPTIONS:
        if option.short == letter:
            return option
    return None


def _metavar(letter: str) -> str:
    option = _by_letter(letter)
    return option.metavar if option else ""


def _unknown_long(name: str) -> UsageError:
    from flom.spelling import nearest

    near = nearest(name, [option.long for option in OPTIONS if option.long])
    advice = f"did you mean --{near}?" if near else "flom --help lists all options"
    if name.startswith("help"):
        advice = "--help takes no value"
    return UsageError(f"unknown option {quoted('--' + name)} ({advice})")


def _unknown_letter(letter: str, word: str, owner: str) -> UsageError:
    if owner:
        value = word.partition(owner)[2].removeprefix("=")
        advice = f"the value of -{owner} is the next word: -{owner} {value}"
    elif _by_letter(letter.swapcase()):
        advice = f"did you mean -{letter.swapcase()}?"
    else:
        advice = "flom --help lists all options"
    seen = f" in {quoted(word)}" if len(word) > 2 else ""
    return UsageError(f"unknown option {quoted('-' + letter)}{seen} ({advice})")
