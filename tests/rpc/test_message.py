"""JSON-RPC 2.0 messages as they come from real agents: well-formed, odd, or no message at all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.rpc import message
from quarterdeck.rpc.message import Invalid, Notification, Request, Response, parse

json_values = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def line(**members: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **members}).encode()


@pytest.mark.parametrize("identifier", [0, 1, -1, 2**63, "", "a-7", "1"])
def test_an_id_may_be_any_number_or_string(identifier: int | str) -> None:
    assert parse(line(id=identifier, method="m")) == Request(identifier, "m", None)
    assert parse(line(id=identifier, result=1)) == Response(identifier, 1, None)


@pytest.mark.parametrize("identifier", [True, False, 1.5, [], {}])
def test_an_id_may_be_nothing_else(identifier: Any) -> None:
    assert isinstance(parse(line(id=identifier, method="m")), Invalid)
    assert isinstance(parse(line(id=identifier, result=1)), Invalid)


def test_a_null_id_is_no_request_but_answers_what_had_no_id() -> None:
    assert isinstance(parse(line(id=None, method="m")), Invalid)
    error = {"code": -32700, "message": "parse error"}
    assert parse(line(id=None, error=error)) == Response(None, None, error)


def test_without_an_id_it_is_a_notification() -> None:
    assert parse(line(method="m", params=[1])) == Notification("m", [1])


def test_an_answer_of_null_is_an_answer() -> None:
    assert parse(line(id=1, result=None)) == Response(1, None, None)


def test_an_error_that_is_no_object_is_kept_as_its_message() -> None:
    told = parse(line(id=1, error="boom"))
    assert isinstance(told, Response) and told.error is not None
    assert told.error["message"] == "boom"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "invalid JSON"),
        (b"{", "invalid JSON"),
        (b"\xff{}", "invalid UTF-8 at byte 0"),
        (b'{"a": "\xc3"}', "invalid UTF-8 at byte 7"),
        (b"[]", "not a JSON object"),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "m"}]', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"{}", "neither"),
        (b'{"id": 1}', "neither"),
        (b'{"id": 1, "method": 7}', "neither"),
        (b"[" * 100_000, "invalid JSON"),
        (b'{"id": ' + b"9" * 5000 + b"}", "invalid JSON"),
    ],
)
def test_what_is_no_message_is_reported_with_its_bytes(raw: bytes, reason: str) -> None:
    told = parse(raw)
    assert isinstance(told, Invalid)
    assert told.reason.startswith(reason) and told.raw == raw


def test_a_cut_line_is_never_read_as_a_message() -> None:
    """Its beginning may be valid JSON by accident."""
    assert isinstance(parse(line(id=1, method="m"), cut=True), Invalid)


@given(st.binary())
def test_no_bytes_raise(raw: bytes) -> None:
    parse(raw)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
)
def test_what_is_written_is_one_ascii_line_that_reads_back(value: Any) -> None:
    written = message.request("id", "m", value)
    assert written.endswith(b"\n") and written.count(b"\n") == 1 and written.isascii()
    assert parse(written) == Request("id", "m", value)


def test_refusals_carry_code_message_and_data() -> None:
    told = parse(message.refusal(3, message.INVALID_PARAMS, "no", {"code": "x"}))
    error = {"code": message.INVALID_PARAMS, "message": "no", "data": {"code": "x"}}
    assert told == Response(3, None, error)
