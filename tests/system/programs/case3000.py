"""As the first example: a static handle and the default resource."""

import sys

sys.path.append("/usr/local/lib/python")

from flom import *


def check(call, ret_cod):
    if ret_cod != FLOM_RC_OK:
        text = flom_strerror(ret_cod)
        sys.stderr.write(call + "() returned " + str(ret_cod) + ", " + text + "\n")
        sys.exit(1)


my_handle = flom_handle_t()
check("flom_handle_init", flom_handle_init(my_handle))
check("flom_handle_lock", flom_handle_lock(my_handle))
check("flom_handle_unlock", flom_handle_unlock(my_handle))
check("flom_handle_clean", flom_handle_clean(my_handle))
