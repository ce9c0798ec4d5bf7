"""What is made from the option table is up to date, complete and well formed."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from flom import errors, keyfile, settings
from flom.cli import debug
from flom.core import names
from flom.ctl import main
from flom.ctl.tree import TREE
from flom.dump import dump
from flom.options import OPTIONS
from flom.values import MODE_NAMES, TEXT_RULES

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHARE = ROOT / "share"
PAGES = ["man1/flom.1", "man1/flomctl.1", "man5/flom.conf.5"]
SECTIONS = [
    "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "EXAMPLES",
    "CAVEATS", "AUTHOR", "REPORTING BUGS", "COPYRIGHT", "SEE ALSO",
]  # fmt: skip

# Names an option that exists nowhere yet before the generator looks at the table.
NEW_OPTION = """
import pathlib, sys
from flom import options
options.OPTIONS += (options.Option(
    "Z", "zebra", "zebra", "I", "integer", 7, "Daemon", "Zebra", 99, "MS", "Daemon",
    "how long the zebra waits", True),)
from generate.__main__ import main
sys.exit(main([], pathlib.Path(sys.argv[1])))
"""

sys.path.append(str(ROOT / "packaging"))
from generate import __main__ as generator  # noqa: E402  # not to be found before
from generate import entries, facts, markup, roff, texts  # noqa: E402  # likewise


def need_program(name):
    """Skips the test when a program is missing."""
    if not shutil.which(name):
        pytest.skip(f"needs {name}")
    return name


def page(name):
    return (SHARE / "man" / name).read_text()


# The files are those the table makes today.


def test_no_generated_file_is_stale():
    done = subprocess.run(
        [ROOT / "scripts" / "generate", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr


def test_a_stale_file_is_named_with_the_command_that_helps(tmp_path, capsys):
    assert generator.main([], tmp_path) == 0
    assert generator.main(["--check"], tmp_path) == 0
    capsys.readouterr()
    (tmp_path / "share/man/man1/flom.1").write_text("old")
    (tmp_path / "docs/reference/options.md").unlink()
    assert generator.main(["--check"], tmp_path) == 1
    complaints = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in complaints] == [
        "share/man/man1/flom.1", "docs/reference/options.md",
    ]  # fmt: skip
    assert all("scripts/generate" in line for line in complaints)
    assert (tmp_path / "share/man/man1/flom.1").read_text() == "old"


def test_wrong_words(capsys):
    assert generator.main(["--chekc"]) == 2
    assert "usage" in capsys.readouterr().err


def test_a_new_option_shows_everywhere(tmp_path):
    path = f"{ROOT / 'src'}:{ROOT / 'packaging'}"
    subprocess.run(
        [sys.executable, "-c", NEW_OPTION, tmp_path],
        env={"PYTHONPATH": path}, check=True, capture_output=True,
    )  # fmt: skip
    without = {"docs/reference/exit-codes.md", "docs/reference/flomctl.md"}
    for name in set(generator.OUTPUTS) - without:
        assert re.search("zebra", (tmp_path / name).read_text(), re.IGNORECASE), name


# Nothing is told of what does not exist, and nothing is left out.


def test_every_option_has_its_text():
    assert set(texts.OPTIONS) == {option.long for option in facts.WORDS}


def test_every_other_table_has_its_texts():
    assert list(texts.MODES) == list(MODE_NAMES)
    assert list(texts.KINDS) == list(texts.KIND_NAMES) == list(names.KINDS)
    assert set(texts.DEBUG_FEATURES) == set(debug.FEATURES)
    assert set(texts.TRACE_BITS) == set(entries.trace_bits())
    statuses = [name for name in vars(errors) if name.startswith("EXIT_")]
    assert list(texts.EXIT_STATUS) == statuses


def test_every_key_without_a_default_to_write_has_an_example():
    wanted = {option.key for option in OPTIONS if option.key and not facts.default(option)}
    assert set(texts.EXAMPLES) == wanted


@pytest.mark.parametrize("kind", names.KINDS)
def test_the_names_of_the_kinds_are_of_that_kind(kind):
    for name in re.findall("`(.+?)`", texts.KIND_NAMES[kind]):
        assert names.kind_of(name.encode()) == kind


@pytest.mark.parametrize("name", MODE_NAMES)
def test_the_long_names_of_the_modes(name):
    assert TEXT_RULES["mode"](texts.MODES[name][0], "/") == MODE_NAMES.index(name)


# Man pages


def test_the_sections_of_the_man_page():
    assert re.findall(r'^\.SH "(.*)"$', page("man1/flom.1"), re.MULTILINE) == SECTIONS


def test_every_option_is_in_the_man_page():
    text = page("man1/flom.1").replace(r"\%", "").replace(r"\-", "-")
    for option in facts.WORDS:
        assert re.search(rf"^\\fB.*--{option.long}\\fR", text, re.MULTILINE), option.long


def test_every_key_is_in_the_manual_of_the_files():
    text = page("man5/flom.conf.5").replace(r"\%", "")
    for option in OPTIONS:
        assert not option.key or f"\n\\fB{option.key}\\fR\n" in text, option.key


@pytest.mark.parametrize("name", PAGES)
def test_mandoc_finds_nothing_to_complain_about(name):
    done = subprocess.run(
        [need_program("mandoc"), "-Tlint", SHARE / "man" / name],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize("name", PAGES)
def test_groff_finds_nothing_to_complain_about(name):
    done = subprocess.run(
        [need_program("groff"), "-man", "-ww", "-Tutf8", "-rLL=80n", SHARE / "man" / name],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    shown = re.sub(".\b", "", done.stdout)  # letters are made bold by printing them twice
    assert max(map(len, shown.splitlines())) <= 80
    assert "`" not in shown


def test_what_looks_like_a_request_is_text():
    blocks = [markup.Para(".x 'y' \\z ~ `a-b`"), markup.Code("'q'\n.r -s\n")]
    body = roff.page("n", 1, "2000-01-01", "o", blocks).splitlines()[2:]
    assert body == [
        ".PP", r"\&.x \(aqy\(aq \(rsz \(ti \fB\%a\-b\fR",
        ".PP", ".RS 4", ".EX", r"\(aqq\(aq", r"\&.r \-s", ".EE", ".RE",
    ]  # fmt: skip


# The sample file


def sample(change=lambda line: line):
    lines = (SHARE / "doc/pyflom/flom.conf").read_text().splitlines()
    return keyfile.parse("\n".join(map(change, lines)).encode())


def test_the_sample_file_sets_nothing():
    assert sample() == []


def test_every_key_of_the_sample_file_uncommented():
    pairs = sample(lambda line: re.sub(r"^#(?=[A-Z]\w*=)", "", line))
    assert {(group, key) for _, group, key, _ in pairs} == {
        (option.group, option.key) for option in OPTIONS if option.key
    }
    assert len(pairs) == len({pair[1:3] for pair in pairs})


def test_the_defaults_of_the_sample_file_are_the_built_in_ones(tmp_path):
    pairs = sample(lambda line: re.sub(r"^#(?=[A-Z]\w*=)", "", line))
    file = tmp_path / "conf"
    with file.open("w") as out:
        for _, group, key, value in pairs:
            if key not in texts.EXAMPLES:
                out.write(f"[{group}]\n{key}={value.decode()}\n")
    option = next(option for option in OPTIONS if option.attr == "config_file")
    complaints = []
    loaded = settings.load(
        [(option, str(file))], {"HOME": "/nonexistent"}, "/", complaints.append, "/nonexistent"
    )
    assert not complaints
    assert dump(loaded) == dump(settings.Settings())


@pytest.mark.parametrize("key", texts.EXAMPLES)
def test_the_examples_of_the_sample_file_are_of_the_right_form(key):
    from flom import values

    option = next(option for option in OPTIONS if option.key == key)
    if option.rule in ("name", "octal", "secret", "socket", "text"):
        values.TEXT_RULES[option.rule](texts.EXAMPLES[key], "/")
    if option.rule == "signals":
        assert len(values.signals(texts.EXAMPLES[key].split(";"))) == 2


# An installation has all of it.


def test_everything_in_share_is_installed_in_its_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    placed = project["tool"]["setuptools"]["data-files"]
    for path in SHARE.rglob("*"):
        if path.is_file():
            name = path.relative_to(ROOT)
            assert str(name) in placed.get(str(name.parent), []), name
    made = {name for name in generator.OUTPUTS if name.startswith("share/")}
    assert made == {str(p.relative_to(ROOT)) for p in SHARE.rglob("*") if p.is_file()}


# Completions (what they offer: tests/system/test_completion.py)


@pytest.mark.parametrize("name", ["flom", "flomctl"])
def test_shellcheck_of_the_completion_for_bash(name):
    program = pathlib.Path(sys.executable).parent / "shellcheck"
    path = SHARE / "bash-completion" / "completions" / f"{name}.bash"
    done = subprocess.run([program, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_shellcheck_of_the_script():
    program = pathlib.Path(sys.executable).parent / "shellcheck"
    done = subprocess.run(
        [program, ROOT / "scripts" / "generate"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_can_read_theirs(shell):
    program = need_program(shell)
    for path in (SHARE / shell).rglob("*flom*"):
        done = subprocess.run([program, "-n", path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_every_option_has_a_short_explanation_for_the_terminal():
    for option in OPTIONS:
        assert 5 < len(facts.summary(option)) <= 80, option.long


def test_the_commands_of_flomctl():
    """Those of the table of the help, of the tree, and of the pages are the same."""
    found = facts.control()
    assert [each.name for each in found if " " not in each.name] == list(main.COMMANDS)
    assert set(main.COMMANDS) == {*TREE.commands, "daemon", "pki"}
    assert {"pki init", "pki verify"} <= {each.name for each in found}
    manual, reference = page("man1/flomctl.1"), ROOT / "docs/reference/flomctl.md"
    for text, apart in ((manual, ("pki",)), (reference.read_text(), ("pki", "daemon"))):
        plain = text.replace("\\", "")
        for each in found:
            for option in each.options if not each.name.startswith(apart) else ():
                assert f"--{option.long}" in plain, (each.name, option.long)


def test_every_command_of_flomctl_has_its_json_described():
    schema = json.loads((ROOT / "docs/reference/flomctl.schema.json").read_text())
    assert set(schema["$defs"]) == {*TREE.commands, "metrics-listen"}
