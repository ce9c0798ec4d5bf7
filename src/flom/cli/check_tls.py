"""The part of `flom --check` that looks at the TLS files. Loaded only where TLS is on."""

import _ssl
import time

from flom.errors import FlomError
from flom.net.channel import named
from flom.net.tls import Identity
from flom.values import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from flom.settings import Settings


class Unusable(Exception):
    """The files would not do; the text says why."""


def verdict(settings: "Settings") -> str:
    """What can be said of files that can be used. Raises Unusable."""
    try:
        Identity(settings, server=True)
    except FlomError as error:
        raise Unusable(f"{error.text} [ret_cod={error.rc}]") from None
    path = settings.tls_certificate or ""
    certificate: Mapping[str, object] = _ssl._test_decode_cert(path)  # type: ignore[attr-defined]  # missing in the stubs
    _, name = named(certificate.get("subject"))
    begin, end = str(certificate["notBefore"]), str(certificate["notAfter"])
    now = time.time()
    if _seconds(begin) > now:
        raise Unusable(f"the certificate {quoted(path)} is not valid before {begin}")
    if _seconds(end) < now:
        raise Unusable(f"the certificate {quoted(path)} was valid until {end} (renew it)")
    whose = f"for {quoted(name)}" if name else "for nobody (it has no CN)"
    check = "compared with" if settings.tls_check_peer_id else "not compared with"
    return (
        f"the certificate is {whose}, valid until {end}; the name in the other side's is {check}"
        " its unique id"
    )


def _seconds(moment: str) -> int:
    import ssl

    return ssl.cert_time_to_seconds(moment)
