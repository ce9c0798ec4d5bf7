"""The files of TLS: what is refused, with which code, and when they are read again."""

import _ssl
import os
import pty
import shutil
import ssl

import pytest

from flom.errors import FlomError
from flom.net.tls import Identity
from flom.settings import Settings


def settings(certificate, key, authority):
    made = Settings()
    made.tls_certificate = str(certificate)
    made.tls_private_key = str(key)
    made.tls_ca_certificate = str(authority)
    return made


def identity(folder, certificate="mine.pem", key="mine.key", authority="one.ca", *, server=False):
    return Identity(settings(folder / certificate, folder / key, folder / authority), server=server)


@pytest.mark.parametrize("server", [False, True])
@pytest.mark.parametrize(
    ("files", "rc", "words"),
    [
        ({"certificate": "junk.pem"}, -403, "junk.pem"),
        ({"certificate": "absent.pem"}, -403, "No such file"),
        ({"certificate": "."}, -403, "certificate"),
        ({"certificate": "mine.key"}, -403, "no certificate in it"),
        ({"key": "junk.key"}, -404, "junk.key' cannot be used: there is no private key in it"),
        ({"key": "mine.pem"}, -404, "there is no private key in it"),
        ({"key": "absent.key"}, -404, "private key"),
        ({"key": "peer.key"}, -404, "another certificate"),
        ({"key": "encrypted.key"}, -404, "openssl pkey"),
        ({"key": "encrypted8.key"}, -404, "openssl pkey"),
        ({"authority": "junk.ca"}, -401, "junk.ca"),
        ({"authority": "absent.ca"}, -401, "No such file"),
    ],
)
def test_files_that_cannot_be_used(certificates, files, rc, words, server):
    with pytest.raises(FlomError) as refused:
        identity(certificates, server=server, **files)
    assert refused.value.rc == rc
    assert words in refused.value.text


def test_a_passphrase_is_never_asked_for(certificates, tmp_path):
    """daemon.md 11.1: -404 without asking, even if nothing in the first lines tells."""
    key = tmp_path / "key"
    key.write_text("\n" * 5000 + (certificates / "encrypted8.key").read_text())
    master, slave = pty.openpty()
    pid = os.fork()
    if pid == 0:
        os.login_tty(slave)
        try:
            identity(certificates, key=key)
        except FlomError as error:
            os._exit(-error.rc - 400)
        os._exit(99)
    os.close(slave)
    with pytest.raises(OSError, match="Input/output"):
        while True:
            assert os.read(master, 100) == b""
    os.close(master)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 4


def test_what_is_demanded_of_a_peer(certificates):
    """W-46, W-47: its certificate, TLS 1.2 or newer, no host name."""
    for server in (False, True):
        context = identity(certificates, server=server).context
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert not context.check_hostname
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        assert context.maximum_version == ssl.TLSVersion.MAXIMUM_SUPPORTED


def test_the_half_we_use_is_the_one_that_ssl_uses():
    assert issubclass(ssl.SSLContext, _ssl._SSLContext)
    assert ssl.MemoryBIO is _ssl.MemoryBIO
    assert ssl.SSLWantReadError is _ssl.SSLWantReadError
    assert ssl.SSLCertVerificationError is _ssl.SSLCertVerificationError


@pytest.fixture
def own(certificates, tmp_path):
    """Files of a daemon, to be changed."""
    for kind in ("pem", "key"):
        shutil.copy(certificates / f"mine.{kind}", tmp_path / kind)
    return tmp_path


def test_renewal(certificates, own):
    made = Identity(settings(own / "pem", own / "key", certificates / "one.ca"), server=True)
    before = made.context
    assert not made.renew()
    assert made.context is before
    shutil.copy(certificates / "peer.pem", own / "pem")
    with pytest.raises(FlomError) as half:
        made.renew()
    assert half.value.rc == -404
    assert made.context is before
    assert not made.renew()  # said once
    shutil.copy(certificates / "peer.key", own / "key")
    assert made.renew()
    assert made.context is not before


def test_a_file_that_goes_away_is_no_renewal(certificates, own):
    made = Identity(settings(own / "pem", own / "key", certificates / "one.ca"), server=True)
    before = made.context
    (own / "pem").rename(own / "kept")
    with pytest.raises(FlomError):
        made.renew()
    (own / "kept").rename(own / "pem")
    assert made.renew()
    assert made.context is not before
