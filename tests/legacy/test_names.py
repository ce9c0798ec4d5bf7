"""What `from flom import *` binds (api.md 2), and that it costs nothing until it is used."""

import inspect
import json
import subprocess
import sys

import pytest
from shared import shared_dir

import flom

REFERENCE = json.loads((shared_dir() / "vectors" / "api.json").read_text())
FUNCTIONS = {each["name"]: each for each in REFERENCE["functions"]}
# Its own interpreter: nothing is bound there yet.
STAR = "import json; names = {}; exec('from flom import *', names); del names['__builtins__']; "


def run(code):
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout


def test_a_star_import_binds_the_reference_names_and_nothing_else():
    """P-1."""
    bound = json.loads(run(STAR + "print(json.dumps(sorted(names)))"))
    assert bound == sorted([*REFERENCE["constants"], *FUNCTIONS])
    assert len(bound) == 191


def test_constants():
    """P-2, P-5."""
    found = {name: getattr(flom, name) for name in REFERENCE["constants"]}
    assert found == REFERENCE["constants"]
    assert {type(value) for value in found.values()} == {int}


def test_strerror():
    """P-15, AF-21."""
    for code, kind in REFERENCE["strerror"].items():
        assert flom.flom_strerror(int(code)).startswith(f"{kind}: "), code
    assert flom.flom_strerror(-405) != flom.flom_strerror(-99)
    assert flom.flom_strerror(ret_cod=-123).endswith("'poll' function returned an error condition")
    assert "function returned" not in flom.flom_strerror(-119) + flom.flom_strerror(-140)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parameters(name):
    """P-3."""
    function = getattr(flom, name)
    parameters = [each["name"] for each in FUNCTIONS[name]["params"]]
    assert list(inspect.signature(function).parameters) == parameters
    assert function.__name__ == name
    assert function.__doc__


def test_other_names():
    """Outside of what a star import binds; those of neither world are reported."""
    assert {"flom_handle_t", "FLOM_RC_OK", "lock", "__version__"} <= set(dir(flom))
    with pytest.raises(AttributeError, match="FLOM_RC_NONE"):
        _ = flom.FLOM_RC_NONE


def test_importing_loads_little():
    """The names need neither settings nor sockets."""
    loaded = run("import sys; from flom import *; print(*sys.modules)").split()
    assert "flom.legacy" in loaded
    assert not {"flom.settings", "flom.options", "flom.client", "_socket", "ssl"} & set(loaded)


def test_only_the_reference_has_codes_here():
    """Codes of our own never come into the binding (design, "exit status 95, rc of our own")."""
    code = "import flom.errors as e; e.OWN_RC_MINE = -999; " + STAR
    assert run(code + "print(len(names))") == "191\n"
