"""Every property: printed, set, printed, compared; then a lock over TLS."""

import sys

from flom import *


def check(call, ret_cod):
    if ret_cod != FLOM_RC_OK:
        text = flom_strerror(ret_cod)
        sys.stderr.write(call + "() returned " + str(ret_cod) + ", " + text + "\n")
        sys.exit(1)


def compare(name, got, expected):
    if got != expected:
        sys.stderr.write(name + " is " + str(got) + " instead of " + str(expected) + "\n")
        sys.exit(1)


handle = flom_handle_t()
check("flom_handle_init", flom_handle_init(handle))

print("socket_name before: " + flom_handle_get_socket_name(handle))
check("flom_handle_set_socket_name", flom_handle_set_socket_name(handle, "/tmp/flom_socket_name"))
print("socket_name after: " + flom_handle_get_socket_name(handle))
compare("socket_name", flom_handle_get_socket_name(handle), "/tmp/flom_socket_name")

check("flom_handle_set_trace_filename", flom_handle_set_trace_filename(handle, "/tmp/flom.trc"))
print("trace_filename after: " + flom_handle_get_trace_filename(handle))
compare("trace_filename", flom_handle_get_trace_filename(handle), "/tmp/flom.trc")

print("resource_name before: " + flom_handle_get_resource_name(handle))
check("flom_handle_set_resource_name", flom_handle_set_resource_name(handle, "red.green.blue"))
print("resource_name after: " + flom_handle_get_resource_name(handle))
compare("resource_name", flom_handle_get_resource_name(handle), "red.green.blue")

print("resource_create before: " + str(flom_handle_get_resource_create(handle)))
for value in (0, 1):
    check("flom_handle_set_resource_create", flom_handle_set_resource_create(handle, value))
    print("resource_create after: " + str(flom_handle_get_resource_create(handle)))
    compare("resource_create", flom_handle_get_resource_create(handle), value)

print("resource_timeout before: " + str(flom_handle_get_resource_timeout(handle)))
check("flom_handle_set_resource_timeout", flom_handle_set_resource_timeout(handle, -1))
print("resource_timeout after: " + str(flom_handle_get_resource_timeout(handle)))
compare("resource_timeout", flom_handle_get_resource_timeout(handle), -1)

print("resource_quantity before: " + str(flom_handle_get_resource_quantity(handle)))
check("flom_handle_set_resource_quantity", flom_handle_set_resource_quantity(handle, 3))
print("resource_quantity after: " + str(flom_handle_get_resource_quantity(handle)))
compare("resource_quantity", flom_handle_get_resource_quantity(handle), 3)

print("lock_mode before: " + str(flom_handle_get_lock_mode(handle)))
check("flom_handle_set_lock_mode", flom_handle_set_lock_mode(handle, FLOM_LOCK_MODE_PW))
print("lock_mode after: " + str(flom_handle_get_lock_mode(handle)))
compare("lock_mode", flom_handle_get_lock_mode(handle), FLOM_LOCK_MODE_PW)

print("resource_idle_lifespan before: " + str(flom_handle_get_resource_idle_lifespan(handle)))
check(
    "flom_handle_set_resource_idle_lifespan",
    flom_handle_set_resource_idle_lifespan(handle, 10000),
)
print("resource_idle_lifespan after: " + str(flom_handle_get_resource_idle_lifespan(handle)))
compare("resource_idle_lifespan", flom_handle_get_resource_idle_lifespan(handle), 10000)

print("unicast_address before: " + str(flom_handle_get_unicast_address(handle)))
check("flom_handle_set_unicast_address", flom_handle_set_unicast_address(handle, "127.0.0.1"))
print("unicast_address after: " + str(flom_handle_get_unicast_address(handle)))
compare("unicast_address", flom_handle_get_unicast_address(handle), "127.0.0.1")

print("multicast_address before: " + str(flom_handle_get_multicast_address(handle)))
check("flom_handle_set_multicast_address", flom_handle_set_multicast_address(handle, "224.0.0.1"))
print("multicast_address after: " + str(flom_handle_get_multicast_address(handle)))
compare("multicast_address", flom_handle_get_multicast_address(handle), "224.0.0.1")

check("flom_handle_set_socket_name", flom_handle_set_socket_name(handle, "/tmp/flom_socket_name"))

print("unicast_port before: " + str(flom_handle_get_unicast_port(handle)))
check("flom_handle_set_unicast_port", flom_handle_set_unicast_port(handle, 7777))
print("unicast_port after: " + str(flom_handle_get_unicast_port(handle)))
compare("unicast_port", flom_handle_get_unicast_port(handle), 7777)

print("multicast_port before: " + str(flom_handle_get_multicast_port(handle)))
check("flom_handle_set_multicast_port", flom_handle_set_multicast_port(handle, 8888))
print("multicast_port after: " + str(flom_handle_get_multicast_port(handle)))
compare("multicast_port", flom_handle_get_multicast_port(handle), 8888)

print("discovery_attempts before: " + str(flom_handle_get_discovery_attempts(handle)))
check("flom_handle_set_discovery_attempts", flom_handle_set_discovery_attempts(handle, 5))
print("discovery_attempts after: " + str(flom_handle_get_discovery_attempts(handle)))
compare("discovery_attempts", flom_handle_get_discovery_attempts(handle), 5)

print("discovery_timeout before: " + str(flom_handle_get_discovery_timeout(handle)))
check("flom_handle_set_discovery_timeout", flom_handle_set_discovery_timeout(handle, 750))
print("discovery_timeout after: " + str(flom_handle_get_discovery_timeout(handle)))
compare("discovery_timeout", flom_handle_get_discovery_timeout(handle), 750)

print("discovery_ttl before: " + str(flom_handle_get_discovery_ttl(handle)))
check("flom_handle_set_discovery_ttl", flom_handle_set_discovery_ttl(handle, 2))
print("discovery_ttl after: " + str(flom_handle_get_discovery_ttl(handle)))
compare("discovery_ttl", flom_handle_get_discovery_ttl(handle), 2)

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

print("tls_check_peer_id before: " + str(flom_handle_get_tls_check_peer_id(handle)))
for value in (0, 1):
    check("flom_handle_set_tls_check_peer_id", flom_handle_set_tls_check_peer_id(handle, value))
    print("tls_check_peer_id after: " + str(flom_handle_get_tls_check_peer_id(handle)))
    compare("tls_check_peer_id", flom_handle_get_tls_check_peer_id(handle), value)

check("flom_handle_lock", flom_handle_lock(handle))
print("locked element: " + flom_handle_get_locked_element(handle))
check("flom_handle_unlock", flom_handle_unlock(handle))
check("flom_handle_clean", flom_handle_clean(handle))
