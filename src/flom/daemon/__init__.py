"""The daemon. A command that was installed has all that starts one in a single file.

That saves a command that has to start a daemon a quarter of the time (packaging/hot_path.py).
"""

import sys

_hot = sys.modules.get("flom._hot")
if _hot is not None:
    try:
        from flom._start import MODULES  # type: ignore[import-not-found]  # made for a wheel
    except ImportError:
        pass
    else:
        _hot.load(__path__[0].removesuffix("daemon"), MODULES)
