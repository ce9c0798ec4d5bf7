"""The table of codes (cli.md 10 and 17)."""

import pickle

import pytest
from shared import vectors

from flom import errors

ALL = [*errors.symbols().values(), *errors.own_symbols().values()]


def reference_codes():
    constants = vectors("api")["constants"]
    return {name[8:]: value for name, value in constants.items() if name.startswith("FLOM_RC_")}


def test_every_code_of_the_reference_and_no_other():
    assert errors.symbols() == reference_codes()


def test_codes_of_our_own_are_outside_the_reference_s_range():
    own = set(errors.own_symbols().values())
    assert max(own) < min(reference_codes().values())
    assert errors.symbol(errors.OWN_RC_LOCK_TAKEN) == "LOCK_TAKEN"


def test_exit_statuses():
    constants = vectors("api")["constants"]
    assert constants["FLOM_ES_OK"] == errors.EXIT_OK
    assert constants["FLOM_ES_REQUESTER_CANT_WAIT"] == errors.EXIT_CANNOT_WAIT
    assert constants["FLOM_ES_UNABLE_TO_EXECUTE_COMMAND"] == errors.EXIT_NOT_EXECUTED
    assert constants["FLOM_ES_RESOURCE_BUSY"] == errors.EXIT_BUSY
    assert constants["FLOM_ES_GENERIC_ERROR"] == errors.EXIT_FAILURE


@pytest.mark.parametrize("rc", sorted(ALL))
def test_every_code_has_a_short_explanation(rc):
    words = errors.describe(rc)
    assert words != errors.describe(4711)
    assert 3 < len(words) < 70
    assert "\n" not in words


def test_no_explanation_without_a_code():
    described = [int(line.split()[0]) for line in errors._DESCRIPTIONS.splitlines()]
    assert sorted(described) == sorted(ALL)


def test_a_number_that_is_no_code():
    assert errors.describe(4711) == "unknown code"
    assert errors.symbol(4711) == ""


def test_symbol_of_a_number():
    assert errors.symbol(4) == "LOCK_BUSY"
    assert errors.symbol(-413) == "TLS_NO_VALID_METHOD"


@pytest.mark.parametrize(
    "error",
    [errors.FlomError(4, "x"), errors.ConfigError(-5, "x"), errors.ProtocolError(-13, "x")],
)
def test_errors_carry_code_and_text_through_pickling(error):
    twin = pickle.loads(pickle.dumps(error))
    assert (type(twin), twin.rc, twin.text) == (type(error), error.rc, "x")


def test_a_usage_error_is_an_invalid_option():
    error = errors.UsageError("what")
    assert (error.rc, error.text, str(error)) == (errors.RC_INVALID_OPTION, "what", "what")
    assert pickle.loads(pickle.dumps(error)).text == "what"
