"""What the trace says about resolving, connecting and listening (cli.md 14, daemon.md 9.2).

Loaded only when the trace is on. The shapes of the records are those of the reference, so that
instructions written for it apply.
"""

from flom import trace
from flom.net.sockets import AF_INET6, gaierror

TYPE_CHECKING = False
if TYPE_CHECKING:
    from flom.net.address import Address, Candidate, Resolved

_CLIENT = "flom_client_connect_tcp"
_DAEMON = "flom_listen_tcp"


def resolved(passive: bool, flags: int, outcome: "gaierror | list[Resolved]") -> None:
    """What the resolver answered to a client or (`passive`) to a daemon: all results, or why not.

    `flags` are those of the question, which the resolver repeats in each result.
    """
    who = f"{_DAEMON if passive else _CLIENT}/getaddrinfo()"
    if isinstance(outcome, gaierror):
        trace.record(f"{who}: errcode={outcome.args[0]} '{outcome.args[-1]}'")
    else:
        trace.record(f"{who}: " + " ".join(_result(flags, *each) for each in outcome))


def candidate(tried: "Candidate", passive: bool = False) -> None:
    """The address that is tried next: as it was found, and with the interface applied."""
    who = f"{_DAEMON if passive else _CLIENT}_try"
    trace.record(f"{who}: sa {_address(tried.found)}")
    if tried.scope:
        trace.record(f"{who}: overriding field sin6_scope_id with value {tried.scope}")
    trace.record(f"{who}: sa {_address(tried.address)}")


def skipped(call: str, error: OSError, passive: bool = False) -> None:
    """An address was of no use: the system call and its error."""
    who = f"{_DAEMON if passive else _CLIENT}_try"
    number = 110 if error.errno is None else error.errno  # our own time bound has no number
    trace.record(f"{who}/{call}(): errno={number} '{error.strerror or error}', skipping...")


def _result(flags: int, family: int, kind: int, protocol: int, name: str, address: object) -> str:
    length = 28 if family == AF_INET6 else 16
    return (
        f"[ai_flags={flags},ai_family={family},ai_socktype={kind},ai_protocol={protocol},"
        f"ai_addrlen={length},ai_canonname='{name or '{null}'}']"
    )


def _address(address: "Address") -> str:
    if len(address) == 2:
        return f"addrlen=16; IPv4 address, sin_port={address[1]}, sin_addr='{address[0]}'"
    host, port, flow, scope = address
    return (
        f"addrlen=28; IPv6 address, sin6_port={port}, sin6_flowinfo=0x{flow:x}, "
        f"sin6_addr='{host}', sin6_scope_id={scope}"
    )
