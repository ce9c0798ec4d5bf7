"""The option table is complete and agrees with itself (cli.md 3, 5.1 and 8)."""

import collections

from flom import values
from flom.options import OPTIONS

REFERENCE = """
h help F
v version F
V verbose F Trace/Verbose
c config-file S
r resource-name S Resource/Name
o resource-timeout I Resource/Timeout
q resource-quantity I Resource/Quantity
e resource-create B Resource/Create
i resource-idle-lifespan I Resource/IdleLifespan
l lock-mode S Resource/LockMode
s socket-name S Daemon/SocketName
d daemon-lifespan I Daemon/Lifespan
a unicast-address S Daemon/UnicastAddress
p unicast-port I Daemon/UnicastPort
A multicast-address S Daemon/MulticastAddress
P multicast-port I Daemon/MulticastPort
m mount-point-vfs S Daemon/MountPointVFS
n network-interface S Network/NetworkInterface
D discovery-attempts I Network/DiscoveryAttempts
I discovery-timeout I Network/DiscoveryTimeout
- discovery-ttl I Network/DiscoveryTTL
- tcp-keepalive-time I Network/TcpKeepaliveTime
- tcp-keepalive-intvl I Network/TcpKeepaliveIntvl
- tcp-keepalive-probes I Network/TcpKeepaliveProbes
- tls-certificate S TLS/TlsCertificate
- tls-private-key S TLS/TlsPrivateKey
- tls-ca-certificate S TLS/TlsCaCertificate
- tls-check-peer-id B TLS/TlsCheckPeerId
- ignore-signal L Monitor/IgnoredSignals
- signal-list F
t daemon-trace-file S Trace/DaemonTraceFile
T command-trace-file S Trace/CommandTraceFile
- append-trace-file B Trace/AppendTraceFile
x quiesce-exit F
X immediate-exit F
- unique-id F
- debug-feature S
"""


def row(option):
    place = f"{option.group}/{option.key}" if option.key else ""
    return " ".join([option.short or "-", option.long, option.type, place]).strip()


def test_every_option_of_the_reference_with_letter_type_and_key():
    expected = sorted(line for line in REFERENCE.splitlines() if line)
    assert sorted(row(option) for option in OPTIONS if not option.ours) == expected


def test_options_of_our_own():
    ours = {option.long: option.short for option in OPTIONS if option.ours}
    assert ours == {
        "queue-patience": "", "socket-mode": "", "conflict-exit-code": "E", "kill-child": "",
        "on-lost": "", "kill-after": "",
        "quiet": "", "progress": "", "check": "", "anonymous": "",
        "max-connections": "", "max-connections-per-peer": "", "max-message-size": "",
        "message-timeout": "", "first-message-timeout": "", "max-queue": "", "max-resources": "",
        "max-unread": "", "store": "", "store-session-ttl": "", "store-user": "",
        "store-password-file": "", "store-ca-certificate": "", "store-certificate": "",
        "store-private-key": "", "": "",
    }  # fmt: skip


def test_only_a_secret_has_no_word():
    assert [option.attr for option in OPTIONS if not option.long] == ["store_password"]


def test_nothing_twice():
    for column in ("attr", "long", "short", "dump"):
        seen = collections.Counter(getattr(option, column) for option in OPTIONS)
        doubled = {value for value, count in seen.items() if value and count > 1}
        assert not doubled, column


def test_values_are_applied_in_the_order_of_the_specification():
    # cli.md 1, step 6.
    letters = "".join(option.short for option in OPTIONS if option.dump)
    assert letters == "tTVrqoleisdapAPmnDIE"
    long = [option.long for option in OPTIONS if option.dump and not option.short]
    assert long == [
        "discovery-ttl", "tcp-keepalive-time", "tcp-keepalive-intvl", "tcp-keepalive-probes",
        "ignore-signal", "tls-certificate", "tls-private-key", "tls-ca-certificate",
        "tls-check-peer-id", "append-trace-file", "queue-patience", "socket-mode",
        "anonymous", "max-connections", "max-connections-per-peer", "max-message-size",
        "message-timeout", "first-message-timeout", "max-queue", "max-resources", "max-unread",
        "store", "store-session-ttl", "store-user", "", "store-password-file",
        "store-ca-certificate", "store-certificate", "store-private-key", "on-lost", "kill-after",
    ]  # fmt: skip


def test_every_rule_exists():
    special = {"show", "signals"}
    for option in OPTIONS:
        rules = values.INTEGER_RULES if option.type == "I" else values.TEXT_RULES
        assert option.rule in rules or option.rule in special, option.long


def test_every_option_is_explained():
    for option in OPTIONS:
        assert option.help
        assert bool(option.section) == bool(option.long)
        assert bool(option.metavar) == (option.type != "F"), option.long


def test_spelling():
    by_long = {option.long: option for option in OPTIONS}
    assert by_long["resource-name"].spelling == "-r, --resource-name"
    assert by_long["unique-id"].spelling == "--unique-id"
