"""A plain command goes the shortest way, and nobody can tell the difference (cli/plain.py).

Each scene is played twice: with a command that goes that way, and with one that says the same but
in more words, which does not. What can be seen of both is the same.
"""

import json
import re
import signal
import stat

import pytest
from support import (
    FLOM,
    FLOMCTL,
    asleep,
    descriptors,
    gone,
    kill,
    pids,
    stat_fields,
    state,
    wait_for,
)

FULL = ("-q", "1")  # the default
SHOW = "env | grep ^FLOM_ | sort; printf '%s ' \"$@\""


def children(pid):
    return [each for each in pids() if (fields := stat_fields(each)) and int(fields[1]) == pid]


@pytest.fixture
def place(place):
    """One with a daemon: only then is there a shortest way."""
    start_daemon(place)
    return place


def start_daemon(place):
    assert place.run("-d", "-1", "--", "true").returncode == 0


def both(place, *words, **options):
    """What comes of a command, either way."""
    return [place.run(*more, *words, **options) for more in ((), FULL)]


def same(plain, full):
    """That nothing but numbers of this one run tells them apart."""
    results = [
        (
            done.returncode,
            *(re.sub(r"\b[0-9a-f]{16}\b|process \d+|\d{9,}", "#", text) for text in texts),
        )
        for done in (plain, full)
        for texts in [(done.stdout, done.stderr)]
    ]
    assert results[0] == results[1]
    return plain


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -9 $$"], 137),
        (["sh", "-c", "echo out; echo err >&2; cat; exit 3"], 3),
        (["no-such-program-anywhere"], 97),
        ([""], 97),
        (["/"], 97),
    ],
)
def test_statuses_and_streams(place, command, status):
    assert same(*both(place, "-r", "R", "--", *command)).returncode == status


def test_scripts_without_an_interpreter(place, folder):
    script = folder / "script"
    script.write_text("echo from a script\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    assert same(*both(place, "--", script)).stdout == "from a script\n"


@pytest.mark.parametrize("name", [(), ("-r", "R"), ("--resource-name", "R2")])
@pytest.mark.parametrize("outer", [{}, {"FLOM_ELEMENT": "x", "FLOM_SESSION": "ab" * 8, "A": "b"}])
def test_words_and_environment_of_the_command(place, name, outer):
    words = [*name, "--", "sh", "-c", SHOW, "sh", "-r", "--", "a  b", ""]
    done = same(*both(place, *words, env=outer))
    assert "FLOM_RESOURCE=" + (name or ("", "_RESOURCE"))[1] in done.stdout
    assert "FLOM_LOCK_MODE=EX" in done.stdout
    assert "FLOM_FENCING_TOKEN=" in done.stdout
    assert "FLOM_ELEMENT" not in done.stdout


CHANGING = {"id", "pid", "asked", "since", "waiting", "holding"}


def test_what_the_daemon_is_told(place):
    """Operators see the same of both."""
    rows = []
    for more in (), FULL:
        holder = place.hold(*more)
        shown = place.run("show", "R", "--json", program=(FLOMCTL,))
        (row,) = json.loads(shown.stdout)["holders"]
        rows.append({key: value for key, value in row.items() if key not in CHANGING})
        assert row["pid"] == holder.pid
        holder.communicate("\n")
    assert rows[0] == rows[1]
    assert rows[0]["command"].startswith("sh -c echo held")


@pytest.mark.parametrize("first", [(), FULL])
@pytest.mark.parametrize("then", [(), FULL])
def test_one_after_the_other(place, first, then):
    holder = place.hold(*first)
    waiters = [place.wait(*then), place.wait(*first)]
    for process in (holder, *waiters):
        if process is not holder:
            assert process.stdout.readline() == "held\n"
        out, err = process.communicate("\n")
        assert (process.returncode, out, err) == (0, "", "")
    wait_for(lambda: not place.busy(), "a free lock")


@pytest.mark.parametrize("more", [(), FULL])
def test_a_daemon_is_started(place, more):
    place.shut_down()
    place.await_no_daemon()
    assert place.run(*more, "--", "true").returncode == 0
    assert place.listeners()


@pytest.mark.parametrize("more", [(), FULL])
def test_a_waiting_one_is_interrupted(place, more):
    holder = place.hold(*more)
    waiter = place.wait(*more)
    waiter.send_signal(signal.SIGINT)
    out, err = waiter.communicate()
    assert (waiter.returncode, out, err) == (-signal.SIGINT, "", "")
    next_one = place.wait(*more)
    holder.communicate("\n")
    assert next_one.stdout.readline() == "held\n"
    next_one.communicate("\n")
    assert next_one.returncode == 0


def test_a_daemon_that_does_not_answer_at_once(place):
    results = []
    daemon = place.daemon()
    for more in (), FULL:
        kill(daemon, signal.SIGSTOP)
        wait_for(lambda: state(daemon) == "T", "a stopped daemon")
        process = place.start(*more, "--", "echo", "ran")
        wait_for(
            lambda process=process: (
                asleep(process.pid)
                and any("socket:" in target for target in descriptors(process.pid).values())
            ),
            "a flom that waits",
        )
        kill(daemon, signal.SIGCONT)
        out, err = process.communicate()
        results.append((process.returncode, out, err))
    assert results == [(0, "ran\n", "")] * 2


def test_the_daemon_dies_while_the_command_runs(place):
    results = []
    for more in (), FULL:
        holder = place.hold(*more)
        kill(place.daemon())
        wait_for(lambda: not place.listeners(), "the end of the daemon")
        out, err = holder.communicate("\n")
        results.append((holder.returncode, out, err))
        start_daemon(place)
    assert results[0] == results[1]
    assert results[0][0] == 99
    assert "somebody else may have locked the resource meanwhile" in results[0][2]


def test_an_operator_takes_the_lock(place):
    results = []
    for more in (), FULL:
        holder = place.hold(*more)
        taken = place.run("release", "R", "--force", program=(FLOMCTL,))
        assert taken.returncode == 0, taken.stderr
        out, err = holder.communicate("\n")
        results.append((holder.returncode, out, err))
    assert results[0] == results[1]
    assert results[0][0] == 99
    assert "the lock was taken by" in results[0][2]


def test_a_lock_within_itself_is_refused(place):
    nested = '"$@" -r R -- true; echo status $?'
    results = [
        place.run(*more, "-r", "R", "--", "sh", "-c", nested, "sh", FLOM, *place.words, *more)
        for more in ((), FULL)
    ]
    done = same(*results)
    assert "status 98" in done.stdout or "status 99" in done.stdout


def test_the_files_have_their_say(place):
    (place.folder / ".flom").write_text("[Trace]\nVerbose=yes\n")
    assert "[Resource]/Name" in same(*both(place, "--", "true")).stdout


@pytest.mark.parametrize("more", [(), FULL])
def test_a_trace_is_written(place, more):
    done = place.run(*more, "--", "true", env={"FLOM_TRACE_MASK": "0xffffff"})
    assert "flom_client_connect/ret_cod=0" in done.stderr


@pytest.mark.parametrize("name", ["_RESOURCE", "a_b", "a" * 5000, "ä", "1a", ""])
def test_names_that_are_none(place, name):
    assert same(*both(place, "-r", name, "--", "true")).returncode == 99


@pytest.mark.parametrize("path", ["", "x" * 200, "/nowhere/at/all"])
def test_sockets_that_are_none(place, path):
    place.words = []
    results = [place.run("-s", path, *more, "--", "true") for more in ((), FULL)]
    assert same(*results).returncode == 99


def test_a_signal_that_both_get(place):
    results = []
    for more in (), FULL:
        holder = place.hold(*more)
        (command,) = children(holder.pid)
        holder.send_signal(signal.SIGTERM)
        wait_for(lambda command=command: gone(command), "the end of the command")
        out, err = holder.communicate()
        results.append((holder.returncode, out, err))
        wait_for(lambda: not place.busy(), "a free lock")
    assert results == [(-signal.SIGTERM, "", "")] * 2


@pytest.mark.parametrize("ignored", ["INT", "TERM", "CHLD", "PIPE", "HUP"])
def test_what_the_caller_ignores(place, ignored):
    show = ["sh", "-c", "grep -E '^Sig(Ign|Blk)' /proc/self/status"]
    shell = f"trap '' {ignored}; exec \"$@\""
    done = same(*both(place, "--", *show, shell=shell))
    assert done.returncode == 0
    assert "SigIgn" in done.stdout


@pytest.mark.parametrize("closing", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(place, closing):
    look = 'for n in 0 1 2 3 4; do [ -e /proc/$$/fd/$n ] && set -- "$@" $n; done; echo "$@"'
    show = ["sh", "-c", f"{{ {look}; }} >{place.folder}/found", "sh"]
    found = []
    for more in (), FULL:
        place.run(*more, "--", *show, shell=f'exec "$@" {closing}')
        found.append((place.folder / "found").read_text())
    assert found[0] == found[1]


def test_no_home(place):
    results = [
        place.run(*more, "--", "echo", "ran", shell='unset HOME; exec "$@"') for more in ((), FULL)
    ]
    assert same(*results).stdout == "ran\n"
