"""Trace mask, records and destinations (cli.md 14)."""

import os
import re
import threading

import pytest

from flom import trace

RECORD = re.compile(
    rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} \[(\d+)/(0x[0-9a-f]+)\] (.*)\n", re.DOTALL
)


@pytest.fixture(autouse=True)
def untouched():
    yield
    trace.stop()


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("0", 0),
        ("8", 8),
        ("0x400000", trace.TCP),
        ("010", 8),
        (" 4", 4),
        ("04junk", 4),
        ("0x8 # client", 8),
        ("4294967295", trace.ALL),
        ("-1", trace.ALL),
        ("4294967296", trace.ALL),
        ("9" * 6000, trace.ALL),
        ("abc", 0),
        ("", 0),
        ("0x", 0),
        ("-0", 0),
    ],
)
def test_c55_mask_syntax(text, mask):
    assert trace.parse_mask(text) == mask
    trace.mask = 77
    trace.start({"FLOM_TRACE_MASK": text})
    assert trace.mask == (mask if text else 77)


def test_c55_without_a_mask_nothing_is_chosen():
    trace.start({})
    assert trace.mask == 0


def test_c55_module_bits():
    bits = {
        "GENERIC": 0x1, "CONFIG": 0x2, "EXEC": 0x4, "CLIENT": 0x8, "DAEMON": 0x10,
        "CONNECTION": 0x20, "PARSER": 0x40, "MESSAGE": 0x80, "LOCKER": 0x100, "RESOURCE": 0x200,
        "SIMPLE": 0x400, "NUMERIC": 0x800, "SET": 0x1000, "HIERARCHICAL": 0x2000,
        "SEQUENCE": 0x4000, "TIMESTAMP": 0x8000, "VFS": 0x40000, "API": 0x80000,
        "DEBUG": 0x100000, "TLS": 0x200000, "TCP": 0x400000,
    }  # fmt: skip
    found = {name: value for name, value in vars(trace).items() if name in bits}
    assert found == bits


def records(path):
    return [RECORD.fullmatch(line).groups() for line in path.read_bytes().splitlines(True)]


def test_c55_record_format(tmp_path):
    assert trace.open_file(str(tmp_path / "t"), False)
    trace.record("one")
    trace.record("two é")
    (pid, thread, first), (_, same, second) = records(tmp_path / "t")
    assert (first, second) == (b"one", "two é".encode())
    assert int(pid) == os.getpid()
    assert int(thread, 16) == threading.get_ident()
    assert same == thread


def test_c55_the_time_is_now_and_local(tmp_path, monkeypatch):
    monkeypatch.setattr("time.time_ns", lambda: 1_700_000_000_123_456_789)
    monkeypatch.setattr("time.localtime", lambda seconds: __import__("time").gmtime(seconds))
    trace.open_file(str(tmp_path / "t"), False)
    trace.record("x")
    assert (tmp_path / "t").read_text().startswith("2023-11-14 22:13:20.123456 [")


def test_a_record_is_one_line_whatever_it_holds(tmp_path):
    trace.open_file(str(tmp_path / "t"), False)
    trace.record("a\nb\udce9")
    assert records(tmp_path / "t")[0][2] == b"a\\nb\xe9"


def test_a_long_record_is_cut_and_ends_with_a_newline(tmp_path):
    trace.open_file(str(tmp_path / "t"), False)
    trace.record("x" * 5000)
    trace.record("next")
    first, second = (tmp_path / "t").read_bytes().splitlines(True)
    assert len(first) == trace.RECORD_MAX == 1999
    assert first.endswith(b"x\n")
    assert second.endswith(b"next\n")


def test_a_record_is_one_write(monkeypatch):
    written = []
    monkeypatch.setattr("posix.write", lambda descriptor, data: written.append((descriptor, data)))
    trace.record("x")
    assert len(written) == 1
    assert written[0][0] == 2


def test_a_record_that_cannot_be_written_is_lost_in_silence(monkeypatch):
    def full(descriptor, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("posix.write", full)
    trace.record("x")


def test_c56_truncate_or_append(tmp_path):
    path = tmp_path / "t"
    path.write_text("OLD\n")
    assert trace.open_file(str(path), True)
    assert path.read_text() == "OLD\n"
    assert trace.open_file(str(path), False)
    assert path.read_text() == ""


def test_c56_what_another_process_wrote_is_not_overwritten(tmp_path):
    path = tmp_path / "t"
    trace.open_file(str(path), False)
    trace.record("one")
    path.write_text("OTHER\n")
    trace.record("two")
    other, record = path.read_bytes().splitlines(True)
    assert other == b"OTHER\n"
    assert RECORD.fullmatch(record)


def test_c56_a_file_is_made_with_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        trace.open_file(str(tmp_path / "t"), False)
    finally:
        os.umask(before)
    assert (tmp_path / "t").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["", "absent/t", "."])
def test_c56_a_file_that_cannot_be_opened_changes_nothing(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert trace.open_file("former", False)
    assert not trace.open_file(name, False)
    trace.record("x")
    assert len(records(tmp_path / "former")) == 1


def test_c56_relative_paths_start_at_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert trace.open_file("t", False)
    assert (tmp_path / "t").exists()


def open_files():
    # The listing shows its own descriptor as well, closed by now.
    return {int(fd) for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")}


def test_cf13_the_file_is_not_inherited_and_the_former_one_closed(tmp_path):
    before = open_files()
    trace.open_file(str(tmp_path / "a"), False)
    trace.open_file(str(tmp_path / "b"), False)
    (opened,) = open_files() - before
    assert os.readlink(f"/proc/self/fd/{opened}") == str(tmp_path / "b")
    assert not os.get_inheritable(opened)


def test_stop(tmp_path):
    trace.mask = 4
    trace.open_file(str(tmp_path / "t"), False)
    trace.stop()
    assert trace.mask == 0
    trace.stop()
