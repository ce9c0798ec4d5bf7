"""The debug features as a step of the conversation, and what they refuse (cli.md 16)."""

import pytest

from flom.cli.command import command
from flom.cli.debug import FEATURES, Debug
from flom.cli.steps import End, Say
from flom.errors import FlomError
from flom.settings import Settings

ENVIRON = {"HOME": "/nonexistent"}


def play(words, result=None):
    conversation = command(words, ENVIRON, "/work")
    steps, answer = [], None
    while True:
        step = conversation.send(answer)
        steps.append(step)
        if isinstance(step, End):
            return steps
        answer = result if isinstance(step, Debug) else None


def test_success():
    steps = play(["--debug-feature=any"])
    assert [type(step) for step in steps] == [Debug, End]
    assert steps[0].name == "any"
    assert steps[-1].status == 0


def test_failure_has_a_diagnostic():
    """CF-17."""
    steps = play(["--debug-feature=any"], FlomError(-131, "no route"))
    assert [type(step) for step in steps] == [Debug, Say, End]
    assert (steps[1].stream, steps[1].text) == (
        2, "flom: debug feature 'any': no route [ret_cod=-131]\n",
    )  # fmt: skip
    assert steps[-1].status == 1


@pytest.mark.parametrize("words", [["-x"], ["-X"], ["--", "true"], ["-A", "ff02::1"]])
def test_it_comes_before_everything_else(words):
    steps = play(["--debug-feature=any", *words])
    assert [type(step) for step in steps] == [Debug, End]


def test_it_comes_after_the_checks():
    steps = play(["--debug-feature=any", "-s", "/s", "-a", "h"])
    assert [type(step) for step in steps] == [Say, End]
    assert steps[-1].status == 99


def failure(name, **values):
    """How the feature fails with these settings, all others built in."""
    settings = Settings()
    for attr, value in values.items():
        setattr(settings, attr, value)
    with pytest.raises(FlomError) as caught:
        Debug(settings, name).carry_out(pytest.fail)
    return caught.value


def test_an_unknown_name():
    error = failure("nope")
    assert error.rc == -5
    assert all(name in error.text for name in FEATURES)
    assert list(FEATURES) == [
        "ipv6.multicast.server", "ipv6.multicast.client", "tls.server", "tls.client",
    ]  # fmt: skip


MULTICAST = pytest.mark.parametrize("name", ["ipv6.multicast.server", "ipv6.multicast.client"])


@MULTICAST
@pytest.mark.parametrize(
    ("group", "rc"), [(None, -5), ("239.1.1.1", -110), ("::1", -19), ("nonsense%%", -110)]
)
def test_no_group(name, group, rc):
    assert failure(name, multicast_address=group).rc == rc


@pytest.mark.parametrize("missing", ["tls_certificate", "tls_private_key", "tls_ca_certificate"])
@pytest.mark.parametrize("name", ["tls.server", "TLS.Client"])
def test_a_file_is_missing(name, missing):
    files = dict.fromkeys(("tls_certificate", "tls_private_key", "tls_ca_certificate"), "/dev/null")
    error = failure(name, unicast_address="127.0.0.1", **{**files, missing: None})
    assert error.rc == -22
    assert "--tls-certificate" in error.text


@pytest.mark.parametrize("name", ["tls.server", "tls.client"])
def test_files_that_are_none(name):
    files = dict.fromkeys(("tls_certificate", "tls_private_key", "tls_ca_certificate"), "/dev/null")
    assert failure(name, unicast_address="127.0.0.1", **files).rc == -403


def test_a_server_needs_an_address():
    assert "-a" in failure("tls.server").text
