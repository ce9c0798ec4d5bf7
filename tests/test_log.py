"""Records of the system log (daemon.md 12, cli.md 15)."""

import os
import re
import socket

from flom.log import DAEMON, USER, SystemLog


def listen(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(str(path))
    sock.settimeout(20)
    return sock


def test_daemon_record_has_facility_level_ident_and_pid(tmp_path):
    with listen(tmp_path / "log") as sock:
        log = SystemLog(DAEMON, pid=True, path=str(tmp_path / "log"))
        log.record("FLM003N", "ready")
        text = sock.recv(1000).decode()
        log.close()
    stamp = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
    assert re.fullmatch(rf"<29>{stamp} flom\[{os.getpid()}\]: FLM003N ready", text)


def test_levels_follow_the_last_letter_with_three_exceptions(tmp_path):
    with listen(tmp_path / "log") as sock:
        log = SystemLog(USER, pid=False, path=str(tmp_path / "log"))
        for code, priority in (
            ("FLM000I", 13),
            ("FLM001I", 13),
            ("FLM002I", 13),
            ("FLM015I", 14),
            ("FLM006W", 12),
            ("FLM013E", 11),
        ):
            log.record(code, "x")
            assert sock.recv(1000).startswith(b"<%d>" % priority)
        log.close()


def test_missing_log_is_no_error_and_not_looked_for_each_time(tmp_path, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("flom.log.monotonic", lambda: now[0])
    log = SystemLog(USER, pid=False, path=str(tmp_path / "log"))
    log.record("FLM003N", "lost")
    with listen(tmp_path / "log") as sock:
        log.record("FLM003N", "lost too")
        now[0] += 60
        log.record("FLM003N", "found")
        assert sock.recv(1000).endswith(b"found")
    log.close()


def test_restarted_log_is_found_again(tmp_path):
    path = tmp_path / "log"
    log = SystemLog(USER, pid=False, path=str(path))
    listen(path).close()
    path.unlink()
    with listen(path) as sock:
        log.record("FLM003N", "one")
        assert sock.recv(1000).endswith(b"one")
    path.unlink()
    with listen(path) as sock:
        log.record("FLM003N", "two")
        assert sock.recv(1000).endswith(b"two")
    log.close()
