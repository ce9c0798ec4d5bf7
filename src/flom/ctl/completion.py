"""The command `completion`: the scripts that were installed with this package, as one text."""

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import click

from flom.ctl.commands import Call, command
from flom.errors import EXIT_OK, RC_OBJ_NOT_FOUND_ERROR, FlomError

# Where the scripts of `flom` and `flomctl` are, below the folder `share`.
FOLDERS = {
    "bash": ("bash-completion/completions", ("flom.bash", "flomctl.bash")),
    "zsh": ("zsh/site-functions", ("_flom", "_flomctl")),
    "fish": ("fish/vendor_completions.d", ("flom.fish", "flomctl.fish")),
}


@command(arguments=[click.Argument(["shell"], type=click.Choice(list(FOLDERS)))], reaches=False)
def completion(call: Call, shell: str) -> int:
    """Print the completion of flom and flomctl for SHELL, for its start file.

    Needed only where the shell does not find the files that came with the installation: bash and
    zsh read it by eval "$(flomctl completion SHELL)", fish by flomctl completion fish | source.
    """
    script = "".join(map(_script, FOLDERS[shell][1], [shell, shell]))
    if call.output.json:
        call.output.value({"shell": shell, "script": script})
    else:
        call.output.text(script)
    return EXIT_OK


def _script(name: str, shell: str) -> str:
    text = _find(f"share/{FOLDERS[shell][0]}/{name}").read_text(encoding="utf-8")
    if shell != "zsh":
        return text
    # zsh loads the file as the body of the function that its name says.
    return f"{name}() {{\n{text}}}\ncompdef {name} {name[1:]}\n"


def _find(path: str) -> Path:
    """A file that was installed, or that of the source tree."""
    try:
        installed = [Path(str(each.locate())) for each in files("pyflom") or ()]
    except PackageNotFoundError:
        installed = []
    candidates = [each for each in installed if str(each).endswith(f"/{path}")]
    for candidate in (*candidates, Path(__file__).resolve().parents[3] / path):
        if candidate.is_file():
            return candidate
    raise FlomError(RC_OBJ_NOT_FOUND_ERROR, f"{path} is missing (install the package pyflom again)")
