"""The name of a resource cannot be changed while it is locked."""

import sys

from checking import check

from flom import *

handle = flom_handle_t()
check("flom_handle_init", flom_handle_init(handle))
check("flom_handle_set_resource_name", flom_handle_set_resource_name(handle, "resource1"))
check("flom_handle_lock", flom_handle_lock(handle))
check(
    "flom_handle_set_resource_name",
    flom_handle_set_resource_name(handle, "resource2"),
    FLOM_RC_API_IMMUTABLE_HANDLE,
)
if flom_handle_get_resource_name(handle) != "resource1":
    sys.stderr.write("the name has changed\n")
    sys.exit(1)
check("flom_handle_unlock", flom_handle_unlock(handle))
check("flom_handle_clean", flom_handle_clean(handle))
for name in ("resource1", "resource2"):
    check("flom_handle_init", flom_handle_init(handle))
    check("flom_handle_set_resource_name", flom_handle_set_resource_name(handle, name))
    check("flom_handle_set_resource_timeout", flom_handle_set_resource_timeout(handle, 0))
    check("flom_handle_lock", flom_handle_lock(handle))
    check("flom_handle_clean", flom_handle_clean(handle))
