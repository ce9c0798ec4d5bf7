"""What a configuration file does to the settings (cli.md 4, 5 and 5.1)."""

import pytest

from flom import errors
from flom.configfile import ConfigFile, KeyFileError
from flom.options import OPTIONS
from flom.settings import Settings


class Outcome:
    def __init__(self, text, cwd="/", forgive=()):
        self.warnings = []
        self.settings = Settings()
        data = text if isinstance(text, bytes) else text.encode()
        ConfigFile("F", data, self.warnings.append).apply(self.settings, cwd, forgive)


def refused(text):
    with pytest.raises(errors.ConfigError) as caught:
        Outcome(text)
    return caught.value


def untouched(settings):
    return all(
        getattr(settings, option.attr) == option.default
        for option in OPTIONS
        if option.rule != "show"
    )


GOOD = [
    ("Trace/DaemonTraceFile", "/tmp/d", "daemon_trace_file", "/tmp/d"),
    ("Trace/CommandTraceFile", "c  ", "command_trace_file", "c  "),
    ("Trace/AppendTraceFile", "yes", "append_trace_file", True),
    ("Trace/Verbose", "Y", "verbose", True),
    ("Resource/Name", "CFG[7]", "resource_name", "CFG[7]"),
    ("Resource/Timeout", "-5", "resource_timeout", -5),
    ("Resource/Quantity", "3", "resource_quantity", 3),
    ("Resource/Quantity", "-3", "resource_quantity", 3),
    ("Resource/Quantity", "0", "resource_quantity", 1),
    ("Resource/LockMode", "ProtectedRead", "lock_mode", 3),
    ("Resource/Create", "no", "resource_create", False),
    ("Resource/IdleLifespan", "-42", "resource_idle_lifespan", 42),
    ("Daemon/SocketName", "s", "socket_name", "/d/s"),
    ("Daemon/SocketName", "", "socket_name", ""),
    ("Daemon/Lifespan", "-1", "daemon_lifespan", -1),
    ("Daemon/UnicastAddress", "localhost", "unicast_address", "localhost"),
    ("Daemon/UnicastAddress", "", "unicast_address", ""),
    ("Daemon/UnicastPort", "-44", "unicast_port", 44),
    ("Daemon/MulticastAddress", "239.255.0.3", "multicast_address", "239.255.0.3"),
    ("Daemon/MulticastPort", "45", "multicast_port", 45),
    ("Daemon/MountPointVFS", "/tmp", "mount_point_vfs", "/tmp"),
    ("Resource/ConflictExitCode", "0", "conflict_exit_code", 0),
    ("Resource/ConflictExitCode", "255", "conflict_exit_code", 255),
    ("Daemon/QueuePatience", "-1", "queue_patience", -1),
    ("Client/Anonymous", "yes", "anonymous", True),
    ("Client/OnLost", "stop", "on_lost", "stop"),
    ("Client/KillAfter", "0", "kill_after", 0),
    ("Limits/MaxConnections", "1", "max_connections", 1),
    ("Limits/MaxConnectionsPerPeer", "2", "max_connections_per_peer", 2),
    ("Limits/MaxMessageSize", "511", "max_message_size", 511),
    ("Limits/MessageTimeout", "3", "message_timeout", 3),
    ("Limits/FirstMessageTimeout", "4", "first_message_timeout", 4),
    ("Limits/MaxQueue", "5", "max_queue", 5),
    ("Limits/MaxResources", "2147483647", "max_resources", 2147483647),
    ("Limits/MaxUnread", "262144", "max_unread", 262144),
    ("Daemon/SocketMode", "0660", "socket_mode", 0o660),
    ("Monitor/IgnoredSignals", "15;SIGHUP", "ignored_signals", (1, 15)),
    ("Monitor/IgnoredSignals", "15 ; 3 ;", "ignored_signals", (3, 15)),
    ("Monitor/IgnoredSignals", "SIGTERM ; SIGHUP", "ignored_signals", ()),
    ("Monitor/IgnoredSignals", "", "ignored_signals", ()),
    ("Network/DiscoveryAttempts", "0", "discovery_attempts", 1),
    ("Network/DiscoveryTimeout", "0", "discovery_timeout", 0),
    ("Network/DiscoveryTTL", "-4", "discovery_ttl", 4),
    ("Network/TcpKeepaliveTime", "49", "tcp_keepalive_time", 49),
    ("Network/TcpKeepaliveIntvl", "50", "tcp_keepalive_intvl", 50),
    ("Network/TcpKeepaliveProbes", "51", "tcp_keepalive_probes", 51),
    ("TLS/TlsCertificate", "/etc/../etc/passwd", "tls_certificate", "/etc/passwd"),
    ("TLS/TlsPrivateKey", "/etc/passwd", "tls_private_key", "/etc/passwd"),
    ("TLS/TlsCaCertificate", "/etc/passwd", "tls_ca_certificate", "/etc/passwd"),
    ("TLS/TlsCheckPeerId", "yes", "tls_check_peer_id", True),
    ("Store/Url", "etcd://h1,h2/p", "store_url", "etcd://h1,h2/p"),
    ("Store/SessionTTL", "5", "store_session_ttl", 5),
    ("Store/SessionTTL", "60", "store_session_ttl", 60),
    ("Store/User", "ann", "store_user", "ann"),
    ("Store/Password", r"a\sb\\c;#", "store_password", r"a b\c;#"),
    ("Store/PasswordFile", "/etc/passwd", "store_password_file", "/etc/passwd"),
    ("Store/CACertificate", "/etc/passwd", "store_ca", "/etc/passwd"),
    ("Store/Certificate", "/etc/passwd", "store_certificate", "/etc/passwd"),
    ("Store/PrivateKey", "/etc/passwd", "store_key", "/etc/passwd"),
]


@pytest.mark.parametrize(("place", "text", "attr", "value"), GOOD)
def test_c13_good_values(place, text, attr, value):
    group, key = place.split("/")
    outcome = Outcome(f"[{group}]\n{key}={text}\n", cwd="/d")
    assert getattr(outcome.settings, attr) == value
    assert outcome.warnings == []


def test_c13_every_key_is_tried():
    tried = {place for place, *_ in GOOD} | {"Network/NetworkInterface"}
    assert tried == {f"{option.group}/{option.key}" for option in OPTIONS if option.key}


INTEGER_KEYS = [f"{o.group}/{o.key}" for o in OPTIONS if o.key and o.type == "I"]
BAD = [(place, text) for place in INTEGER_KEYS for text in ("abc", "", "0x10", "99999999999")] + [
    ("Trace/Verbose", "1"),
    ("Trace/AppendTraceFile", "maybe"),
    ("Resource/Create", "0"),
    ("Resource/LockMode", "3"),
    ("Resource/LockMode", "Next"),
    ("Resource/Name", "1bad"),
    ("Resource/Name", "_RESOURCE"),
    ("Resource/Name", "AB "),
    ("Resource/Name", "AB\\n"),
    ("Daemon/MountPointVFS", "/nonexistent/dir"),
    ("Daemon/SocketName", "/" + "x" * 107),
    ("Resource/ConflictExitCode", "256"),
    ("Resource/ConflictExitCode", "-1"),
    ("Daemon/SocketMode", "rw"),
    ("Daemon/UnicastPort", "0"),
    ("Daemon/UnicastPort", "65536"),
    ("Network/TcpKeepaliveProbes", "0"),
    ("TLS/TlsCheckPeerId", "zz"),
]


@pytest.mark.parametrize(("place", "text"), BAD)
def test_c13_bad_values(place, text):
    group, key = place.split("/")
    error = refused(f"[{group}]\n\n{key}={text}\n")
    assert error.rc == errors.RC_INVALID_OPTION
    assert error.text.startswith(f"F line 3: [{group}]/{key}='")
    assert "\n" not in error.text


@pytest.mark.parametrize("key", ["TlsCertificate", "TlsPrivateKey", "TlsCaCertificate"])
def test_a_tls_file_that_does_not_exist_has_a_code_of_its_own(key):
    assert refused(f"[TLS]\n{key}=/nonexistent/x.pem\n").rc == errors.RC_REALPATH_ERROR


def test_an_unknown_interface_is_refused_or_forgiven():
    text = "[Network]\nNetworkInterface=nosuch0\nDiscoveryTTL=7\n"
    assert refused(text).rc == errors.RC_INVALID_IPV6_NETWORK_INTERFACE
    outcome = Outcome(text, forgive=("network_interface",))
    assert outcome.settings.network_interface is None
    assert outcome.settings.discovery_ttl == 7


def test_the_last_of_two_pairs_wins_and_groups_are_merged():
    text = "[Resource]\nTimeout=abc\n[Daemon]\n[Resource]\nTimeout=9\nQuantity=2\n"
    settings = Outcome(text).settings
    assert (settings.resource_timeout, settings.resource_quantity) == (9, 2)


@pytest.mark.parametrize("text", ["", "[Trace]\n", "[Other]\nx=y\n"])
def test_missing_groups_are_empty_groups(text):
    assert untouched(Outcome(text).settings)


def test_unknown_groups_and_keys_are_ignored_in_silence():
    outcome = Outcome("[Resource]\nNope=1\nWait=yes\nName[de]=B\n[Other]\nName=A\n")
    assert untouched(outcome.settings)
    assert outcome.warnings == []


def test_a_misspelled_key_is_told():
    outcome = Outcome("[Resource]\nTimout=5\n")
    assert untouched(outcome.settings)
    assert outcome.warnings == ["F line 2: [Resource]/Timout is ignored: did you mean Timeout?"]


def test_a_misspelled_group_is_told():
    outcome = Outcome("[resource]\nTimeout=5\n")
    assert untouched(outcome.settings)
    message = "F line 2: [resource]/Timeout is ignored: did you mean [Resource]?"
    assert outcome.warnings == [message]


def test_a_text_that_is_not_utf8_is_absent_but_told():
    outcome = Outcome(b"[Resource]\nName=\xe9\nLockMode=\xff\n[Monitor]\nIgnoredSignals=\xe9\n")
    assert untouched(outcome.settings)
    assert [message.split(" is ")[0] for message in outcome.warnings] == [
        "F line 2: [Resource]/Name",
        "F line 3: [Resource]/LockMode",
        "F line 5: [Monitor]/IgnoredSignals",
    ]


def test_messages_stay_on_one_line():
    outcome = Outcome("[Resource]\nTime\x01out=5\n")
    assert outcome.warnings == [
        "F line 2: [Resource]/Time\\x01out is ignored: did you mean Timeout?"
    ]
    assert "\\x01" in refused("[Resource]\nTimeout=\x01\n").text


def test_a_malformed_file_changes_nothing():
    with pytest.raises(KeyFileError):
        Outcome("[Resource]\nTimeout=5\ngarbage\n")


# Rules of access

RULES = "[Access]\nreaders = allow lock /data/** PR to *\nadmin=allow * to uid:0\n"


def test_rules_in_their_order():
    assert Outcome(RULES).settings.access == (
        ("readers", "allow lock /data/** PR to *"),
        ("admin", "allow * to uid:0"),
    )
    assert Outcome("[Trace]\nVerbose=yes\n").settings.access == ()


def test_the_last_file_with_rules_has_all_of_them():
    settings = Settings()
    for text in (RULES, "[Access]\nanybody = allow * to *", "[Trace]\nVerbose=yes\n[Access]\n"):
        ConfigFile("F", text.encode(), pytest.fail).apply(settings, "/", ())
    assert settings.access == (("anybody", "allow * to *"),)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a = permit all", "F line 4: [Access]/a='permit all': a rule is: allow"),
        ("admin = deny * to *", "F line 4: [Access]/admin='deny * to *': there is a rule of this"),
        (b"a = allow * to cn:\xff", "expected UTF-8"),
    ],
)
def test_a_rule_that_is_none(line, words):
    error = refused(RULES.encode() + (line if isinstance(line, bytes) else line.encode()))
    assert words in error.text
    assert error.rc == errors.RC_INVALID_OPTION


@pytest.mark.parametrize("group", ["access", "Acess", "ACCESS"])
def test_a_misspelt_group_of_rules_is_doubted(group):
    """Without rules everything is allowed: nobody should think there were some."""
    outcome = Outcome(f"[{group}]\na = deny * to *\n")
    assert outcome.settings.access == ()
    assert any("did you mean [Access]?" in warning for warning in outcome.warnings)
