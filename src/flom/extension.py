"""Loads a module that is written in C without looking for it: saves 0.02 of a command's run.

Python would look through all its folders, and list the one in which it keeps such modules.
"""

import sys
from _frozen_importlib import ModuleSpec, _load  # type: ignore[attr-defined]  # importlib's own
from _frozen_importlib_external import EXTENSION_SUFFIXES, ExtensionFileLoader


def load(name: str) -> None:
    """Load the standard library's module `name`, if it is where it usually is.

    Whoever imports it then finds it loaded; if it is not, that import looks for it.
    """
    folder = next((each for each in sys.path if each.endswith("/lib-dynload")), None)
    if folder is None or name in sys.modules or name in sys.builtin_module_names:
        return
    path = f"{folder}/{name}{EXTENSION_SUFFIXES[0]}"
    loader = ExtensionFileLoader(name, path)
    try:
        _load(ModuleSpec(name, loader, origin=path))
    except ImportError:
        pass
