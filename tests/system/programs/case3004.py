"""A sequence that can be rolled back and one that cannot; ends by SIGABRT with both locked."""

import os

from checking import check

from flom import *


def prepared(name):
    handle = flom_handle_t()
    check("flom_handle_init", flom_handle_init(handle))
    check("flom_handle_set_resource_name", flom_handle_set_resource_name(handle, name))
    check(
        "flom_handle_set_resource_idle_lifespan",
        flom_handle_set_resource_idle_lifespan(handle, 60000),
    )
    return handle


def lock_and_print(handle):
    check("flom_handle_lock", flom_handle_lock(handle))
    print("locked element: " + flom_handle_get_locked_element(handle), flush=True)


handle1 = prepared("_s_nontransactional[1]")
lock_and_print(handle1)
check(
    "flom_handle_unlock_rollback",
    flom_handle_unlock_rollback(handle1),
    FLOM_RC_RESOURCE_IS_NOT_TRANSACTIONAL,
)
lock_and_print(handle1)

handle2 = prepared("_S_nontransactional[1]")
lock_and_print(handle2)
check("flom_handle_unlock_rollback", flom_handle_unlock_rollback(handle2))
lock_and_print(handle2)
check("flom_handle_unlock", flom_handle_unlock(handle2))
lock_and_print(handle2)

os.abort()
