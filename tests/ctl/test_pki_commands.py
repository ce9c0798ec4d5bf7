"""`flomctl pki`: words in, lines and an exit status out."""

import json
import sys

import pytest

from flom.ctl.main import main
from flom.machine import unique_id
from flom.settings import load

needs_id = pytest.mark.skipif(not unique_id(), reason="this host has no unique id")


class Room:
    """`flomctl pki` with one directory."""

    def __init__(self, directory, capsys):
        self.directory = directory
        self._capsys = capsys

    def run(self, command, *words):
        """Status, standard output, standard error."""
        place = ["--dir", str(self.directory)]
        status = main(["pki", command, *place, *map(str, words)])
        return status, *self._capsys.readouterr()

    def names(self):
        return sorted(path.name for path in self.directory.iterdir())


@pytest.fixture
def room(tmp_path, capsys):
    made = Room(tmp_path / "pki", capsys)
    assert made.run("init", "--name", "ours")[0] == 0
    return made


def test_init_and_issue(room, tmp_path):
    """What `issue` prints is a configuration as it stands."""
    status, out, errors = room.run("issue", "--id", "web-1", "--days", 20)
    assert (status, room.names()) == (0, ["ca.key", "ca.pem", "web-1.key", "web-1.pem"])
    assert "Copy the three files" in errors
    (tmp_path / "conf").write_text(out)
    from flom.options import OPTIONS

    option = next(option for option in OPTIONS if option.attr == "config_file")
    settings = load([(option, "conf")], {"HOME": "/nowhere"}, str(tmp_path), pytest.fail, "/none")
    assert settings.tls
    assert settings.tls_private_key == str(room.directory / "web-1.key")


@needs_id
def test_this_host_is_the_default(room):
    status, out, errors = room.run("issue")
    assert (status, errors) == (0, "")
    assert out.startswith(f"# {unique_id()}: valid until")
    assert room.run("verify", unique_id()) == (0, "", "")
    assert room.run("renew")[0] == 0
    assert f"{unique_id()}.pem.old" in room.names()
    assert room.run("verify", unique_id()) == (0, "", "")


def test_renew_keeps_the_key_unless_told(room):
    room.run("issue", "--id", "web-1")
    key = room.directory / "web-1.key"
    before = key.read_bytes()
    assert room.run("renew", "web-1")[0] == 0
    assert key.read_bytes() == before
    assert room.run("renew", "web-1", "--new-key")[0] == 0
    assert key.read_bytes() != before == (room.directory / "web-1.key.old").read_bytes()
    assert room.run("verify", "web-1", "--id", "web-1") == (0, "", "")


def test_the_authority_is_renewed_with_its_key(room):
    room.run("issue", "--id", "web-1")
    assert room.run("renew", "ca")[0] == 0
    assert room.run("verify", "web-1", "--id", "web-1") == (0, "", "")
    assert (
        json.loads(room.run("show", room.directory / "ca.pem", "--json")[1])[0]["days_left"] > 3000
    )
    status, _, errors = room.run("renew", "ca", "--new-key")
    assert status == 99
    assert "another authority" in errors


def test_show(room):
    room.run("issue", "--id", "web-1", "--days", 20)
    status, out, _ = room.run("show", "--json")
    ca, peer = json.loads(out)
    assert status == 0
    assert (ca["name"], ca["authority"], ca["issuer"]) == ("ours", True, "CN=ours")
    assert peer["file"] == str(room.directory / "web-1.pem")
    assert peer["not_after"].endswith("Z")
    status, out, _ = room.run("show")
    assert status == 0
    for part in ("subject", "issuer", "fingerprint"):
        assert out.count(peer[part]) >= 1
    assert "(authority)" in out


def test_verify_has_a_status_for_each_level(room):
    room.run("issue", "--id", "web-1")
    status, out, errors = room.run("verify", "web-1")
    assert (status, errors, out.count("\n")) == (1, "", 1)
    assert out.startswith(f"warning: {room.directory}/web-1.pem: is for 'web-1'")
    (room.directory / "web-1.key").unlink()
    status, out, _ = room.run("verify", "web-1", "--json")
    assert status == 2
    assert [finding["level"] for finding in json.loads(out)] == ["warning", "error"]
    assert set(json.loads(out)[0]) == {"level", "file", "problem", "remedy"}


def test_verify_the_configured_files(room, tmp_path, monkeypatch):
    """Where the configuration asks for the check of ids, another name is an error."""
    monkeypatch.setenv("HOME", str(tmp_path))
    _, lines, _ = room.run("issue", "--id", "web-1")
    (tmp_path / "conf").write_text(lines)
    assert room.run("verify", "-c", tmp_path / "conf")[0] == 1
    (tmp_path / "conf").write_text(lines + "TlsCheckPeerId=yes\n")
    assert room.run("verify", "-c", tmp_path / "conf")[0] == 2


def test_verify_three_files(room):
    room.run("issue", "--id", "web-1")
    words = []
    for option, name in (("certificate", "web-1.pem"), ("private-key", "web-1.key")):
        words += [f"--tls-{option}", room.directory / name]
    assert room.run("verify", "--id", "web-1", *words)[0] == 99
    words += ["--tls-ca-certificate", room.directory / "ca.pem"]
    assert room.run("verify", "--id", "web-1", *words) == (0, "", "")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["init"], "exists and is not overwritten"),
        (["issue", "--id", "a/b"], "--name"),
        (["issue", "--id", "ca"], "exists and is not overwritten"),
        (["issue", "--days", "0"], "--days"),
        (["renew", "nobody"], "there is no certificate"),
        (["show", "/nowhere/x.pem"], "No such file"),
        (["explode"], "explode"),
    ],
)
def test_a_refusal_is_one_line_and_changes_nothing(room, words, problem):
    before = {path: path.read_bytes() for path in room.directory.iterdir()}
    if words[0] == "explode":
        status, out, errors = main(["pki", *words]), *room._capsys.readouterr()
    else:
        status, out, errors = room.run(*words)
    assert (status, out, errors.count("\n")) == (99, "", 1)
    assert errors.startswith("flomctl: ")
    assert "ret_cod=" in errors
    assert problem in errors
    assert before == {path: path.read_bytes() for path in room.directory.iterdir()}


def test_without_an_authority(tmp_path, capsys):
    room = Room(tmp_path / "none", capsys)
    for command in ("issue", "renew", "show"):
        status, _, errors = room.run(command)
        assert status == 99
        assert "flomctl pki init" in errors
    assert not room.directory.exists()


@pytest.mark.parametrize("library", ["click", "cryptography"])
def test_without_the_libraries(monkeypatch, capsys, library):
    """One line that says how to get them; what needs none works."""
    for name in [name for name in sys.modules if name.startswith("flom.ctl.pki")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    assert main(["pki", "show"]) == 99
    assert capsys.readouterr().err == (
        f"flomctl: the command pki needs the library {library} (pip install 'pyflom[pki]')"
        " [ret_cod=13]\n"
    )
    assert main(["--help"]) == 0
    assert main(["daemon", "--help"]) == 0


def test_help(capsys):
    assert main(["pki", "--help"]) == 0
    assert "verify" in capsys.readouterr().out
    assert main(["pki"]) == 99
    assert "no command given" in capsys.readouterr().err


def test_an_empty_id_is_not_the_default(room):
    status, _, errors = room.run("issue", "--id", "", "--name", "host")
    assert status == 99
    assert "'' cannot be the name in a certificate" in errors


def test_options_stand_anywhere(room, tmp_path, capsys):
    _, conf, _ = room.run("issue", "--id", "web-1")
    (tmp_path / "conf").write_text(conf)
    verify = ["-c", str(tmp_path / "conf"), "--id=web-1"]
    for words in (
        ["pki", "verify", *verify],
        ["pki", *verify, "verify"],
        [*verify[:2], "pki", "verify", verify[2]],
    ):
        assert main(words) == 0, capsys.readouterr().err
    assert main(["pki", "--dir", str(room.directory), "show"]) == 0
