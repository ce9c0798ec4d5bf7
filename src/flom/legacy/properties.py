"""The twenty properties of a handle: who may change them when, and to what (api.md 7)."""

from flom import defaults, trace, values
from flom.errors import (
    RC_API_IMMUTABLE_HANDLE,
    RC_BUFFER_OVERFLOW,
    RC_INVALID_IPV6_NETWORK_INTERFACE,
    RC_NULL_OBJECT,
    RC_OBJ_CORRUPTED,
    RC_OK,
    ConfigError,
)
from flom.legacy import library
from flom.legacy.handle import (
    CONNECTED,
    DISCONNECTED,
    INIT,
    checked,
    flom_handle_t,
    integer,
    text,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from flom.legacy.handle import Value, Values
    from flom.settings import Settings

    # Puts a value into a handle's; returns the code.
    Rule = Callable[[str, Values, Value], int]

_ENDPOINTS = ("socket_name", "unicast_address", "multicast_address")
# Not a property: whether the socket is the default one, which must not be somebody else's.
PRIVATE = "private_socket"


def _verbatim(name: str, kept: "Values", value: "Value") -> int:
    kept[name] = value
    return RC_OK


def _absolute(name: str, kept: "Values", value: "Value") -> int:
    assert isinstance(value, int)
    kept[name] = value if value == values.INT_MIN else abs(value)
    return RC_OK


def _positive(name: str, kept: "Values", value: "Value") -> int:
    return _absolute(name, kept, value or 1)


def _not_zero(name: str, kept: "Values", value: "Value") -> int:
    return _absolute(name, kept, value) if value else RC_OK


def _endpoint(name: str, kept: "Values", value: "Value") -> int:
    if value is not None:
        kept.update(dict.fromkeys(other for other in _ENDPOINTS if other != name))
    kept[name] = value
    return RC_OK


def _socket(name: str, kept: "Values", value: "Value") -> int:
    before = kept[name]
    _endpoint(name, kept, value)
    if isinstance(value, str) and len(value.encode()) > values.SOCKET_NAME_MAX:
        kept[name] = before  # the other endpoints are gone all the same
        return RC_BUFFER_OVERFLOW
    kept[PRIVATE] = 0
    return RC_OK


def _resource(name: str, kept: "Values", value: "Value") -> int:
    if value is None:
        return RC_NULL_OBJECT
    assert isinstance(value, str)
    if value != defaults.RESOURCE and values.resource_kind(values.native(value)):
        kept[name] = value
    elif trace.mask & trace.API:
        trace.record(f"flom_handle_set_{name}: '{value}' is no resource name, it is ignored")
    return RC_OK


def _interface(name: str, kept: "Values", value: "Value") -> int:
    if value is None:
        return RC_NULL_OBJECT
    if value not in values.interfaces():
        return RC_INVALID_IPV6_NETWORK_INTERFACE
    kept[name] = value
    return RC_OK


def _file(name: str, kept: "Values", value: "Value") -> int:
    assert not isinstance(value, int)
    try:
        text = values.native(value or "")
        kept[name] = str(values.TEXT_RULES["file"](text, values.working_directory()))
    except ConfigError as error:
        return error.rc
    return RC_OK


def _trace(name: str, kept: "Values", value: "Value") -> int:
    assert not isinstance(value, int)
    # Without a file records go nowhere, and not to the standard error of the program (AF-9).
    trace.open_file(values.native(value) if value is not None else "/dev/null", append=False)
    kept[name] = value
    return RC_OK


class Property:
    """One property: `type` is int or str, `rule` puts a value into a handle's values.

    `attr` is the setting its default comes from. While CONNECTED it may be changed if `late`.
    """

    __slots__ = ("attr", "late", "name", "rule", "type")

    def __init__(
        self, name: str, type_: type, rule: "Rule", late: bool = False, attr: str = ""
    ) -> None:
        self.name = name
        self.type = type_
        self.rule = rule
        self.late = late
        self.attr = attr or name


PROPERTIES = (
    Property("discovery_attempts", int, _positive),
    Property("discovery_timeout", int, _absolute),
    Property("discovery_ttl", int, _positive),
    Property("lock_mode", int, _verbatim, late=True),
    Property("multicast_address", str, _endpoint),
    Property("multicast_port", int, _absolute),
    Property("network_interface", str, _interface),
    Property("resource_create", int, _verbatim),
    Property("resource_idle_lifespan", int, _not_zero, late=True),
    Property("resource_name", str, _resource, late=True),
    Property("resource_quantity", int, _not_zero, late=True),
    Property("resource_timeout", int, _verbatim, late=True),
    Property("socket_name", str, _socket),
    Property("tls_ca_certificate", str, _file),
    Property("tls_certificate", str, _file),
    Property("tls_check_peer_id", int, _verbatim),
    Property("tls_private_key", str, _file),
    Property("trace_filename", str, _trace, attr="command_trace_file"),
    Property("unicast_address", str, _endpoint),
    Property("unicast_port", int, _absolute),
)
BLANK: "Values" = {each.name: 0 if each.type is int else None for each in PROPERTIES}


def defaults_of(settings: "Settings") -> "Values":
    """What a new handle begins with, by the configuration files."""
    result: Values = {PRIVATE: int(settings.socket_is_default)}
    for each in PROPERTIES:
        value = getattr(settings, each.attr)
        result[each.name] = int(value) if each.type is int else value
    return result


def functions() -> "dict[str, Callable[..., object]]":
    """The getters and setters, by name."""
    made = (make(each) for each in PROPERTIES for make in (_getter, _setter))
    return {function.__name__: function for function in made}


def _getter(prop: Property) -> "Callable[..., object]":
    name = prop.name

    def get(handle: flom_handle_t) -> "Value":
        if checked(handle) is None:
            raise TypeError("a flom_handle_t is needed, not None")
        return (handle.config or library.defaults or BLANK)[name]

    return _named(get, f"flom_handle_get_{name}", f"The value of {name} (api.md 7).")


def _setter(prop: Property) -> "Callable[..., object]":
    name, rule = prop.name, prop.rule
    convert: Callable[[object], Value] = integer if prop.type is int else text
    states = (INIT, DISCONNECTED, CONNECTED) if prop.late else (INIT, DISCONNECTED)

    def set_(handle: flom_handle_t | None, value: "Value") -> int:
        converted = convert(value)
        if (known := checked(handle)) is None:
            return RC_NULL_OBJECT
        if rule is _trace and known.config is None:
            library.choose_trace(text(value))
            return rule(name, {}, converted)
        if rule is not _trace and known.state not in states:
            return RC_API_IMMUTABLE_HANDLE
        if known.config is None:
            return RC_OBJ_CORRUPTED
        return rule(name, known.config, converted)

    return _named(
        set_, f"flom_handle_set_{name}", f"Set {name}; returns 0, 11 in a wrong state (api.md 7)."
    )


def _named(function: "Callable[..., object]", name: str, doc: str) -> "Callable[..., object]":
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    function.__module__ = "flom.legacy"
    return function
