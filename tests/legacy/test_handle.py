"""Handles without a daemon: states, arguments, properties, files, what is never raised."""

import gc
import os
import random
import time

import pytest

from flom import machine, trace
from flom.defaults import socket_path
from flom.legacy import library
from flom.legacy.properties import PROPERTIES

INT_MIN, INT_MAX = -0x80000000, 0x7FFFFFFF
CLEAN_STATES = (0, 22, 23, 24, 25, 26)


def getter(binding, name):
    return getattr(binding, f"flom_handle_get_{name}")


def setter(binding, name):
    return getattr(binding, f"flom_handle_set_{name}")


def test_attributes(binding):
    """api.md 3, P-6."""
    handle = binding.flom_handle_t()
    assert (handle.state, handle.locked_element, handle.conn, handle.config) == (0, None) + (
        None,
    ) * 2
    assert handle.thisown is True
    assert hasattr(handle, "this")
    assert binding.flom_handle_init(handle) == 0
    assert handle.conn is not None
    assert handle.config is not None
    assert binding.flom_handle_clean(handle) == 0
    assert (handle.conn, handle.config) == (None, None)
    handle.note = "mine"
    handle.state = 22
    assert (handle.note, handle.state) == ("mine", 22)
    with pytest.raises(TypeError):
        handle.state = "LOCKED"
    assert handle == handle and handle != binding.flom_handle_t()
    assert binding.flom_handle_new().thisown is False


def test_keyword_arguments(binding):
    """P-3."""
    handle = binding.flom_handle_new()
    assert binding.flom_handle_set_resource_timeout(value=7, handle=handle) == 0
    assert binding.flom_handle_get_resource_timeout(handle=handle) == 7
    assert binding.flom_handle_clean(handle=handle) == 0
    assert binding.flom_strerror(ret_cod=0).startswith("OK: ")


DEFAULTS = {
    "discovery_attempts": 2, "discovery_timeout": 500, "discovery_ttl": 1, "lock_mode": 5,
    "multicast_port": 28015, "resource_create": 1, "resource_idle_lifespan": 0,
    "resource_quantity": 1, "resource_timeout": -1, "tls_check_peer_id": 0, "unicast_port": 28015,
    "resource_name": "_RESOURCE",
}  # fmt: skip


def test_defaults(binding, handle):
    """P-5: what is no text is an int, and no bool."""
    found = {p.name: getter(binding, p.name)(handle) for p in PROPERTIES}
    assert found.pop("socket_name").startswith("/tmp/flom-")
    assert {name: found.pop(name) for name in DEFAULTS} == DEFAULTS
    assert set(found.values()) == {None}
    assert {type(getter(binding, p.name)(handle)) for p in PROPERTIES if p.type is int} == {int}


def test_before_the_files_are_read_there_is_nothing(binding):
    """api.md 7 and 8: getters load no file; P-10: they never fail."""
    handle = binding.flom_handle_t()
    for each in PROPERTIES:
        assert getter(binding, each.name)(handle) == (0 if each.type is int else None)
    assert binding.flom_handle_get_locked_element(handle) is None


def test_a_cleaned_handle_shows_the_defaults(binding, handle):
    """`getters_on_cleaned_handle_give_process_defaults`."""
    assert binding.flom_handle_set_resource_name(handle, "mine") == 0
    assert binding.flom_handle_clean(handle) == 0
    assert binding.flom_handle_get_resource_name(handle) == "_RESOURCE"
    assert binding.flom_handle_get_unicast_port(handle) == 28015


def test_handles_share_nothing(binding, handle):
    """AF-10."""
    other = binding.flom_handle_new()
    assert binding.flom_handle_set_resource_name(handle, "mine") == 0
    assert binding.flom_handle_get_resource_name(other) == "_RESOURCE"


@pytest.mark.parametrize("name", [p.name for p in PROPERTIES if p.type is int])
def test_the_smallest_number_is_its_own_absolute_value(binding, handle, name):
    assert setter(binding, name)(handle, INT_MIN) == 0
    assert getter(binding, name)(handle) == INT_MIN
    assert setter(binding, name)(handle, True) == 0
    assert type(getter(binding, name)(handle)) is int
    with pytest.raises(OverflowError):
        setter(binding, name)(handle, INT_MAX + 1)


@pytest.mark.parametrize("name", ["resource_quantity", "resource_idle_lifespan"])
def test_zero_is_ignored(binding, handle, name):
    set_, get = setter(binding, name), getter(binding, name)
    assert (set_(handle, -3), get(handle), set_(handle, 0), get(handle)) == (0, 3, 0, 3)


@pytest.mark.parametrize("name", [p.name for p in PROPERTIES if p.type is str])
@pytest.mark.parametrize("value", ["a\0b", "\ud800", b"a", 1, ["a"]])
def test_texts_that_cannot_be_sent(binding, handle, name, value):
    """api.md 3.1, AF-22."""
    with pytest.raises(TypeError):
        setter(binding, name)(handle, value)


@pytest.mark.parametrize("name", ["resource_name", "network_interface"])
def test_what_cannot_be_taken_away(binding, handle, name):
    """AF-5."""
    before = getter(binding, name)(handle)
    assert setter(binding, name)(handle, None) == -4
    assert getter(binding, name)(handle) == before


def test_no_handle(binding):
    """AF-5: -4 where a code is returned, TypeError where there is none."""
    for each in PROPERTIES:
        with pytest.raises(TypeError):
            getter(binding, each.name)(None)
        assert setter(binding, each.name)(None, 1 if each.type is int else "x") == -4
    with pytest.raises(TypeError):
        binding.flom_handle_get_locked_element(None)
    for name in ("init", "clean", "lock", "unlock", "unlock_rollback"):
        assert getattr(binding, f"flom_handle_{name}")(None) == -4
        with pytest.raises(TypeError):
            getattr(binding, f"flom_handle_{name}")("handle")
    assert binding.flom_handle_delete(None) is None
    with pytest.raises(TypeError):
        binding.flom_handle_delete(1)


def test_interfaces(binding, handle):
    assert binding.flom_handle_set_network_interface(handle, "nope0") == -20
    assert binding.flom_handle_set_network_interface(handle, "") == -20
    assert binding.flom_handle_get_network_interface(handle) is None


def test_a_state_set_by_hand_is_no_connection(binding):
    """api.md 4: -6 for lock and unlock, whatever the state says."""
    for state in CLEAN_STATES[1:5]:
        handle = binding.flom_handle_t()
        handle.state = state
        if state != 24:
            assert binding.flom_handle_lock(handle) == -6
        if state in (23, 24):
            assert binding.flom_handle_unlock(handle) == -6
        assert binding.flom_handle_set_lock_mode(handle, 1) == (11 if state == 24 else -6)
    initialised = binding.flom_handle_new()
    initialised.state = 24
    assert binding.flom_handle_unlock(initialised) == -6


def test_init_is_possible_in_every_state(binding):
    """A-1."""
    handle = binding.flom_handle_t()
    for state in CLEAN_STATES:
        handle.state = state
        assert binding.flom_handle_init(handle) == 0
        assert handle.state == 22


def test_a_deleted_handle_is_like_a_cleaned_one(binding, handle):
    """AF-6."""
    assert binding.flom_handle_delete(handle) is None
    assert binding.flom_handle_delete(handle) is None
    assert handle.state == 26
    assert (binding.flom_handle_lock(handle), binding.flom_handle_clean(handle)) == (-17, -17)
    assert binding.flom_handle_set_lock_mode(handle, 1) == 11
    assert binding.flom_handle_get_lock_mode(handle) == 5
    del handle
    gc.collect()


@pytest.mark.parametrize(("name", "code"), [("simple", -7), ("/a/b", -7), ("a.b", -105)])
@pytest.mark.parametrize("mode", [-1, 6, 7, 1000])
def test_a_mode_there_is_not_is_never_asked_for(binding, handle, tmp_path, name, code, mode):
    """AF-17: of resources that have modes."""
    assert binding.flom_handle_set_socket_name(handle, str(tmp_path / "s")) == 0
    assert binding.flom_handle_set_resource_name(handle, name) == 0
    assert binding.flom_handle_set_lock_mode(handle, mode) == 0
    assert binding.flom_handle_lock(handle) == code
    assert handle.state == 22


@pytest.mark.parametrize("order", [(None, "a"), ("a", None, "b"), (None, None, "a")])
@pytest.mark.parametrize("loaded", [False, True])
def test_trace_files_in_any_order(binding, tmp_path, monkeypatch, order, loaded):
    """AF-9: None stops tracing, nothing is closed that is not ours, later files work."""
    monkeypatch.setenv("FLOM_TRACE_MASK", "0x80000")
    handle = binding.flom_handle_new() if loaded else binding.flom_handle_t()
    opened = len(os.listdir("/proc/self/fd"))
    for name in order:
        path = None if name is None else str(tmp_path / name)
        assert binding.flom_handle_set_trace_filename(handle, path) == 0
    os.fstat(2)
    assert len(os.listdir("/proc/self/fd")) <= opened + 1
    later = binding.flom_handle_new()
    # On a handle without properties it is the default of later ones (api.md 7).
    assert binding.flom_handle_get_trace_filename(later) == (None if loaded else path)
    assert binding.flom_handle_clean(later) == 0
    records = (tmp_path / order[-1]).read_text().splitlines()
    assert [line.split("] ")[1] for line in records][-2:] == [
        "flom_handle_clean",
        "flom_handle_clean/ret_cod=0",
    ]


def test_an_ignored_name_is_told_in_the_trace(binding, handle, tmp_path, monkeypatch):
    """api.md 17, the last remark."""
    monkeypatch.setattr(trace, "mask", trace.API)
    assert binding.flom_handle_set_trace_filename(handle, str(tmp_path / "t")) == 0
    assert binding.flom_handle_set_resource_name(handle, "1bad") == 0
    assert "'1bad' is no resource name" in (tmp_path / "t").read_text()


def configure(tmp_path, text):
    (tmp_path / ".flom").write_text(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[Daemon]\nMulticastPort=x\n", -5),  # AF-12
        ("[Daemon]\nMountPointVFS=/nonexistent\n", -5),
        ("[Daemon]\nSocketName=" + "x" * 200 + "\n", -5),
        ("[Resource]\nName=1bad\n", -5),
        ("[TLS]\nTlsCaCertificate=/nonexistent\n", -125),
    ],
)
def test_files_that_are_refused(binding, tmp_path, capfd, text, code):
    """api.md 8: told on standard output, unless it is a path; a repaired file repairs."""
    configure(tmp_path, text)
    handle = binding.flom_handle_t()
    for call in (binding.flom_handle_init, binding.flom_handle_lock, binding.flom_handle_clean):
        assert call(handle) == code
        out, err = capfd.readouterr()
        assert (str(tmp_path / ".flom") in out, err) == (code == -5, "")
    assert handle.state == 0
    configure(tmp_path, "")
    assert binding.flom_handle_init(handle) == 0
    assert capfd.readouterr() == ("", "")


def test_files_give_defaults_and_warnings_only_when_verbose(binding, tmp_path, capfd):
    configure(tmp_path, "[Resource]\nName=a.b\nLockMode=PR\n[Trace]\nVerbose=yes\n")
    handle = binding.flom_handle_new()
    assert binding.flom_handle_get_lock_mode(handle) == 5
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("flom: ") and "lock mode" in err


def test_the_trace_file_of_the_files(binding, tmp_path, monkeypatch):
    """A-17: the mask is read when the files are."""
    configure(tmp_path, f"[Trace]\nCommandTraceFile={tmp_path}/t\n")
    monkeypatch.setenv("FLOM_TRACE_MASK", "0x80000")
    handle = binding.flom_handle_new()
    assert binding.flom_handle_get_trace_filename(handle) == f"{tmp_path}/t"
    assert "flom_handle_init/ret_cod=0" in (tmp_path / "t").read_text()


def test_a_trace_file_chosen_before_is_kept(binding, tmp_path, monkeypatch):
    """api.md 7: set on a handle without properties, it is the default in place of the files'."""
    configure(tmp_path, f"[Trace]\nCommandTraceFile={tmp_path}/theirs\n")
    monkeypatch.setenv("FLOM_TRACE_MASK", "0x80000")
    chosen = str(tmp_path / "chosen")
    assert binding.flom_handle_set_trace_filename(binding.flom_handle_t(), chosen) == 0
    assert binding.flom_handle_get_trace_filename(binding.flom_handle_new()) == chosen
    assert (tmp_path / "chosen").read_text()
    assert not (tmp_path / "theirs").exists()


def test_without_a_machine_id(binding, tmp_path, monkeypatch):
    """AF-20: an error only if the peer's id is to be checked."""
    monkeypatch.setattr(machine, "unique_id", lambda: "")
    (tmp_path / "c").touch()
    files = "".join(f"{key}=c\n" for key in ("TlsCertificate", "TlsPrivateKey", "TlsCaCertificate"))
    configure(tmp_path, f"[TLS]\n{files}TlsCheckPeerId=yes\n")
    monkeypatch.chdir(tmp_path)
    handle = binding.flom_handle_t()
    assert binding.flom_handle_init(handle) == -4
    configure(tmp_path, f"[TLS]\n{files}")
    assert binding.flom_handle_init(handle) == 0


@pytest.mark.parametrize(("verbose", "lines"), [("no", 0), ("yes", 4)])
def test_a_search_without_answer(binding, tmp_path, capfd, verbose, lines):
    """A-4: neither `resource_timeout` nor 0 as the time of an attempt (AF-16) shortens it."""
    configure(tmp_path, f"[Trace]\nVerbose={verbose}\n")
    handle = binding.flom_handle_new()
    group = f"239.255.{random.randrange(256)}.{random.randrange(256)}"
    assert binding.flom_handle_set_multicast_address(handle, group) == 0
    assert binding.flom_handle_set_resource_timeout(handle, 1) == 0
    assert binding.flom_handle_set_discovery_timeout(handle, 0) == 0
    begun = time.monotonic()
    assert binding.flom_handle_lock(handle) == -105
    assert time.monotonic() - begun >= 1.0
    assert handle.state == 22
    out, err = capfd.readouterr()
    assert (len(out.splitlines()), err) == (lines, "")


def test_a_store_in_the_files_is_not_for_the_binding(binding, tmp_path):
    (tmp_path / ".flom").write_text("[Store]\nUrl=etcd://h1\n[Resource]\nName=R\n")
    handle = binding.flom_handle_new()
    assert binding.flom_handle_get_resource_name(handle) == "R"
    assert library.settings.store_url is None
    assert library.settings.socket_name == socket_path()
