"""Records of a daemon in the foreground (daemon.md 12)."""

import os

from flom.daemon.streamlog import StreamLog


def test_foreground_log_writes_lines_for_journald():
    reader, writer = os.pipe()
    StreamLog(writer).record("FLM003N", "ready")
    assert os.read(reader, 100) == b"<5>FLM003N ready\n"
    os.close(reader)
    os.close(writer)
    StreamLog(writer).record("FLM003N", "nobody reads")


def test_a_reader_that_is_stuck_delays_nobody():
    """What does not fit into its pipe is lost, however long the lines are."""
    reader, writer = os.pipe()
    log = StreamLog(writer)
    for _ in range(40):
        log.record("FLM015I", "x" * 10_000)
    lines = os.read(reader, 1_000_000).splitlines()
    assert {len(line) for line in lines} == {4095}
    assert 10 < len(lines) < 40
    os.close(reader)
    os.close(writer)
