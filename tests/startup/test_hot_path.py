"""The files that an installation gets for speed do what the modules do (packaging/)."""

import ast
import os
import pathlib
import runpy
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOT_PATH = runpy.run_path(str(ROOT / "packaging" / "hot_path.py"))
SELDOM = HOT_PATH["SELDOM"]


@pytest.fixture(scope="module")
def texts():
    return HOT_PATH["generate"](ROOT / "src")


@pytest.fixture
def package(tmp_path, texts):
    """A copy of the package as a wheel has it."""
    target = tmp_path / "lib" / "flom"
    shutil.copytree(ROOT / "src" / "flom", target, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in texts.items():
        (target / name).write_text(text)
    return target


def run(package, *words, options=()):
    command = [sys.executable, "-I", "-S", *options, package / "__main__.py", *words]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def imported(package, *words):
    """The modules that a run loads from files, in order."""
    result = run(package, *words, options=("-X", "importtime"))
    found = [line.rpartition("|")[2].strip() for line in result.stderr.splitlines() if "|" in line]
    return [name for name in found if name != "flom.log"]  # only where there is a system log


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """There is no configuration file."""
    monkeypatch.setenv("HOME", str(tmp_path))


def test_a_command_loads_no_other_file_of_the_package(package, tmp_path):
    path = str(tmp_path / "s")

    def loaded(*words):
        names = imported(package, "-s", path, *words, "--", "true")
        return sorted(name for name in names if "flom" in name)

    starts_daemon = loaded("-d", "20000")
    plain, other = loaded(), loaded("-q", "1")
    assert run(package, "-s", path, "-X").returncode == 0
    # `launch` is asked for, but in place by then; the files beside `_hot` are not looked for.
    assert starts_daemon == ["flom.daemon", "flom.daemon.launch"]
    assert plain == other == []


def test_every_module_in_it_is_used_by_a_command(tmp_path):
    """What is not needed costs time as well."""
    plain = ROOT / "src" / "flom"
    path = str(tmp_path / "s")
    assert run(plain, "-s", path, "-d", "20000", "--", "true").returncode == 0
    loaded, more = (
        imported(plain, "-s", path, *words, "--", "true") for words in ((), ("-q", "1"))
    )
    assert run(plain, "-s", path, "-X").returncode == 0
    in_order = HOT_PATH["in_order"]
    in_it = set(in_order(ROOT / "src")) - {"flom.log"}
    assert in_it == {name for name in loaded if name.startswith("flom.")}
    in_second = set(in_order(ROOT / "src", HOT_PATH["FULL"], in_it | {"flom.log"}))
    assert in_second == {name for name in more if name.startswith("flom.")} - in_it


def test_what_is_called_by_no_plain_command_is_not_in_it():
    """`python3 packaging/seldom.py` brings the list up to date."""
    called, listed = SELDOM["called"](ROOT / "src"), SELDOM["listed"]()
    assert called & listed == set()
    assert listed - SELDOM["movable_ones"](ROOT / "src") == set()
    assert len(SELDOM["movable_ones"](ROOT / "src") - called - listed) < 15


def test_a_function_whose_code_comes_late_stays_the_same(package):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import flom; from flom import _hot;"
        "_hot.load(sys.argv[1] + '/flom/'); _hot.load_more('_full');"
        "from flom import values; from flom.settings import Settings;"
        "before = values.native, values.TEXT_RULES['octal'], Settings.copy;"
        "assert 'flom._seldom' not in sys.modules;"
        "assert before[1]('0660', cwd='/') == 0o660;"
        "assert 'flom._seldom' in sys.modules;"
        "assert before == (values.native, values.TEXT_RULES['octal'], Settings.copy);"
        "assert values.native.__code__.co_name == 'native';"
        "assert values.bad('x').rc == -5 and values.bad.__defaults__ == (-5,);"
        "assert Settings().copy().unicast_port == 28015"
    )
    command = [sys.executable, "-I", "-S", "-c", code, package.parent]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert result.stderr == ""
    assert result.returncode == 0


def test_it_behaves_like_the_modules(package, tmp_path):
    path = str(tmp_path / "s")
    for words in (["--version"], ["--help"], ["-V", "-s", path], ["-Z"], ["-r", "1bad", "x"]):
        plain, hot = (run(place, *words) for place in (ROOT / "src" / "flom", package))
        assert (hot.returncode, hot.stdout, hot.stderr) == (
            plain.returncode,
            plain.stdout,
            plain.stderr,
        )


def test_modules_keep_their_names_and_places(package):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import flom; from flom import _hot;"
        "_hot.load(sys.argv[1] + '/flom/'); _hot.load_more('_full');"
        "from flom import errors; from flom.cli import parse; import flom.wire.codec as codec;"
        "assert sys.modules['flom.errors'] is errors;"
        "assert errors.FlomError.__module__ == 'flom.errors';"
        "assert errors.FlomError.__qualname__ == 'FlomError';"
        "assert parse.UsageError is errors.UsageError;"
        "from flom.core import table; assert table.__file__"  # not in it, but found beside it
    )
    command = [sys.executable, "-I", "-S", "-c", code, package.parent]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert result.stderr == ""
    assert result.returncode == 0


@pytest.mark.parametrize("name", ["_hot.py", "_full.py", "_seldom.py"])
def test_nothing_that_only_costs_time_is_in_it(texts, name):
    tree = ast.parse(texts[name])
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert len(functions) > 50
    for node in functions:
        assert node.returns is None
        assert all(arg.annotation is None for arg in node.args.args)
        assert node.name in ("load", "load_more", "_absent") or ast.get_docstring(node) is None
    assert "TYPE_CHECKING:" not in texts[name]


def test_a_damaged_one_is_no_traceback_at_the_user(package):
    (package / "_hot.py").write_text("import nonsense_that_does_not_exist\n")
    result = run(package, "--version")
    assert "Traceback" not in result.stderr


def test_without_the_second_file_there_is_no_traceback_either(package):
    os.unlink(package / "_seldom.py")
    result = run(package, "-r", "1bad", "x")
    assert result.returncode == 99
    assert result.stderr.count("\n") == 1


def test_the_package_is_found_without_it(package):
    os.unlink(package / "_hot.py")
    assert run(package, "--version").returncode == 0
