"""The built package, installed in every usual way: `flom` works and hides nothing."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPTS = pathlib.Path(sysconfig.get_path("scripts"))
BASE = os.path.realpath(sys.executable)  # not the virtual environment's: the one behind it
VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"
NOBODY = 65534

# What flom sets for the command; anything else has to be as flom found it.
OURS = {"FLOM_RESOURCE", "FLOM_LOCK_MODE", "FLOM_ELEMENT", "FLOM_FENCING_TOKEN", "FLOM_SESSION"}


def run(command, **options):
    options = {"stdin": subprocess.DEVNULL, "timeout": 100} | options
    done = subprocess.run(command, capture_output=True, check=False, **options)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def work():
    """A folder that other users may enter, with a short name, for sockets."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="flom-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def source(work):
    """A copy of the sources: a build leaves things behind."""
    copy = work / "source"
    unwanted = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist")
    shutil.copytree(ROOT, copy, ignore=unwanted)
    return copy


@pytest.fixture(scope="module")
def built(work, source):
    """The folder with wheel and source distribution."""
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", work / "dist", source])
    return work / "dist"


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = built.glob("*.whl")
    return path


class Installation:
    """How to call an installed `flom`, and a socket for its daemon."""

    def __init__(self, command, folder, environ=None):
        self.command = command
        self.folder = folder
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(folder), **(environ or {})}
        self.socket = folder / "s"

    def run(self, *words, before=(), **options):
        options = {"cwd": self.folder, "env": self.environ} | options
        return run([*before, self.command, *words], **options)

    def locked(self, *words, **options):
        return self.run("-s", self.socket, "-d", "2000", "-o", "60000", "--", *words, **options)

    def end(self):
        """End the daemon of this socket, if one is there."""
        if self.socket.exists():
            run([self.command, "-s", self.socket, "-X"], env=self.environ)


def pip(*words, environ=None, python=None):
    chosen = ["--python", python] if python else []
    offline = ["--no-index", "--no-deps", "--disable-pip-version-check", "--no-cache-dir"]
    run(
        [sys.executable, "-m", "pip", *chosen, "install", *offline, *words],
        env={**os.environ, **(environ or {})},
    )


def make_venv(folder, python=BASE):
    run([python, "-I", "-m", "venv", "--without-pip", folder])
    return folder / "bin"


def by_pip(folder, wheel, source):
    binaries = make_venv(folder / "venv")
    pip(wheel, python=binaries / "python")
    return Installation(binaries / "flom", folder)


def by_pip_for_the_user(folder, wheel, source):
    base = {"PYTHONUSERBASE": str(folder / "user")}
    pip("--user", "--break-system-packages", wheel, environ=base, python=BASE)
    path = f"{folder}/none:{os.path.dirname(BASE)}:{os.environ['PATH']}"
    return Installation(folder / "user" / "bin" / "flom", folder, {"PATH": path})


def by_pip_editable(folder, wheel, source):
    make = "import sys, setuptools.build_meta as b; print(b.build_editable(sys.argv[1]))"
    name = run([sys.executable, "-c", make, folder], cwd=source).split()[-1].decode()
    return by_pip(folder, folder / name, source)


def by_pipx(folder, wheel, source):
    home = {"PIPX_HOME": str(folder / "home"), "PIPX_BIN_DIR": str(folder / "bin")}
    offline = "--pip-args=--no-index --no-deps"
    run(
        [SCRIPTS / "pipx", "install", "--python", BASE, offline, wheel],
        env={**os.environ, **home, "PATH": f"{SCRIPTS}:{os.environ['PATH']}"},
    )
    return Installation(folder / "bin" / "flom", folder)


def by_uv_tool(folder, wheel, source):
    home = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    run(
        [SCRIPTS / "uv", "tool", "install", "--offline", "--no-index", "--python", BASE, wheel],
        env={**os.environ, **home},
    )
    return Installation(folder / "bin" / "flom", folder)


def by_uv_pip(folder, wheel, source):
    binaries = make_venv(folder / "venv")
    python = binaries / "python"
    run([SCRIPTS / "uv", "pip", "install", "--offline", "--no-index", "--python", python, wheel])
    return Installation(binaries / "flom", folder)


def through_a_link(folder, wheel, source):
    by_pip(folder, wheel, source)
    (folder / "some) name").symlink_to("venv/bin/flom")
    (folder / "link").symlink_to(folder / "some) name")
    return Installation(folder / "link", folder)


WAYS = [
    by_pip, by_pip_for_the_user, by_pip_editable, by_pipx, by_uv_tool, by_uv_pip, through_a_link,
]  # fmt: skip


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: way.__name__)
def installed(request, work, wheel, source):
    folder = work / request.param.__name__
    folder.mkdir()
    installation = request.param(folder, wheel, source)
    yield installation
    installation.end()


def test_it_tells_its_version(installed):
    assert installed.run("--version").startswith(b"FLoM: Free Lock Manager\n")


def test_it_runs_a_command_with_exactly_its_words(installed):
    words = ["", " two  blanks ", "*", "a\nb", "\\", "'\"$HOME`", "-r", "--", "é", "\udcff"]
    shown = installed.locked("sh", "-c", r'printf "%s\0" "$@"', "sh", *words)
    assert shown == b"".join(os.fsencode(word) + b"\0" for word in words)


def test_the_interpreter_runs_in_isolation(installed):
    """Behind the launcher, that is, and not in its last resort."""
    shown = installed.locked("sh", "-c", r"tr '\0' '\n' </proc/$PPID/cmdline")
    words = shown.split(b"\n")
    assert words[0].rpartition(b"/")[2] == VERSION.encode()
    assert words[1:3] == [b"-I", b"-S"]
    assert words[-5:-1] == [b"--", b"sh", b"-c", rb"tr '\0' '\n' </proc/$PPID/cmdline"]


@pytest.mark.parametrize(
    "given",
    [{"LANG": "C.UTF-8"}, {}, {"a.b": "1", "BASH_FUNC_f%%": "() {  :\n}"}],
    ids=["usual", "C locale", "odd names"],
)
def test_the_command_finds_the_callers_environment(installed, given):
    environ = {**installed.environ, **given}
    entries = installed.locked("env", "-0", env=environ).split(b"\0")[:-1]
    shown = dict(os.fsdecode(entry).split("=", 1) for entry in entries)
    assert {name: shown[name] for name in shown.keys() - OURS} == environ


@pytest.mark.parametrize(
    "numbers", [[], [signal.SIGPIPE, signal.SIGXFSZ], [signal.SIGXFSZ, signal.SIGHUP]]
)
def test_the_command_ignores_what_the_caller_ignored(installed, numbers):
    def ignore():
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    shown = installed.locked("grep", "SigIgn", "/proc/self/status", preexec_fn=ignore)
    # The C library's own signals 32 and 33 are left out: its posix_spawn sets them as it likes.
    found = int(shown.split()[1], 16) & ~(3 << 31)
    assert found == sum(1 << (number - 1) for number in numbers)


def test_flomctl_is_there(installed):
    flomctl = installed.command.parent / "flomctl"
    if installed.command.name != "flom":
        flomctl = installed.command.resolve().parent / "flomctl"
    environ = installed.environ | {"PYTHONUSERBASE": str(installed.folder / "user")}
    assert b"daemon" in run([flomctl, "--help"], env=environ)


def reachable_python():
    """An interpreter that any user may run, or None."""
    for python in (BASE, *(shutil.which(VERSION, path=os.defpath) or "",)):
        check = "import sys, venv; print(sys.version_info >= (3, 11))"
        command = ["setpriv", f"--reuid={NOBODY}", "--clear-groups", python, "-c", check]
        done = python and subprocess.run(command, check=False, capture_output=True)
        if done and done.stdout == b"True\n":
            return python
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_a_user_who_may_not_write_to_the_installation(work, wheel):
    python = reachable_python()
    if python is None:
        pytest.skip("no interpreter that other users may run")
    folder = work / "nobody"
    folder.mkdir()
    binaries = make_venv(folder / "venv", python)
    pip(wheel, python=binaries / "python")
    installation = Installation(binaries / "flom", folder)
    home = folder / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    installation.socket = home / "s"
    before = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    try:
        assert installation.run("--version", before=before).startswith(b"FLoM")
        assert installation.locked("id", "-u", before=before) == b"65534\n"
    finally:
        installation.end()


def test_the_wheel_has_launcher_licence_and_units(wheel):
    with zipfile.ZipFile(wheel) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        (launcher,) = (name for name in entries if name.endswith(".data/scripts/flom"))
        assert archive.read(launcher) == (ROOT / "bin" / "flom").read_bytes()
    assert entries[launcher].external_attr >> 16 & 0o777 == 0o755
    for end in "licenses/LICENSE", "flom.service", "flom.socket", "flom.tmpfiles.conf", "py.typed":
        assert any(name.endswith(end) for name in entries), end


def test_an_index_would_take_both(built):
    run([sys.executable, "-m", "twine", "check", "--strict", *built.iterdir()])


def test_the_wheel_has_what_is_made_for_speed_and_what_is_to_be_read(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {"flom/_full.py", "flom/_hot.py", "flom/_seldom.py", "flom/_start.py"} <= set(names)
    for end in "man/man1/flom.1", "man/man5/flom.conf.5", "completions/flom.bash", "_flom":
        assert any(name.endswith(end) for name in names), end


def test_the_source_distribution_is_complete(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        modes = {member.name.partition("/")[2]: member.mode for member in archive.getmembers()}
    assert modes["bin/flom"] & 0o777 == 0o755
    wanted = ["LICENSE", "CHANGELOG.md", "contrib/flom.service", "scripts/test"]
    assert not set(wanted) - modes.keys()
    assert "tests/system/test_install.py" in modes
