"""Folding the layers equals a naive model (C-10): the last layer that sets a key decides."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flom.dump import dump
from flom.errors import ConfigError
from flom.options import OPTIONS
from flom.settings import Settings, load

# For each key what may stand in a file, and what becomes of it.
VALUES = {
    "verbose": [("yes", True), ("N", False)],
    "resource_name": [("A", "A"), ("B[2]", "B[2]"), ("/a/b", "/a/b")],
    "resource_timeout": [("0", 0), ("-1", -1), ("20", 20)],
    "resource_quantity": [("3", 3), ("1", 1), ("0", None)],
    "lock_mode": [("PR", 3), ("Exclusive", 5), ("nl", 0)],
    "resource_create": [("no", False), ("YES", True)],
    "resource_idle_lifespan": [("0", 0), ("-7", 7)],
    "socket_name": [("/s", "/s"), ("s", "/d/s"), ("", "")],
    "daemon_lifespan": [("0", 0), ("5000", 5000), ("-1", -1)],
    "unicast_address": [("h", "h"), ("", "")],
    "unicast_port": [("28015", 28015), ("-5", 5)],
    "discovery_attempts": [("0", 1), ("2", 2), ("-4", 4)],
    "discovery_timeout": [("0", 0), ("500", 500)],
    "ignored_signals": [("SIGTERM", (15,)), ("2", (2,)), ("none", ())],
    "tls_check_peer_id": [("y", True), ("no", False)],
    "append_trace_file": [("y", True), ("no", False)],
    "queue_patience": [("0", 0), ("60000", 60000)],
    "socket_mode": [("0600", 0o600)],
}
BY_ATTR = {option.attr: option for option in OPTIONS}
LAYERS = st.dictionaries(st.sampled_from(sorted(VALUES)), st.integers(0, 2), max_size=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("layers")


def chosen(layer):
    return {attr: VALUES[attr][index % len(VALUES[attr])] for attr, index in layer.items()}


def write(path, layer):
    lines = [f"[{BY_ATTR[attr].group}]\n{BY_ATTR[attr].key}={text}\n"
             for attr, (text, _) in chosen(layer).items()]  # fmt: skip
    path.write_text("".join(lines))


def words(layer):
    return [(BY_ATTR[attr], text) for attr, (text, _) in chosen(layer).items()]


def model(layers):
    values = {option.attr: option.default for option in OPTIONS if option.rule != "show"}
    for layer in layers:
        values.update(
            {attr: value for attr, (_, value) in chosen(layer).items() if value is not None}
        )
    return values


@settings(max_examples=150, deadline=None)
@given(system=LAYERS, user=LAYERS, custom=LAYERS, line=LAYERS)
def test_the_last_layer_that_sets_a_key_decides(folder, system, user, custom, line):
    line.pop("verbose", None)  # as an option it has no value
    write(folder / "system", system)
    write(folder / ".flom", user)
    write(folder / "custom", custom)
    given_words = [(BY_ATTR["config_file"], str(folder / "custom")), *words(line)]
    warnings = []
    found = load(
        given_words,
        {"HOME": str(folder)},
        "/d",
        warnings.append,
        system_file=str(folder / "system"),
    )
    expected = model([system, user, custom, line])
    expected["config_file"] = str(folder / "custom")
    assert {attr: getattr(found, attr) for attr in expected} == expected
    assert warnings == []
    assert dump(found).count("\n") == 29 + sum(
        expected[attr] != BY_ATTR[attr].default for attr in ("queue_patience", "socket_mode")
    )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([option for option in OPTIONS if option.rule != "show"]),
            st.text("0123456789-+xNYnoesEXPRA_[]./%\\ é\udce9\n", max_size=8),
        ),
        max_size=6,
    )
)
def test_any_values_are_taken_or_refused_never_worse(given_words):
    try:
        found = load(given_words, {"HOME": "/nonexistent"}, "/d", lambda text: None, "/nonexistent")
        found.check(lambda text: None)
    except ConfigError as error:
        assert error.text
        assert error.rc < 0
    else:
        assert isinstance(found, Settings)
        endpoints = (found.socket_name, found.unicast_address, found.multicast_address)
        assert any(endpoints) or found.store_url
        assert 1 <= found.unicast_port <= 65535
