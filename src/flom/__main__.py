"""Where the `flom` command begins: `bin/flom` runs this file, `python3 -m flom` this module.

Python compiles the file that it is to run anew each time, at a thirtieth of its own start for one
of thirty lines. So this one only reads `boot`, which is compiled once, as all modules are.
"""

import sys

try:
    from _frozen_importlib_external import SourceFileLoader

    code = SourceFileLoader("flom.boot", __file__[:-11] + "boot.py").get_code("flom.boot")
    exec(code)  # type: ignore[arg-type]  # None is for loaders of other kinds
except (ImportError, OSError) as error:
    print(f"flom: incomplete installation ({error})", file=sys.stderr)
    sys.exit(99)
except KeyboardInterrupt:  # so early that nobody else sees it
    from _signal import (  # type: ignore[import-not-found]  # missing in the stubs
        SIG_DFL,
        SIGINT,
        raise_signal,
        signal,
    )

    signal(SIGINT, SIG_DFL)
    raise_signal(SIGINT)
