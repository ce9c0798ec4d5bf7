"""flom: locks with names, held while a command runs or a block of Python does.

The public names are resolved on first use, so that importing the package costs nothing.
`from flom import *` binds the names of the reference's Python binding (`flom.legacy`) and only
those; every other public name is imported by itself.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    # What type checkers see of the table below; a test compares the two.
    from flom import aio as aio
    from flom.client.api import Client as Client
    from flom.client.api import Held as Held
    from flom.client.api import Lock as Lock
    from flom.client.api import lock as lock
    from flom.client.api import locked as locked
    from flom.client.credentials import Tls as Tls
    from flom.client.failures import Busy as Busy
    from flom.client.failures import ConnectError as ConnectError
    from flom.client.failures import DaemonError as DaemonError
    from flom.client.failures import Deadlock as Deadlock
    from flom.client.failures import Denied as Denied
    from flom.client.failures import Impossible as Impossible
    from flom.client.failures import InvalidRequest as InvalidRequest
    from flom.client.failures import LimitReached as LimitReached
    from flom.client.failures import LockError as LockError
    from flom.client.failures import LockLost as LockLost
    from flom.client.failures import NoSuchResource as NoSuchResource
    from flom.client.failures import NotGranted as NotGranted
    from flom.client.failures import Timeout as Timeout
    from flom.client.mode import CR as CR
    from flom.client.mode import CW as CW
    from flom.client.mode import EX as EX
    from flom.client.mode import NL as NL
    from flom.client.mode import PR as PR
    from flom.client.mode import PW as PW
    from flom.client.mode import Mode as Mode
    from flom.errors import FlomError as FlomError

    __version__: str

# module: the public names that live there
_HOMES = {
    "flom.aio": "aio",
    "flom.client.api": "Client Held Lock lock locked",
    "flom.client.credentials": "Tls",
    "flom.client.failures": (
        "LockError NotGranted Busy Timeout NoSuchResource Impossible Denied Deadlock LimitReached"
        " ConnectError DaemonError LockLost InvalidRequest"
    ),
    "flom.client.mode": "Mode NL CR CW PR PW EX",
    "flom.errors": "FlomError",
    "flom.version": "__version__",
}
# How the names of the binding begin, and no others do.
_BINDING = ("FLOM_", "flom_", "TRUE", "FALSE", "__all__")


def _home_of(name: str) -> str:
    if name.startswith(_BINDING):
        return "flom.legacy"
    return next((home for home, names in _HOMES.items() if name in names.split()), "")


def __getattr__(name: str) -> object:
    home = _home_of(name)
    module: object = __import__(home, fromlist=[""]) if home else None
    there = "VERSION" if name == "__version__" else name
    if home != f"flom.{name}" and not hasattr(module, there):
        raise AttributeError(f"module 'flom' has no attribute {name!r}")
    value: object = module if home == f"flom.{name}" else getattr(module, there)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    from flom.legacy import __all__ as binding

    return sorted({*globals(), *" ".join(_HOMES.values()).split(), *binding})
