"""Puts the package in place and runs the command. Executed by `__main__`, with its names."""

import gc
import sys
from _frozen_importlib_external import SourceFileLoader

# A command ends before there is garbage worth looking for; a daemon turns this on again.
gc.disable()

if __spec__ is None:
    # Run as a file. To find the package, Python would list all of site-packages, at up to a tenth
    # of its own start, so it is put in place by hand (without __init__.py: the command needs none
    # of the public names). The folder comes last in the path, as ever.
    home = __file__.rpartition("/")[0]
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

from flom.start import start  # noqa: E402  # not to be found before

start()
