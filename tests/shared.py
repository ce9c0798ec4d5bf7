"""Where the recorded cases of the reference are found."""

import json
import os
import pathlib

_ROOT = pathlib.Path(__file__).resolve().parent.parent


def shared_dir():
    """The folder with the vectors: FLOM_SHARED, else `shared` beside the project."""
    return pathlib.Path(os.environ.get("FLOM_SHARED", _ROOT.parent / "shared"))


def vectors(name):
    """The parsed content of vectors/NAME.json."""
    return json.loads((shared_dir() / "vectors" / f"{name}.json").read_text())
