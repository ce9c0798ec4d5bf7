"""One message and its bytes (wire.md 3, 4, 13.1, 15)."""

import pytest

from flom.errors import (
    RC_INVALID_PROPERTY_VALUE,
    RC_MSG_DESERIALIZE_ERROR,
    RC_PROTOCOL_ERROR,
    RC_PROTOCOL_LEVEL_MISMATCH,
    ProtocolError,
)
from flom.wire import codec
from flom.wire.codec import decode, decode_datagram, encode
from flom.wire.messages import MOST_ELEMENTS, Answer, Lock, Unlock
from flom.wire.rare import Ask, Discover, Discovered, Managed, Ping, Shutdown, Tell

PROLOG = '<?xml version="1.0" encoding="UTF-8" ?>'
LOCK = Lock("id", b"abc", 5, True, 1, True, 0)
LOCK_BODY = (
    '<session peerid="id"/><resource name="YWJj" mode="5" wait="1" create="1" lifespan="0"/>'
)
LOCK_HEAD = '<msg level="3" verb="1" step="8">'
LOCK_TEXT = PROLOG + LOCK_HEAD + LOCK_BODY + "</msg>"


def read(text):
    return decode(text.encode() if isinstance(text, str) else text)


def refused(text):
    with pytest.raises(ProtocolError) as caught:
        read(text)
    return caught.value.rc


# --- the canonical form: W-9, W-13, W-52 ---

NUMBERED = {
    "lock simple": (
        Lock("id", b"abc", 5, True, 9, True, 1500, kind="simple"),
        (
            f'{LOCK_HEAD}<session peerid="id"/>'
            '<resource name="YWJj" mode="5" wait="1" create="1" lifespan="1500"/></msg>'
        ),
    ),
    "lock hierarchical": (
        Lock("id", b"/a/b", 3, False, 9, False, 0, kind="hierarchical"),
        (
            f'{LOCK_HEAD}<session peerid="id"/>'
            '<resource name="L2EvYg==" mode="3" wait="0" create="0" lifespan="0"/></msg>'
        ),
    ),
    "lock numeric": (
        Lock("id", b"num[10]", 5, True, 3, True, 0, kind="numeric"),
        (
            f'{LOCK_HEAD}<session peerid="id"/>'
            '<resource name="bnVtWzEwXQ==" wait="1" quantity="3" create="1" lifespan="0"/></msg>'
        ),
    ),
    **{
        f"lock {kind}": (
            Lock("", b"a.b", 5, True, 3, False, 0, kind=kind),
            (
                f'{LOCK_HEAD}<session peerid=""/>'
                '<resource name="YS5i" wait="1" create="0" lifespan="0"/></msg>'
            ),
        )
        for kind in ("set", "sequence", "timestamp")
    },
    "lock with ext": (
        Lock("id", b"a.b", wait=True, ext="ping big", kind="set"),
        (
            '<msg level="3" verb="1" step="8" ext="ping big"><session peerid="id"/>'
            '<resource name="YS5i" wait="1" create="0" lifespan="0"/></msg>'
        ),
    ),
    "first answer": (
        Answer(16, 0, None, "id"),
        '<msg level="3" verb="1" step="16"><session peerid="id"/><answer rc="0"/></msg>',
    ),
    "first answer with element": (
        Answer(16, 0, "red", None),
        (
            '<msg level="3" verb="1" step="16">'
            '<session peerid=""/><answer rc="0" element="red"/></msg>'
        ),
    ),
    "first answer, negative": (
        Answer(16, -14, None, "id", "big"),
        (
            '<msg level="3" verb="1" step="16" ext="big">'
            '<session peerid="id"/><answer rc="-14"/></msg>'
        ),
    ),
    "later answer": (
        Answer(24, 0, "2024/01/02 03:04", "never sent"),
        '<msg level="3" verb="1" step="24"><answer rc="0" element="2024/01/02 03:04"/></msg>',
    ),
    "last answer": (
        Answer(32, 6),
        '<msg level="3" verb="1" step="32"><answer rc="6"/></msg>',
    ),
    "unlock": (
        Unlock(b"abc", False),
        '<msg level="3" verb="2" step="8"><resource name="YWJj" rollback="0" /></msg>',
    ),
    "unlock with rollback": (
        Unlock(b"abc", True),
        '<msg level="3" verb="2" step="8"><resource name="YWJj" rollback="1" /></msg>',
    ),
    "ping": (Ping(8), '<msg level="3" verb="3" step="8"></msg>'),
    "pong": (Ping(16), '<msg level="3" verb="3" step="16"></msg>'),
    "discover": (Discover(), '<msg level="3" verb="4" step="8"></msg>'),
    "discovered": (
        Discovered("", 43125),
        '<msg level="3" verb="4" step="16"><network address="" port="43125"/></msg>',
    ),
    "discovered with address": (
        Discovered("fe80::1%w0", 28107),
        '<msg level="3" verb="4" step="16"><network address="fe80::1%w0" port="28107"/></msg>',
    ),
    "quiesce": (
        Shutdown("id", False),
        '<msg level="3" verb="5" step="8"><session peerid="id"/><shutdown immediate="0"/></msg>',
    ),
    "managed": (
        Managed(0, "flom"),
        '<msg level="3" verb="5" step="16" ext="flom"><answer rc="0"/></msg>',
    ),
    "question": (
        Ask(7, "queue", {"name": "YWJj"}),
        '<msg level="3" verb="6" step="8"><ask id="7" what="queue" name="YWJj"/></msg>',
    ),
    "part": (
        Tell(16, 7, b"abc"),
        '<msg level="3" verb="6" step="16"><tell id="7" data="YWJj"/></msg>',
    ),
    "end of the answer": (
        Tell(24, 7, rc=-603, text="no"),
        '<msg level="3" verb="6" step="24"><tell id="7" rc="-603" text="no"/></msg>',
    ),
    "notice": (
        Tell(32, 0, b"abc"),
        '<msg level="3" verb="6" step="32"><tell data="YWJj"/></msg>',
    ),
    "immediate": (
        Shutdown(None, True),
        '<msg level="3" verb="5" step="8"><session peerid=""/><shutdown immediate="1"/></msg>',
    ),
}


@pytest.mark.parametrize(("message", "text"), NUMBERED.values(), ids=NUMBERED)
def test_messages_are_written_canonically(message, text):
    """W-1, W-9, W-13, W-52: byte for byte, nothing after the end tag."""
    assert encode(message) == (PROLOG + text).encode()


@pytest.mark.parametrize(("message", "text"), NUMBERED.values(), ids=NUMBERED)
def test_what_is_written_is_read_without_expat(message, text, monkeypatch):
    monkeypatch.setattr(codec, "_memo", {})
    monkeypatch.setattr(codec, "_read_any", None)
    assert encode(read(PROLOG + text)).count(b"<") == encode(message).count(b"<")


def test_the_discover_datagram_has_78_bytes():
    """wire.md 13.1."""
    assert len(encode(Discover())) == 78


def test_values_are_escaped():
    """W-12, W-1: no end tag can hide in a value."""
    answer = Answer(24, 0, '</msg> & "x"')
    data = encode(answer)
    assert b'element="&lt;/msg&gt; &amp; &quot;x&quot;"' in data
    assert data.count(b"</msg>") == 1
    assert decode(data) == answer


def test_texts_xml_cannot_carry_are_not_sent():
    for message in (Answer(24, 0, "a\0b"), Lock("\x01", b"n"), Discover("\ud800")):
        with pytest.raises(ProtocolError) as caught:
            encode(message)
        assert caught.value.rc == RC_INVALID_PROPERTY_VALUE


# --- accepted variations: wire.md 3, W-10, W-69 ---

BARE_BODY = LOCK_BODY.replace("/>", "></resource>").replace("></resource>", "/>", 1)
VARIATIONS = {
    "no declaration": LOCK_HEAD + LOCK_BODY + "</msg>",
    "declaration without encoding": '<?xml version="1.0"?>' + LOCK_HEAD + LOCK_BODY + "</msg>",
    "other encoding": '<?xml version="1.0" encoding="UTF-16"?>' + LOCK_HEAD + LOCK_BODY + "</msg>",
    "unknown encoding": '<?xml version="1.0" encoding="x-y"?>' + LOCK_HEAD + LOCK_BODY + "</msg>",
    "standalone": '<?xml version="1.0" standalone="yes"?>' + LOCK_HEAD + LOCK_BODY + "</msg>",
    "blanks before": " \r\n\t" + LOCK_TEXT,
    "blanks after the declaration": PROLOG + "\n\n" + LOCK_HEAD + LOCK_BODY + "</msg>",
    "blanks between elements": LOCK_TEXT.replace("><", ">\n <"),
    "blanks in tags": LOCK_TEXT.replace("/>", " \n/>").replace(" mode", "\n\tmode"),
    "single quotes": LOCK_TEXT.replace('"', "'"),
    "attribute order": PROLOG
    + '<msg step="8" verb="1" level="3"><session peerid="id"/>'
    + '<resource lifespan="0" create="1" wait="1" mode="5" name="YWJj"/></msg>',
    "element order": PROLOG
    + LOCK_HEAD
    + '<resource name="YWJj" mode="5" wait="1" create="1" lifespan="0"/>'
    + '<session peerid="id"/></msg>',
    "comment": LOCK_TEXT.replace("<session", "<!-- x --><session"),
    "processing instruction": LOCK_TEXT.replace("<session", "<?x y?><session"),
    "CDATA": LOCK_TEXT.replace("<session", "<![CDATA[<a>]]><session"),
    "text": LOCK_TEXT.replace("<session", "text<session"),
    "non empty form": PROLOG + LOCK_HEAD + BARE_BODY + "</msg>",
    "wrapped": LOCK_TEXT.replace("<resource", "<x><y><resource").replace(
        "</msg>", "</y></x></msg>"
    ),
    "character references": LOCK_TEXT.replace("YWJj", "&#89;&#x57;Jj"),
    "repeated element": LOCK_TEXT.replace("<resource", '<resource name="eHl6"/><resource'),
    "repeated session": LOCK_TEXT.replace("<session", '<session peerid="other"/><session'),
    "numbers": LOCK_TEXT.replace('verb="1"', 'verb=" 01x"').replace('mode="5"', 'mode="5 x"'),
    "level 03": LOCK_TEXT.replace('level="3"', 'level=" 03x"'),
    "no level": LOCK_TEXT.replace(' level="3"', ""),
    "wait other than 0": LOCK_TEXT.replace('wait="1"', 'wait="-2"'),
    "id on msg": LOCK_TEXT.replace("<msg ", '<msg id="7" '),
    "unknown attributes": LOCK_TEXT.replace("peerid", 'host="h" peerid').replace(
        "mode", 'command="c" mode'
    ),
    "attribute of the other verb": LOCK_TEXT.replace("mode", 'rollback="1" mode'),
    "unknown element": LOCK_TEXT.replace("</msg>", "<ext/></msg>"),
    "unknown element with text": LOCK_TEXT.replace("</msg>", "<ext>text</ext></msg>"),
    "unknown element with attribute": LOCK_TEXT.replace("</msg>", '<ext a="1"/></msg>'),
    "elements of other verbs": LOCK_TEXT.replace(
        "</msg>", '<answer rc="x"/><network address="a"/><shutdown x="1"/></msg>'
    ),
    "msg inside": LOCK_TEXT.replace("</msg>", '<msg verb="9" level="4"/></msg>'),
    "base64 with foreign characters": LOCK_TEXT.replace("YWJj", "Y W-J j"),
    "trailing newline": LOCK_TEXT + "\n",
}


@pytest.mark.parametrize("text", VARIATIONS.values(), ids=VARIATIONS)
def test_variations_are_accepted(text):
    """W-10, W-13, W-69: they all say the same."""
    assert read(text) == LOCK


def test_references_are_decoded():
    answer = read(
        PROLOG + '<msg verb="1" step="24"><answer rc="0" element="&lt;&#65;&#10;"/></msg>'
    )
    assert answer == Answer(24, 0, "<A\n")


def test_text_is_utf8_whatever_is_declared():
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>'
    assert read(text + '<msg verb="1" step="24"><answer rc="0" element="ü"/></msg>').element == "ü"


# --- what is refused: W-11, W-70 and the rulings on XML ---

NO_XML = {
    "byte order mark": "\ufeff" + LOCK_TEXT,
    "zero byte": LOCK_TEXT.replace("abc", "a\0c").replace("id", "i\0d"),
    "zero byte after": LOCK_TEXT + "\0",
    "UTF-16 in disguise": LOCK_TEXT.encode("utf-16-le") + LOCK_TEXT.encode(),
    "invalid UTF-8": LOCK_TEXT.encode().replace(b'"id"', b'"\xff"'),
    "overlong UTF-8": LOCK_TEXT.encode().replace(b'"id"', b'"\xc0\xbc"'),
    "surrogate": LOCK_TEXT.encode().replace(b'"id"', b'"\xed\xa0\x80"'),
    "bare ampersand": LOCK_TEXT.replace('"id"', '"a&b"'),
    "unknown entity": LOCK_TEXT.replace('"id"', '"&x;"'),
    "less than in a value": LOCK_TEXT.replace('"id"', '"<"'),
    "wrong nesting": LOCK_TEXT.replace("<session", "<a><b></a></b><session"),
    "wrong tag case": LOCK_TEXT.replace("<msg", "<MSG"),
    "open element": LOCK_TEXT.replace('lifespan="0"/>', 'lifespan="0">'),
    "duplicate attribute": LOCK_TEXT.replace("mode", 'mode="1" mode'),
    "duplicate attribute on msg": LOCK_TEXT.replace("verb", 'verb="1" verb'),
    "second root": LOCK_TEXT + "<x/>",
    "root before": PROLOG + "<x/>" + LOCK_HEAD + LOCK_BODY + "</msg>",
    "two messages": LOCK_TEXT + LOCK_TEXT,
    "other root": PROLOG + "<message></message>",
    "document type": PROLOG + "<!DOCTYPE msg>" + LOCK_HEAD + LOCK_BODY + "</msg>",
    "entity declaration": '<!DOCTYPE msg [<!ENTITY a "b">]>' + LOCK_HEAD + LOCK_BODY + "</msg>",
    "external entity": '<!DOCTYPE msg SYSTEM "file:///etc/passwd">' + LOCK_HEAD + "</msg>",
    "end tag alone": "</msg>",
    "text": "hello</msg>",
    "no quotes": LOCK_TEXT.replace('"3"', "3"),
    "two dashes in a comment": LOCK_TEXT.replace("<session", "<!-- -- --><session"),
    "declaration twice": PROLOG + LOCK_TEXT,
    "many elements": LOCK_TEXT.replace("<session", "<a/>" * MOST_ELEMENTS + "<session"),
    "deep elements": LOCK_TEXT.replace("<session", "<a>" * 5000 + "</a>" * 5000 + "<session"),
}


@pytest.mark.parametrize("text", NO_XML.values(), ids=NO_XML)
def test_what_is_no_message_is_refused(text):
    """W-10, W-11, design.md 5 (XML): refused as a document, whatever it says."""
    assert refused(text) == RC_MSG_DESERIALIZE_ERROR


def test_an_entity_bomb_never_goes_off():
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE msg [<!ENTITY l0 "lol">{levels}]><msg verb="&l11;">&l11;</msg>'
    assert refused(bomb) == RC_MSG_DESERIALIZE_ERROR


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "<",
        "<msg",
        PROLOG,
        LOCK_TEXT[:-1],
        LOCK_TEXT[:-6],
        LOCK_TEXT.replace("<session", "<!-- <session"),
        LOCK_TEXT.replace("<session", "<![CDATA[<session"),
        LOCK_TEXT.replace("<session", "<?x <session"),
        LOCK_TEXT.replace("<session", "<msg><session"),
    ],
)
def test_incomplete_documents_are_none(text):
    """W-2: not complete yet, though the end tag may have been seen."""
    assert read(text) is None


@pytest.mark.parametrize("level", ["4", "2", "0", "", "x", "-3", "33", "9" * 5000])
@pytest.mark.parametrize("rest", ['verb="1" step="8"', 'verb="9" step="9"', ""])
def test_another_level_is_refused_before_anything_else(level, rest):
    """W-29, W-70: the level is looked at before verb and body."""
    assert refused(f'<msg level="{level}" {rest}></msg>') == RC_PROTOCOL_LEVEL_MISMATCH


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        'verb="1"',
        'step="8"',
        'verb="0" step="8"',
        'verb="6" step="40"',
        'verb="7" step="8"',
        'verb="1" step="40"',
        'verb="1" step="0"',
        'verb="2" step="16"',
        'verb="3" step="24"',
        'verb="4" step="24"',
        'verb="5" step="24"',
        'verb="-1" step="8"',
        'verb="lock" step="8"',
        f'verb="{"1" * 4400}" step="8"',
    ],
)
def test_unknown_verbs_and_steps_are_refused(attributes):
    """W-28, W-70; a missing verb or step is 0."""
    assert refused(f'<msg level="3" {attributes}></msg>') == RC_PROTOCOL_ERROR


# --- values of the messages: wire.md 4 ---


def lock_with(attributes, session=""):
    return read(f"{LOCK_HEAD}{session}<resource {attributes}/></msg>")


def test_defaults_of_a_lock():
    """wire.md 4.2; quantity is 1 when absent."""
    assert lock_with('name="YWJj"') == Lock(None, b"abc", 0, False, 1, False, 0)


@pytest.mark.parametrize("text", [LOCK_HEAD + "</msg>", LOCK_HEAD + "<resource/></msg>"])
def test_a_lock_without_a_name(text):
    """W-14: taken, so that the daemon can answer -14."""
    assert read(text) == Lock(None, None)


@pytest.mark.parametrize("name", ["", "Y", "***"])
def test_a_lock_with_an_empty_or_undecodable_name(name):
    """W-14."""
    assert lock_with(f'name="{name}"').name == b""


@pytest.mark.parametrize("value", [-1, 6, 2147483648, -(2**63) + 1, 2**63 - 1])
def test_values_out_of_range_are_passed_on(value):
    """W-15: the core judges them."""
    lock = lock_with(f'name="YWJj" mode="{value}" quantity="{value}" lifespan="{value}"')
    assert (lock.mode, lock.quantity, lock.lifespan) == (value, value, value)


def test_huge_numbers_are_bounded():
    """W-15: nobody gets a number with thousands of digits."""
    lock = lock_with(f'name="YWJj" quantity="{"9" * 30000}" mode="{"-" + "1" * 30000}"')
    assert (lock.quantity, lock.mode) == (2**63 - 1, -(2**63) + 1)


def test_any_peer_id_is_taken():
    """W-27, wire.md 7."""
    assert lock_with('name="YWJj"', '<session peerid=""/>').peerid == ""
    assert lock_with('name="YWJj"', "<session/>").peerid is None
    assert lock_with('name="YWJj"', '<session peerid="&amp; ü"/>').peerid == "& ü"


@pytest.mark.parametrize(
    "body",
    ["", "<answer/>", '<answer element="a"/>', '<answer rc=""/>', '<answer rc="x"/>'],
)
def test_an_answer_without_a_numeric_rc(body):
    """W-16: never 0."""
    assert read(f'<msg verb="1" step="16">{body}</msg>').rc is None


def test_answers():
    assert read('<msg verb="1" step="16"><answer rc=" -14x"/></msg>') == Answer(16, -14)
    text = '<msg verb="1" step="24" ext="1"><session peerid="x"/><answer rc="0" element=""/></msg>'
    assert read(text) == Answer(24, 0, "", "x", "1")


def test_unlock():
    """wire.md 4.4."""
    head = '<msg verb="2" step="8">'
    assert read(head + '<resource name="YWJj"/></msg>') == Unlock(b"abc", False)
    assert read(head + '<resource name="YWJj" rollback="2"/></msg>') == Unlock(b"abc", True)
    assert read(head + '<resource name="" mode="3" wait="1"/></msg>') == Unlock(b"", False)


@pytest.mark.parametrize("body", ["", "<resource/>", '<resource rollback="1"/>'])
def test_unlock_without_a_name_is_refused(body):
    """W-70, wire.md 4.4."""
    assert refused(f'<msg verb="2" step="8">{body}</msg>') == RC_PROTOCOL_ERROR


def test_shutdown():
    """wire.md 4.7."""
    head = '<msg verb="5" step="8">'
    assert read(head + '<shutdown immediate="0"/></msg>') == Shutdown(None, False)
    text = '<session peerid="p"/><shutdown immediate="-1" reason="x"/></msg>'
    assert read(head + text) == Shutdown("p", True)


@pytest.mark.parametrize("body", ["", "<shutdown/>", '<shutdown when="now"/>'])
def test_shutdown_without_its_kind_is_refused(body):
    """W-70, wire.md 4.7."""
    assert refused(f'<msg verb="5" step="8">{body}</msg>') == RC_PROTOCOL_ERROR


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<network/>",
        '<network port="5"/>',
        '<network address="a"/>',
        '<network address="a" port="0"/>',
        '<network address="a" port="x"/>',
        '<network address="a" port="65536"/>',
        '<network address="a" port="-1"/>',
    ],
)
def test_discovered_without_its_values_is_refused(body):
    """W-55, F-14."""
    assert refused(f'<msg verb="4" step="16">{body}</msg>') == RC_PROTOCOL_ERROR


def test_ext_is_read_from_every_message():
    """W-65, W-66."""
    for message in (
        Lock("p", b"n", ext="a b"),
        Answer(16, 0, None, "p", ext="a b"),
        Unlock(b"n", ext="a b"),
        Ping(8, ext="a b"),
        Discover(ext="a b"),
        Discovered("", 1, ext="a b"),
        Shutdown("p", True, ext="a b"),
    ):
        assert decode(encode(message)) == message
        assert decode(encode(message)).ext == "a b"


# --- datagrams: W-53 to W-55 ---


@pytest.mark.parametrize(
    "text",
    [
        '<msg level="3" verb="4" step="8"></msg>',
        PROLOG + '<msg level="3" verb="4" step="8"></msg>\n',
        PROLOG + '<msg level="3" verb="4" step="8"/>',
        PROLOG + '<msg level="3" verb="4" step="8"><x/><session peerid="p"/></msg>',
        PROLOG + '<msg level="3" verb="4" step="8">' + "<!--" + "x" * 400 + "--></msg>",
    ],
)
def test_variations_of_a_discover_datagram(text):
    """W-53, W-54, wire.md 13.2."""
    assert decode_datagram(text.encode()) == Discover()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"x",
        b'<msg level="4" verb="4" step="8"></msg>',
        b'<msg level="3" verb="4" step="8">',
        b'<msg level="3" verb="4" step="24"></msg>',
        b'<msg level="3" verb="4" step="8"></msg><msg level="3" verb="4" step="8"></msg>',
        b'<msg level="3" verb="4" step="16"><network port="7"/></msg>',
        b"\xff" * 1000,
        b'<!DOCTYPE msg [<!ENTITY a "b">]><msg level="3" verb="4" step="8">&a;</msg>',
        '<msg level="3" verb="4" step="8"/>'.encode("utf-16-le"),
        '<msg level="3" verb="4" step="8"/>'.encode("utf-16-be"),
        '<msg level="3" verb="4" step="8"/>'.encode("utf-16"),
    ],
)
def test_anything_else_in_a_datagram_is_nothing(data):
    """W-53, W-55: never an error."""
    assert decode_datagram(data) is None


def test_each_datagram_stands_alone():
    """W-53: a bad one leaves nothing behind."""
    good = encode(Discover())
    for bad in (good[:40], good[40:], b"\xff", good + good):
        decode_datagram(bad)
        assert decode_datagram(good) == Discover()


# --- memory ---


def test_the_memories_are_bounded(monkeypatch):
    monkeypatch.setattr(codec, "_memo", {})
    monkeypatch.setattr(codec, "_shapes", {})
    for index in range(3 * codec._MEMO_ENTRIES):
        text = PROLOG + LOCK_HEAD + f'<resource name="YWJj" x{index}="{index}"/></msg>'
        assert read(text) == Lock(None, b"abc")
    assert len(codec._memo) <= codec._MEMO_ENTRIES
    assert len(codec._shapes) <= codec._SHAPE_ENTRIES


def test_large_documents_are_not_remembered(monkeypatch):
    monkeypatch.setattr(codec, "_memo", {})
    monkeypatch.setattr(codec, "_shapes", {})
    text = PROLOG + LOCK_HEAD + f'<resource name="YWJj" {"x" * 600}="1"/></msg>'
    assert read(text) == Lock(None, b"abc")
    assert not codec._memo
    assert not codec._shapes


def test_refusals_are_not_remembered(monkeypatch):
    monkeypatch.setattr(codec, "_memo", {})
    for _ in range(2):
        assert refused(LOCK_TEXT.replace('verb="1"', 'verb="7"')) == RC_PROTOCOL_ERROR
    assert not codec._memo
