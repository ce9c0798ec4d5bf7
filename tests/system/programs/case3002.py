"""Every property: printed, set, printed, compared; then a lock over TLS."""

import sys

from checking import check

from flom import *


def text(value):
    return "" + value  # a text, not None


def change(name, get, set_, *values, shown=str, before=True):
    if before:
        print(name + " before: " + shown(get(handle)))
    for value in values:
        check("flom_handle_set_" + name, set_(handle, value))
        print(name + " after: " + shown(get(handle)))
        if get(handle) != value:
            sys.stderr.write(name + " is " + str(get(handle)) + " instead of " + str(value) + "\n")
            sys.exit(1)


handle = flom_handle_t()
check("flom_handle_init", flom_handle_init(handle))

change(
    "socket_name",
    flom_handle_get_socket_name,
    flom_handle_set_socket_name,
    "/tmp/flom_socket_name",
    shown=text,
)
change(
    "trace_filename",
    flom_handle_get_trace_filename,
    flom_handle_set_trace_filename,
    "/tmp/flom.trc",
    shown=text,
    before=False,
)
change(
    "resource_name",
    flom_handle_get_resource_name,
    flom_handle_set_resource_name,
    "red.green.blue",
    shown=text,
)
change("resource_create", flom_handle_get_resource_create, flom_handle_set_resource_create, 0, 1)
change("resource_timeout", flom_handle_get_resource_timeout, flom_handle_set_resource_timeout, -1)
change("resource_quantity", flom_handle_get_resource_quantity, flom_handle_set_resource_quantity, 3)
change("lock_mode", flom_handle_get_lock_mode, flom_handle_set_lock_mode, FLOM_LOCK_MODE_PW)
change(
    "resource_idle_lifespan",
    flom_handle_get_resource_idle_lifespan,
    flom_handle_set_resource_idle_lifespan,
    10000,
)
change(
    "unicast_address", flom_handle_get_unicast_address, flom_handle_set_unicast_address, "127.0.0.1"
)
change(
    "multicast_address",
    flom_handle_get_multicast_address,
    flom_handle_set_multicast_address,
    "224.0.0.1",
)
check("flom_handle_set_socket_name", flom_handle_set_socket_name(handle, "/tmp/flom_socket_name"))
change("unicast_port", flom_handle_get_unicast_port, flom_handle_set_unicast_port, 7777)
change("multicast_port", flom_handle_get_multicast_port, flom_handle_set_multicast_port, 8888)
change(
    "discovery_attempts", flom_handle_get_discovery_attempts, flom_handle_set_discovery_attempts, 5
)
change(
    "discovery_timeout", flom_handle_get_discovery_timeout, flom_handle_set_discovery_timeout, 750
)
change("discovery_ttl", flom_handle_get_discovery_ttl, flom_handle_set_discovery_ttl, 2)

for name, get, set_, path in (
    (
        "tls_certificate",
        flom_handle_get_tls_certificate,
        flom_handle_set_tls_certificate,
        "CA1/peer1_CA1_cert.pem",
    ),
    (
        "tls_private_key",
        flom_handle_get_tls_private_key,
        flom_handle_set_tls_private_key,
        "CA1/peer1_CA1_key.pem",
    ),
    (
        "tls_ca_certificate",
        flom_handle_get_tls_ca_certificate,
        flom_handle_set_tls_ca_certificate,
        "CA1/cacert.pem",
    ),
):
    sys.stderr.write(name + " before: " + str(get(handle)) + "\n")
    check("flom_handle_set_" + name, set_(handle, path))
    sys.stderr.write(name + " after: " + str(get(handle)) + "\n")

change(
    "tls_check_peer_id", flom_handle_get_tls_check_peer_id, flom_handle_set_tls_check_peer_id, 0, 1
)

check("flom_handle_lock", flom_handle_lock(handle))
print("locked element: " + flom_handle_get_locked_element(handle))
check("flom_handle_unlock", flom_handle_unlock(handle))
check("flom_handle_clean", flom_handle_clean(handle))
