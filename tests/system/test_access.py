"""Rules of access: who may lock what, and who may end the daemon (docs/reference/access.md)."""

import os
import subprocess

import pytest
from support import (
    FLOMCTL,
    OTHER_UID,
    as_user,
    check_other_users_can_run_flom,
    lock_message,
    shutdown_message,
    wait_for,
)

from flom.machine import unique_id

ME = f"uid:{os.getuid()}"
MINE = f"[Access]\nmine = allow lock A* to {ME}\nbooks = allow lock /books/** PR to *\n"
CAPTURED = {"capture_output": True, "text": True, "timeout": 60}
DENIED = "[flom_client_lock: ret_cod=-605]"
EXTENDED = b'<msg ext="flom" '


@pytest.fixture
def guarded(folder):
    """Starts a daemon in the foreground with rules; returns it when it serves."""

    def start(place, rules):
        (folder / "rules").write_text(rules)
        daemon = place.start("-c", folder / "rules", program=(FLOMCTL, "daemon"))
        wait_for(lambda: daemon.poll() is not None or place.listeners(), "the daemon")
        assert daemon.poll() is None, daemon.stderr.read()
        return daemon

    return start


def refusals(daemon):
    """Ends the daemon; the records of what it did not allow."""
    daemon.terminate()
    _, log = daemon.communicate(timeout=60)
    return [line for line in log.splitlines() if "FLM110W" in line]


def extended(data):
    """A message of a client that knows our extension."""
    return data.replace(b"<msg ", EXTENDED)


def test_a_lock_that_is_not_allowed(place, guarded):
    """One line, status 99, the command does not run; the log says who wanted what, and why not."""
    daemon = guarded(place, MINE)
    assert place.run("-r", "A", "--", "true").returncode == 0
    assert place.run("-r", "A[3]", "-q", "2", "--", "true").returncode == 0
    assert place.run("-r", "/books/b", "-l", "PR", "--", "true").returncode == 0
    done = place.run("-r", "B", "--", "echo", "run")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (99, "", 1)
    assert done.stderr.endswith(f"{DENIED}\n")
    assert "rules under [Access]" in done.stderr
    assert place.run("-r", "/books/b", "-l", "EX", "-o", "0", "--", "true").returncode == 99
    first, second = refusals(daemon)
    assert first.startswith("<4>FLM110W not allowed: lock 'B' EX, from localhost/ (")
    assert f"uid {os.getuid()}, id '{unique_id()}'): no rule allows it" in first
    assert "lock '/books/b' EX" in second


def test_a_client_without_our_extension_is_left(place, guarded):
    """It knows no code for this, so its connection ends, and all it had is free."""
    guarded(place, MINE)
    peer = place.peer()
    assert peer.lock("A") == 0
    assert peer.lock("B") is None
    assert not place.busy("A")


def test_a_client_with_our_extension_may_go_on(place, guarded):
    guarded(place, MINE)
    peer = place.peer()
    for name in ("A1", "A2"):
        peer.send(extended(lock_message("B")))
        assert peer.answer() == -605
        peer.send(extended(lock_message(name)))
        assert peer.answer() == 0
    assert place.busy("A1")
    assert place.busy("A2")


def test_a_refused_request_replaces_the_pending_one(place, guarded):
    """As any request does: it is not granted behind the back of who asked for something else."""
    guarded(place, MINE)
    holder, waiter = place.peer(), place.peer()
    assert holder.lock("A") == 0
    waiter.send(extended(lock_message("A")))
    assert waiter.answer() == 1
    waiter.send(extended(lock_message("B")))
    assert waiter.answer() == -605
    holder.unlock("A")
    assert not place.busy("A")


@pytest.mark.parametrize("option", ["-x", "-X"])
def test_a_shutdown_that_is_not_allowed(place, guarded, option):
    daemon = guarded(place, MINE)
    done = place.run(option)
    assert (done.returncode, done.stderr.count("\n")) == (99, 1)
    assert "ret_cod=-605" in done.stderr
    peer = place.peer()
    peer.send(shutdown_message(1))
    assert peer.answer() is None
    assert place.run("-r", "A", "-d", "0", "--", "true").returncode == 0
    assert [line.partition(",")[0] for line in refusals(daemon)] == [
        "<4>FLM110W not allowed: shutdown"
    ] * 2


def test_a_shutdown_that_is_allowed(place, guarded):
    daemon = guarded(place, MINE + f"end = allow shutdown to {ME}\n")
    assert place.run("-X").returncode == 0
    assert daemon.wait(60) == 0


def test_the_user_at_a_local_socket(place, folder, guarded):
    """The kernel says who it is, whatever the client says."""
    check_other_users_can_run_flom()
    folder.chmod(0o755)
    daemon = guarded(place, f"[Access]\na = deny * to uid:{OTHER_UID}\nb = allow * to *\n")
    assert place.run("-r", "A", "--", "true").returncode == 0
    done = place.run("-r", "A", "-d", "0", "--", "true", **as_user(OTHER_UID))
    assert (done.returncode, done.stderr.endswith(f"{DENIED}\n")) == (99, True)
    (record,) = refusals(daemon)
    assert f"uid {OTHER_UID}" in record
    assert record.endswith("by rule 'a'")


@pytest.mark.parametrize(("rule", "status"), [("id:{id}", 0), ("id:0*0", 99), (ME, 99)])
def test_the_id_that_a_peer_claims(places, guarded, rule, status):
    """Over TCP nobody has a uid."""
    place = places("127.0.0.1")
    daemon = guarded(place, f"[Access]\na = allow lock ** to {rule.format(id=unique_id())}\n")
    assert place.run("-r", "A", "--", "true").returncode == status
    assert not any("uid" in record for record in refusals(daemon))


@pytest.mark.parametrize(
    ("force", "held", "allowed"),
    [
        ("A*", ["A"], True),
        ("B", ["A"], False),
        ("/t/a", ["/t/a"], True),
        ("/t/a", ["/t/a", "/t/b"], False),
        ("/t/**", ["/t/a", "/t/b"], True),
    ],
)
def test_taking_locks_away(place, guarded, force, held, allowed):
    """Of all claims that are meant, or of none."""
    daemon = guarded(place, f"{MINE}t = allow lock /t/** to *\nf = allow force {force} to {ME}\n")
    for name in held:
        assert place.peer().lock(name) == 0
    words = [FLOMCTL, "release", held[0], "--force", *place.words]
    done = subprocess.run(words, check=False, **CAPTURED)
    assert (done.returncode == 0) is allowed, done.stderr
    assert ("-605" in done.stderr) is not allowed
    assert [place.busy(name) for name in held] == [not allowed] * len(held)
    assert len([line for line in refusals(daemon) if "force '" in line]) == (not allowed)


def test_the_first_id_that_a_peer_claims_counts(place, guarded):
    """It is the one that the check of ids compares with the certificate."""
    guarded(place, "[Access]\na = allow lock A to id:aa\nb = allow lock B to id:bb\n")
    peer = place.peer()
    for identity, name, answer in (("aa", "A", 0), ("bb", "B", -605)):
        claim = f'peerid="{identity}"'.encode()
        peer.send(extended(lock_message(name)).replace(b'peerid=""', claim))
        assert peer.answer() == answer


def test_the_name_in_a_certificate(any_place, folder, guarded):
    """Certificates of `flomctl pki`, in use; one that is renewed counts at once."""

    def pki(*words):
        command = [FLOMCTL, "pki", *words, "--dir", folder / "pki"]
        done = subprocess.run(command, check=False, **CAPTURED)
        assert done.returncode == 0, done.stderr
        return done.stdout

    pki("init")
    papers = {name: pki("issue", "--id", name) for name in ("lockhost", "web-1", "db-1")}
    for name, text in papers.items():
        (folder / name).write_text(text)
    daemon = guarded(any_place, f"{papers['lockhost']}[Access]\nweb = allow lock ** to cn:web-*\n")

    def lock(name):
        return any_place.run("-c", folder / name, "-d", "0", "-r", "A", "--", "true")

    assert lock("web-1").returncode == 0
    done = lock("db-1")
    assert (done.returncode, done.stderr.endswith(f"{DENIED}\n")) == (99, True)
    pki("renew", "lockhost", "--new-key")
    pki("renew", "web-1", "--new-key")
    assert lock("web-1").returncode == 0
    (record,) = refusals(daemon)
    assert "(cn 'db-1', " in record


def test_a_daemon_that_the_command_starts_has_the_rules(any_place, folder):
    (folder / "rules").write_text("[Access]\na = allow lock A to *\nb = allow shutdown to *\n")
    words = ("-c", folder / "rules", "-d", "-1")
    assert any_place.run(*words, "-r", "A", "--", "true").returncode == 0
    assert any_place.run("-r", "B", "--", "true").returncode == 99
    any_place.shut_down()


def test_without_rules_everybody_may_do_everything(place, guarded):
    daemon = guarded(place, "[Access]\n")
    assert place.run("-r", "B", "--", "true").returncode == 0
    assert place.run("-X").returncode == 0
    assert daemon.wait(60) == 0


def test_check_finds_a_daemon_that_allows_nothing(place, guarded):
    guarded(place, "[Access]\na = deny * to *\n")
    done = place.run("--check", "-r", "A", "--", "true")
    assert (done.returncode, "daemon: one answers" in done.stdout) == (0, True)


def test_a_rule_that_is_none(place, folder):
    """Nothing is run, and no daemon without rules comes to be."""
    (folder / "rules").write_text("[Access]\nall = alow * to *\n")
    done = place.run("-c", folder / "rules", "-r", "A", "--", "echo", "run")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (99, "", 1)
    assert f"{folder}/rules line 2: [Access]/all='alow * to *': 'alow' is neither" in done.stderr
    assert not place.listeners()


def test_a_user_who_does_not_exist_is_told(place, guarded):
    daemon = guarded(place, "[Access]\nall = allow * to uid:nobody-of-that-name\n")
    assert place.run("-r", "A", "-d", "0", "--", "true").returncode == 99
    daemon.terminate()
    assert "FLM111W rule 'all' speaks of the user" in daemon.communicate(timeout=60)[1]
