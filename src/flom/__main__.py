"""Where the `flom` command begins: `bin/flom` runs this file, `python3 -m flom` this module.

Kept tiny, because it is the only module that Python compiles anew at each run.
"""

import gc
import sys

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
        from flom._hot import load  # type: ignore[import-not-found]  # made when a wheel is built
    except ImportError:
        pass
    else:
        load(home + "/")

if __name__ == "__main__":
    try:
        from flom.start import start
    except ImportError as error:
        print(f"flom: incomplete installation ({error})", file=sys.stderr)
        sys.exit(99)
    start()
