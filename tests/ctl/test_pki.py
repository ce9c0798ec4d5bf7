"""A small authority: what it makes, how it keeps it, and what it finds wrong with files."""

import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from flom.ctl.pki import making, reading, store
from flom.ctl.pki.judging import Files, judge
from flom.errors import FlomError

NOW = datetime.now(UTC).replace(microsecond=0)
ID = "00112233445566778899aabbccddeeff"
ENCODED = Encoding.PEM


def openssl(*words):
    """Runs openssl; returns what it prints on both streams."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    done = subprocess.run(
        ["openssl", *map(str, words)], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def pem(*certificates):
    return b"".join(each.public_bytes(ENCODED) for each in certificates)


def issued(authority, name=ID, days=100, now=NOW):
    """A key and a certificate of this authority."""
    key = making.make_key()
    return key, making.issue(authority, name, key.public_key(), days, now)


@pytest.fixture(scope="module")
def authority():
    return making.make_authority("test", 3650, NOW)


@pytest.fixture
def kept(tmp_path):
    made = store.Store(tmp_path / "pki")
    made.prepare()
    return made


# What is made


def test_openssl_accepts_what_is_made(authority, tmp_path):
    """As client and as server, under its strictest rules."""
    _, certificate = issued(authority)
    (tmp_path / "ca").write_bytes(pem(authority.certificate))
    (tmp_path / "peer").write_bytes(pem(certificate))
    for purpose in ("sslclient", "sslserver"):
        words = ("-x509_strict", "-purpose", purpose, "-CAfile", tmp_path / "ca", tmp_path / "peer")
        assert openssl("verify", *words) == f"{tmp_path / 'peer'}: OK\n"
    text = openssl("x509", "-in", tmp_path / "peer", "-noout", "-text")
    assert "Basic Constraints: critical\n                CA:FALSE" in text
    assert "Key Usage: critical\n                Digital Signature\n" in text
    assert "TLS Web Client Authentication, TLS Web Server Authentication" in text
    text = openssl("x509", "-in", tmp_path / "ca", "-noout", "-text")
    assert "Basic Constraints: critical\n                CA:TRUE, pathlen:0" in text
    assert "Key Usage: critical\n                Certificate Sign, CRL Sign\n" in text


def test_serial_numbers_differ(authority):
    assert len({issued(authority)[1].serial_number for _ in range(5)}) == 5


def test_a_peer_does_not_outlive_its_authority():
    short = making.make_authority("short", 10, NOW)
    assert issued(short, days=100)[1].not_valid_after_utc == NOW + timedelta(days=10)
    with pytest.raises(FlomError, match=r"valid from .* renew ca"):
        issued(short, now=NOW + timedelta(days=11))


def test_renewing_keeps_subject_and_key(authority):
    key, old = issued(authority, days=10)
    new = making.renew(authority, old, key.public_key(), 20, NOW)
    assert (new.subject, new.public_key()) == (old.subject, key.public_key())
    assert new.not_valid_after_utc == NOW + timedelta(days=20)
    assert new.serial_number != old.serial_number


def test_a_renewed_authority_stands_for_what_it_issued(authority):
    _, peer = issued(authority)
    later = making.renew(authority, authority.certificate, authority.key.public_key(), 5000, NOW)
    assert making.issued_by(peer, later)
    assert reading.is_authority(later)
    assert later.not_valid_after_utc == NOW + timedelta(days=5000)


def test_a_stranger_is_not_renewed(authority):
    key, stranger = issued(making.make_authority("test", 10, NOW))
    with pytest.raises(FlomError, match="not from the authority"):
        making.renew(authority, stranger, key.public_key(), 20, NOW)


@pytest.mark.parametrize("name", ["", " a", "a\nb", "x" * 65])
def test_names_that_no_certificate_can_have(authority, name):
    with pytest.raises(FlomError, match="cannot be the name"):
        issued(authority, name)


# Files


def test_a_key_is_never_readable_by_others(kept, authority, monkeypatch):
    """Not even while it is written, whatever the umask is."""
    modes = []
    fsync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda fd: (modes.append(os.fstat(fd).st_mode & 0o777), fsync(fd))
    )
    before = os.umask(0)
    try:
        kept.add("peer", *issued(authority))
        kept.succeed_key(kept.key("peer"), making.make_key())
    finally:
        os.umask(before)
    assert modes == [0o600, 0o644, 0o600]
    assert kept.key("peer").stat().st_mode & 0o777 == 0o600
    assert kept.directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("there", ["pem", "key"])
def test_nothing_is_overwritten(kept, authority, there):
    path = kept.directory / f"peer.{there}"
    path.symlink_to("nowhere")
    with pytest.raises(FlomError, match="exists and is not overwritten"):
        kept.add("peer", *issued(authority))
    assert list(kept.directory.iterdir()) == [path]


def test_not_even_what_appears_at_the_last_moment(kept, authority, monkeypatch):
    kept.key("peer").write_text("other")
    monkeypatch.setattr(os.path, "lexists", lambda _: False)
    with pytest.raises(FlomError, match="File exists"):
        kept.add("peer", *issued(authority))
    assert kept.key("peer").read_text() == "other"


def test_a_successor_takes_the_place_in_one_step(kept, authority):
    """A new file under the old name: who has the old one open reads on; mode and `.old` stay."""
    key, old = issued(authority)
    kept.add("peer", key, old)
    path = kept.certificate("peer")
    path.chmod(0o640)
    kept.succeed(path, issued(authority)[1])
    with open(path, "rb") as opened:
        kept.succeed(path, new := issued(authority)[1])
        assert opened.read() != path.read_bytes() == pem(new)
    assert path.stat().st_mode & 0o777 == 0o640
    assert reading.certificates(path.with_name("peer.pem.old")) != [old]
    assert len(list(kept.directory.iterdir())) == 3


def test_a_failure_leaves_everything_as_it_was(kept, authority, monkeypatch):
    key, old = issued(authority)
    kept.add("peer", key, old)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FlomError, match="No space left"):
        kept.succeed(kept.certificate("peer"), issued(authority)[1])
    with pytest.raises(FlomError, match="No space left"):
        kept.add("other", *issued(authority))
    assert sorted(path.name for path in kept.directory.iterdir()) == ["peer.key", "peer.pem"]
    assert reading.certificates(kept.certificate("peer")) == [old]


def test_a_successor_that_cannot_take_the_place(kept, authority, monkeypatch):
    key, old = issued(authority)
    kept.add("peer", key, old)

    def refused(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "replace", refused)
    with pytest.raises(FlomError, match="not permitted"):
        kept.succeed(kept.certificate("peer"), issued(authority)[1])
    assert reading.certificates(kept.certificate("peer")) == [old]
    assert not list(kept.directory.glob("*.new*"))


def test_a_directory_where_others_may_write(tmp_path):
    tmp_path.chmod(0o777)
    with pytest.raises(FlomError, match="others may write"):
        store.Store(tmp_path).prepare()


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden"])
def test_names_that_no_file_can_have(kept, name):
    with pytest.raises(FlomError, match="--name"):
        kept.key(name)


def test_the_default_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert str(store.default_directory({}, 0)) == "/etc/flom/pki"
    assert store.default_directory({}, 1000) == tmp_path / ".config/flom/pki"
    assert str(store.default_directory({"XDG_CONFIG_HOME": "/c"}, 1000)) == "/c/flom/pki"


# What is wrong


class Host:
    """The files of a host, at first without fault."""

    def __init__(self, folder, authority):
        self.folder = folder
        self.authority = authority
        self.files = Files(folder / "cert", folder / "key", folder / "ca")
        self.key, self.certificate = issued(authority)
        self.write_key(self.key)
        self.files.certificate.write_bytes(pem(self.certificate))
        self.files.authorities.write_bytes(pem(authority.certificate))

    def write_key(self, key):
        self.files.key.write_bytes(store.pem_of_key(key))
        self.files.key.chmod(0o600)

    def use(self, key, certificate):
        self.write_key(key)
        self.files.certificate.write_bytes(pem(certificate))

    def findings(self, **options):
        """What is found, each as `level file`, and the words of all."""
        found = judge(self.files, ID, NOW, **options)
        return [f"{each.level} {each.file.name}" for each in found], "\n".join(map(str, found))


@pytest.fixture
def host(tmp_path, authority):
    return Host(tmp_path, authority)


def build(subject, key, issuer, signing_key, *extensions):
    """Any certificate at all."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=100))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(signing_key, SHA256())


def named(name):
    return [x509.NameAttribute(NameOID.COMMON_NAME, name)]


CA_FLAG = x509.BasicConstraints(ca=True, path_length=None)


def tower(host, height, *, sent=0):
    """Issue the host's certificate below `height` authorities that stand below the root.

    The lowest `sent` of them are in the certificate file only.
    """
    above_key, root = making.make_key(), named("root")
    above = build(root, above_key.public_key(), x509.Name(root), above_key, CA_FLAG)
    pool = [above]
    for level in range(height):
        key = making.make_key()
        above = build(named(f"i{level}"), key.public_key(), above.subject, above_key, CA_FLAG)
        above_key = key
        pool.append(above)
    cut = len(pool) - sent
    own = build(named(ID), host.key.public_key(), above.subject, above_key)
    host.files.certificate.write_bytes(pem(own, *reversed(pool[cut:])))
    host.files.authorities.write_bytes(pem(*pool[:cut]))


def other_id(host):
    host.use(*issued(host.authority, "web-1"))


def no_name(host):
    subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "o")]
    ca = host.authority
    host.use(host.key, build(subject, host.key.public_key(), ca.certificate.subject, ca.key))


def several_names(host):
    ca, subject = host.authority, named(ID) + named("last")
    host.use(host.key, build(subject, host.key.public_key(), ca.certificate.subject, ca.key))


def expired(host):
    ca = making.make_authority("test", 1000, NOW - timedelta(days=500))
    host.files.authorities.write_bytes(pem(ca.certificate))
    host.use(*issued(ca, days=100, now=NOW - timedelta(days=400)))


def soon(host):
    host.use(*issued(host.authority, days=29))


def early(host):
    ca = making.make_authority("test", 1000, NOW)
    host.files.authorities.write_bytes(pem(ca.certificate))
    host.use(*issued(ca, now=NOW + timedelta(days=2)))


def expired_authority(host):
    ca = making.make_authority("test", 10, NOW - timedelta(days=20))
    host.files.authorities.write_bytes(pem(ca.certificate))
    own = build(named(ID), host.key.public_key(), ca.certificate.subject, ca.key)
    host.use(host.key, own)


def other_key(host):
    host.write_key(making.make_key())


def encrypted(host):
    form = (ENCODED, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    host.files.key.write_bytes(host.key.private_bytes(*form))


def exposed(host):
    host.files.key.chmod(0o604)


def no_key(host):
    host.files.key.write_text("nothing")


def missing(host):
    host.files.certificate.unlink()


def no_authorities(host):
    host.files.authorities.write_text("nothing")


def other_authority(host):
    other = making.make_authority("other", 100, NOW)
    host.files.authorities.write_bytes(pem(other.certificate))


def same_name_other_key(host):
    other = making.make_authority("test", 100, NOW)
    host.files.authorities.write_bytes(pem(other.certificate))


def no_flag(host):
    key = making.make_key()
    plain = build(named("plain"), key.public_key(), x509.Name(named("plain")), key)
    host.files.authorities.write_bytes(pem(plain))
    host.use(host.key, build(named(ID), host.key.public_key(), plain.subject, key))


def server_only(host):
    use = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    ca = host.authority
    host.use(host.key, build(named(ID), host.key.public_key(), ca.certificate.subject, ca.key, use))


def too_deep(host):
    tower(host, 5)


def missing_link(host):
    tower(host, 3)
    certificates = reading.certificates(host.files.authorities)
    host.files.authorities.write_bytes(pem(certificates[0], *certificates[2:]))


def sent_link(host):
    tower(host, 2, sent=1)


def weak(host):
    key = rsa.generate_private_key(65537, 1024)
    ca = host.authority
    host.use(key, build(named(ID), key.public_key(), ca.certificate.subject, ca.key))


@pytest.mark.parametrize(
    ("damage", "expected", "words"),
    [
        (other_id, ["warning cert"], "is for 'web-1'"),
        (no_name, ["warning cert"], "has no common name"),
        (several_names, ["warning cert"], "is for 'last'"),
        (expired, ["error cert"], "expired on"),
        (soon, ["warning cert"], "expires on"),
        (early, ["error cert"], "not valid before"),
        (expired_authority, ["error ca"], "'test' expired on"),
        (other_key, ["error key"], "is not the private key of"),
        (encrypted, ["error key"], "is encrypted"),
        (exposed, ["warning key"], "mode 0604"),
        (no_key, ["error key"], "has no private key"),
        (missing, ["error cert"], "No such file"),
        (no_authorities, ["error ca"], "has no certificate"),
        (other_authority, ["error ca"], "lacks the certificate of 'test'"),
        (same_name_other_key, ["error ca"], "'test' here has another key"),
        (no_flag, ["error ca"], "no CA flag"),
        (server_only, ["error cert"], "must not be used by clients"),
        (too_deep, ["error ca"], "5 authorities stand between"),
        (missing_link, ["error ca"], "lacks the certificate of 'i0'"),
        (sent_link, ["warning ca"], "which only the certificate file has"),
        (weak, ["error cert"], "EE_KEY_TOO_SMALL"),
    ],
)  # fmt: skip
def test_each_fault_is_found_and_nothing_else(host, damage, expected, words):
    assert host.findings() == ([], "")
    damage(host)
    found, text = host.findings()
    assert found == expected, text
    assert words in text
    assert text.endswith(")")


@pytest.mark.parametrize("damage", [other_id, no_name])
def test_where_ids_are_checked_another_name_does_not_do(host, damage):
    damage(host)
    assert host.findings(strict=True)[0] == ["error cert"]


def test_several_faults_at_once(host):
    other_id(host)
    other_key(host)
    exposed(host)
    no_authorities(host)
    assert host.findings()[0] == ["warning cert", "warning key", "error key", "error ca"]


@pytest.mark.parametrize(("height", "accepted"), [(0, True), (4, True), (5, False)])
def test_the_depth_is_that_of_openssl(host, height, accepted):
    tower(host, height)
    files = host.files
    words = ("-verify_depth", "4", "-CAfile", files.authorities, files.certificate)
    assert openssl("verify", *words).endswith(": OK\n") is accepted
    assert (host.findings()[0] == []) is accepted


def test_facts(authority):
    _, certificate = issued(authority, "web-1", days=10)
    facts = reading.facts(certificate, NOW)
    assert (facts.name, facts.subject, facts.issuer) == ("web-1", "CN=web-1", "CN=test")
    assert (facts.days_left, facts.key, facts.authority) == (10, "EC secp256r1", False)
    assert reading.facts(certificate, NOW + timedelta(days=11)).days_left < 0
    assert reading.facts(authority.certificate, NOW).authority


def test_fingerprint_and_serial_are_those_of_openssl(authority, tmp_path):
    (tmp_path / "ca").write_bytes(pem(authority.certificate))
    facts = reading.facts(authority.certificate, NOW)
    told = openssl("x509", "-in", tmp_path / "ca", "-noout", "-fingerprint", "-sha256", "-serial")
    assert facts.fingerprint.upper() in told
    assert facts.serial.upper() in told
