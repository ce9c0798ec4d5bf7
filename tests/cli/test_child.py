"""Running the command: status, program, dispositions, signals (cli.md 11, 12).

In processes of their own, because what is tested changes the process it happens in.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "src"
RUN = """
import json, posix, signal, sys
from flom.cli import child
from flom.errors import FlomError
words, options = json.loads(sys.argv[1]), json.loads(sys.argv[2])
dispositions = child.Dispositions(options.get("hidden", 0))
dispositions.claim()
environ = options.get("environ", {"PATH": "/usr/bin:/bin"})
ignored = options.get("ignored", ())
try:
    ended = child.run(words, environ, ignored, dispositions, options.get("kill_child", False))
    outcome = [ended.status, ended.shared_signal]
except FlomError as error:
    outcome = [error.rc, error.text]
posix.write(2, json.dumps(outcome).encode())
"""
# Prints what the kernel says of itself, without a library that would change it.
SHOW = ["grep", "-E", "SigBlk|SigIgn", "/proc/self/status"]
WAYS = pytest.mark.parametrize("kill_child", [False, True], ids=["spawned", "tied"])


def start(words, cwd=None, before=None, **options):
    return subprocess.Popen(
        [sys.executable, "-S", "-c", RUN, json.dumps(words), json.dumps(options)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={"PYTHONPATH": str(SOURCE)},
        preexec_fn=before,  # noqa: PLW1509  # there are no threads here
    )


def run(words, **more):
    """The command's output and how it ended, as `child.run` tells."""
    process = start(words, **more)
    out, err = process.communicate(timeout=60)
    return out, json.loads(err)


def ends(words, **more):
    return run(words, **more)[1]


def script(folder, name, text, mode=0o755):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@WAYS
@pytest.mark.parametrize("status", [0, 1, 97, 255])
def test_c30_the_status(kill_child, status):
    assert ends(["sh", "-c", f"exit {status}"], kill_child=kill_child) == [status, 0]


@WAYS
@pytest.mark.parametrize("number", [9, 11, 15, 13])
def test_c36_death_by_a_signal(kill_child, number):
    assert ends(["sh", "-c", f"kill -{number} $$"], kill_child=kill_child) == [128 + number, 0]


@WAYS
def test_words_arrive_unchanged(kill_child):
    words = ["", " two  blanks ", "*", "a\nb", "-X", "é", "--"]
    out, ended = run(["printf", "%s|", *words], kill_child=kill_child)
    assert (out, ended) == ("".join(f"{word}|" for word in words), [0, 0])


@WAYS
def test_the_environment_is_the_one_given(kill_child):
    environ = {"PATH": "/usr/bin:/bin", "A": "1", "B": "two words", "EMPTY": ""}
    out, _ = run(["env"], environ=environ, kill_child=kill_child)
    assert sorted(out.splitlines()) == sorted(f"{key}={value}" for key, value in environ.items())


@WAYS
@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("no-such-program", "No such file"),
        ("/nonexistent/program", "No such file"),
        ("/dev/null/program", ""),
        ("/tmp", "Permission denied"),
        ("", "No such file"),
        ("./unreadable", "Permission denied"),
        ("./bad-interpreter", "No such file"),
    ],
)
def test_c30_what_cannot_be_executed(tmp_path, kill_child, word, reason):
    script(tmp_path, "unreadable", "", 0o644)
    script(tmp_path, "bad-interpreter", "#!/nonexistent/interpreter\n")
    rc, text = ends([word], cwd=tmp_path, kill_child=kill_child)
    assert rc == -106
    assert reason in text


@WAYS
def test_a_script_without_interpreter_is_for_the_shell(tmp_path, kill_child):
    script(tmp_path, "plain", 'echo "$0" "$@"; exit 4\n')
    out, ended = run(["./plain", "a b"], cwd=tmp_path, kill_child=kill_child)
    assert (out, ended) == ("./plain a b\n", [4, 0])


@WAYS
def test_along_path(tmp_path, kill_child):
    """Like execvp: what cannot be executed is passed over, an empty part is the folder itself."""
    (tmp_path / "a" / "prog").mkdir(parents=True)
    script(tmp_path, "b/prog", "#!/bin/sh\nexit 1\n", 0o644)
    script(tmp_path, "c/prog", "#!/bin/sh\nexit 5\n")
    script(tmp_path, "here", "#!/bin/sh\nexit 6\n")
    environ = {"PATH": f"{tmp_path}/none:{tmp_path}/a:{tmp_path}/b:{tmp_path}/c:/bin:"}
    for word, status in ("prog", 5), ("here", 6):
        ended = ends([word], environ=environ, cwd=tmp_path, kill_child=kill_child)
        assert ended == [status, 0]
    environ = {"PATH": f"{tmp_path}/a:{tmp_path}/b:{tmp_path}/none"}
    assert ends(["prog"], environ=environ, kill_child=kill_child) == [-106, "Permission denied"]
    assert ends(["true"], environ={}, kill_child=kill_child) == [0, 0]


def masks(out):
    """Blocked and ignored signals; of the C library's own two, posix_spawn leaves a trace."""
    found = [int(line.split(":")[1], 16) & ~(3 << 31) for line in out.splitlines()]
    return [{n for n in range(1, 65) if mask >> (n - 1) & 1} for mask in found]


@WAYS
@pytest.mark.parametrize("ignored", [(), (signal.SIGHUP,), (signal.SIGCHLD, signal.SIGINT)])
def test_c32_the_callers_dispositions(kill_child, ignored):
    def before():
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)

    out, _ = run(SHOW, before=before, kill_child=kill_child)
    assert masks(out) == [set(), set(ignored)]


@WAYS
@pytest.mark.parametrize("hidden", [0, 1 << 12, 1 << 24])
def test_c32_what_the_interpreter_hides(kill_child, hidden):
    out, _ = run(SHOW, hidden=hidden, kill_child=kill_child)
    assert masks(out)[1] == {number for number in (13, 25) if hidden >> (number - 1) & 1}


@WAYS
def test_c32_the_callers_mask(kill_child):
    def before():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])

    out, _ = run(SHOW, before=before, kill_child=kill_child)
    assert masks(out) == [{signal.SIGUSR1}, set()]


@WAYS
def test_c46_ignored_by_flom_alone(kill_child):
    """Neither ignored nor blocked in the command; flom outlives it."""
    out, _ = run(SHOW, ignored=[15, 1], kill_child=kill_child)
    assert masks(out) == [set(), set()]
    ended = ends(["sh", "-c", "kill -15 $PPID; exit 3"], ignored=[15], kill_child=kill_child)
    assert ended == [3, 0]


@WAYS
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_c45_passed_on_and_shared(kill_child, number):
    process = start(["sh", "-c", "echo ready; exec sleep 600"], kill_child=kill_child)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert json.loads(err) == [128 + number, number]


@WAYS
def test_c35_only_the_command_is_waited_for(kill_child):
    """A child that was there before, and ends first, is not the command (CF-2)."""

    def before():
        if os.fork() == 0:
            os._exit(9)

    assert ends(["sh", "-c", "exit 3"], before=before, kill_child=kill_child) == [3, 0]


@WAYS
def test_c33_grandchildren_do_not_delay(kill_child):
    words = ["sh", "-c", "sleep 600 >/dev/null 2>&1 & echo $!; exit 3"]
    process = start(words, kill_child=kill_child)
    grandchild = int(process.stdout.readline())
    try:
        assert process.wait(60) == 0
        assert json.loads(process.stderr.read()) == [3, 0]
    finally:
        os.kill(grandchild, signal.SIGKILL)
        process.communicate()


@WAYS
def test_descriptors(kill_child):
    """The command gets no descriptor of ours."""
    process = start(["ls", "/proc/self/fd"], kill_child=kill_child)
    out, _ = process.communicate(timeout=60)
    assert out.split() == ["0", "1", "2", "3"]  # the last is the folder


def test_tied_it_dies_with_the_process():
    process = start(["sh", "-c", "echo $$; exec sleep 600"], kill_child=True)
    assert process.stdout.readline()
    process.kill()
    assert process.stdout.read() == ""  # the last writer has gone
    process.communicate()


def test_without_ctypes_nothing_runs(tmp_path):
    (tmp_path / "ctypes.py").write_text("raise ImportError('left out')\n")
    done = subprocess.run(
        [sys.executable, "-c", RUN, '["true"]', '{"kill_child": true}'],
        env={"PYTHONPATH": f"{tmp_path}:{SOURCE}"},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    rc, text = json.loads(done.stderr)
    assert "ctypes" in text
    assert rc == 13
