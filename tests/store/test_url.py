import pytest

from flom.errors import RC_INVALID_OPTION, ConfigError
from flom.store.url import parse


@pytest.mark.parametrize(
    ("url", "endpoints", "prefix"),
    [
        ("etcd://h1", [("h1", 2379)], "flom"),
        ("etcd://h1:1,h2:65535/a/b", [("h1", 1), ("h2", 65535)], "a/b"),
        ("etcd://[::1]:4001,[fe80::1]/p/", [("::1", 4001), ("fe80::1", 2379)], "p"),
        ("etcd://127.0.0.1:2379/", [("127.0.0.1", 2379)], "flom"),
    ],
)
def test_a_url_names_endpoints_and_a_prefix(url, endpoints, prefix):
    target = parse(url)
    assert list(target.endpoints) == endpoints
    assert target.prefix == prefix
    assert parse(str(target)).endpoints == target.endpoints


@pytest.mark.parametrize(
    "url",
    [
        "", "etcd:", "etcd://", "http://h1:2379", "etcd://h1,,h2", "etcd://:2379", "etcd://h1:0",
        "etcd://h1:65536", "etcd://h1:x", "etcd://::1:2379", "etcd://[::1", "etcd://[::1]2379",
        "etcd://me:secret@h1:2379", "etcd://h1/a b", "etcd://h1/é", "etcd://[]:2379", "etcd://h 1",
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_understood_is_refused_with_what_is_wrong(url):
    with pytest.raises(ConfigError) as raised:
        parse(url)
    assert raised.value.rc == RC_INVALID_OPTION
    assert repr(url)[1:-1] in raised.value.text
