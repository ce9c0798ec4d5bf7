"""What holds for all tests."""

import os
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

# A shell that runs the tests in the background has them ignore SIGINT, nohup SIGHUP, and whom they
# start as well. Python itself ignores SIGPIPE and SIGXFSZ, and undoes that for whom it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)

# A tier that cannot run here is skipped with its reason; where all must run, that is a failure.
REQUIRE_ALL = os.environ.get("FLOM_REQUIRE_ALL", "") not in ("", "0")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    return _refuse_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    return _refuse_skip(report)


def _refuse_skip(report):
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"FLOM_REQUIRE_ALL is set, but this was skipped: {reason}"
    return report


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """The folder of the certificates that the tests use, see certificates.py."""
    import certificates

    from flom.machine import unique_id

    return certificates.make(tmp_path_factory.mktemp("certificates"), unique_id() or "nobody")
