"""The sockets of discovery: groups, hops, interfaces, membership."""

import contextlib
import socket

import pytest

from flom.errors import FlomError
from flom.net.discovery import GroupEndpoint, answering, asking, resolve_group
from flom.net.sockets import AF_INET, AF_INET6

IPV4, IPV6 = "239.255.43.21", "ff02::4321"
LOOPBACK = socket.if_nametoindex("lo")


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", 0))
        return sock.getsockname()[1]


def group(text, port=28015, interface=""):
    return resolve_group(GroupEndpoint(text, port, interface))


@pytest.mark.parametrize(
    ("text", "interface", "family", "index", "shown"),
    [
        (IPV4, "", AF_INET, 0, "239.255.43.21/28015"),
        (f"{IPV4}%lo", "", AF_INET, LOOPBACK, "239.255.43.21/28015"),
        (IPV6, "", AF_INET6, 0, "ff02::4321/28015"),
        (f"{IPV6}%lo", "", AF_INET6, LOOPBACK, "ff02::4321%lo/28015"),
        (IPV6, "lo", AF_INET6, LOOPBACK, "ff02::4321%lo/28015"),
        (f"{IPV6}%nope", "lo", AF_INET6, LOOPBACK, "ff02::4321%lo/28015"),
    ],
)
def test_a_group(text, interface, family, index, shown):
    (found,) = group(text, interface=interface)
    assert (found.family, found.index, str(found)) == (family, index, shown)


@pytest.mark.parametrize(
    ("text", "interface", "rc"),
    [("absent.invalid", "", -110), (IPV4, "lo", -110), (f"{IPV6}%nope", "", -20)],
)
def test_no_group(text, interface, rc):
    with pytest.raises(FlomError) as none:
        group(text, interface=interface)
    assert none.value.rc == rc


@pytest.mark.parametrize("ttl", [1, 5, 1000])
@pytest.mark.parametrize("text", [f"{IPV4}%lo", f"{IPV6}%lo"])
def test_who_asks(text, ttl):
    """W-57: hops and interface as told, any address, any port."""
    (wanted,) = group(text)
    sock, used = asking([wanted], ttl)
    with contextlib.closing(sock):
        assert used is wanted
        options = [(0, 33), (0, 32)] if sock.family == AF_INET else [(41, 18), (41, 17)]
        assert sock.getsockopt(*options[0]) == min(ttl, 255)
        if sock.family == AF_INET6:
            assert sock.getsockopt(*options[1]) == LOOPBACK
        assert sock.getsockname()[0] in ("0.0.0.0", "::")
        assert sock.getsockname()[1] not in (0, 28015)


def test_the_first_usable_address_is_asked():
    (good,) = group(IPV4)
    (bad,) = group(IPV6)
    bad.index = 2**30
    sock, used = asking([bad, good], 1)
    sock.close()
    assert used is good
    with pytest.raises(FlomError) as none:
        asking([bad], 1)
    assert none.value.rc == -105


@pytest.mark.parametrize("text", [f"{IPV4}%lo", f"{IPV6}%lo"])
def test_two_daemons_on_one_port(text):
    """daemon.md 9.4: several daemons of a host coexist."""
    port = free_port()
    members = [answering(group(text, port), group(text)[0].family) for _ in range(2)]
    for member in members:
        assert member.sock.getsockname()[1] == port
        assert not member.sock.getblocking()
        assert member.place == str(group(text, port)[0])
        member.close()


@pytest.mark.parametrize(
    ("text", "family"), [(IPV4, AF_INET6), (IPV6, AF_INET), ("127.0.0.1", AF_INET)]
)
def test_who_cannot_be_a_member(text, family):
    with pytest.raises(FlomError) as failure:
        answering(group(text, free_port()), family)
    assert failure.value.rc == -105
