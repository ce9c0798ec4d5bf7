"""What is said to who waits: who is in the way, in as many columns as there are."""

import pytest

from flom.cli import progress

HOLDER = {
    "id": 2,
    "since": 1000.0,
    "holding": 185.2,
    "user": "carlo",
    "host": "web1",
    "pid": 4242,
    "command": "./backup.sh --all",
    "uid": 1000,
    "cn": None,
    "peer": "localhost/",
}
HELD = "flom: waiting for backup: held by carlo@web1"
CLEAR = dict.fromkeys(("user", "host", "pid", "command", "uid", "cn"))


def row(*blockers, **more):
    return {
        "reason": "conflict",
        "blockers": list(blockers),
        "blocker_count": len(blockers),
        "place": 2,
        **more,
    }


def said(answer, name="backup", left=None, age=0.0, width=1000):
    news = progress.explained(name, answer, 12.0, left, age)
    return progress.fitted(news, width)


def test_who_holds_it_and_the_place_in_the_queue():
    assert said(row(HOLDER)) == (
        "flom: waiting for backup: held by carlo@web1 (pid 4242, ./backup.sh --all) for 3 min;"
        " place 2 in the queue"
    )
    assert said(row(HOLDER, place=1), left=12.9).endswith(
        "for 3 min; next in the queue; gives up in 12 s"
    )


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (row(HOLDER, HOLDER, HOLDER), " for 3 min, and 2 more; place"),
        (row(HOLDER, blocker_count=150), " for 3 min, and 149 more; place"),
        (
            row({**HOLDER, "since": None, "holding": None, "waiting": 75.0, "pid": None}),
            ": behind carlo@web1 (./backup.sh --all), who has waited for 1 min; place",
        ),
        (row({**HOLDER, **CLEAR}), ": held by localhost for 3 min"),
        (row({**HOLDER, **CLEAR, "peer": "10.0.0.1/88"}), ": held by 10.0.0.1/88 for 3 min"),
        (row({**HOLDER, **CLEAR, "uid": 0}), ": held by user id 0 for"),
        (row({**HOLDER, **CLEAR, "cn": "web1.example"}), ": held by web1.example for"),
        (row({**HOLDER, **CLEAR, "user": "carlo"}), ": held by carlo for"),
        (row({**HOLDER, "command": None}), " (pid 4242) for"),
        (row(reason="clock", place=1), "waiting for the next tick of backup; next in the queue"),
        (row(reason="no_resource"), "waiting until somebody creates backup (12 s)"),
    ],
)
def test_other_reasons(answer, part):
    assert part in said(answer)


def test_time_goes_on_since_the_answer():
    assert "for 5 min" in said(row(HOLDER), age=120)


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (103, f"{HELD} (pid 4242, ./backup.sh --all) for 3 min; next in the queue"),
        (102, f"{HELD} (pid 4242, ./backu...) for 3 min; next in the queue"),
        (
            84,
            f"{HELD} (pid 4242) for 3 min; next in the queue",
        ),
        (80, f"{HELD} for 3 min; next in the queue"),
        (40, "flom: waiting for backup: held by car..."),
        (20, "flom: waiting for..."),
        (2, ".."),
        (0, ""),
    ],
)
def test_as_many_columns_as_there_are(width, text):
    assert said(row(HOLDER, place=1), width=width) == text


@pytest.mark.parametrize("width", [80, 40, 20, 7, 1])
@pytest.mark.parametrize(
    "command", ["漢字" * 30, "e\u0301" * 60, "x" * 500, "\x1b[2J\r\n" * 20, ""]
)
def test_never_more_than_the_width_and_never_what_a_terminal_obeys(width, command):
    claim = {**HOLDER, "command": command, "user": "\x9b31m\u202e", "host": "h" * 300}
    text = said(row(claim), name="/\x07a b/" + "漢" * 50, width=width, left=5)
    assert text.isprintable()
    assert progress.columns(text) <= width


def test_wide_and_combining_characters():
    assert progress.columns("漢字") == 4
    assert progress.columns("e\u0301") == 1
    assert progress.cut("漢字漢字", 7) == "漢字..."
    assert progress.cut("漢字漢字", 6) == "漢..."
    assert progress.cut("漢字", 4) == "漢字"


NONSENSE = [None, True, -1, 1e300, float("nan"), float("inf"), 10**400, "x", [], {}, "\udc80"]


@pytest.mark.parametrize("value", NONSENSE, ids=repr)
def test_a_daemon_may_say_anything(value):
    for key in (*HOLDER, "waiting"):
        text = said(row({**HOLDER, key: value}))
        assert text.startswith("flom: waiting for backup: ")
        assert text.isprintable()
    for key in ("blockers", "place", "blocker_count", "reason"):
        news = progress.explained("backup", row(HOLDER, **{key: value}), 1.0, None, 0.0)
        assert news is None or all(text.isprintable() for text in news.texts)
        hash(news and news.key)


def test_what_is_known_without_the_daemons_help():
    def text(news):
        return progress.fitted(news, 200)

    assert text(progress.waiting("R", "/s", 12.7, None)) == "flom: waiting for R at /s (12 s)"
    assert text(progress.waiting("R", "/s", 12, 3, parked=True)) == (
        "flom: waiting until somebody creates R (12 s); gives up in 3 s"
    )
    assert text(progress.connecting("h:1", 3, -0.1)) == (
        "flom: connecting to h:1 (3 s); gives up in 0 s"
    )
    assert text(progress.searching("239.255.1.1/28015", 3, None)) == (
        "flom: looking for a daemon on 239.255.1.1/28015 (3 s)"
    )
    assert "answer of the daemon at /s" in text(progress.unanswered("/s", 3, None))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86400, "1 d"),
        (100_000, "1 d 3 h"),
    ],
)
def test_durations(seconds, text):
    assert progress.duration(seconds) == text


def test_a_situation_is_another_when_holder_or_place_change():
    def key(answer, age=0.0):
        return progress.explained("R", answer, 1.0, None, age).key

    same = key(row(HOLDER))
    assert key(row({**HOLDER, "holding": 999}), 5.0) == same
    others = {key(row({**HOLDER, "id": 3})), key(row(HOLDER, place=1)), key(row(HOLDER, HOLDER))}
    assert same not in others
    assert len(others) == 3
