"""From the interpreter's start to the command, and what is said when that fails."""

import os
import pathlib
import py_compile
import shutil
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def start(tmp_path):
    """Runs the package with a command that consists of the given statements."""

    def run(body, *words, options=(), module=False, compiled=False):
        flom = tmp_path / "flom"
        shutil.rmtree(flom, ignore_errors=True)
        (flom / "cli").mkdir(parents=True)
        for name in "__init__.py", "__main__.py", "boot.py", "start.py", "signals.py":
            shutil.copy(ROOT / "src" / "flom" / name, flom)
        (flom / "cli" / "plain.py").write_text("def run(*given): pass\n")
        if body is not None:
            text = (
                f"def main(words, ignored, *more):\n    {body}\n    import posix; posix._exit(7)\n"
            )
            (flom / "cli" / "main.py").write_text(text)
        file = py_compile.compile(flom / "boot.py") if compiled else flom / "__main__.py"
        what = ["-m", "flom"] if module else ["-I", "-S", *options, file]
        command = [sys.executable, "-u", *what, *words]
        return subprocess.run(
            command, check=False, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )

    return run


def show(start, *words, **options):
    return start("import os; os.write(1, repr((words, ignored)).encode())", *words, **options)


def test_the_command_gets_the_words_and_the_ignored_signals(start):
    done = show(start, "-a", "b", options=["-X", "flom-ignored=4096"])
    assert (done.returncode, done.stdout) == (7, "(['-a', 'b'], 4096)")


@pytest.mark.parametrize("options", [[], ["-X", "flom-ignored"]])
def test_without_the_launcher_nobody_knows_the_ignored_signals(start, options):
    assert show(start, options=options).stdout == "([], None)"


def test_as_a_module_it_does_the_same(start):
    assert show(start, "-a", module=True).stdout == "(['-a'], None)"


def test_the_compiled_form_does_the_same(start, tmp_path):
    assert show(start, "-a", compiled=True).stdout == "(['-a'], None)"
    done = start("import flom, os; os.write(1, flom.__path__[0].encode())", compiled=True)
    assert done.stdout == str(tmp_path / "flom")


def test_the_package_needs_no_entry_before_the_standard_library(start, tmp_path):
    (tmp_path / "colorsys.py").write_text("raise SystemExit('the wrong one')")
    done = start("import colorsys, os; os.write(1, colorsys.__file__.encode())")
    assert not done.stdout.startswith(str(tmp_path))


@pytest.mark.parametrize(
    "body",
    [
        "raise KeyError('a\\nb\\udcff')",
        "assert not words, words",
        "import nonsense_that_does_not_exist",
        "raise SystemExit(3)",
        "return",
    ],
)
def test_the_unexpected_is_one_line_and_99(start, body):
    done = start(body, "word")
    assert done.returncode == 99
    assert done.stdout == ""
    assert done.stderr.startswith("flom: unexpected failure, please report it (")
    assert done.stderr.count("\n") == 1


def test_the_line_says_where(start, tmp_path):
    assert f"ZeroDivisionError: division by zero in {tmp_path}/flom/cli/main.py:2" in (
        start("1 / 0").stderr
    )


@pytest.mark.parametrize("compiled", [False, True])
def test_a_missing_part_is_one_line_and_99(start, compiled):
    done = start(None, compiled=compiled)
    assert done.returncode == 99
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["boot.py", "start.py", "signals.py"])
def test_a_missing_file_is_one_line_and_99(start, tmp_path, name):
    start("pass")
    (tmp_path / "flom" / name).write_text("import nonsense_that_does_not_exist\n")
    (tmp_path / "flom" / "cli" / "main.py").write_text("from flom import signals\n")
    boot = py_compile.compile(tmp_path / "flom" / "boot.py")
    for file in [tmp_path / "flom" / "__main__.py", *([] if name == "boot.py" else [boot])]:
        command = [sys.executable, "-I", "-S", file]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 99
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("how", [{}, {"compiled": True}, {"module": True}])
def test_interrupted_it_ends_by_the_signal(start, how):
    done = start("import os; os.kill(os.getpid(), 2)\n    while True: pass", **how)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_the_public_names_are_found_on_first_use():
    code = (
        "import sys; before = set(sys.modules); import flom;"
        "assert set(sys.modules) - before == {'flom'}, sys.modules;"
        "print(flom.__version__, '__version__' in dir(flom))"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        check=True,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split()[1:] == ["True"]
