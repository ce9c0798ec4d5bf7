"""The daemon. A command that was installed has all that starts one in a single file.

That saves a command that has to start a daemon a tenth of the time (packaging/hot_path.py).
"""

import sys

if "flom._hot" in sys.modules:
    sys.modules["flom._hot"].load_more(__path__[0].removesuffix("daemon"), "_start")
