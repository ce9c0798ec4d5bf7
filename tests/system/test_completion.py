"""Completion in real shells, found where an installation has it."""

import os
import pathlib
import pty
import select
import subprocess
import time

import pytest
import support

from flom.options import OPTIONS
from flom.signals import NAMES
from flom.values import REACTIONS

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARE = ROOT / "share"
BASH_COMPLETION = pathlib.Path("/usr/share/bash-completion/bash_completion")
MODES = {"NL", "CR", "CW", "PR", "PW", "EX"}
INTERFACES = set(os.listdir("/sys/class/net"))
LONG = {f"--{option.long}" for option in OPTIONS if option.long}

# `flom` and `flomctl` are functions that show their arguments, so that a completed line tells what
# has been put into it. Control-X a puts in all candidates.
SHOW = r"""
flom() { printf '<%s>\n' "$@"; echo "@end""@"; }
flomctl() { printf '<%s>\n' "$@"; echo "@end""@"; }
"""
BASHRC = f"""
. {BASH_COMPLETION}
bind '"\\C-xa": insert-completions'
bind 'set bell-style none'
bind 'set enable-bracketed-paste off'
PS1=
complete -W 'apple banana' fruit
{SHOW}
echo "@end""@"
"""
ZSHRC = f"""
fpath=({SHARE}/zsh/site-functions $fpath)
autoload -Uz compinit && compinit -u -D
zle -C all complete-word _generic
zstyle ':completion:all:*' completer _all_matches _complete
zstyle ':completion:all:*' insert yes
bindkey '^Xa' all
unset zle_bracketed_paste
PS1=
_fruit() {{ compadd apple banana }}
compdef _fruit fruit
{SHOW}
echo "@end""@"
"""


class Terminal:
    """A shell on a pseudo terminal."""

    def __init__(self, argv, folder):
        env = {
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
            "HOME": str(folder),
            "ZDOTDIR": str(folder),
            "TERM": "dumb",
            "LC_ALL": "C.UTF-8",
            "XDG_DATA_DIRS": f"{SHARE}:/usr/share",
        }
        pid, self.master = pty.fork()
        if pid == 0:
            os.chdir(folder)
            os.execvpe(argv[0], argv, env)
        self.pid = pid
        self.unread = ""
        self.read()

    def read(self):
        """What the shell has said up to its next end mark."""
        end = time.monotonic() + support.BOUND
        while "@end@" not in self.unread:
            ready, _, _ = select.select([self.master], [], [], max(end - time.monotonic(), 0))
            assert ready, f"no end mark in {self.unread!r}"
            self.unread += os.read(self.master, 65536).decode("utf-8", "replace")
        text, _, self.unread = self.unread.partition("@end@")
        return text

    def complete(self, line):
        """The words that completing the last one of `line` in all ways has put in its place."""
        os.write(self.master, line.encode() + b"\x18a\n")
        shown = [piece for piece in self.read().replace("\r", "").split("\n") if piece[:1] == "<"]
        typed = len(line.split(" ")) - 2
        return {piece[1:-1].rstrip("/") for piece in shown[typed:]}

    def close(self):
        """End the shell."""
        support.kill(self.pid)
        os.waitpid(self.pid, 0)
        os.close(self.master)


class Fish:
    """fish, which tells its candidates when asked."""

    def __init__(self, folder):
        self.folder = folder

    def complete(self, line):
        """The words that the last one of `line` can become."""
        env = {
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "XDG_DATA_DIRS": f"{SHARE}:/usr/share",
            "TERM": "dumb",
            "LC_ALL": "C.UTF-8",
        }
        script = "complete -c fruit -f -a 'apple banana'; complete -C $argv[1]"
        done = subprocess.run(
            ["fish", "-c", script, line],
            capture_output=True,
            text=True,
            env=env,
            cwd=self.folder,
            timeout=support.BOUND,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert not done.stderr
        return {each.partition("\t")[0].rstrip("/") for each in done.stdout.splitlines()}

    def close(self):
        """Nothing runs."""


def start(name, folder):
    support.need_program(name)
    if name == "fish":
        return Fish(folder)
    if name == "bash":
        support.need(BASH_COMPLETION.exists(), "needs bash-completion")
        (folder / "rc").write_text(BASHRC)
        return Terminal(["bash", "--noprofile", "--rcfile", str(folder / "rc"), "-i"], folder)
    (folder / ".zshrc").write_text(ZSHRC)
    return Terminal(["zsh", "-d", "-i"], folder)


@pytest.fixture(scope="module", params=["bash", "zsh", "fish"])
def shell(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "bin").mkdir()
    for name in ("fruit", "flom", "flomctl"):  # fish completes only what exists
        (folder / "bin" / name).write_text("#!/bin/sh\n")
        (folder / "bin" / name).chmod(0o755)
    for name in ("cert.pem", "other.pem"):
        (folder / name).touch()
    (folder / "certs").mkdir()
    started = start(request.param, folder)
    yield started
    started.close()


def values(shell, line):
    """The candidates, without the option that bash and fish may put before a value."""
    return {word.rpartition("=")[2] for word in shell.complete(line)}


def test_long_options(shell):
    assert {word.rstrip("=") for word in shell.complete("flom --")} - {"--help-all"} == LONG


def test_the_beginning_of_a_long_option(shell):
    found = {word.rstrip("=") for word in shell.complete("flom --tls-c")}
    assert found == {"--tls-certificate", "--tls-ca-certificate", "--tls-check-peer-id"}


@pytest.mark.parametrize(
    "line",
    ["flom -l ", "flom --lock-mode ", "flom --lock-mode=", "flom -r A -l ", "flom -Vl ",
     "flom --resource-name=A -o 5 -l "],
)  # fmt: skip
def test_lock_modes(shell, line):
    assert values(shell, line) == MODES


# fish takes what follows the letter for its value, whatever it is told.
@pytest.mark.parametrize("shell", ["bash", "zsh"], indirect=True)
def test_a_value_whose_letter_is_not_the_last_one(shell):
    assert values(shell, "flom -lV ") == MODES


def test_the_beginning_of_a_value(shell):
    assert values(shell, "flom -l P") == {"PR", "PW"}
    assert values(shell, "flom --lock-mode=P") == {"PR", "PW"}


@pytest.mark.parametrize("option", ["-e", "--append-trace-file", "--tls-check-peer-id"])
def test_yes_and_no(shell, option):
    assert shell.complete(f"flom {option} ") == {"yes", "no"}


def test_what_becomes_of_a_command(shell):
    assert values(shell, "flom --on-lost ") == set(REACTIONS)


def test_signals(shell):
    assert shell.complete("flom --ignore-signal ") == set(NAMES)
    assert shell.complete("flom --ignore-signal SIGTERM --ignore-signal SIGU") == {
        "SIGUSR1", "SIGUSR2", "SIGURG",
    }  # fmt: skip


def test_network_interfaces(shell):
    assert shell.complete("flom -n ") == INTERFACES


def test_files(shell):
    assert shell.complete("flom --tls-certificate cer") == {"cert.pem", "certs"}
    assert shell.complete("flom -c oth") == {"other.pem"}


def test_directories(shell):
    assert shell.complete("flom -m cer") == {"certs"}


def test_debug_features(shell):
    assert values(shell, "flom --debug-feature tls") == {"tls.server", "tls.client"}


@pytest.mark.parametrize("begin", ["flom -- ", "flom ", "flom -r A -l PR -- ", "flom -r A "])
def test_the_command(shell, begin):
    assert shell.complete(begin + "frui") == {"fruit"}


@pytest.mark.parametrize(
    "begin",
    ["flom -- fruit ", "flom fruit ", "flom -r A -- fruit ", "flom --lock-mode=PR -- fruit ",
     "flom -a ::1 -- fruit ", "flom -V -r A -- fruit -x "],
)  # fmt: skip
def test_the_words_of_the_command_are_completed_as_without_flom(shell, begin):
    assert shell.complete(begin) == {"apple", "banana"}
    assert shell.complete(begin + "ap") == {"apple"}


def test_options_behind_the_command_are_those_of_flom(shell):
    assert {word.rstrip("=") for word in shell.complete("flom fruit --lock")} == {"--lock-mode"}


@pytest.mark.parametrize("line", ["flom -- fruit --", "flom fruit -- --", "flom -r A -- fruit -"])
def test_after_two_dashes_no_option_of_flom(shell, line):
    assert not {word.rstrip("=") for word in shell.complete(line)} & LONG


def test_the_commands_of_flomctl(shell):
    assert {"ls", "show", "daemon", "pki"} <= shell.complete("flomctl ")
    assert shell.complete("flomctl --json -s cer s") == {"show", "shutdown"}
    assert shell.complete("flomctl pki ") == {"init", "issue", "renew", "show", "verify"}
    assert shell.complete("flomctl completion ") == {"bash", "zsh", "fish"}


def test_the_options_of_the_commands_of_flomctl(shell):
    def options(line):
        return {word.rstrip("=") for word in shell.complete(line)}

    assert options("flomctl release --fo") == {"--force"}
    assert "--force" not in options("flomctl ls --fo")
    assert options("flomctl -s cer release --ho") == {"--holder"}
    assert {"--json", "--socket-name", "--tls-certificate"} <= options("flomctl ls --")
    assert values(shell, "flomctl explain -l P") == {"PR", "PW"}
    assert shell.complete("flomctl ls -n ") == INTERFACES
    assert options("flomctl pki renew --n") == {"--new-key"}


LOADED = {
    "bash": 'eval "$(flomctl completion bash)" && complete -p flom flomctl',
    "zsh": 'autoload -Uz compinit && compinit -u -D && eval "$(flomctl completion zsh)" && '
    "print -l $_comps[flom] $_comps[flomctl]",
    "fish": "flomctl completion fish | source; complete -C 'flomctl relea'; "
    "complete -C 'flom --resource-na'",
}


@pytest.mark.parametrize("name", LOADED)
def test_the_command_that_prints_completions(name, tmp_path):
    support.need_program(name)
    folder = pathlib.Path(support.FLOMCTL).parent
    env = {**support.environment(tmp_path), "PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(
        [name, "-c", LOADED[name]], capture_output=True, text=True, env=env, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    expected = {"bash": "_flomctl flomctl", "zsh": "_flomctl", "fish": "release"}[name]
    assert expected in done.stdout
    assert {"bash": "_flom flom", "zsh": "_flom", "fish": "--resource-name"}[name] in done.stdout


def test_flomctl_daemon(shell):
    assert shell.complete("flomctl daemon -n ") == INTERFACES
    found = {word.rstrip("=") for word in shell.complete("flomctl daemon --")}
    assert {"--socket-name", "--queue-patience"} <= found
    assert "--resource-name" not in found
