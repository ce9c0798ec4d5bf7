"""Rules of access: how they are written, and what they decide."""

import pytest

from flom.access.rules import FORCE, LOCK, SHUTDOWN, Peer, Policy, Rule, resource_of
from flom.errors import RC_INVALID_OPTION, ConfigError
from flom.values import MODE_NAMES

USERS = {"root": 0, "deploy": 1001}
WEB = Peer(cn="web-1", peerid="aa11", uid=1001)
STRANGER = Peer()
EX, PR, CR = MODE_NAMES.index("EX"), MODE_NAMES.index("PR"), MODE_NAMES.index("CR")


def policy(*texts):
    return Policy([(f"r{n}", text) for n, text in enumerate(texts)], USERS.get)


def decide(text, peer=WEB, action=LOCK, resource="A", mode=EX):
    """Whether the only rule lets this pass."""
    return policy(text).refusal(action, peer, resource, mode) == ""


@pytest.mark.parametrize(
    ("who", "fits"),
    [
        ("*", True),
        ("cn:web-1", True), ("cn:web-*", True), ("cn:*", True), ("cn:db-*", False),
        ("cn:web", False),
        ("id:aa11", True), ("id:aa*", True), ("id:web-1", False),
        ("uid:1001", True), ("uid:deploy", True), ("uid:0", False), ("uid:root", False),
        ("uid:nobody-of-that-name", False),
        ("uid:0 cn:web-1", True), ("uid:0, cn:db-1", False), ("cn:db-1, cn:web-1", True),
    ],
)  # fmt: skip
def test_who(who, fits):
    assert decide(f"allow lock ** to {who}") is fits
    assert decide(f"allow lock ** to {who}", STRANGER) is (who == "*")


def test_blanks_in_names_stand_in_quotes():
    rule = 'allow lock "/a b/**" to cn:"web one"'
    assert decide(rule, Peer(cn="web one"), resource="/a b/c")
    assert not decide(rule, Peer(cn="web"), resource="/a b/c")
    assert decide('allow lock "to" to *', resource="to")
    assert decide('allow lock "EX" to *', resource="EX")


@pytest.mark.parametrize(
    ("modes", "allowed"),
    [
        ("", MODE_NAMES),
        ("EX", ["EX"]),
        ("PR,cr", ["CR", "PR"]),
        ("ProtectedRead,NullLock", ["NL", "PR"]),
    ],
)
def test_modes(modes, allowed):
    found = [
        name for n, name in enumerate(MODE_NAMES) if decide(f"allow lock A {modes} to *", mode=n)
    ]
    assert found == list(allowed)


@pytest.mark.parametrize(
    ("what", "allowed"),
    [
        ("lock **", [LOCK]),
        ("force **", [FORCE]),
        ("shutdown", [SHUTDOWN]),
        ("*", [LOCK, FORCE, SHUTDOWN]),
        ("lock B", []),
        ("force B", []),
    ],
)
def test_actions(what, allowed):
    rule = f"allow {what} to *"
    found = [action for action in (LOCK, FORCE) if decide(rule, action=action)]
    if policy(rule).refusal(SHUTDOWN, WEB) == "":
        found.append(SHUTDOWN)
    assert found == allowed


def test_the_first_rule_that_fits_decides():
    rules = policy(
        "deny lock /prod/** EX to cn:web-1",
        "allow lock /prod/** to cn:web-*",
        "deny * to cn:web-1",
        "allow * to *",
    )
    assert rules.refusal(LOCK, WEB, "/prod/a", EX) == "by rule 'r0'"
    assert rules.refusal(LOCK, WEB, "/prod/a", PR) == ""
    assert rules.refusal(LOCK, WEB, "/test/a", PR) == "by rule 'r2'"
    assert rules.refusal(SHUTDOWN, WEB) == "by rule 'r2'"
    assert rules.refusal(LOCK, Peer(cn="web-2"), "/prod/a", EX) == ""
    assert rules.refusal(LOCK, STRANGER, "/prod/a", EX) == ""


def test_what_no_rule_speaks_of_is_refused():
    rules = policy("deny lock secret to *")
    assert rules.refusal(LOCK, WEB, "other", EX) == "no rule allows it"
    assert rules.refusal(SHUTDOWN, WEB) == "no rule allows it"


def test_users_who_do_not_exist_are_told():
    rules = policy("allow * to uid:root", "allow * to uid:a uid:b uid:77")
    assert rules.missing() == [("r1", "a"), ("r1", "b")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a rule is: allow or deny"),
        ("allow lock **", "a rule is: allow or deny"),
        ("allow lock ** to", "a rule is: allow or deny"),
        ("allow to *", "a rule is: allow or deny"),
        ("to lock ** to *", "a rule is: allow or deny"),
        ("permit lock ** to *", "'permit' is neither allow nor deny"),
        ("allow kill ** to *", "'kill' is nothing that can be allowed"),
        ("allow lock to *", "a pattern is missing after 'lock'"),
        ("allow force to *", "a pattern is missing after 'force'"),
        ("deny lock EX to *", "write '** EX' for all resources"),
        ("deny lock EX,PR to *", "write '** EX,PR' for all resources"),
        ("allow lock ** XE to *", "'XE' are no modes: write some of NL,CR,CW,PR,PW,EX"),
        ("allow lock ** EX, PR to *", "'PR' is too much before 'to'"),
        ("allow force ** EX to *", "'EX' is too much before 'to'"),
        ("allow shutdown ** to *", "'**' does not belong after 'shutdown'"),
        ("allow * ** to *", "'**' does not belong after '*'"),
        ("allow lock [a to *", "'[a' is no pattern: '[' without ']'"),
        ("allow lock ** to web-*", "'web-*' is nobody: write cn:PATTERN"),
        ("allow lock ** to cn:", "'cn:' is nobody"),
        ("allow lock ** to gid:5", "'gid:5' is nobody"),
        ("allow lock ** to cn:[", "'[' is no pattern"),
        ('allow lock "** to *', "a quotation mark has no partner"),
    ],
)
def test_what_is_no_rule(text, words):
    with pytest.raises(ConfigError) as caught:
        Rule("r", text, USERS.get)
    assert words in caught.value.text
    assert caught.value.rc == RC_INVALID_OPTION


@pytest.mark.parametrize(
    ("name", "mode", "expected"),
    [
        (b"A", PR, ("A", PR)),
        (b"_RESOURCE", PR, ("_RESOURCE", PR)),
        (b"/a/b", PR, ("/a/b", PR)),
        ("/é".encode(), PR, ("/é", PR)),
        (b"/\xff", PR, ("/\udcff", PR)),
        (b"A[8]", PR, ("A", EX)),
        (b"A.B", PR, ("A.B", EX)),
        (b"_s_A[8]", CR, ("_s_A", EX)),
        (b"_S_A[8]", CR, ("_S_A", EX)),
        (b"_t_%D.%T[1]", CR, ("_t_%D.%T", EX)),
        (b"A[", PR, None),
        (b"A", 6, None),
        (b"A", -1, None),
        (b"", PR, None),
    ],
)
def test_what_patterns_see(name, mode, expected):
    assert resource_of(name, mode) == expected


def test_a_peer_in_words():
    assert str(WEB) == "cn 'web-1', uid 1001, id 'aa11'"
    assert str(Peer(uid=0)) == "uid 0"
    assert str(STRANGER) == ""
