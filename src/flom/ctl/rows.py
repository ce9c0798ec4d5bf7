"""The options of `flomctl`: rows of the table of `flom`, and a few more of the same form."""

from flom.options import OPTIONS, Option

_ENDPOINT = ("socket_name", "unicast_address", "unicast_port", "multicast_address",
             "multicast_port", "config_file")  # fmt: skip
_TTL = "store_session_ttl"
_LOCK = ("resource_quantity", "lock_mode", "resource_create")


def _own(
    short: str, long: str, type: str, rule: str, default: "int | None", metavar: str, help: str  # noqa: A002  # as `Option` has them
) -> Option:  # fmt: skip
    attr = long.replace("-", "_")
    return Option(short, long, attr, type, rule, default, "", "", 0, metavar, "Command", help)


JSON = _own("", "json", "F", "boolean", None, "", "print JSON instead of text")
TIMEOUT = _own(
    "o", "timeout", "I", "positive", 10000, "MS",
    "how long to wait for the daemon or the store: to connect, and for each part of its answer",
)  # fmt: skip
HOLDER = _own(
    "", "holder", "I", "positive", None, "ID",
    "break the lock of this holder alone; its number is in the column ID of flomctl show",
)  # fmt: skip
FORCE = _own("", "force", "F", "boolean", None, "", "do not ask, as scripts need it")
QUIESCE = _own(
    "", "quiesce", "F", "boolean", None, "",
    "serve locks that are held or waited for to their end, then stop",
)  # fmt: skip
INTERVAL = _own("", "interval", "I", "positive", 1000, "MS", "time between two looks")
COUNT = _own("", "count", "I", "positive", None, "N", "end after this many")
LISTEN = _own(
    "", "listen", "S", "text", None, "ADDR:PORT",
    "serve them by HTTP under /metrics, until stopped",
)  # fmt: skip
RESOURCES = _own(
    "", "resources", "I", "absolute", 100, "N",
    "tell at most this many resources by name, the busiest ones; the others only as a number",
)  # fmt: skip

# What every command takes that talks to a daemon or a store: how it is reached.
ENDPOINT = tuple(
    option
    for option in OPTIONS
    if option.attr in _ENDPOINT
    or option.group in ("Network", "TLS")
    or (option.group == "Store" and option.long and option.attr != _TTL)
)
# What a request is made of.
REQUEST = tuple(option for option in OPTIONS if option.attr in _LOCK)
# What `flomctl hold` takes, which locks as `flom` does.
HOLD = tuple(
    option
    for option in OPTIONS
    if (option.section == "Lock" and option.attr != "resource_name")
    or option.attr in ("daemon_lifespan", _TTL)
)
