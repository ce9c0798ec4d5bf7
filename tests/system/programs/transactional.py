"""A transactional sequence: a value that is rolled back comes again."""

import time

from checking import check

from flom import *


def lock_and_print(label):
    check("flom_handle_lock", flom_handle_lock(my_handle))
    print(label + " lock: " + flom_handle_get_locked_element(my_handle), flush=True)


my_handle = flom_handle_t()
check("flom_handle_init", flom_handle_init(my_handle))
check(
    "flom_handle_set_resource_name",
    flom_handle_set_resource_name(my_handle, "_S_transact[1]"),
)
check(
    "flom_handle_set_resource_idle_lifespan",
    flom_handle_set_resource_idle_lifespan(my_handle, 60000),
)
lock_and_print("first")
check("flom_handle_unlock_rollback", flom_handle_unlock_rollback(my_handle))
lock_and_print("second")
check("flom_handle_unlock", flom_handle_unlock(my_handle))
lock_and_print("third")
print("sleeping 5 seconds: interrupt me to have the last value rolled back", flush=True)
time.sleep(5)
check("flom_handle_unlock", flom_handle_unlock(my_handle))
check("flom_handle_clean", flom_handle_clean(my_handle))
