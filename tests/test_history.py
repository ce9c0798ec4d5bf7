"""The checker of histories: it must find what is wrong, and only that."""

import pytest
from history import Ask, History, check


def history(text):
    """A history from lines `TIME REQUEST WHAT [WORDS]`; `ask` is followed by the request."""
    made = History()
    numbers = {}
    for line in text.strip().splitlines():
        at, who, what, *words = line.split()
        if what == "ask":
            numbers[who] = made.ask(float(at), asked(*words))
        elif what == "restart":
            made.note(float(at), what)
        elif what == "granted":
            tokens = [int(word[1:]) for word in words if word[0] == "#"]
            element = [word for word in words if word[0] != "#"]
            made.note(float(at), what, numbers[who], *element, token=(tokens or [None])[0])
        else:
            made.note(float(at), what, numbers[who], how=words[0] if words else "")
    return made.records


def asked(name, *words):
    modes = [word for word in words if word.isupper()]
    units = [int(word[1:]) for word in words if word[0] == "x"]
    return Ask(name, *(modes or ["EX"]), *(units or [1]), "nowait" not in words, "nested" in words)


def cycle(start, who, name, element="", end="commit", stay=2):
    """A request that is granted at once and ends after a while."""
    return f"""
        {start} {who} ask {name}
        {start + 1} {who} granted {element}
        {start + 1 + stay} {who} ending {end}
        {start + 2 + stay} {who} ended"""


WRONG = {
    "double grant": ("exclusion", cycle(0, "a", "R") + cycle(1, "b", "R CR")),
    "a path below": ("exclusion", cycle(0, "a", "/r/x PR") + cycle(1, "b", "/r CW")),
    "too many units": ("exclusion", cycle(0, "a", "N[4] x3") + cycle(1, "b", "N[4] x2")),
    "too many members": (
        "exclusion element",
        cycle(0, "a", "p.q", "p") + cycle(1, "b", "p.q", "q") + cycle(1.5, "c", "p.q", "q"),
    ),
    "too many numbers out": (
        "exclusion", cycle(0, "a", "_s_n[1]", "1") + cycle(1, "b", "_s_n[1]", "2"),
    ),
    "one member twice": ("element", cycle(0, "a", "p.q", "p") + cycle(1, "b", "p.q", "p")),
    "a number twice": (
        "element", cycle(0, "a", "_s_n[3]", "1", "crash") + cycle(9, "b", "_s_n[3]", "1"),
    ),
    "a committed number again": (
        "element", cycle(0, "a", "_S_n[3]", "1") + cycle(9, "b", "_S_n[3]", "1"),
    ),
    "a returned number too early": (
        "element",
        cycle(0, "a", "_S_n[3]", "1", "rollback") + cycle(1, "b", "_S_n[3]", "1"),
    ),
    "a time twice": (
        "element", cycle(0, "a", "_t_%S[3]", "07") + cycle(9, "b", "_t_%S[3]", "07"),
    ),
    "leaked lock": ("leak", cycle(0, "a", "R") + "\n 9 b ask R nowait\n 10 b refused busy"),
    "leaked units": (
        "leak", cycle(0, "a", "N[4] x3") + "\n 1 b ask N[4] x1 nowait\n 2 b refused busy",
    ),
    "lost wake-up": ("wake-up", cycle(0, "a", "R") + "\n 1 b ask R\n 2 b queued"),
    "wake-up of a compatible one": (
        "wake-up", "0 a ask R PR\n 1 a granted\n 2 b ask R PR\n 3 b queued",
    ),
    "an older token": ("token", cycle(0, "a", "R", "#8") + cycle(5, "b", "R", "#7")),
    "an older token after a restart": (
        "token", cycle(0, "a", "R", "#8") + "\n 5 - restart" + cycle(6, "b", "R", "#7"),
    ),
    "an older token of who waited": (
        "token", cycle(0, "a", "R", "#8") + "\n 0.5 b ask R\n 9 b granted #7\n 10 b ended",
    ),
    "a token twice": ("token", cycle(0, "a", "R PR", "#8") + cycle(0.5, "b", "R PR", "#8")),
    "passed in a fair queue": (
        "order",
        cycle(0, "a", "R") + "\n 1 b ask R\n 2 b queued" + cycle(3, "c", "R") + """
        20 b granted
        21 b ending commit
        22 b ended""",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_finds_what_is_wrong(name):
    promises, text = WRONG[name]
    found = {violation.promise for violation in check(history(text), fair=True)}
    assert found == set(promises.split())


RIGHT = {
    "readers together": cycle(0, "a", "R PR") + cycle(1, "b", "R PR"),
    "neighbours in a tree": cycle(0, "a", "/r/x EX") + cycle(1, "b", "/r/xy EX"),
    "one after the other": cycle(0, "a", "R") + cycle(3, "b", "R"),
    "units that fit": cycle(0, "a", "N[4] x2") + cycle(1, "b", "N[4] x2"),
    "a returned number": cycle(0, "a", "_S_n[1]", "1", "rollback")
    + cycle(9, "b", "_S_n[1]", "1"),
    "a number of a command that outlived its flom": cycle(0, "a", "_S_n[3]", "1", "crash")
    + "\n 8 a ending commit" + cycle(9, "b", "_S_n[3]", "1"),
    "two members of one name": cycle(0, "a", "p.p", "p") + cycle(1, "b", "p.p", "p"),
    "busy while somebody may hold": cycle(0, "a", "R")
    + "\n 3.5 b ask R nowait\n 4.5 b refused busy",
    "a restart forgets": "0 a ask R\n 1 a granted\n 2 - restart" + cycle(3, "b", "R"),
    "a grant read by somebody who is gone": "0 a ask R\n 1 a queued\n 2 a ending crash"
    + cycle(3, "b", "R", stay=5)
    + "\n 6 a granted\n 9 a ended",
    "who passes from within": cycle(0, "a", "R PR", stay=9)
    + "\n 1 b ask R\n 2 b queued"
    + cycle(3, "c", "R PR nested")
    + "\n 20 b granted\n 21 b ending commit\n 22 b ended",
    "tokens in order": cycle(0, "a", "R", "#7")
    + "\n 5 - restart" + cycle(6, "b", "R", "#9") + cycle(11, "c", "R"),
    "tokens of those who ask together": cycle(0, "a", "R PR", "#8") + cycle(0.5, "b", "R PR", "#7"),
    "a waiter behind a holder": "0 a ask R\n 1 a granted\n 2 b ask R\n 3 b queued",
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_accepts_what_is_right(name):
    assert check(history(RIGHT[name]), fair=True) == []


def test_order_is_a_promise_of_fair_queues_only():
    _, text = WRONG["passed in a fair queue"]
    assert check(history(text)) == []
