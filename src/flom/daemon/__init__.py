"""The daemon. A command that was installed has all that starts one in a single file.

That saves a command that has to start a daemon a tenth of the time (packaging/hot_path.py), and not
to look for the modules in C another 0.02.
"""

import sys

from flom import extension

for each in ("fcntl", "select", "_heapq", "resource"):
    extension.load(each)

if "flom._hot" in sys.modules:
    sys.modules["flom._hot"].load_more("_start")
