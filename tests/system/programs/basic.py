"""A static handle and the default resource of the default daemon, as in case 3000."""

import sys

sys.path.append("/usr/local/lib/python")

from checking import check

from flom import *

my_handle = flom_handle_t()
check("flom_handle_init", flom_handle_init(my_handle))
check("flom_handle_lock", flom_handle_lock(my_handle))
check("flom_handle_unlock", flom_handle_unlock(my_handle))
check("flom_handle_clean", flom_handle_clean(my_handle))
