"""The words of `flomctl`: which command, which settings, which exit status."""

import subprocess
import sys

import pytest

from flom.ctl import commands, tree
from flom.ctl.main import COMMANDS, main, usage


@pytest.fixture
def said(capsys, monkeypatch, tmp_path):
    """Runs `flomctl`; gives its status and both outputs."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(*words):
        status = main([str(word) for word in words])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_help(said):
    for words in (["--help"], ["-h"], ["help"]):
        assert said(*words) == (0, usage(), "")
    assert all(f"  {name} " in usage() for name in COMMANDS)
    assert max(map(len, usage().splitlines())) < 80
    status, out, err = said("explain", "--help")
    assert (status, err) == (0, "")
    assert "--lock-mode" in out


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "no command given"),
        (["shwo"], "did you mean show?"),
        (["show"], "flomctl show --help"),
        (["show", "a b["], "not a valid resource name"),
        (["ls", "--bogus"], "--bogus"),
        (["ls", "x"], "flomctl ls --help"),
        (["explain", "R", "-q", "x"], "expected an integer"),
        (["top", "--interval", "x"], "expected an integer"),
        (["completion", "csh"], "bash"),
        (["metrics", "--listen", "9528"], "ADDR:PORT"),
        (["metrics", "--listen", ":9528"], "ADDR:PORT"),
        (["metrics", "--listen", "127.0.0.1:x"], "ADDR:PORT"),
        (["-s"], "no command given"),
    ],
)
def test_wrong_words(said, words, text):
    status, out, err = said(*words)
    assert (status, out) == (2, "")
    assert err.startswith("flomctl: ")
    assert text in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", [["daemon", "--bogus"], ["pki", "bogus"], ["pki"]])
def test_wrong_words_of_those_that_have_their_own(said, words):
    status, out, err = said(*words)
    assert (status, out, err[:9]) == (99, "", "flomctl: ")


@pytest.mark.parametrize(
    "words",
    [["-s", "p", "--json", "ping"], ["ping", "-s", "p", "--json"], ["--json", "ping", "-sp"],
     ["-o", "5000", "--socket-name=p", "ping", "--json"]],
)  # fmt: skip
def test_options_stand_before_or_after(said, tmp_path, words):
    status, out, err = said(*words)
    assert (status, err) == (1, "")
    assert f'"unix://{tmp_path}/p"' in out


def test_settings_come_from_the_files_of_flom(said, tmp_path):
    (tmp_path / ".flom").write_text(f"[Daemon]\nSocketName={tmp_path}/mine\n")
    (tmp_path / "other").write_text(f"[Daemon]\nSocketName={tmp_path}/theirs\n")
    assert f"unix://{tmp_path}/mine: no daemon" in said("ping")[1]
    assert f"unix://{tmp_path}/theirs: no daemon" in said("ping", "-c", "other")[1]
    status, _, err = said("ping", "-a", "localhost")
    assert (status, "either at the socket" in err) == (99, True)


@pytest.mark.parametrize("name", ["ls", "top", "events", "metrics", "shutdown"])
def test_without_a_daemon(said, tmp_path, name):
    status, out, err = said(name, "-s", "p")
    assert (status, out) == (99, "")
    assert "p: no such socket (no daemon runs there, so nothing is locked;" in err
    assert not list(tmp_path.iterdir())


def test_the_default_resource_can_be_named(said):
    assert "no such socket" in said("show", "_RESOURCE", "-s", "p")[2]


def test_every_option_of_the_tree_is_a_row():
    for command in tree.TREE.commands.values():
        for param in command.params:
            assert isinstance(param, (commands.RowOption, commands.click.Argument))


def test_messages_are_printable(said):
    """Even what the words say comes back harmless."""
    for words in (["\x1b[2J"], ["ls", "-c", "\x1b[2J"], ["ls", "-s", "\x1b[2J"], ["show", "a\x1b"]):
        _, out, err = said(*words)
        assert (out + err).replace("\n", "").isprintable()
        assert "x1b" in err


def test_letters_that_the_terminal_lacks(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from flom.ctl.main import main; sys.exit(main())",
         "ping", "-s", tmp_path / "é漢"],
        capture_output=True, check=False, env={"PYTHONIOENCODING": "ascii", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, b"")
    assert rb"\xe9\u6f22: no daemon" in done.stdout


# Libraries that are not there

WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from flom.ctl.main import main
sys.exit(main(sys.argv[2:]))
"""


def without(libraries, *words):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, libraries, *map(str, words)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


ALL = "click,rich,prometheus_client,cryptography"


@pytest.mark.parametrize(
    ("name", "missing", "advice"),
    [("ls", "click", "pyflom[ctl]"), ("pki", "cryptography", "pyflom[pki]")],
)
def test_what_is_missing_is_named(name, missing, advice):
    done = without(missing, name)
    assert (done.returncode, done.stdout) == (99, "")
    assert missing in done.stderr
    assert f"pip install '{advice}'" in done.stderr


def test_help_and_daemon_need_nothing(tmp_path):
    assert without(ALL, "--help").stdout == usage()
    assert without(ALL, "--help").stdout
    done = without(ALL, "-d", "1", "-s", tmp_path / "s", "daemon")
    assert done.returncode == 0, done.stderr


# A store; nobody listens at that port.

STORE = "etcd://127.0.0.1:1/p"


def test_a_store_is_asked_where_the_files_name_one(said, tmp_path):
    (tmp_path / ".flom").write_text(f"[Store]\nUrl={STORE}\nUser=ann\nPassword=open sesame\n")
    (tmp_path / ".flom").chmod(0o600)
    status, out, err = said("ls")
    assert (status, out) == (99, "")
    assert f"the store at {STORE} does not answer" in err
    status, out, err = said("ping")
    assert (status, err) == (1, "")
    assert out.startswith(f"{STORE}: no store (")
    assert out.splitlines()[2].split() == ["127.0.0.1:1", "Connection", "refused"]
    status, out, err = said("ls", "-s", tmp_path / "s")
    assert (status, out) == (99, "")
    assert "no daemon runs there" in err
    assert "sesame" not in out + err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["shutdown"], "a store has no daemon"),
        (["daemon"], "needs no daemon"),
        (["ls", "-s", "s"], "exclude each other"),
        (["hold", "R", "--daemon-lifespan", "1"], "--daemon-lifespan means nothing to a store"),
        (["ls", "--store-user", "ann"], "has no password"),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_what_means_nothing_to_a_store(said, words, text, before):
    named = ["--store", STORE]
    status, out, err = said(*(named + words if before else words + named))
    assert (status, out) == (99, "")
    assert text in err
    assert err.count("\n") == 1
