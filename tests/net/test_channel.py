"""Two channels back to back, without a socket."""

import ssl

import pytest

from flom.errors import FlomError
from flom.net.channel import Channel
from flom.net.tls import Identity
from flom.settings import Settings


@pytest.fixture
def channel(certificates):
    """Makes one end with the given files."""

    def make(name="mine", *, server=False, authority="one", version=None):
        settings = Settings()
        settings.tls_certificate = str(certificates / f"{name}.pem")
        settings.tls_private_key = str(certificates / f"{name}.key")
        settings.tls_ca_certificate = str(certificates / f"{authority}.ca")
        context = Identity(settings, server=server).context
        if version:
            context.maximum_version = version
        return Channel(context, server=server)

    return make


def converse(client, server, piece=1 << 20):
    """Carry bytes to and fro until nobody has any; what each has read."""
    read = {client: b"", server: b""}
    moved = True
    while moved:
        moved = False
        for one, other in ((client, server), (server, client)):
            data = one.data_to_send()
            for start in range(0, len(data), piece):
                moved = True
                read[other] += other.receive(data[start : start + piece])
    return read


def records(data):
    """How many records there are."""
    count = 0
    while data:
        data = data[5 + int.from_bytes(data[3:5], "big") :]
        count += 1
    return count


VERSIONS = pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"]
)


@VERSIONS
@pytest.mark.parametrize("piece", [1, 7, 10000])
def test_a_conversation(channel, version, piece):
    client, server = channel("mine", version=version), channel("rsa", server=True)
    converse(client, server, piece)
    assert client.established
    assert server.established
    assert client.version == server.version == version.name.replace("_", ".")
    client.send(b"lock")
    assert converse(client, server, piece)[server] == b"lock"
    server.send(b"answer")
    assert converse(client, server, piece)[client] == b"answer"


@VERSIONS
def test_each_message_is_one_record_and_all_pending_ones_are_read(channel, version):
    """W-44, W-45."""
    client, server = channel(version=version), channel("peer", server=True)
    converse(client, server)
    client.send(b"one" * 300)
    data = client.data_to_send()
    assert records(data) == 1
    client.send(b"two")
    client.send(b"three")
    assert server.receive(data + client.data_to_send()) == b"one" * 300 + b"twothree"


def test_one_record_may_hold_more_than_we_read_at_once(channel):
    client, server = channel(), channel("peer", server=True)
    converse(client, server)
    client.send(b"x" * 16000)
    assert server.receive(client.data_to_send()) == b"x" * 16000


def test_no_tickets(channel):
    """Under 1.3 they would make a waiting client's socket readable before its answer (F-19)."""
    client, server = channel(), channel("peer", server=True)
    server.receive(client.data_to_send())
    client.receive(server.data_to_send())
    assert server.receive(client.data_to_send()) == b""
    assert server.established
    assert server.data_to_send() == b""


@pytest.mark.parametrize(
    ("name", "cn"),
    [("other", "00112233445566778899aabbccddeeff"), ("nameless", None), ("first", "somebody else")],
)
def test_the_name_of_the_peer(channel, name, cn):
    """W-48: the last common name counts."""
    client, server = channel(name), channel("other", server=True)
    converse(client, server)
    assert server.peer_cn == cn
    assert client.peer_cn == "00112233445566778899aabbccddeeff"
    assert (
        server.issuer == "C={null}/ST={null}/L={null}/O=Test/OU={null}/emailAddress={null}/CN=one"
    )
    assert client.subject.endswith("/CN=00112233445566778899aabbccddeeff")


def refused(client, server):
    with pytest.raises(FlomError) as error:
        converse(client, server)
    return error.value


@VERSIONS
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("foreign", "unable to get local issuer"),
        ("expired", "expired"),
        ("early", "not yet valid"),
        ("leaf", "unable to get local issuer"),
    ],
)
def test_a_certificate_that_is_not_accepted(channel, version, name, why):
    """The chain is verified in the handshake, by the client and by the daemon; each is told."""
    client, server = channel(version=version), channel(name, server=True)
    error = refused(client, server)
    assert error.rc == -407
    assert why in error.text

    client, server = channel(name, version=version), channel(server=True)
    error = refused(client, server)
    assert error.rc == -407
    assert why in error.text
    alert = server.data_to_send()
    with pytest.raises(FlomError) as told:
        client.receive(alert)
    assert told.value.rc == (-406 if version == ssl.TLSVersion.TLSv1_2 else -409)
    assert "refuses our certificate" in told.value.text


@VERSIONS
def test_a_chain_with_an_intermediate_authority(channel, version):
    client, server = channel("chained", version=version), channel("chained", server=True)
    converse(client, server)
    assert client.established
    assert server.established


def shake_hands(client, incoming, outgoing, server):
    """The library's own client, with one of its buffers each way, and a channel."""
    for _ in range(3):
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            pass
        server.receive(outgoing.read())
        incoming.write(server.data_to_send())


def test_a_client_without_a_certificate(channel, certificates):
    server = channel(server=True)
    context = ssl.create_default_context(cafile=certificates / "one.ca")
    context.check_hostname = False
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing)
    with pytest.raises(FlomError) as error:
        shake_hands(client, incoming, outgoing, server)
    assert error.value.rc == -405


@pytest.mark.parametrize("server", [False, True])
@pytest.mark.parametrize(
    "data",
    [
        b"<",
        b"\x80",
        b"HTTP/1.1 400",
        b"\x16\x03\x01\0\x04\xff\0\0\0",
        b"\x15\x03\x03\0\x02\x02\x28",
    ],
)
def test_a_peer_without_tls(channel, server, data):
    """W-51: told by the first byte where that is possible, and answered by nothing then."""
    one = channel(server=server)
    one.data_to_send()
    with pytest.raises(FlomError) as error:
        one.receive(data)
    assert error.value.rc == (-405 if server else -406)
    if data[0] not in (21, 22):
        assert "does not speak TLS" in error.value.text
        assert one.data_to_send() == b""


def test_an_end_that_is_told(channel, certificates):
    """W-50: close_notify is accepted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(certificates / "one.ca")
    context.load_cert_chain(certificates / "mine.pem", certificates / "mine.key")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client, server = context.wrap_bio(incoming, outgoing), channel(server=True)
    shake_hands(client, incoming, outgoing, server)
    client.write(b"last words")
    with pytest.raises(ssl.SSLWantReadError):
        client.unwrap()
    assert server.receive(outgoing.read()) == b"last words"
    assert server.ended


def test_broken_records(channel):
    client, server = channel(), channel("peer", server=True)
    converse(client, server)
    client.send(b"lock")
    data = bytearray(client.data_to_send())
    data[-1] ^= 1
    with pytest.raises(FlomError) as error:
        server.receive(bytes(data))
    assert error.value.rc == -409
