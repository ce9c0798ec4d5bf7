"""bin/flom: finds package and interpreter, hides nothing from the command, runs nothing else."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHELLS = [shell for shell in ("dash", "bash", "busybox", "ksh") if shutil.which(shell)]
WORDS = ["", " two  blanks ", "*", "a\nb", "\\", "'\"$HOME`", "-X", "é", "\udcff"]

# Stands for the interpreter: shows who was called with what.
INTERPRETER = """#!/bin/sh
printf '%s\\0' "$0" "$@"
"""


def executable(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def package(folder):
    folder.mkdir(parents=True)
    (folder / "__main__.py").touch()
    return folder


class Prefix:
    """An installation: launcher, interpreter, package."""

    def __init__(self, root):
        self.bin = root / "bin"
        self.lib = root / "lib"
        self.bin.mkdir(parents=True)
        self.flom = shutil.copy(ROOT / "bin" / "flom", self.bin / "flom")


@pytest.fixture
def prefix(tmp_path):
    return Prefix(tmp_path / "a prefix")


@pytest.fixture
def venv(prefix):
    executable(prefix.bin / "python3.11", INTERPRETER)
    prefix.package = package(prefix.lib / "python3.11" / "site-packages" / "flom")
    return prefix


def run(command, **options):
    """The words that the interpreter was called with, itself first."""
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60, **options)
    return [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]]


def shell_command(shell, *words):
    return [shell, *(["sh"] if shell.endswith("busybox") else []), *words]


def user_words(called):
    main = next(i for i, word in enumerate(called) if word.endswith("__main__.py"))
    return called[main + 1 :]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_words_arrive_unchanged(venv, shell):
    called = run(shell_command(shell, venv.flom, *WORDS))
    assert user_words(called) == WORDS


def test_interpreter_beside_it_runs_the_package_in_isolation(venv):
    called = run([venv.flom, "word"])
    assert called[0] == str(venv.bin / "python3.11")
    assert called[1:3] == ["-I", "-S"]
    assert os.path.samefile(called[-2], venv.package / "__main__.py")
    assert called[-1] == "word"


def test_what_an_installer_has_compiled_is_run_as_it_is(venv):
    compiled = venv.package / "__pycache__" / "boot.cpython-311.pyc"
    compiled.parent.mkdir()
    for version in "310", "312", "3":
        compiled.with_name(f"boot.cpython-{version}.pyc").touch()
    assert run([venv.flom, "word"])[-2].endswith("/__main__.py")
    compiled.touch()
    source = venv.package / "boot.py"
    source.touch()
    os.utime(source, (1e9, 1e9))
    called = run([venv.flom, "word"])
    assert os.path.samefile(called[-2], compiled)
    assert called[-1] == "word"
    os.utime(compiled, (1e9 - 1, 1e9 - 1))  # of an earlier version, for all anybody knows
    assert run([venv.flom, "word"])[-2].endswith("/__main__.py")


@pytest.mark.parametrize("words", [[], ["x"]])
def test_it_is_found_through_links(venv, tmp_path, words):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "relative) x").symlink_to("../a prefix/bin/flom")
    (elsewhere / "again").symlink_to("relative) x")
    for name in "relative) x", "again":
        assert user_words(run([elsewhere / name, *words])) == words


def test_it_is_found_through_a_linked_folder(venv, tmp_path):
    (tmp_path / "link").symlink_to(venv.bin)
    assert run([tmp_path / "link" / "flom"])[0] == str(tmp_path / "link" / "python3.11")


def test_it_is_found_by_name_in_the_working_folder(venv):
    assert run(["dash", "flom", "x"], cwd=venv.bin)[0] == "./python3.11"


def test_the_version_of_the_package_is_searched_on_the_path(prefix, tmp_path):
    package(prefix.lib / "python3.11" / "site-packages" / "flom")
    executable(tmp_path / "old" / "python3.10", INTERPRETER)
    wanted = executable(tmp_path / "fitting" / "python3.11", INTERPRETER)
    path = f"{tmp_path}/none:{tmp_path}/old:{wanted.parent}:{os.environ['PATH']}"
    assert run([prefix.flom], env={"PATH": path})[0] == str(wanted)


def test_a_version_managers_shim_is_passed_by(prefix, tmp_path):
    package(prefix.lib / "python3.11" / "site-packages" / "flom")
    executable(tmp_path / "shims" / "python3.11", INTERPRETER)
    wanted = executable(tmp_path / "real" / "python3.11", INTERPRETER)
    assert run([prefix.flom], env={"PATH": f"{tmp_path}/shims:{tmp_path}/real"})[0] == str(wanted)


def test_a_package_without_its_interpreter_is_passed_by(venv):
    package(venv.lib / "python3.1" / "site-packages" / "flom")
    assert run([venv.flom])[0] == str(venv.bin / "python3.11")


def test_packages_of_a_distribution(prefix, tmp_path):
    package(prefix.lib / "python3" / "dist-packages" / "flom")
    executable(prefix.bin / "python3", INTERPRETER)
    assert run([prefix.flom])[0] == str(prefix.bin / "python3")


def test_an_editable_installation(prefix, tmp_path):
    executable(prefix.bin / "python3.11", INTERPRETER)
    source = package(tmp_path / "source folder" / "flom").parent
    libraries = prefix.lib / "python3.11" / "site-packages"
    libraries.mkdir(parents=True)
    (libraries / "__editable__.pyflom-1.2.3.pth").write_text(str(source))
    called = run([prefix.flom, "x"])
    assert called[-2:] == [f"{source}/flom/__main__.py", "x"]


def test_otherwise_the_interpreter_shall_find_the_package(prefix, tmp_path):
    other = executable(tmp_path / "other" / "python3", INTERPRETER)
    called = run([prefix.flom, *WORDS], env={"PATH": str(other.parent)})
    assert called == [str(other), "-m", "flom", *WORDS]
    beside = executable(prefix.bin / "python3", INTERPRETER)
    assert run([prefix.flom], env={"PATH": str(other.parent)})[0] == str(beside)


def ignored(called):
    """The mask that the launcher passes on."""
    (option,) = (word for word in called if word.startswith("flom-ignored="))
    assert called[called.index(option) - 1] == "-X"
    return int(option.partition("=")[2])


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("number", [signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT])
def test_ignored_signals_are_told(venv, shell, number):
    def ignore():
        signal.signal(number, signal.SIG_IGN)

    command = shell_command(shell, venv.flom)
    with_it = ignored(run(command, preexec_fn=ignore))
    without = ignored(run(command))
    assert with_it & ~without == 1 << (number - 1)
    assert not without & ~with_it


# The environment is shown by a real interpreter: what arrives there is what the command gets.
ODD = {
    "a.b": "1",
    "BASH_FUNC_f%%": "() {  echo hi\n}",
    "quoted": "it's",
    "lines": "a\n\nb",
    "e": "",
}
USUAL = {"PATH": os.defpath, "LANG": "C.UTF-8", "PWD": "<here>", "SHLVL": "1"}
ENVIRONMENTS = {
    "usual": {**USUAL, "x": "1"},
    "added as much as dropped": {"PATH": os.defpath, "a.b": "<here>"},
    "empty": {},
    "odd names": {**USUAL, **ODD},
    "of the C locale": {"PATH": os.defpath, "PWD": "<here>"},
    "of another folder": {**USUAL, "PWD": "/somewhere"},
    "names of ours": {"flom_list": "a", "FLOM_ENVIRON_0": "61", "flom_python": "/bin/false"},
    "not text": {"PATH": os.defpath, "LC_CTYPE": "C.UTF-8", "b": "\udcff\udc81\udc88 é"},
    "a loss as long as quoting": {**USUAL, "quoted": "it's", "a.": ""},
    "large and usual": {**USUAL} | {f"v{i}": "x" * 99 for i in range(60)},
    "large and odd": {**USUAL, **ODD} | {f"v{i}": "x" * 99 for i in range(60)},
    "as short as possible": {"SHLVL": "1", "PWD": "<here>"} | {chr(97 + i): "'" for i in range(26)},
    "large": {"PATH": os.defpath, "PWD": "<here>", "LANG": "C.UTF-8"}
    | {f"v{i}": "x" * 99 for i in range(600)},
}


@pytest.fixture
def showing(prefix):
    """An installation of the real start of flom whose command shows its environment."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (prefix.bin / version).symlink_to(os.path.realpath(sys.executable))
    flom = package(prefix.lib / version / "site-packages" / "flom")
    for name in "__main__.py", "boot.py", "start.py", "signals.py":
        shutil.copy(ROOT / "src" / "flom" / name, flom / name)
    (flom / "cli").mkdir()
    (flom / "cli" / "plain.py").write_text(
        "import posix\n"
        "def run(words, hidden, environ):\n"
        "    items = [name + b'=' + value for name, value in posix.environ.items()]\n"
        "    posix.write(1, b'\\0'.join([*items, b'']))\n"
        "    posix._exit(0)\n"
    )
    return prefix


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_environment_arrives_unchanged(showing, tmp_path, shell, name):
    given = {
        key: value.replace("<here>", str(tmp_path)) for key, value in ENVIRONMENTS[name].items()
    }
    command = shell_command(shutil.which(shell), showing.flom)
    shown = run(command, env=given, cwd=tmp_path)
    assert sorted(shown) == sorted(f"{key}={value}" for key, value in given.items())


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("environ", [{}, {"a.b": "1"}], ids=["usual", "handed over"])
def test_closed_streams_stay_closed(prefix, tmp_path, closed, environ):
    package(prefix.lib / "python3.11" / "site-packages" / "flom")
    found = tmp_path / "found"
    executable(
        prefix.bin / "python3.11", f"#!/bin/sh\nexec ls -l /proc/self/fd >'{found}' 2>/dev/null\n"
    )
    closing = "".join(f" {number}>&-" for number in closed)
    subprocess.run(
        ["sh", "-c", f'exec "$0" {closing}', prefix.flom],
        env={**os.environ, **environ},
        check=True,
        timeout=60,
    )
    # What is open is what `ls` has opened itself: its output, its stderr, the folder.
    opened = {line.split()[-3]: line.split()[-1] for line in found.read_text().splitlines()[1:]}
    for number in closed:
        assert opened.get(str(number), "").startswith(("/proc", str(found), "/dev/null"))


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_nothing_else_is_run(venv, tmp_path):
    trace = tmp_path / "trace"
    environ = {**USUAL, "PWD": str(tmp_path)}
    calls = "trace=execve,clone,fork,vfork,clone3"
    subprocess.run(
        ["strace", "-f", "-qq", "-e", calls, "-o", trace, venv.flom, "--version"],
        env=environ,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=60,
    )
    lines = trace.read_text().splitlines()
    programs = [line.split('"')[1] for line in lines if "execve(" in line]
    assert programs == [str(venv.flom), str(venv.bin / "python3.11")]
    if os.path.realpath("/bin/sh").endswith("dash"):
        assert len(lines) == 2  # no process either
