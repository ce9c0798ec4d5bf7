"""The recorded cases of the command that end before a daemon is needed, in this process.

`run` is the order of work of cli.md 1, steps 1 to 12, put together from the real parts; a case
that gets as far as connecting belongs to the tests with real processes.
"""

import re

import pytest
from shared import vectors

from flom import errors, machine
from flom.cli import help as help_text
from flom.cli import messages
from flom.cli.parse import parse
from flom.dump import dump
from flom.settings import load

CASES = {case["name"]: case for case in vectors("cli")["cases"] + vectors("cli")["fault_cases"]}

# Cases that must be decided by words and files alone; others only may be.
DECIDED_HERE = re.compile(
    r"help|version|missing-argument|not-an-integer|integer-(?!lowest)|name-|config-|lock-mode-|"
    r"create-|append-|unknown-|long-option|short-|no-arguments|no-command$|tls-private|"
    r"mount-point|network-interface|discovery-|keepalive|ignored-signals-|port-|explicit-|"
    r"socket-with|incompatible|verbose-dump|idle-lifespan"
)
RUNS_A_COMMAND = {"last-occurrence-wins", "name-with-newline"}


class Connecting(Exception):
    """The words are fine; the next step would need a daemon."""


class Run:
    def __init__(self, case, folder):
        self.folder = folder
        self.stdout = ""
        self.stderr = ""
        self.environ = {"HOME": str(folder / "home")}
        (folder / "home").mkdir()
        if "config" in case:
            (folder / "conf").write_text(case["config"])
        if "user_config" in case:
            (folder / "home" / ".flom").write_text(case["user_config"])
        self.status = self.run([self.filled(word) for word in case["argv"]])

    def filled(self, word):
        names = {"SOCK": "sock", "DIR": ".", "CONF": "conf", "FLOM": "flom"}
        for name, file in names.items():
            word = word.replace("{" + name + "}", str(self.folder / file))
        return word.replace("{PORT}", "29999")

    def warn(self, text):
        self.stderr += messages.warning(text)

    def run(self, words):
        try:
            invocation = parse(words)
        except errors.UsageError as error:
            self.stderr += messages.usage_error(error.text)
            return errors.EXIT_FAILURE
        if invocation.show:
            return self.show(invocation.show)
        try:
            return self.configured(invocation)
        except errors.ConfigError as error:
            self.stderr += messages.config_error(error)
            return errors.EXIT_FAILURE

    def show(self, what):
        texts = {
            "help": help_text.text,
            "version": messages.version,
            "signal-list": messages.signal_list,
            "version+signal-list": lambda: messages.version() + messages.signal_list(),
            "unique-id": lambda: machine.unique_id() + "\n",
        }
        self.stdout += texts[what]()
        return errors.EXIT_OK

    def configured(self, invocation):
        absent = str(self.folder / "no-system-file")
        settings = load(invocation.given, self.environ, str(self.folder), self.warn, absent)
        if settings.verbose:
            self.stdout += dump(settings)
        settings.check(self.warn)
        if settings.debug_feature or settings.quiesce_exit or settings.immediate_exit:
            raise Connecting
        if not invocation.command:
            self.stderr += messages.NO_COMMAND
            return errors.EXIT_NOT_EXECUTED
        raise Connecting


def check(run, expected):
    assert run.status == expected["exit_code"]
    streams = {"stdout": run.stdout, "stderr": run.stderr, "output": run.stdout + run.stderr}
    for name, text in streams.items():
        pattern = expected.get(f"{name}_regex")
        if pattern is not None:
            assert re.search(pattern, text, re.MULTILINE), f"{name}: {text}"
        if f"{name}_empty" in expected:
            assert (text == "") is expected[f"{name}_empty"], f"{name}: {text}"


@pytest.mark.parametrize("name", CASES)
def test_case(name, tmp_path):
    case = CASES[name]
    expected = case.get("expect") or case["required"]
    try:
        run = Run(case, tmp_path)
    except Connecting:
        decided = DECIDED_HERE.match(name) and name not in RUNS_A_COMMAND
        assert not decided or expected["exit_code"] == 0
    else:
        check(run, expected)


def test_most_cases_are_decided_here(tmp_path):
    decided = 0
    for number, case in enumerate(CASES.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            Run(case, folder)
        except Connecting:
            continue
        decided += 1
    assert decided >= 150
