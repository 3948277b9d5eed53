"""Errors with class, code, message and hint (A16), and the exit codes of DESIGN §11."""

import pytest

from quarterdeck.model.errors import KINDS, Exit, QuarterdeckError


@pytest.mark.parametrize("code", sorted(KINDS))
def test_over_the_wire_and_back_it_is_the_same(code: str) -> None:
    sent = QuarterdeckError(code, "what happened", hint="what to do", active="run_1")
    got = QuarterdeckError.from_wire(sent.message, sent.to_wire())
    assert (got.code, got.message, got.hint) == (code, "what happened", "what to do")
    assert (got.kind, got.data, got.to_wire()) == (sent.kind, {"active": "run_1"}, sent.to_wire())


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_error_has_a_hint_and_an_exit_code_that_is_no_success(code: str) -> None:
    error = QuarterdeckError(code, "m")
    assert error.hint and error.kind.exit is not Exit.DONE
    assert error.to_wire()["class"] in ("recoverable", "unrecoverable")


def test_exit_codes_are_those_scripts_rely_on() -> None:
    assert {exit.name: exit.value for exit in Exit} == {
        "DONE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "STALE": 3,
        "LOCK_HELD": 4,
        "UNKNOWN_ID": 5,
        "CANNOT_START": 6,
        "TIMED_OUT": 124,
    }


@pytest.mark.parametrize("data", [None, "text", [], {}, {"code": 7}])
def test_an_error_of_no_known_form_is_internal(data: object) -> None:
    assert QuarterdeckError.from_wire("m", data).code == "internal"


def test_a_code_of_a_later_version_keeps_its_name_and_hint() -> None:
    error = QuarterdeckError.from_wire("m", {"code": "brand_new", "hint": "do this"})
    assert (error.code, error.hint, error.kind.exit) == ("brand_new", "do this", Exit.FAILED)
