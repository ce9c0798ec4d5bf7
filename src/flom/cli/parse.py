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

    __slots__ = ("_help", "_position", "_words", "command", "given", "show")

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._position = 0
        self._help = False
        self.given: list[tuple[Option, str]] = []
        self.command: list[str] = []
        while self._position < len(words) and not self._help:
            self._step()
        self.show = self._shown()

    def _step(self) -> None:
        word = self._words[self._position]
        self._position += 1
        if word == "--":
            self.command += self._words[self._position :]
            self._position = len(self._words)
        elif word.startswith("--"):
            self._long(word)
        elif word.startswith("-") and word != "-":
            self._cluster(word)
        else:
            self.command.append(word)

    def _long(self, word: str) -> None:
        if word in ("--help", "--help-all"):
            self._help = True
            return
        name, equals, value = word[2:].partition("=")
        option = _by_long(name)
        if option is None:
            raise _unknown_long(name)
        if option.type == "F":
            self._take(option, "")
        else:
            self._take(option, value if equals else self._next_word(option))

    def _cluster(self, word: str) -> None:
        """A word of letters, of which one may take a value: the next word (C-05)."""
        owner = ""
        for letter in word[1:]:
            if letter in "h?":
                self._help = True
                return
            option = _by_letter(letter)
            if option is None:
                raise _unknown_letter(letter, word, owner)
            if option.type == "F":
                self._take(option, "")
                continue
            if owner:
                raise UsageError(
                    f"-{owner} and -{letter} both take a value (write them apart: "
                    f"-{owner} {_metavar(owner)} -{letter} {option.metavar})"
                )
            owner = letter
            self._take(option, self._next_word(option))

    def _next_word(self, option: Option) -> str:
        if self._position == len(self._words):
            raise UsageError(f"{option.spelling} needs a value ({option.metavar})")
        self._position += 1
        return self._words[self._position - 1]

    def _take(self, option: Option, value: str) -> None:
        if option.type == "I" and c_integer(value) is None:
            raise UsageError(f"{option.spelling} {quoted(value)}: expected {INTEGER_SYNTAX}")
        self.given.append((option, value))

    def _shown(self) -> str:
        if self._help:
            return "help"
        wanted = [option.attr for option, _ in self.given if option.rule == "show"]
        lists = [what for what in ("version", "signal-list") if what in wanted]
        return "+".join(lists) if lists else "unique-id" if wanted else ""


def parse(words: list[str]) -> Invocation:
    """Sort the words after the program's name into options and command.

    Left to right: help ends everything at the moment it is met, an error before it wins.
    Raises UsageError.
    """
    return Invocation(words)


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
