"""A resource set at a daemon of one's choice; prints the element it got."""

from checking import check

from flom import *

my_handle = flom_handle_t()
check("flom_handle_init", flom_handle_init(my_handle))
check(
    "flom_handle_set_socket_name",
    flom_handle_set_socket_name(my_handle, "/tmp/my_socket_name"),
)
check(
    "flom_handle_set_resource_name",
    flom_handle_set_resource_name(my_handle, "Red.Green.Blue"),
)
check("flom_handle_lock", flom_handle_lock(my_handle))
print("The locked element is " + flom_handle_get_locked_element(my_handle))
check("flom_handle_unlock", flom_handle_unlock(my_handle))
check("flom_handle_clean", flom_handle_clean(my_handle))
