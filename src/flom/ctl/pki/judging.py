"""What is wrong with the three files of a host: certificate, private key, authorities."""

import ssl
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from flom.ctl.pki import reading
from flom.ctl.pki.making import common_name, day, issued_by, shown
from flom.errors import FlomError
from flom.values import quoted

ERROR, WARNING = "error", "warning"
# Certificates between that of a peer and that of its root which a peer accepts (wire.md 12).
DEEPEST = 4
_SOON = timedelta(days=30)
_EXPOSED = 0o027
_USES = {
    ExtendedKeyUsageOID.CLIENT_AUTH: "clients",
    ExtendedKeyUsageOID.SERVER_AUTH: "daemons",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. level: "error" = connections fail, "warning" = they may later."""

    level: str
    file: Path
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.level}: {self.file}: {self.problem} ({self.remedy})"


@dataclass(frozen=True, slots=True)
class Files:
    """The three files of one side, as in the group `[TLS]` of a configuration file."""

    certificate: Path
    key: Path
    authorities: Path


def judge(files: Files, identity: str, now: datetime, *, strict: bool = False) -> list[Finding]:
    """Everything wrong with `files` on the host whose unique id is `identity`, in their order.

    strict: another common name than `identity` is an error, because peers compare the two. An
    `identity` of "" is not compared. Never raises for the content of a file.
    """
    return list(_Judge(files, now).findings(identity, strict))


class _Judge:
    __slots__ = ("_files", "_now")

    def __init__(self, files: Files, now: datetime) -> None:
        self._files = files
        self._now = now

    def findings(self, identity: str, strict: bool) -> Iterator[Finding]:
        found = [*self._own(identity, strict), *self._chain()]
        yield from found
        if not any(finding.level == ERROR for finding in found):
            yield from self._rehearse()

    def _own(self, identity: str, strict: bool) -> Iterator[Finding]:
        path, key_path = self._files.certificate, self._files.key
        own = key = None
        try:
            own = reading.certificates(path)[0]
        except FlomError as error:
            yield _unusable(path, error, "give the PEM file that your authority has issued")
        else:
            yield from self._name(own, identity, strict)
            yield from self._time(path, own, "renew it: flomctl pki renew")
            yield from self._use(own)
        try:
            key = reading.private_key(key_path)
        except reading.Encrypted:
            yield Finding(
                ERROR, key_path, "the private key is encrypted, and a daemon has nobody to ask",
                "write one without passphrase: openssl pkey -in OLD -out NEW",
            )  # fmt: skip
        except FlomError as error:
            yield _unusable(key_path, error, "give the PEM file that belongs to the certificate")
        else:
            yield from self._exposed()
        if own and key and not reading.belongs(key, own):
            yield Finding(
                ERROR, key_path, f"is not the private key of {path}",
                "give the pair that was issued together",
            )  # fmt: skip

    def _name(self, own: x509.Certificate, identity: str, strict: bool) -> Iterator[Finding]:
        name = common_name(own.subject)
        level = ERROR if strict else WARNING
        remedy = "needed where peers check ids: issue one with that id, flomctl pki issue --id ID"
        if not name:
            yield Finding(level, self._files.certificate, "the subject has no common name", remedy)
        elif identity and name != identity:
            problem = f"is for {quoted(name)}, the unique id of the host is {quoted(identity)}"
            yield Finding(level, self._files.certificate, problem, remedy)

    def _time(self, path: Path, subject: x509.Certificate, remedy: str) -> Iterator[Finding]:
        who = f"the certificate of {quoted(shown(subject.subject))}"
        begin, end = subject.not_valid_before_utc, subject.not_valid_after_utc
        if end <= self._now:
            yield Finding(ERROR, path, f"{who} expired on {day(end)}", remedy)
        elif self._now < begin:
            problem = f"{who} is not valid before {day(begin)}"
            yield Finding(ERROR, path, problem, "check the clock of this host, or wait")
        elif end - self._now < _SOON:
            yield Finding(WARNING, path, f"{who} expires on {day(end)}", remedy)

    def _use(self, own: x509.Certificate) -> Iterator[Finding]:
        try:
            given = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except (x509.ExtensionNotFound, ValueError):
            return
        for use, who in _USES.items():
            if use not in given:
                yield Finding(
                    ERROR, self._files.certificate, f"must not be used by {who} of TLS",
                    "issue it for clientAuth and serverAuth: flom takes both parts",
                )  # fmt: skip

    def _exposed(self) -> Iterator[Finding]:
        mode = stat.S_IMODE(self._files.key.stat().st_mode)
        if mode & _EXPOSED:
            problem = f"the private key has mode {mode:04o}: others can use or replace it"
            yield Finding(WARNING, self._files.key, problem, f"chmod 600 {self._files.key}")

    def _chain(self) -> Iterator[Finding]:
        path = self._files.authorities
        try:
            pool = reading.certificates(path)
        except FlomError as error:
            yield _unusable(path, error, "give the certificates of your authority, PEM")
            return
        try:
            own, *sent = reading.certificates(self._files.certificate)
        except FlomError:
            return
        chain = [own]
        while chain[-1].subject != chain[-1].issuer:
            last = chain[-1]
            issuer = _issuer(last, [each for each in pool if each not in chain])
            if issuer is None:
                issuer = _issuer(last, [each for each in sent if each not in chain])
                if issuer is None:
                    yield self._orphan(last, pool)
                    return
                yield Finding(
                    WARNING, path, f"lacks the certificate of {quoted(shown(issuer.subject))},"
                    " which only the certificate file has",
                    "add it here: the reference sends one certificate and no chain",
                )  # fmt: skip
            chain.append(issuer)
        if chain[-1] not in pool:
            yield self._orphan(chain[-1], pool)
        yield from self._issuers(chain[1:])

    def _issuers(self, issuers: list[x509.Certificate]) -> Iterator[Finding]:
        path = self._files.authorities
        for issuer in issuers:
            if not reading.is_authority(issuer):
                yield Finding(
                    ERROR, path, f"the certificate of {quoted(shown(issuer.subject))} is not that"
                    " of an authority (no CA flag)", "give the certificate of the authority",
                )  # fmt: skip
            yield from self._time(path, issuer, "renew the authority: flomctl pki renew ca")
        if len(issuers) - 1 > DEEPEST:
            problem = f"{len(issuers) - 1} authorities stand between the certificate and its root"
            remedy = f"issue it nearer to the root, at most {DEEPEST} are accepted"
            yield Finding(ERROR, path, problem, remedy)

    def _orphan(self, last: x509.Certificate, pool: list[x509.Certificate]) -> Finding:
        name = quoted(shown(last.issuer))
        if any(each.subject == last.issuer for each in pool):
            problem = f"the authority {name} here has another key than the one that signed"
        else:
            problem = f"lacks the certificate of {name}, which signed that of"
        who = quoted(shown(last.subject))
        return Finding(
            ERROR, self._files.authorities, f"{problem} {who}",
            "give the certificate of the authority that issued it",
        )  # fmt: skip

    def _rehearse(self) -> Iterator[Finding]:
        """What OpenSSL refuses for reasons of its own, such as a weak key."""
        try:
            _handshake(self._files)
        except (ssl.SSLError, OSError) as error:
            reason = getattr(error, "verify_message", None) or getattr(error, "reason", None)
            problem = f"TLS does not accept it: {reason or error}"
            yield Finding(ERROR, self._files.certificate, problem, "issue it anew")


def _issuer(
    certificate: x509.Certificate, among: list[x509.Certificate]
) -> x509.Certificate | None:
    return next((each for each in among if issued_by(certificate, each)), None)


def _unusable(path: Path, error: FlomError, remedy: str) -> Finding:
    return Finding(ERROR, path, error.text.removeprefix(f"{quoted(str(path))} "), remedy)


def _handshake(files: Files) -> None:
    """A connection of these files with themselves, in memory; raises OSError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = _context(files, ssl.PROTOCOL_TLS_CLIENT).wrap_bio(to_client, to_server)
    server = _context(files, ssl.PROTOCOL_TLS_SERVER).wrap_bio(
        to_server, to_client, server_side=True
    )
    waiting = [client, server]
    while waiting:
        side = waiting.pop(0)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            waiting.append(side)


def _context(files: Files, protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(files.authorities)
    context.load_cert_chain(files.certificate, files.key, password="")
    return context
