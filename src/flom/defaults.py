"""What holds where nothing else is said: names and places (cli.md 4, daemon.md 2)."""

import posix

# The resource of all who name none; nobody may give this name himself.
RESOURCE = "_RESOURCE"

SYSTEM_FILE = "/etc/flom.conf"
# In the user's home directory.
USER_FILE = ".flom"


def socket_path() -> str:
    """The path of the socket used when no address is configured (daemon.md 2).

    The login comes from the user database for the real user id; the environment has no say.
    """
    import pwd

    try:
        return f"/tmp/flom-{pwd.getpwuid(posix.getuid()).pw_name}"
    except KeyError:
        return "/tmp/flom-nobody"
