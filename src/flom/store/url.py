"""Where a store is: `etcd://HOST:PORT,HOST:PORT/PREFIX`."""

from flom.errors import RC_INVALID_OPTION, ConfigError
from flom.net.address import joined, parted
from flom.values import quoted

SCHEME = "etcd"
DEFAULT_PORT = 2379
DEFAULT_PREFIX = "flom"
_SYNTAX = "expected etcd://HOST:PORT,HOST:PORT/PREFIX"


class Target:
    """A store: `endpoints` are pairs of host and port, `prefix` is what all our keys begin with."""

    __slots__ = ("endpoints", "prefix")

    def __init__(self, endpoints: tuple[tuple[str, int], ...], prefix: str) -> None:
        self.endpoints = endpoints
        self.prefix = prefix

    def __str__(self) -> str:
        return f"{SCHEME}://{','.join(joined(*each) for each in self.endpoints)}/{self.prefix}"


def parse(url: str) -> Target:
    """What a URL means: the port may be left out (2379), and so may the prefix (`flom`).

    A literal IPv6 address stands in brackets. Raises ConfigError (-5).
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme != SCHEME:
        raise _bad(url, _SYNTAX)
    places, _, prefix = rest.partition("/")
    prefix = prefix.strip("/") or DEFAULT_PREFIX
    if not prefix.isprintable() or not prefix.isascii() or " " in prefix:
        raise _bad(url, "the prefix has characters other than printable ASCII")
    return Target(tuple(_endpoint(url, place) for place in places.split(",")), prefix)


def _endpoint(url: str, place: str) -> tuple[str, int]:
    try:
        host, port = parted(place)
    except ValueError as error:
        raise _bad(url, str(error)) from None
    if not host.isprintable() or not host.isascii() or set(host) & set(" @?#"):
        raise _bad(url, f"{quoted(host)} is no host ({_SYNTAX}; user and password are settings)")
    return host, DEFAULT_PORT if port is None else _port(url, port)


def _port(url: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise _bad(url, f"{quoted(text)} is no port, expected a number from 1 to 65535")
    return int(text)


def _bad(url: str, why: str) -> ConfigError:
    return ConfigError(RC_INVALID_OPTION, f"store {quoted(url)}: {why}")
