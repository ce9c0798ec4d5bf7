import pytest

from flom.store.stream import Stream

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
LINES = b'{"result": {"created": true}}\n{"result": {"events": [1]}}\n'
OBJECTS = [{"result": {"created": True}}, {"result": {"events": [1]}}]


def chunked(data, size):
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("step", [1, 3, 10_000])
def test_objects_come_whole_however_their_bytes_arrive(size, step):
    data = CHUNKED + chunked(LINES, size)
    stream, found = Stream(), []
    for start in range(0, len(data), step):
        found += stream.receive(data[start : start + step])
    assert found == OBJECTS
    assert stream.status == 200
    assert not stream.ended


def test_an_answer_that_ends_gives_its_last_line_as_well():
    stream = Stream()
    assert stream.receive(CHUNKED + chunked(b'{"a": 1}', 100) + b"0\r\n\r\n") == [{"a": 1}]
    assert stream.ended
    plain = Stream()
    assert plain.receive(HEAD + b"\r\n" + b'{"a": 1}') == []
    assert plain.receive(b"") == [{"a": 1}]
    assert plain.ended
    told = Stream()
    assert told.receive(HEAD + b"content-length: 9\r\n\r\n" + b'{"a": ') == []
    assert not told.ended
    assert told.receive(b"1}\n") == [{"a": 1}]
    assert told.ended


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 x\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + chunked(b"[1]\n", 10),
        CHUNKED + chunked(b"{\n", 10),
        b"x" * ((1 << 20) + 1),
        CHUNKED + b"1" * ((1 << 20) + 1),
        CHUNKED + chunked(b"{" * ((1 << 24) + 1), 1 << 24),
    ],
)
def test_what_is_no_such_answer_is_refused(data):
    with pytest.raises(ValueError):
        Stream().receive(data)


def test_an_end_before_the_head_is_refused():
    with pytest.raises(ValueError):
        Stream().receive(b"")
