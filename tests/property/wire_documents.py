"""Strategies for the codec's properties: messages, documents, and documents gone wrong."""

from hypothesis import strategies as st

from flom.wire.codec import encode
from flom.wire.messages import LOCK_ATTRIBUTES, Answer, Lock, Unlock
from flom.wire.rare import Ask, Discover, Discovered, Managed, Ping, Shutdown, Tell

# What XML can carry, and what tends to go wrong in it, more often than chance has it.
characters = st.one_of(
    st.sampled_from("<>&\"'\t\n\r =/;#\x7f\x85\u2028"),
    st.characters(
        blacklist_categories=("Cs",),
        blacklist_characters=[chr(n) for n in range(32)] + ["\ufffe", "\uffff"],
    ),
)
texts = st.text(characters, max_size=20)
numbers = st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(0, 5)
names = st.binary(max_size=40)

locks = st.builds(
    Lock,
    texts,
    names,
    numbers,
    st.booleans(),
    numbers,
    st.booleans(),
    numbers,
    texts,
    st.sampled_from(sorted(LOCK_ATTRIBUTES)),
)
first_answers = st.builds(
    Answer, st.just(16), st.integers(-300, 20), st.none() | texts, texts, texts
)
later_answers = st.builds(
    Answer,
    st.sampled_from([24, 32]),
    st.integers(-300, 20),
    st.none() | texts,
    st.none(),
    texts,
)
words = st.sampled_from(["name", "mode", "quantity", "holder"])
unlocks = st.builds(Unlock, names, st.booleans(), texts)
others = st.one_of(
    unlocks,
    st.builds(Ping, st.sampled_from([8, 16]), texts),
    st.builds(Discover, texts),
    st.builds(Discovered, texts, st.integers(1, 65535), texts),
    st.builds(Shutdown, texts, st.booleans(), texts),
    st.builds(Managed, st.integers(-700, 20), texts),
    st.builds(Ask, st.integers(0, 10**9), texts, st.dictionaries(words, texts), texts),
    st.builds(
        Tell,
        st.sampled_from([16, 24]),
        st.integers(0, 10**9),
        st.binary(max_size=300),
        st.none() | st.integers(-700, 20),
        texts,
        texts,
    ),
)
messages = st.one_of(locks, first_answers, later_answers, others)

# Bytes that mean something to one of the readers.
morsels = st.one_of(
    st.sampled_from(
        [
            *(b"<", b">", b"/>", b" />", b"</msg>", b'"', b"'", b"=", b" ", b"  ", b"\n", b"&"),
            *(b"&amp;", b"&#65;", b"<x/>", b'<x a="1"/>', b'<x a="" b=""/>', b"<msg>", b"x"),
            *(b"<!--", b"-->", b"<?x?>", b"<![CDATA[", b"]]>", b"<!DOCTYPE msg>", b"\0", b"\xff"),
            *(b' verb="1"', b' ext="z"', b"\xc3\xbc", b"\xef\xbb\xbf", b"9" * 30, b"-", b"\x0b"),
            *(b'<resource name="YQ=="/>', b"<session", b"/session>", b"\x7f", b'""', b'" "'),
        ]
    ),
    st.binary(max_size=3),
)


@st.composite
def mutated(draw):
    """A valid document after some cuts, insertions and repetitions."""
    data = encode(draw(messages))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(data)))
        end = draw(st.integers(begin, min(begin + draw(st.sampled_from([0, 1, 9])), len(data))))
        kept = data[begin:end] * draw(st.integers(0, 2))
        data = data[:begin] + kept + draw(st.just(b"") | morsels) + data[end:]
    return data


identifiers = st.sampled_from(
    ["a", "msg", "name", "level", "verb", "rc", "resource", "x1", "_", "é"]
)
values = st.one_of(st.sampled_from(["", "1", "3", "8", "16", "YWJj"]), texts)


@st.composite
def canonical_like(draw):
    """Documents put together like canonical ones, out of parts that may not fit."""

    def tag(name, end):
        pairs = draw(st.lists(st.tuples(identifiers, values), max_size=4))
        spaces = draw(st.sampled_from([" ", " ", " ", "  ", ""]))
        return "<" + name + "".join(f'{spaces}{k}="{v}"' for k, v in pairs) + end

    ends = st.sampled_from(["/>", "/>", " />", ">", " >", "//>"])
    inner = [tag(draw(identifiers), draw(ends)) for _ in range(draw(st.integers(0, 4)))]
    head = tag("msg", draw(st.sampled_from([">", ">", ">", " >", "/>"])))
    prolog = '<?xml version="1.0" encoding="UTF-8" ?>'
    return (prolog + head + "".join(inner) + "</msg>").encode()
