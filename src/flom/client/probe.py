"""Is a daemon there, and does it speak our protocol? Asked without locking anything."""

import posix
from time import monotonic

from flom.client.blocking import Lock
from flom.client.reach import connect
from flom.client.session import Session, endpoint_of
from flom.errors import OWN_RC_ACCESS_DENIED, RC_LOCK_CANT_WAIT, FlomError
from flom.machine import unique_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.settings import Settings


def probe(settings: "Settings") -> None:
    """Returns when a daemon answers at the endpoint of the settings; starts none.

    Raises flom.net.unix.NobodyListens when there is none, FlomError when there is something
    else, or something that is not ours to use.
    """
    deadline = Session(settings, "", monotonic()).connect_deadline
    connect(endpoint_of(settings), settings, deadline).close()
    lock = Lock(harmless(settings))
    try:
        lock.connect()
        lock.acquire()
    except FlomError as error:
        # A daemon that allows this resource to nobody has answered as well.
        if error.rc not in (RC_LOCK_CANT_WAIT, OWN_RC_ACCESS_DENIED):
            raise
    finally:
        lock.close()


def check_request(settings: "Settings") -> None:
    """Raises ProtocolError when a daemon could not read the request of these settings."""
    Session(settings, unique_id(), 0.0).request()


def harmless(settings: "Settings") -> "Settings":
    """The request for a resource that does not exist, and is neither made nor waited for.

    Were there one of this name after all, the mode would let everybody else pass.
    """
    asked = settings.copy()
    asked.resource_name = f"flomCheck{posix.urandom(8).hex()}"
    asked.resource_timeout = 0
    asked.resource_create = False
    asked.resource_quantity = 1
    asked.lock_mode = 0
    asked.daemon_lifespan = 0
    return asked
