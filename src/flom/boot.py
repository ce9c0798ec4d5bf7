"""Puts the package in place and runs the command.

bin/flom runs the compiled form of this file where there is one, so that Python compiles nothing:
saves 0.03 of a run. Else `__main__` executes it, with its own names.
"""

from _signal import (  # type: ignore[import-not-found]  # missing in the stubs
    SIG_DFL,
    SIGINT,
    default_int_handler,
    getsignal,
    signal,
)

# First of all: an interrupt ends `flom` as it ends any command, without a word.
if getsignal(SIGINT) is default_int_handler:
    signal(SIGINT, SIG_DFL)

import gc
import sys
from _frozen_importlib_external import SourceFileLoader

# A command ends before there is garbage worth looking for; a daemon turns this on again.
gc.disable()

if __spec__ is None:
    # Run as a file. To find the package, Python would list all of site-packages, at up to a tenth
    # of its own start, so it is put in place by hand (without __init__.py: the command needs none
    # of the public names). The folder comes last in the path, as ever.
    home = __file__.rpartition("/")[0].removesuffix("/__pycache__")
    sys.path.append(home.rpartition("/")[0])
    flom = sys.modules["flom"] = type(sys)("flom")
    flom.__path__ = [home]
    try:
        # An installation has the modules of a command in one file (packaging/hot_path.py).
        code = SourceFileLoader("flom._hot", home + "/_hot.py").get_code("flom._hot")
        hot = sys.modules["flom._hot"] = type(sys)("flom._hot")
        exec(code, hot.__dict__)
        hot.load(home + "/")
    except (ImportError, OSError):
        pass

try:
    from flom.start import start
except (ImportError, OSError) as error:
    print(f"flom: incomplete installation ({error})", file=sys.stderr)
    sys.exit(99)

start()
