"""Endpoints as programs write them.

`unix://PATH`, `tcp://HOST:PORT`, `discover://GROUP:PORT`, and of a store `etcd://HOST,HOST/PREFIX`.
"""

from flom.client.session import endpoint_of
from flom.errors import RC_INVALID_OPTION, ConfigError
from flom.net.address import TcpEndpoint, joined, parted
from flom.net.unix import UnixEndpoint
from flom.options import OPTIONS
from flom.values import INTEGER_RULES, TEXT_RULES, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.settings import Settings

_DEFAULTS = {option.attr: option.default for option in OPTIONS}


def aim(settings: "Settings", endpoint: str, cwd: str) -> None:
    """Point the settings at an endpoint, and at nothing else; relative paths start at `cwd`.

    A literal IPv6 address stands in brackets, with `%INTERFACE` where it needs one; the port may
    be left out. Raises ConfigError (-5, or -9 for a path that is too long).
    """
    scheme, separator, place = endpoint.partition("://")
    if not separator or not place or scheme not in ("unix", "tcp", "discover", "etcd"):
        raise _bad(
            endpoint,
            "expected unix://PATH, tcp://HOST:PORT, discover://GROUP:PORT or "
            "etcd://HOST:PORT,HOST:PORT/PREFIX",
        )
    for attr in ("socket_name", "unicast_address", "multicast_address", "network_interface"):
        setattr(settings, attr, None)
    settings.store_url = None
    if scheme == "etcd":
        settings.store_url = place_of_store(endpoint)
        return
    if scheme == "unix":
        settings.socket_name = str(TEXT_RULES["socket"](place, cwd))
        return
    kind = "unicast" if scheme == "tcp" else "multicast"
    host, port = _host_and_port(endpoint, place)
    setattr(settings, f"{kind}_address", host)
    setattr(settings, f"{kind}_port", _DEFAULTS[f"{kind}_port"] if port is None else port)


def place_of_store(url: str) -> str:
    """The URL of a store, in full. Raises ConfigError (-5) for what is none."""
    from flom.store.url import parse

    return str(parse(url))


def written(settings: "Settings") -> str:
    """The endpoint of the settings, as a program would write it."""
    if settings.store_url is not None:
        return settings.store_url
    endpoint = endpoint_of(settings)
    if isinstance(endpoint, UnixEndpoint):
        return f"unix://{endpoint.path}"
    if isinstance(endpoint, TcpEndpoint):
        return f"tcp://{_joined(endpoint.host, endpoint.interface, endpoint.port)}"
    return f"discover://{_joined(endpoint.group, endpoint.interface, endpoint.port)}"


def _joined(host: str, interface: str, port: int) -> str:
    scoped = f"{host.partition('%')[0]}%{interface}" if interface else host
    return joined(scoped, port)


def _host_and_port(endpoint: str, place: str) -> tuple[str, int | None]:
    try:
        host, port = parted(place)
    except ValueError as error:
        raise _bad(endpoint, str(error)) from None
    return host, None if port is None else _port(endpoint, port)


def _port(endpoint: str, text: str) -> int | None:
    try:
        return INTEGER_RULES["port"](int(text) if text.isascii() and text.isdigit() else 0, "")
    except ConfigError as error:
        raise _bad(endpoint, f"the port: {error.text}") from None


def _bad(endpoint: str, why: str) -> ConfigError:
    return ConfigError(RC_INVALID_OPTION, f"endpoint {quoted(endpoint)}: {why}")
