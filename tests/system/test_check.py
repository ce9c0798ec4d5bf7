"""`flom --check`: says what would happen; nothing happens."""

import contextlib
import os
import socket
import threading

import pytest
from support import OTHER_UID, ScriptedDaemon, UnixPlace, encoded, need_root


def topics(done):
    """What is said, as (mark, topic) pairs."""
    lines = [line for line in done.stdout.splitlines() if line != "This command would work."]
    return [(line.split()[0], line.split(None, 1)[1].split(":")[0]) for line in lines]


def problems(done):
    """The topics with a problem; the end of the report and the exit status must agree."""
    found = [topic for mark, topic in topics(done) if mark == "problem"]
    assert (done.returncode == 99) == bool(found)
    assert ("This command would work." in done.stdout) == (not found)
    assert done.stderr.count("\n") == bool(found)
    return found


def test_a_command_that_would_work(any_place):
    done = any_place.run("--check", "--", "touch", "made")
    assert problems(done) == []
    assert topics(done) == [
        ("ok", "configuration"), ("ok", "daemon"), ("ok", "lock"), ("ok", "command"),
    ]  # fmt: skip
    assert "one would be started and end after 5000 ms without work" in done.stdout
    assert not any_place.daemons()
    assert os.listdir(any_place.folder) == []


def test_with_a_daemon_and_a_holder(any_place):
    holder = any_place.hold("-d", "-1")
    done = any_place.run("--check", "-r", "R", "-o", "0", "--", "true")
    assert problems(done) == []
    assert "one answers at" in done.stdout
    assert holder.poll() is None
    # What was asked has left nothing behind.
    assert any_place.run("-r", "R", "-o", "0", "--", "true").returncode == 98
    assert any_place.run("--check", "-r", "R", "--", "true").returncode == 0
    holder.communicate("\n", timeout=60)
    assert holder.returncode == 0


def test_nobody_is_disturbed_who_waits(place):
    place.hold("-d", "-1")
    waiter = place.wait()
    for _ in range(3):
        assert place.run("--check", "-r", "R", "--", "true").returncode == 0
    assert waiter.poll() is None


def test_no_daemon_and_none_may_be_started(any_place):
    done = any_place.run("--check", "-d", "0", "--", "true")
    assert problems(done) == ["daemon"]
    assert "ret_cod=-105" in done.stdout


@pytest.mark.parametrize(
    ("words", "topic"),
    [
        (["--", "no-such-program"], "command"),
        (["--", "/nonexistent/program"], "command"),
        (["--", "."], "command"),
        (["--", ""], "command"),
        ([], "command"),
        (["-r", "A[3]", "-q", "4", "--", "true"], "lock"),
        (["-r", "A[0]", "--", "true"], "lock"),
        (["-r", "_s_A[0]", "--", "true"], "lock"),
        (["-r", "A" * 600, "--", "true"], "lock"),
        (["-x", "--", "true"], "daemon"),
        (["--debug-feature=nope"], "debug feature"),
    ],
)
def test_what_would_not_work(place, words, topic):
    assert problems(place.run("--check", *words)) == [topic]
    assert not place.daemons()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["-l", "PR", "-r", "a"], "the simple resource 'a' for protected reading (PR), created"),
        (["-r", "A[3]", "-q", "2"], "2 of the numeric resource 'A[3]', created if nobody uses it"),
        (["-r", "A.B"], "one element of the set resource 'A.B', created"),
        (["-r", "A.B"], "with the element as last argument"),
        (["-r", "/a/b", "-e", "no"], "exclusively (EX), once somebody has created it"),
        (["-e", "no", "-o", "0"], "which must exist already (else exit status 96)"),
        (["-o", "0"], "it is not waited for (exit status 98 if it is busy)"),
        (["-o", "70", "-E", "3"], "waited for at most 70 ms (then exit status 3)"),
        ([], "it is waited for without limit"),
        (["-d", "-1"], "one would be started and stay for ever"),
        (["--debug-feature=tls.client"], "tls.client would run"),
    ],
)
def test_what_is_said(place, words, text):
    done = place.run("--check", *words, "--", "true")
    assert problems(done) == []
    assert text in done.stdout


def test_files_that_were_read(place):
    (place.folder / ".flom").write_text("[Resource]\nName=a\n")
    (place.folder / "more").write_text("[Resource]\nTimeout=0\n")
    done = place.run("--check", "-c", "more", "--", "true")
    assert f"from {place.folder}/.flom, then more, then the command line" in done.stdout


def test_a_bad_setting_is_refused_as_ever(place):
    done = place.run("--check", "-o", "x", "--", "true")
    assert (done.returncode, done.stdout) == (99, "")


def test_shutdown(place):
    place.hold("-d", "-1")
    for option, when in ("-x", "when nobody holds"), ("-X", "at once"):
        done = place.run("--check", option)
        assert problems(done) == []
        assert when in done.stdout
    assert place.listeners()


def test_places_where_no_daemon_could_listen(folder):
    (folder / "file").write_text("precious")
    for path in folder / "file", folder / "absent" / "s":
        done = UnixPlace(path, folder).run("--check", "--", "true")
        assert problems(done) == ["daemon"]
    assert (folder / "file").read_text() == "precious"


def test_a_lock_file_of_another_kind(place):
    place.lock_file.mkdir()
    assert problems(place.run("--check", "--", "true")) == ["daemon"]


def test_a_folder_one_may_not_write_to(places, folder):
    need_root()
    place = places()
    folder.chmod(0o755)
    done = place.run("--check", "--", "true", user=OTHER_UID)
    assert problems(done) == ["daemon"]


def test_an_address_of_another_host(places):
    place = places("127.0.0.1")
    place.words = ["-a", "192.0.2.1", "-p", str(place.port)]
    done = place.run("--check", "-o", "100", "--", "true")
    assert problems(done) == ["daemon"]


def test_an_unknown_name(places):
    place = places("127.0.0.1")
    place.words = ["-a", "absent.invalid", "-p", str(place.port)]
    done = place.run("--check", "--", "true")
    assert problems(done) == ["daemon"]
    assert "ret_cod=-110" in done.stdout


def test_what_is_asked_of_a_daemon(place):
    """For a resource that is not ours, is not made and not waited for, in the mildest mode."""
    daemon = ScriptedDaemon(place.path)
    assert place.run("--check", "-r", "R", "-o", "-1", "--", "true").returncode == 0
    (message,) = daemon.messages(2)
    for attribute in (b'mode="0"', b'wait="0"', b'create="0"'):
        assert attribute in message
    assert encoded("R").encode() not in message
    daemon.close()


def test_a_daemon_that_ends_meanwhile_is_not_replaced(place):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(place.path))
    listener.listen()

    def serve_once():
        listener.accept()[0].close()
        listener.close()  # whoever has come since is reset

    end = threading.Thread(target=serve_once, daemon=True)
    end.start()
    done = place.run("--check", "-d", "-1", "--", "true")
    end.join(30)
    assert problems(done) == ["daemon"]
    assert not place.daemons()


def test_something_else_listens(place):
    """Only who speaks the protocol is a daemon."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place.path))
        listener.listen()

        def greet():
            with contextlib.suppress(OSError):
                while sock := listener.accept()[0]:
                    with sock, contextlib.suppress(OSError):
                        sock.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        done = place.run("--check", "--", "true")
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(30)
    assert problems(done) == ["daemon"]
