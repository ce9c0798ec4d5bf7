"""The recorded dialogues over TLS: with our daemon, and with our command."""

import ssl

import pytest
from certificates import options
from shared import vectors
from system.replay import (
    Command,
    Daemon,
    Peer,
    Server,
    demand,
    machine_id,
    scratch,
    shutdown_text,
)

TRANSPORTS = ("unix", "tcp4", "tcp6")
SCENARIOS = {s["name"]: s for s in vectors("wire") if s["transport"].startswith("tls")}
# The certificate with which the client was recorded.
CLIENTS = {"tls-simple": "peer", "tls-peer-id-mismatch": "other"}
CASES = [(name, transport) for name in SCENARIOS for transport in TRANSPORTS]


def context(folder, name, protocol):
    made = ssl.SSLContext(protocol)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(folder / "one.ca")
    made.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return made


def peer_of(daemon, folder, name):
    """A scripted client of the daemon with a certificate."""
    secure = context(folder, name, ssl.PROTOCOL_TLS_CLIENT)
    return Peer(secure.wrap_socket(daemon.endpoint.connect()))


@pytest.mark.parametrize(("name", "transport"), CASES)
def test_the_daemon_says_what_was_recorded(certificates, name, transport):
    words = options(certificates, check="yes")
    with scratch() as folder, Daemon(folder, transport, *words) as daemon:
        with peer_of(daemon, certificates, CLIENTS[name]) as peer:
            for step in SCENARIOS[name]["steps"]:
                if step.get("dir") == "c2s":
                    peer.send(step["text"].replace("@PEERID@", machine_id()))
                elif step.get("dir") == "s2c":
                    demand(step["text"], peer.message(), name)
                else:
                    if step["close"] == "client":
                        peer.half_close()
                    peer.demand_end()
        with peer_of(daemon, certificates, "mine") as peer:  # nothing is left of it
            for step in SCENARIOS["tls-simple"]["steps"][:2]:
                if step["dir"] == "c2s":
                    peer.send(step["text"].replace("@PEERID@", machine_id()))
                else:
                    demand(step["text"], peer.message(), name)


@pytest.mark.parametrize(("name", "transport"), CASES)
def test_the_command_says_what_was_recorded(certificates, name, transport):
    scenario = SCENARIOS[name]
    (client,) = scenario["clients"]
    secure = context(certificates, "mine", ssl.PROTOCOL_TLS_SERVER)
    with scratch() as folder, Server(transport, folder) as server:
        words = options(certificates, CLIENTS[name], check="yes")
        words = [*server.endpoint.options, *words, *client["options"].split()]
        with Command(folder, [*words, "--", client["command"]]) as command:
            with server.accept() as raw, secure.wrap_socket(raw.sock, server_side=True) as sock:
                peer = Peer(sock)
                for step in scenario["steps"]:
                    if step.get("dir") == "c2s":
                        demand(step["text"], peer.message(), name)
                    elif step.get("dir") == "s2c":
                        peer.send(step["text"].replace("@PEERID@", machine_id()))
                    elif step["close"] == "client":
                        peer.demand_end()
            command.demand(client["exit"], client["stdout"])


@pytest.mark.parametrize("option", ["-x", "-X"])
def test_the_command_does_not_wait_for_ever_for_the_end_of_a_daemon(certificates, option):
    """Wire F-18: one that says nothing and closes last, or never."""
    secure = context(certificates, "mine", ssl.PROTOCOL_TLS_SERVER)
    with scratch() as folder, Server("unix", folder) as server:
        words = [*server.endpoint.options, *options(certificates, "peer")]
        with (
            Command(folder, [*words, option]) as command,
            server.accept() as raw,
            secure.wrap_socket(raw.sock, server_side=True) as sock,
        ):
            peer = Peer(sock)
            demand(shutdown_text(option == "-X", machine_id()), peer.message(), "request")
            peer.demand_end()
            command.status()
