"""What the programs do with each return code."""

import sys

from flom import *


def check(call, ret_cod, expected=FLOM_RC_OK):
    if ret_cod != expected:
        text = flom_strerror(ret_cod)
        sys.stderr.write(call + "() returned " + str(ret_cod) + ", " + text + "\n")
        sys.exit(1)
