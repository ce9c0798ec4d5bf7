"""Rewrites the generated files; with `--check` only says which are stale (exit status 1)."""

import pathlib
import sys
from collections.abc import Callable

from flom.cli import help as help_page

from . import bash, control, fish, pages, sample, zsh

ROOT = pathlib.Path(__file__).resolve().parents[2]

OUTPUTS: dict[str, Callable[[], str]] = {
    "share/man/man1/flom.1": pages.flom_1,
    "share/man/man1/flomctl.1": control.flomctl_1,
    "share/man/man5/flom.conf.5": pages.flom_conf_5,
    "share/bash-completion/completions/flom.bash": bash.flom,
    "share/bash-completion/completions/flomctl.bash": bash.flomctl,
    "share/zsh/site-functions/_flom": zsh.flom,
    "share/zsh/site-functions/_flomctl": zsh.flomctl,
    "share/fish/vendor_completions.d/flom.fish": fish.flom,
    "share/fish/vendor_completions.d/flomctl.fish": fish.flomctl,
    "share/doc/pyflom/flom.conf": sample.conf,
    "docs/reference/options.md": pages.options_md,
    "docs/reference/configuration.md": pages.configuration_md,
    "docs/reference/exit-codes.md": pages.exit_codes_md,
    "docs/reference/flomctl.md": control.flomctl_md,
    # What --help prints, for those who review a change of it.
    "tests/golden/help.txt": help_page.text,
}


def main(words: list[str], root: pathlib.Path = ROOT) -> int:
    """Write or check all files below `root`; returns the exit status."""
    if words not in ([], ["--check"]):
        print("usage: scripts/generate [--check]", file=sys.stderr)
        return 2
    stale = [name for name, text in OUTPUTS.items() if _content(root / name) != text()]
    for name in stale:
        if words:
            print(f"{name} is stale: run scripts/generate and commit it", file=sys.stderr)
        else:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(OUTPUTS[name](), encoding="utf-8")
            print(f"{name} written")
    return 1 if words and stale else 0


def _content(path: pathlib.Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
