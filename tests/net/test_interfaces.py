"""What is said about an address that cannot be used (daemon.md 9.2)."""

import errno
import os
import socket

import pytest

from flom.errors import FlomError
from flom.net import interfaces
from flom.net.address import Candidate, interface_index


def usable(monkeypatch, *names):
    monkeypatch.setattr(interfaces, "suitable_interfaces", lambda: list(names))


def explained(host, scope, number=errno.EINVAL):
    found = (host, 28015, 0, 0)
    error = OSError(number, os.strerror(number))
    return interfaces.explained(Candidate(socket.AF_INET6, found, scope), error)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("fe80::1", True),
        ("febf::1%lo", True),
        ("fec0::1", False),
        ("::1", False),
        ("fd77::1", False),
    ],
)
def test_link_local(host, expected):
    assert interfaces.is_link_local(host) == expected


def test_a_link_local_address_without_interface_teaches_the_option(monkeypatch):
    usable(monkeypatch, "eth0")
    assert explained("fe80::1", 0).endswith(": -n eth0")
    usable(monkeypatch, "eth0", "wlan0")
    assert explained("fe80::1", 0).endswith(": -n with one of eth0, wlan0")
    for none in ((), ("lo",)):
        usable(monkeypatch, *none)
        assert "none here is up and has IPv6" in explained("fe80::1", 0)


def test_the_wrong_interface_is_told_from_one_that_is_down(monkeypatch):
    loopback = socket.if_nametoindex("lo")
    usable(monkeypatch, "eth0")
    monkeypatch.setattr(interfaces, "_is_up", lambda name: False)
    assert "lo is down" in explained("fe80::1", loopback)
    monkeypatch.setattr(interfaces, "_is_up", lambda name: True)
    monkeypatch.setattr(interfaces, "interfaces", list)
    assert "lo has no IPv6 address" in explained("fe80::1", loopback)
    monkeypatch.setattr(interfaces, "interfaces", lambda: ["lo"])
    assert "usable: eth0" in explained("fe80::1", loopback)
    usable(monkeypatch, "lo")
    assert explained("fe80::1", loopback) == ""
    assert "number 99999" in explained("fe80::1", 99999)


def test_other_addresses():
    assert explained("fd77::1", 0, errno.ENETUNREACH) == ""
    assert "no interface" in explained("fd77::1", 0, errno.EADDRNOTAVAIL)


def test_loopback_is_up():
    assert interfaces._is_up("lo")


@pytest.mark.parametrize("name", ["nope", "99999", "0", "-1", "²", "9" * 30, "a\0b"])
def test_unknown_interfaces_by_name_and_number(monkeypatch, name):
    usable(monkeypatch, "eth0", "eth1")
    with pytest.raises(FlomError) as failure:
        interface_index(name)
    assert failure.value.rc == -20
    assert "usable: eth0, eth1" in failure.value.text
    assert "\0" not in failure.value.text


def test_known_interfaces_by_name_and_number():
    index = socket.if_nametoindex("lo")
    assert interface_index("lo") == interface_index(str(index)) == index


def test_tentative_addresses(tmp_path):
    table = tmp_path / "if_inet6"
    rest = "0000000000000000000000000001 02 40"
    table.write_text(f"fd77{rest} 00 c0     eth0\nfe80{rest} 20 80     eth0\n")
    assert interfaces._is_tentative("fd77::1", str(table))
    assert not interfaces._is_tentative("fe80::1%eth0", str(table))
    assert not interfaces._is_tentative("fd77::2", str(table))
    assert not interfaces._is_tentative("10.1.1.1", str(table))
    assert not interfaces._is_tentative("fd77::1", str(tmp_path / "absent"))
