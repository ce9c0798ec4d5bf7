"""Whether a daemon or a store keeps the locks, and what a store needs. Loaded only for a store.

The last layer of settings that names one or the other decides (see `settings.load`).
"""

import posix

from flom import errors
from flom.options import OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from flom.settings import Settings

    Warn = Callable[[str], None]

NO_DAEMON = "a store has no daemon that could end (give -s, -a or -A to end a daemon)"
_DAEMON = ("socket_name", "unicast_address", "multicast_address")
_SECTIONS = ("Daemon", "Daemon limits", "Network", "TLS")
_ALONE = ("daemon_trace_file", "debug_feature")
_OTHERS_READ = 0o004


def settle(settings: "Settings", named: "Collection[str]") -> None:
    """Let a layer that names a daemon, or how to prove a user, override the layers before it.

    named: the attributes the layer sets. Raises ConfigError when it names a daemon and a store.
    """
    daemon = next((attr for attr in _DAEMON if attr in named), None)
    if "store_url" not in named:
        if daemon is not None:
            settings.store_url = None
    elif daemon is not None:
        raise _bad(
            f"{_told('store_url')} and {_told(daemon)} exclude each other: the locks are kept "
            "either in a store or by a daemon (drop one of them)"
        )
    if "store_password_file" in named and "store_password" not in named:
        settings.store_password = None
    if "store_password" in named and "store_password_file" not in named:
        settings.store_password_file = None


def settle_words(settings: "Settings", given: "Collection[str]") -> None:
    """As `settle` for the command line, where what means something to daemons only is refused.

    given: the attributes of all options there. Raises ConfigError, which names one of them.
    """
    settle(settings, given)
    if "store_url" not in given:
        return
    for option in OPTIONS:
        if option.attr in given and (option.section in _SECTIONS or option.attr in _ALONE):
            advice = "drop it, or --store"
            if option.section == "TLS":
                advice = "the store has files of its own, see --store-ca-certificate"
            raise _bad(f"{option.spelling} means nothing to a store ({advice})")


def check(settings: "Settings", warn: "Warn") -> None:
    """Refuse what does not fit together for a store; `warn` of a password that others can read.

    Raises ConfigError.
    """
    if not settings.store_url:
        raise _bad("the URL of the store is set but empty (see --store)")
    if settings.immediate_exit or settings.quiesce_exit:
        raise _bad(NO_DAEMON)
    if settings.store_password is not None and settings.store_password_file is not None:
        raise _bad("the store's Password and PasswordFile are both set (drop one of them)")
    proof = settings.store_password is not None or settings.store_password_file is not None
    if proof != (settings.store_user is not None):
        missing = "user (--store-user)" if proof else "password (--store-password-file)"
        raise _bad(f"the store needs user and password, and has no {missing}")
    if (settings.store_certificate is None) != (settings.store_key is None):
        raise _bad(
            "a certificate for the store needs its private key, and a key its certificate "
            "(give both, --store-certificate and --store-private-key, or none)"
        )
    if settings.store_password_file is not None:
        warn_if_open(settings.store_password_file, warn)


def warn_if_open(path: str, warn: "Warn") -> None:
    """Say so when every user of this host may read a file that holds a password."""
    try:
        mode = posix.stat(path).st_mode
    except OSError:
        return  # who reads it will tell
    if mode & _OTHERS_READ:
        warn(f"{path} holds a password that everybody can read (chmod o-r {path})")


def _told(attr: str) -> str:
    return next(option.spelling for option in OPTIONS if option.attr == attr)


def _bad(why: str) -> errors.ConfigError:
    return errors.ConfigError(errors.RC_INVALID_OPTION, why)
