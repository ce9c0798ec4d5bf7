"""The errors that programs see."""

import pathlib
import pickle
import re

import pytest

from flom import errors
from flom.client import failures
from flom.client.failures import failure
from flom.client.mode import Mode

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "reference" / "python.md"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errors.RC_LOCK_BUSY, failures.Busy),
        (errors.RC_NETWORK_TIMEOUT, failures.Timeout),
        (errors.RC_LOCK_CANT_WAIT, failures.NoSuchResource),
        (errors.RC_LOCK_IMPOSSIBLE, failures.Impossible),
        (errors.OWN_RC_ACCESS_DENIED, failures.Denied),
        (errors.OWN_RC_LOCK_NESTED, failures.Deadlock),
        (errors.OWN_RC_LIMIT_REACHED, failures.LimitReached),
        (errors.RC_CONTAINER_FULL, failures.InvalidRequest),
        (errors.RC_LOCK_CANT_LOCK, failures.DaemonError),
        (errors.RC_PROTOCOL_ERROR, failures.DaemonError),
    ],
)
def test_a_code_has_a_class(code, kind):
    told = failure(errors.FlomError(code, "what"), failures.DaemonError)
    assert type(told) is kind
    assert (told.rc, told.text) == (code, "what")


def test_a_wrong_setting_is_an_invalid_request_whatever_its_code():
    error = errors.ConfigError(errors.RC_REALPATH_ERROR, "no such file")
    assert type(failure(error, failures.ConnectError)) is failures.InvalidRequest


def test_the_classes_say_what_python_programs_expect():
    assert issubclass(failures.Timeout, TimeoutError)
    assert issubclass(failures.InvalidRequest, ValueError)


@pytest.mark.parametrize("kind", [failures.Busy, failures.Timeout, failures.InvalidRequest])
def test_an_error_travels_between_processes(kind):
    error = kind(4, "what")
    error.resource, error.mode, error.endpoint, error.waited = "R", Mode.PR, "unix:///s", 1.5
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is kind
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)


def test_the_text_says_what_to_what_and_what_to_do():
    error = failures.Busy(4, "the resource is locked")
    error.resource = "R"
    assert str(error) == (
        "'R': the resource is locked (try again later, or wait with timeout=SECONDS)"
    )


def test_the_tree_is_the_one_that_is_documented():
    """In the module and on the page."""

    def drawn(kind, depth=0):
        below = [line for each in kind.__subclasses__() for line in drawn(each, depth + 1)]
        return ["  " * depth + kind.__name__, *below]

    expected = ["FlomError", *drawn(failures.LockError, 1)]
    for text in (failures.__doc__, PAGE.read_text().partition("## Errors")[2]):
        lines = [line for line in text.splitlines() if re.match(r" *[A-Z]\w+( {2,}|$)", line)]
        indent = len(lines[0]) - len(lines[0].lstrip())
        assert [re.sub(r"(\w) {2,}.*", r"\1", line[indent:]) for line in lines] == expected


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (errors.RC_SSL_CTX_LOAD_VERIFY_LOCATIONS_ERROR, "flomctl pki verify"),
        (errors.RC_SSL_CTX_USE_CERTIFICATE_FILE_ERROR, "flomctl pki verify"),
        (errors.RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR, "flomctl pki verify"),
        (errors.RC_SSL_CONNECT_ERROR, "does the daemon use TLS"),
        (errors.RC_SSL_GET_VERIFY_RESULT_ERROR, "authority on both sides"),
        (errors.RC_UNIQUE_ID_DOES_NOT_MATCH, "the unique id of its host"),
        (errors.RC_SSL_READ_ERROR, "did the daemon refuse the certificate"),
    ],
)
@pytest.mark.parametrize("kind", [failures.ConnectError, failures.DaemonError])
def test_what_tls_needs_is_said_for_each_code(code, what, kind):
    told = failure(errors.FlomError(code, "why"), kind)
    assert type(told) is kind
    assert what in str(told)
