"""Layers, checks and the dump (cli.md 1, 4, 7 and 8)."""

import os
import pathlib
import pwd
from types import SimpleNamespace

import pytest

from flom import errors, machine
from flom.cli.parse import parse
from flom.defaults import SYSTEM_FILE, socket_path
from flom.dump import dump
from flom.options import OPTIONS
from flom.settings import Settings, load, read_file


class World:
    """A directory with system file, user file and custom file, all absent at first."""

    def __init__(self, root):
        self.root = root
        self.system = root / "system.conf"
        self.home = root / "home"
        self.home.mkdir()
        self.user = self.home / ".flom"
        self.custom = root / "custom.conf"
        self.environ = {"HOME": str(self.home)}
        self.warnings = []

    def load(self, *words, **options):
        return load(
            parse(list(words)).given,
            self.environ,
            str(self.root),
            self.warnings.append,
            system_file=str(self.system),
            **options,
        )

    def checked(self, *words):
        settings = self.load(*words)
        settings.check(self.warnings.append)
        return settings

    def refused(self, *words):
        with pytest.raises(errors.ConfigError) as caught:
            self.checked(*words)
        return caught.value


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_built_in_values(world):
    settings = world.load()
    for option in OPTIONS:
        if option.rule != "show":
            assert getattr(settings, option.attr) == option.default
    assert settings.socket_is_default is False
    assert SYSTEM_FILE == "/etc/flom.conf"


def test_every_attribute_belongs_to_an_option():
    attrs = {option.attr for option in OPTIONS if option.rule != "show"}
    assert set(Settings.__slots__) == attrs | {"access", "files", "may_fork", "socket_is_default"}


def test_every_attribute_is_declared_for_the_type_checker():
    import flom.settings

    source = pathlib.Path(flom.settings.__file__).read_text()
    for attr in Settings.__slots__:
        assert f"\n        {attr}: " in source


def test_a_copy_is_independent(world):
    settings = world.load("-r", "A", "-o", "5")
    twin = settings.copy()
    twin.resource_name = "B"
    assert (settings.resource_name, twin.resource_timeout) == ("A", 5)


# Layers


def test_c10_later_layers_win_key_by_key(world):
    world.system.write_text("[Resource]\nTimeout=1\nQuantity=2\nIdleLifespan=3\n[Daemon]\n"
                            "Lifespan=4\n")  # fmt: skip
    world.user.write_text("[Resource]\nTimeout=11\nQuantity=12\nIdleLifespan=13\n")
    world.custom.write_text("[Resource]\nTimeout=21\nQuantity=22\n")
    settings = world.load("-c", "custom.conf", "-o", "31")
    assert settings.resource_timeout == 31
    assert settings.resource_quantity == 22
    assert settings.resource_idle_lifespan == 13
    assert settings.daemon_lifespan == 4


@pytest.mark.parametrize("kind", ["absent", "directory", "pipe", "unreadable"])
def test_c11_system_and_user_file_may_be_missing(world, kind):
    for path in (world.system, world.user):
        if kind == "directory":
            path.mkdir()
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "unreadable":
            path.symlink_to(path)
    assert world.load().resource_timeout == -1
    assert world.warnings == []


def test_c11_malformed_system_and_user_files_are_skipped_aloud(world):
    world.system.write_text("[Resource]\nTimeout=1\ngarbage\n")
    world.user.write_text("; no comment\n")
    assert world.load().resource_timeout == -1
    assert len(world.warnings) == 2
    assert world.warnings[0].startswith(f"{world.system} line 3: ")
    assert world.warnings[1].startswith(f"{world.user} line 1: ")


def test_c11_the_custom_file_must_exist(world):
    error = world.refused("-c", "absent.conf")
    assert error.rc == errors.RC_G_KEY_FILE_LOAD_FROM_FILE_ERROR
    assert "absent.conf" in error.text
    assert "No such file" in error.text


@pytest.mark.parametrize("name", ["home", "/dev/null", "", "pipe"])
def test_c11_the_custom_file_must_be_a_regular_file(world, name):
    os.mkfifo(world.root / "pipe")
    error = world.refused("-c", name)
    assert error.rc == errors.RC_G_KEY_FILE_LOAD_FROM_FILE_ERROR


def test_c11_the_custom_file_must_be_well_formed(world):
    world.custom.write_text("[Resource]\nTimeout=5\n; x\n")
    error = world.refused("-c", "custom.conf")
    assert error.rc == errors.RC_G_KEY_FILE_LOAD_FROM_FILE_ERROR
    assert error.text.startswith("custom.conf line 3: ")


@pytest.mark.parametrize("layer", ["system", "user", "custom"])
def test_a_bad_value_in_any_file_is_an_error_even_if_overridden(world, layer):
    getattr(world, layer).write_text("[Resource]\nTimeout=abc\n")
    words = ["-c", str(world.custom)] if layer == "custom" else []
    error = world.refused(*words, "-o", "5")
    assert error.rc == errors.RC_INVALID_OPTION
    assert f"{getattr(world, layer)} line 2: [Resource]/Timeout='abc'" in error.text


def test_only_the_last_custom_file_counts(world):
    world.custom.write_text("[Resource]\nTimeout=5\n")
    assert world.load("-c", "absent", "-c", str(world.custom)).resource_timeout == 5


def test_the_custom_file_is_read_before_values_are_looked_at(world):
    assert "absent" in world.refused("-c", "absent", "-l", "ZZ").text


def test_the_home_directory_is_not_expanded(world):
    world.user.write_text("[Resource]\n")
    assert "~" in world.refused("-c", "~/.flom").text


def test_files_may_be_forgiven(world):
    world.user.write_text("[Network]\nNetworkInterface=nosuch0\n")
    assert world.refused().rc == errors.RC_INVALID_IPV6_NETWORK_INTERFACE
    assert world.load(forgive=("network_interface",)).network_interface is None


def test_c14_home_decides_the_user_file(world):
    world.user.write_text("[Resource]\nTimeout=7\n")
    assert world.load().resource_timeout == 7
    world.environ["HOME"] = "home"
    assert world.load().resource_timeout == 7


def test_c14_without_home_the_user_database_decides(world, monkeypatch):
    del world.environ["HOME"]
    world.user.write_text("[Resource]\nTimeout=7\n")
    entry = SimpleNamespace(pw_dir=str(world.home))
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: {os.getuid(): entry}[uid])
    assert world.load().resource_timeout == 7
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    assert world.load().resource_timeout == -1


def test_c14_an_empty_home_is_the_root(world, monkeypatch):
    read = []
    monkeypatch.setattr("flom.settings.read_file", lambda path: read.append(path) or b"")
    world.environ["HOME"] = ""
    world.load()
    assert read == [str(world.system), "/.flom"]


def test_large_files_are_read_whole(world):
    world.custom.write_text("# c\n" * 50000 + "[Resource]\nTimeout=5\n")
    assert world.load("-c", "custom.conf").resource_timeout == 5


def test_files_are_closed(world):
    world.custom.write_text("")
    before = os.listdir("/proc/self/fd")
    read_file(str(world.custom))
    with pytest.raises(OSError):
        read_file(str(world.home))
    assert len(os.listdir("/proc/self/fd")) == len(before)


# Options over files

EXPLICIT_DEFAULTS = [
    ("Resource", "Timeout", ("-o", "-1")),
    ("Resource", "IdleLifespan", ("-i", "0")),
    ("Resource", "Quantity", ("-q", "1")),
    ("Resource", "LockMode", ("-l", "EX")),
    ("Resource", "Create", ("-e", "yes")),
    ("Daemon", "Lifespan", ("-d", "5000")),
    ("Daemon", "UnicastPort", ("-p", "28015")),
    ("Daemon", "MulticastPort", ("-P", "28015")),
    ("Daemon", "QueuePatience", ("--queue-patience", "60000")),
    ("Network", "DiscoveryAttempts", ("-D", "2")),
    ("Network", "DiscoveryTimeout", ("-I", "500")),
    ("Network", "DiscoveryTTL", ("--discovery-ttl", "1")),
    ("Network", "TcpKeepaliveTime", ("--tcp-keepalive-time", "60")),
    ("Network", "TcpKeepaliveIntvl", ("--tcp-keepalive-intvl", "10")),
    ("Network", "TcpKeepaliveProbes", ("--tcp-keepalive-probes", "6")),
    ("Trace", "AppendTraceFile", ("--append-trace-file", "no")),
    ("TLS", "TlsCheckPeerId", ("--tls-check-peer-id", "no")),
]


@pytest.mark.parametrize(("group", "key", "words"), EXPLICIT_DEFAULTS)
def test_c15_an_explicit_default_wins(world, group, key, words):
    other = {"LockMode": "PR", "Create": "no", "AppendTraceFile": "yes", "TlsCheckPeerId": "yes"}
    world.user.write_text(f"[{group}]\n{key}={other.get(key, '33')}\n")
    option = next(option for option in OPTIONS if (option.group, option.key) == (group, key))
    assert getattr(world.load(), option.attr) != option.default
    assert getattr(world.load(*words), option.attr) == option.default


def test_c15_signals_of_the_command_line_replace_those_of_the_files(world):
    world.user.write_text("[Monitor]\nIgnoredSignals=SIGTERM;SIGHUP\n")
    world.custom.write_text("[Monitor]\nIgnoredSignals=\n")
    assert world.load().ignored_signals == (1, 15)
    assert world.load("--ignore-signal", "2", "--ignore-signal=SIGQUIT").ignored_signals == (2, 3)
    assert world.load("-c", "custom.conf").ignored_signals == ()


def test_a_quantity_of_0_is_as_if_absent(world):
    world.user.write_text("[Resource]\nQuantity=3\n")
    assert world.load("-q", "0").resource_quantity == 3
    world.custom.write_text("[Resource]\nQuantity=0\n")
    assert world.load("-c", "custom.conf").resource_quantity == 3
    assert world.warnings == []


def test_a_negative_quantity_is_ignored_with_a_warning(world):
    world.user.write_text("[Resource]\nQuantity=3\n")
    assert world.load("-q", " -2").resource_quantity == 3
    assert len(world.warnings) == 1
    assert "-q, --resource-quantity" in world.warnings[0]


def test_a_quantity_of_minus_0_is_0(world):
    assert world.load("-q", "-0").resource_quantity == 1
    assert world.warnings == []


@pytest.mark.parametrize(
    ("words", "rc"),
    [
        (("-r", "1A"), -14),
        (("-r", "_RESOURCE"), -14),
        (("-e", "true"), -5),
        (("-l", "ZZ"), -5),
        (("-s", "/" + "x" * 107), -9),
        (("-m", "/nonexistent"), -121),
        (("-n", "nosuch0"), -20),
        (("-p", "0"), -5),
        (("-P", "70000"), -5),
        (("--tcp-keepalive-time", "0"), -5),
        (("--tcp-keepalive-time", "32768"), -5),
        (("--tcp-keepalive-intvl", "32768"), -5),
        (("--tcp-keepalive-probes", "128"), -5),
        (("--tls-certificate", "/nonexistent"), -125),
        (("--tls-private-key", "/nonexistent"), -125),
        (("--tls-ca-certificate", "/nonexistent"), -125),
        (("--tls-check-peer-id", "on"), -5),
        (("--append-trace-file", "maybe"), -5),
        (("--socket-mode", "rwx"), -5),
    ],
)
def test_bad_values_of_options_name_option_and_value(world, words, rc):
    error = world.refused(*words)
    assert error.rc == rc
    assert words[0] in error.text
    assert f"'{words[1]}'" in error.text


def test_values_are_looked_at_in_the_order_of_the_specification(world):
    # cli.md 1, step 6: -r before -l before -s, whatever the order of the words.
    assert "-r," in world.refused("-s", "", "-l", "ZZ", "-r", "1bad").text
    assert "-l," in world.refused("-p", "0", "-l", "ZZ").text


def test_only_the_last_of_a_repeated_option_is_looked_at(world):
    assert world.load("-l", "ZZ", "-l", "PR").lock_mode == 3


def test_given_values_are_checked_without_a_parser_too(world):
    option = next(option for option in OPTIONS if option.long == "resource-timeout")
    with pytest.raises(errors.ConfigError, match="'abc': expected an integer"):
        load([(option, "abc")], {"HOME": "/nonexistent"}, "/", world.warnings.append)


def test_sigchld_cannot_be_ignored(world):
    settings = world.load("--ignore-signal", "SIGCHLD", "--ignore-signal", "SIGKILL")
    assert settings.ignored_signals == (9,)
    assert "SIGCHLD" in world.warnings[0]


# Checks


@pytest.mark.parametrize(
    "words",
    [
        ("-s", "x", "-a", "localhost"),
        ("-s", "x", "-A", "239.255.0.1"),
        ("-s", "", "-a", "localhost"),
        ("-s", ""),
        ("-a", ""),
        ("-A", ""),
        ("--tls-check-peer-id", "yes"),
        ("--tls-check-peer-id", "yes", "--tls-certificate", "/etc/passwd"),
    ],
)
def test_c19_what_does_not_fit_together(world, words):
    assert world.refused(*words).rc == errors.RC_INVALID_OPTION


def test_c19_layers_are_checked_together(world):
    world.user.write_text("[Daemon]\nSocketName=/tmp/x\n")
    assert world.refused("-a", "localhost").rc == errors.RC_INVALID_OPTION


def test_c19_unicast_and_multicast_go_together(world):
    settings = world.checked("-a", "localhost", "-A", "239.255.0.1")
    assert settings.socket_name is None
    assert settings.socket_is_default is False


def test_a_file_with_an_empty_address_can_be_overridden(world):
    world.user.write_text("[Daemon]\nUnicastAddress=\n")
    assert world.refused().rc == errors.RC_INVALID_OPTION
    assert world.checked("-a", "localhost").unicast_address == "localhost"


@pytest.mark.parametrize("name", ["A[9]", "A.B", "_s_A[3]", "_t_%D[4]"])
def test_c20_a_mode_that_does_not_fit_the_kind_is_replaced(world, name):
    assert world.checked("-r", name, "-l", "PR").lock_mode == 5
    assert world.warnings == []
    assert world.checked("-V", "-r", name, "-l", "PR").lock_mode == 5
    assert len(world.warnings) == 1


@pytest.mark.parametrize("name", ["A", "/a/b"])
def test_c20_a_mode_that_fits_stays(world, name):
    assert world.checked("-V", "-r", name, "-l", "PR").lock_mode == 3
    assert world.checked("-l", "NL").lock_mode == 0
    assert world.warnings == []


@pytest.mark.parametrize("name", ["A", "A.B", "/a", "_s_A[3]", "_t_%D[4]"])
def test_c20_a_quantity_that_does_not_fit_the_kind_is_replaced(world, name):
    assert world.checked("-r", name, "-q", "2").resource_quantity == 1
    assert world.warnings == []
    assert world.checked("-V", "-r", name, "-q", "2").resource_quantity == 1
    assert len(world.warnings) == 1


def test_c20_a_quantity_that_fits_stays(world):
    assert world.checked("-V", "-r", "A[3]", "-q", "2").resource_quantity == 2
    assert world.warnings == []


def test_c21_the_default_socket(world, monkeypatch):
    entry = SimpleNamespace(pw_name="ann")
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: {os.getuid(): entry}[uid])
    world.environ.update(USER="bob", LOGNAME="bob", TMPDIR="/var/tmp")
    settings = world.checked()
    assert settings.socket_name == "/tmp/flom-ann"
    assert settings.socket_is_default is True


def test_c21_an_unknown_user_is_nobody(monkeypatch):
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    assert socket_path() == "/tmp/flom-nobody"


def test_a_given_socket_is_not_the_default_one(world):
    settings = world.checked("-s", socket_path())
    assert settings.socket_is_default is False


def test_a_discovery_timeout_of_0_shows_and_then_acts_as_500(world):
    settings = world.load("-I", "0")
    assert "[Network]/DiscoveryTimeout=0\n" in dump(settings)
    settings.check(world.warnings.append)
    assert settings.discovery_timeout == 500


TLS = ("--tls-certificate", "--tls-private-key", "--tls-ca-certificate")


def test_tls_needs_all_three_files(world):
    for count in range(4):
        words = [word for option in TLS[:count] for word in (option, "/etc/passwd")]
        assert world.checked(*words).tls is (count == 3)


def test_c58_the_id_check_needs_an_id(world, monkeypatch):
    words = [word for option in TLS for word in (option, "/etc/passwd")]
    monkeypatch.setattr(machine, "unique_id", lambda: "0" * 32)
    assert world.checked(*words, "--tls-check-peer-id", "yes").tls_check_peer_id
    monkeypatch.setattr(machine, "unique_id", lambda: "")
    assert world.checked(*words).tls
    error = world.refused(*words, "--tls-check-peer-id", "yes")
    assert error.rc == errors.RC_OBJ_NOT_FOUND_ERROR


# Dump

DEFAULT_DUMP = """\
[Trace]/DaemonTraceFile=''
[Trace]/CommandTraceFile=''
[Trace]/AppendTraceFile=0
[Trace]/Verbose=1
[Resource]/Name='_RESOURCE'
[Resource]/Timeout=-1
[Resource]/Quantity=1
[Resource]/LockMode=5
[Resource]/Create=1
[Resource]/IdleLifespan=0
[Daemon]/SocketName=''
[Daemon]/Lifespan=5000
[Daemon]/UnicastAddress=''
[Daemon]/UnicastPort=28015
[Daemon]/MulticastAddress=''
[Daemon]/MulticastPort=28015
[Daemon]/MountPointVFS=''
[Monitor]/IgnoredSignals=''
[Network]/NetworkInterface=''
[Network]/DiscoveryAttempts=2
[Network]/DiscoveryTimeout=500
[Network]/DiscoveryTTL=1
[Network]/TcpKeepaliveTime=60
[Network]/TcpKeepaliveIntvl=10
[Network]/TcpKeepaliveProbes=6
[TLS]/TlsCertificate=''
[TLS]/TlsPrivateKey=''
[TLS]/TlsCaCertificate=''
[TLS]/TlsCheckPeerId=0
"""


def test_c25_the_dump_of_the_defaults_byte_for_byte(world):
    assert dump(world.load("-V")) == DEFAULT_DUMP


def test_c25_values_before_normalisation(world):
    words = ["-r", "A[2]", "-l", "PR", "--ignore-signal=SIGTERM", "--ignore-signal=3", "-e", "no"]
    text = dump(world.load(*words))
    assert "[Resource]/Name='A[2]'\n" in text
    assert "[Resource]/LockMode=3\n" in text
    assert "[Resource]/Create=0\n" in text
    assert "[Monitor]/IgnoredSignals='SIGQUIT;SIGTERM'\n" in text


def test_c25_texts_are_not_escaped(world):
    assert "[Trace]/CommandTraceFile='a'\\ \n'\n" in dump(world.load("-T", "a'\\ \n"))


def test_ours_come_last_and_only_when_changed(world):
    text = dump(world.load("-V", "--queue-patience", "0", "--socket-mode", "600"))
    assert text == DEFAULT_DUMP + "[Daemon]/QueuePatience=0\n[Daemon]/SocketMode=0600\n"


def test_a_damaged_file_with_rules_is_not_ignored(world):
    """Without its rules everybody might do everything."""
    world.user.write_text("[Access]\na = deny * to *\nnonsense\n")
    error = world.refused()
    assert error.text.startswith(f"{world.user} line 3: ")
    assert "(repair the file: it may hold rules under [Access])" in error.text
    assert error.rc == errors.RC_G_KEY_FILE_LOAD_FROM_FILE_ERROR


def test_rules_of_access_stand_last_in_the_dump(world):
    """Those of the last file that has some; files do not add rules to each other."""
    world.system.write_text("[Access]\nb = allow * to *\n")
    assert dump(world.load("-V")) == DEFAULT_DUMP + "[Access]/b='allow * to *'\n"
    world.custom.write_text("[Access]\nc = deny lock A to *\na = allow * to uid:0\n")
    settings = world.load("-c", "custom.conf")
    assert [name for name, _ in settings.access] == ["c", "a"]
    assert dump(settings).endswith("[Access]/c='deny lock A to *'\n[Access]/a='allow * to uid:0'\n")


# A store in the place of a daemon

STORE = ("--store", "etcd://h1/p")


def test_the_dump_shows_the_store_and_no_secret(world):
    world.custom.write_text("[Store]\nUrl=etcd://h1\nUser=ann\nPassword=s3cret\n")
    shown = dump(world.load("-V", "-c", "custom.conf"))
    assert shown == DEFAULT_DUMP + "[Store]/Url='etcd://h1'\n[Store]/User='ann'\n"


def test_a_store_needs_no_socket(world):
    settings = world.checked(*STORE)
    assert settings.store_url == "etcd://h1/p"
    assert settings.socket_name is None


FOR_DAEMONS = [
    option
    for option in OPTIONS
    if option.section in ("Daemon", "Daemon limits", "Network", "TLS")
    or option.long in ("daemon-trace-file", "debug-feature")
]
VALUES = {"file": "/etc/passwd", "directory": "/", "octal": "600", "boolean": "no",
          "interface": "lo", "message": "511", "unread": "262144"}  # fmt: skip


@pytest.mark.parametrize("option", FOR_DAEMONS, ids=lambda option: option.long)
def test_an_option_of_the_daemon_beside_the_store_is_named(world, option):
    value = [] if option.type == "F" else [VALUES.get(option.rule, "7")]
    words = [f"--{option.long}", *value]
    error = world.refused(*STORE, *words)
    assert error.rc == errors.RC_INVALID_OPTION
    assert option.spelling in error.text
    assert "store" in error.text


def test_what_files_say_about_a_daemon_is_not_used_beside_the_store(world):
    world.user.write_text("[Daemon]\nSocketName=/tmp/x\nLifespan=0\n[TLS]\nTlsCheckPeerId=yes\n")
    assert world.checked(*STORE).store_url == "etcd://h1/p"


def test_options_of_the_daemon_are_not_used_beside_the_store_of_a_file(world):
    world.user.write_text("[Store]\nUrl=etcd://h1\n")
    assert world.checked("-d", "0").store_url == "etcd://h1"


@pytest.mark.parametrize("words", [("-s", "/tmp/x"), ("-a", "localhost"), ("-A", "239.255.0.1")])
def test_the_last_layer_that_names_a_store_or_a_daemon_decides(world, words):
    world.system.write_text("[Daemon]\nSocketName=/tmp/y\n")
    world.user.write_text("[Store]\nUrl=etcd://h1\n")
    assert world.checked().store_url == "etcd://h1"
    world.system.unlink()
    assert world.checked(*words).store_url is None
    world.custom.write_text("[Daemon]\nUnicastAddress=localhost\n")
    assert world.checked("-c", "custom.conf").store_url is None
    assert world.checked("-c", "custom.conf", *STORE).store_url == "etcd://h1/p"


def test_a_file_names_either_a_store_or_a_daemon(world):
    world.user.write_text("[Store]\nUrl=etcd://h1\n[Daemon]\nUnicastAddress=x\n")
    error = world.refused()
    assert error.text.startswith(f"{world.user}: ")
    assert "--store and -a, --unicast-address exclude each other" in error.text


@pytest.mark.parametrize("word", ["-x", "-X"])
def test_nobody_ends_a_store(world, word):
    world.user.write_text("[Store]\nUrl=etcd://h1\n")
    assert "no daemon that could end" in world.refused(word).text
    assert world.checked(word, "-s", "/tmp/x").store_url is None


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("Url=", "set but empty"),
        ("Url=etcd://h1\nSessionTTL=4", "from 5 to 60"),
        ("Url=etcd://h1\nSessionTTL=61", "from 5 to 60"),
        ("Url=etcd://h1\nUser=ann", "no password"),
        ("Url=etcd://h1\nPassword=x", "no user"),
        ("Url=etcd://h1\nPasswordFile=/etc/passwd", "no user"),
        ("Url=etcd://h1\nUser=ann\nPassword=x\nPasswordFile=/etc/passwd", "both set"),
        ("Url=etcd://h1\nCertificate=/etc/passwd", "private key"),
        ("Url=etcd://h1\nPrivateKey=/etc/passwd", "certificate"),
    ],
)
def test_what_a_store_cannot_do_without(world, lines, why):
    world.user.write_text(f"[Store]\n{lines}\n")
    error = world.refused()
    assert error.rc == errors.RC_INVALID_OPTION
    assert why in error.text


def test_a_later_layer_proves_the_user_in_its_own_way(world):
    world.system.write_text("[Store]\nUrl=etcd://h1\nUser=ann\nPassword=x\n")
    (world.root / "pw").write_text("y")
    (world.root / "pw").chmod(0o600)
    settings = world.checked("--store-password-file", "pw")
    assert settings.store_password is None
    assert settings.store_password_file == str(world.root / "pw")
    world.user.write_text("[Store]\nPasswordFile=pw\n")
    world.custom.write_text("[Store]\nPassword=z\n")
    settings = world.checked("-c", "custom.conf")
    assert (settings.store_password, settings.store_password_file) == ("z", None)


def test_a_password_that_everybody_can_read_is_warned_of(world):
    password = world.root / "pw"
    password.write_text("y")
    world.custom.write_text("[Store]\nUrl=etcd://h1\nUser=ann\nPassword=x\n")
    world.user.write_text(f"[Store]\nUrl=etcd://h1\nUser=ann\nPasswordFile={password}\n")
    for path in (password, world.custom):
        path.chmod(0o604)
    world.checked()
    world.checked("-c", "custom.conf")
    assert world.warnings == [
        f"{path} holds a password that everybody can read (chmod o-r {path})"
        for path in (password, world.custom)
    ]
    world.warnings.clear()
    for path in (password, world.custom):
        path.chmod(0o660)
    world.checked()
    world.checked("-c", "custom.conf")
    assert world.warnings == []
