"""Endpoints as programs write them."""

import pytest

from flom.client.endpoint import aim, written
from flom.errors import ConfigError
from flom.settings import Settings

PLACE = ("socket_name", "unicast_address", "multicast_address", "network_interface")


def elsewhere():
    """Settings that point to other places, as configuration files may."""
    settings = Settings()
    for attr in PLACE:
        setattr(settings, attr, "elsewhere")
    settings.unicast_port = settings.multicast_port = 1
    return settings


@pytest.mark.parametrize(
    ("endpoint", "attr", "value", "port", "again"),
    [
        ("unix:///run/a b", "socket_name", "/run/a b", None, "unix:///run/a b"),
        ("unix://rel/s", "socket_name", "/cwd/rel/s", None, "unix:///cwd/rel/s"),
        ("tcp://host", "unicast_address", "host", 28015, "tcp://host:28015"),
        ("tcp://10.0.0.1:99", "unicast_address", "10.0.0.1", 99, "tcp://10.0.0.1:99"),
        ("tcp://[::1]", "unicast_address", "::1", 28015, "tcp://[::1]:28015"),
        ("tcp://[fe80::1%eth0]:7", "unicast_address", "fe80::1%eth0", 7, "tcp://[fe80::1%eth0]:7"),
        ("tcp://host%eth0:7", "unicast_address", "host%eth0", 7, "tcp://host%eth0:7"),
        (
            "discover://239.255.1.1",
            "multicast_address", "239.255.1.1", 28015, "discover://239.255.1.1:28015",
        ),
        (
            "discover://[ff02::1%e]:9",
            "multicast_address", "ff02::1%e", 9, "discover://[ff02::1%e]:9",
        ),
    ],
)  # fmt: skip
def test_an_endpoint_decides_alone(endpoint, attr, value, port, again):
    settings = elsewhere()
    aim(settings, endpoint, "/cwd")
    assert {name: getattr(settings, name) for name in PLACE} == dict.fromkeys(PLACE) | {attr: value}
    if port is not None:
        assert getattr(settings, attr.replace("address", "port")) == port
    assert written(settings) == again


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        ("/run/s", "expected unix://PATH"),
        ("http://host", "expected unix://PATH"),
        ("tcp://", "expected unix://PATH"),
        ("tcp://:99", "the host is missing"),
        ("tcp://[]:99", "the host is missing"),
        ("tcp://fe80::1", "an IPv6 address stands in brackets"),
        ("tcp://[fe80::1", r"expected \[ADDRESS\]:PORT"),
        ("tcp://[fe80::1]99", r"expected \[ADDRESS\]:PORT"),
        ("tcp://host:", "from 1 to 65535"),
        ("tcp://host:0", "from 1 to 65535"),
        ("tcp://host:65536", "from 1 to 65535"),
        ("tcp://host:-1", "from 1 to 65535"),
        ("discover://239.255.1.1:x", "from 1 to 65535"),
        ("unix:///" + 107 * "x", "at most 107 bytes"),
    ],
)
def test_anything_else_is_refused(endpoint, why):
    with pytest.raises(ConfigError, match=why):
        aim(Settings(), endpoint, "/cwd")


def test_the_interface_of_the_settings_is_shown():
    """The `-n` of a configuration file that names the address as well."""
    settings = Settings()
    settings.unicast_address, settings.network_interface = "fe80::1", "eth0"
    assert written(settings) == "tcp://[fe80::1%eth0]:28015"
