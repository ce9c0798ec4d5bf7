"""Legal and illegal orders of calls."""

from checking import check

from flom import *

# the happy path
handle = flom_handle_t()
check("flom_handle_init", flom_handle_init(handle))
check("flom_handle_lock", flom_handle_lock(handle))
check("flom_handle_unlock", flom_handle_unlock(handle))
check("flom_handle_clean", flom_handle_clean(handle))
# without init
handle = flom_handle_t()
check("flom_handle_lock", flom_handle_lock(handle), FLOM_RC_API_INVALID_SEQUENCE)
check("flom_handle_unlock", flom_handle_unlock(handle), FLOM_RC_API_INVALID_SEQUENCE)
check("flom_handle_clean", flom_handle_clean(handle), FLOM_RC_API_INVALID_SEQUENCE)
# without lock
handle = flom_handle_t()
check("flom_handle_init", flom_handle_init(handle))
check("flom_handle_unlock", flom_handle_unlock(handle), FLOM_RC_API_INVALID_SEQUENCE)
check("flom_handle_clean", flom_handle_clean(handle))
# without unlock
handle = flom_handle_t()
check("flom_handle_init", flom_handle_init(handle))
check("flom_handle_lock", flom_handle_lock(handle))
check("flom_handle_clean", flom_handle_clean(handle))
