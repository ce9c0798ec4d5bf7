"""`flomctl pki`: the words and the output around `flom.ctl.pki`."""

import json
import os
import socket
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
from cryptography.x509 import Certificate

from flom.ctl.commands import run_click
from flom.ctl.main import position
from flom.ctl.output import warn
from flom.ctl.pki import making, reading
from flom.ctl.pki.judging import ERROR, Files, Finding, judge
from flom.ctl.pki.store import AUTHORITY, Store, default_directory
from flom.errors import (
    EXIT_OK,
    RC_INVALID_OPTION,
    RC_OBJ_NOT_FOUND_ERROR,
    FlomError,
)
from flom.machine import unique_id
from flom.options import OPTIONS
from flom.settings import load
from flom.values import quoted, working_directory

# Exit statuses of `verify`.
EXIT_WARNINGS = 1
EXIT_ERRORS = 2

_DAYS = click.IntRange(min=1, max=36500)
_FILE = click.Path(path_type=Path)

_directory = click.option(
    "--dir", "directory", type=_FILE, metavar="DIR",
    help="Where the authority is. Default: /etc/flom/pki for root, else flom/pki in"
    " $XDG_CONFIG_HOME (~/.config).",
)  # fmt: skip
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _days(default: int) -> Callable[[Callable[..., object]], Callable[..., object]]:
    return click.option(
        "--days", type=_DAYS, default=default, show_default=True, help="How long it is valid."
    )


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def pki() -> None:
    """Make and check the certificates with which hosts know each other."""


@pki.command()
@_directory
@click.option("--name", help="What the authority is called. Default: flom CA and this host.")
@_days(making.AUTHORITY_DAYS)
def init(directory: Path | None, name: str | None, days: int) -> None:
    """Make an authority: DIR/ca.pem and DIR/ca.key."""
    store = _store(directory)
    name = f"flom CA {socket.gethostname()}"[:64] if name is None else name
    made = making.make_authority(name, days, _now())
    store.prepare()
    store.add(AUTHORITY, made.key, made.certificate)
    path = store.certificate(AUTHORITY)
    click.echo(f"{path}: {_until(made.certificate)}")
    click.echo(
        f"Keep {store.key(AUTHORITY)} to yourself; every host gets a copy of {path}.", err=True
    )


@pki.command()
@_directory
@click.option("--id", "identity", help="Common name: the unique id of the host. Default: this one.")
@click.option("--name", help="Name of the files. Default: the id.")
@_days(making.PEER_DAYS)
def issue(directory: Path | None, identity: str | None, name: str | None, days: int) -> None:
    """Issue a certificate for a host: DIR/NAME.pem and DIR/NAME.key.

    Prints the lines for the host's configuration file.
    """
    identity = _identity(identity)
    store = _store(directory)
    name = identity if name is None else name
    authority = _authority(store)
    key = making.make_key()
    certificate = making.issue(authority, identity, key.public_key(), days, _now())
    store.prepare()
    store.add(name, key, certificate)
    files = _files(store, name)
    click.echo(f"# {identity}: {_until(certificate)}")
    click.echo(_configuration(files))
    if identity != unique_id():
        click.echo("Copy the three files to that host and adapt the paths.", err=True)


@pki.command()
@click.argument("name", required=False)
@_directory
@_days(making.PEER_DAYS)
@click.option("--new-key", is_flag=True, help="Make a new private key as well.")
@click.pass_context
def renew(
    context: click.Context, name: str | None, directory: Path | None, days: int, new_key: bool
) -> None:
    """Renew the certificate DIR/NAME.pem (default: that of this host; ca: the authority's own).

    It is replaced in one step; a running daemon takes the new one without a restart. The old one
    stays as NAME.pem.old.
    """
    store = _store(directory)
    name = _identity(None) if name is None else name
    authority = _authority(store)
    path = store.certificate(name)
    if not path.exists():
        raise FlomError(
            RC_OBJ_NOT_FOUND_ERROR,
            f"there is no certificate {quoted(str(path))} (flomctl pki show lists them)",
        )
    old = reading.certificates(path)[0]
    if name == AUTHORITY:
        if new_key:
            raise FlomError(
                RC_INVALID_OPTION,
                "an authority with a new key is another authority (flomctl pki init --dir"
                " ANOTHER; a CA file may hold both)",
            )
        if context.get_parameter_source("days") is click.core.ParameterSource.DEFAULT:
            days = making.AUTHORITY_DAYS
    fresh = making.make_key() if new_key else None
    public = fresh.public_key() if fresh else old.public_key()
    certificate = making.renew(authority, old, public, days, _now())
    if fresh:
        store.succeed_key(store.key(name), fresh)
    store.succeed(path, certificate)
    click.echo(f"{path}: {_until(certificate)}")


@pki.command()
@click.argument("files", nargs=-1, type=_FILE)
@_directory
@_as_json
def show(files: tuple[Path, ...], directory: Path | None, as_json: bool) -> None:
    """Show the certificates in FILES (default: all in DIR)."""
    now = _now()
    paths = files or tuple(sorted(_store(directory).directory.glob("*.pem")))
    if not paths:
        raise FlomError(
            RC_OBJ_NOT_FOUND_ERROR,
            f"no certificate in {quoted(str(_store(directory).directory))} (flomctl pki init,"
            " flomctl pki issue)",
        )
    rows = [(path, reading.facts(it, now)) for path in paths for it in reading.certificates(path)]
    if as_json:
        click.echo(json.dumps([{"file": str(path), **_plain(facts)} for path, facts in rows]))
        return
    for path, facts in rows:
        click.echo(_described(path, facts))


@pki.command()
@click.argument("name", required=False)
@_directory
@click.option("-c", "--config-file", help="Take the files from the configuration, with this file.")
@click.option("--tls-certificate", type=_FILE, help="Certificate to check.")
@click.option("--tls-private-key", type=_FILE, help="Its private key.")
@click.option("--tls-ca-certificate", type=_FILE, help="The authorities.")
@click.option("--id", "identity", help="Unique id the certificate must carry.")
@_as_json
@click.pass_context
def verify(
    context: click.Context,
    name: str | None,
    directory: Path | None,
    config_file: str | None,
    tls_certificate: Path | None,
    tls_private_key: Path | None,
    tls_ca_certificate: Path | None,
    identity: str | None,
    as_json: bool,
) -> None:
    """Say what is wrong with a certificate, its key and the authorities.

    The files are those of NAME in DIR, or the three given, or those of the configuration.
    Exit status: 0 nothing is wrong, 1 it works but there are warnings, 2 it does not work.
    """
    strict = identity is not None
    given = (tls_certificate, tls_private_key, tls_ca_certificate)
    if name is not None:
        files = _files(_store(directory), name)
    elif all(given):
        files = Files(*given)  # type: ignore[arg-type]  # all three are there
    elif any(given):
        raise FlomError(
            RC_INVALID_OPTION,
            "three files are needed: --tls-certificate, --tls-private-key, --tls-ca-certificate",
        )
    else:
        files, checked = _configured(config_file)
        strict = strict or checked
    findings = judge(files, identity or unique_id(), _now(), strict=strict)
    if as_json:
        click.echo(json.dumps([_plain(finding) for finding in findings]))
    else:
        for finding in findings:
            click.echo(str(finding))
    context.exit(_status(findings))


def _status(findings: list[Finding]) -> int:
    if any(finding.level == ERROR for finding in findings):
        return EXIT_ERRORS
    return EXIT_WARNINGS if findings else EXIT_OK


def _store(directory: Path | None) -> Store:
    return Store(directory or default_directory(os.environ, os.geteuid()))


def _authority(store: Store) -> making.Authority:
    path = store.certificate(AUTHORITY)
    if not path.exists():
        raise FlomError(
            RC_OBJ_NOT_FOUND_ERROR,
            f"there is no authority in {quoted(str(store.directory))} (make one: flomctl pki init)",
        )
    return reading.authority(path, store.key(AUTHORITY))


def _identity(given: str | None) -> str:
    found = unique_id() if given is None else given
    if given is None and not found:
        raise FlomError(
            RC_OBJ_NOT_FOUND_ERROR,
            "this host has no unique id (make /etc/machine-id, or give a name)",
        )
    return found


def _files(store: Store, name: str) -> Files:
    return Files(store.certificate(name), store.key(name), store.certificate(AUTHORITY))


def _configured(config_file: str | None) -> tuple[Files, bool]:
    """The three files of the configuration, and whether it asks for the check of ids."""
    given = []
    if config_file is not None:
        option = next(option for option in OPTIONS if option.attr == "config_file")
        given.append((option, config_file))
    settings = load(given, os.environ, working_directory(), warn)
    certificate, key = settings.tls_certificate, settings.tls_private_key
    authorities = settings.tls_ca_certificate
    if not (certificate and key and authorities):
        raise FlomError(
            RC_INVALID_OPTION,
            "the configuration files name no certificate, key and authority (give NAME, the three"
            " files, or -c)",
        )
    files = Files(Path(certificate), Path(key), Path(authorities))
    return files, settings.tls_check_peer_id


def _configuration(files: Files) -> str:
    paths = {
        "tls_certificate": files.certificate,
        "tls_private_key": files.key,
        "tls_ca_certificate": files.authorities,
    }
    rows = [option for option in OPTIONS if option.attr in paths]
    lines = [f"{row.key}={str(paths[row.attr]).replace(chr(92), chr(92) * 2)}" for row in rows]
    return "\n".join([f"[{rows[0].group}]", *lines])


def _until(certificate: Certificate) -> str:
    return f"valid until {making.day(certificate.not_valid_after_utc)}"


def _described(path: Path, facts: reading.Facts) -> str:
    left = f"{facts.days_left} days left" if facts.days_left >= 0 else "expired"
    period = f"{making.day(facts.not_before)} to {making.day(facts.not_after)}"
    return "\n".join(
        [
            f"{path}" + (" (authority)" if facts.authority else ""),
            f"  subject      {facts.subject}",
            f"  issuer       {facts.issuer}",
            f"  valid        {period}, {left}",
            f"  key          {facts.key}",
            f"  serial       {facts.serial}",
            f"  fingerprint  {facts.fingerprint} (SHA-256)",
        ]
    )


def _plain(value: Finding | reading.Facts) -> dict[str, object]:
    """A value as JSON can have it."""
    return {name: _simple(part) for name, part in asdict(value).items()}


def _simple(part: object) -> object:
    if isinstance(part, datetime):
        return part.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(part) if isinstance(part, Path) else part


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def run(words: list[str]) -> int:
    """Run `flomctl pki` with these words; returns the exit status, raises FlomError."""
    place = position(words, _takes_next)
    if place is not None:  # options may stand before the command
        words = [words[place], *words[:place], *words[place + 1 :]]
    return run_click(pki, words, "flomctl pki")


def _takes_next(word: str) -> bool:
    """Whether an option of some command has its value in the next word."""
    options = [param for command in pki.commands.values() for param in command.params]
    return any(
        isinstance(option, click.Option) and not option.is_flag and word in option.opts
        for option in options
    )
