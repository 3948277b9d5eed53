"""The ids of a conversation: persisted, never used twice, each question answered once."""

import json
from typing import Any

import pytest

from quarterdeck.rpc import message
from quarterdeck.rpc.message import Invalid, Notification, Request
from quarterdeck.rpc.peer import Answer, Peer, Stray


def answer(identifier: Any, result: Any = "r") -> bytes:
    return message.answer(identifier, result).rstrip(b"\n")


def request(identifier: Any, method: str = "m") -> bytes:
    return message.request(identifier, method, None).rstrip(b"\n")


def test_calls_get_the_ids_1_2_3_and_their_answers_by_id() -> None:
    peer = Peer()
    first, line = peer.call("a", {"x": 1})
    second, _ = peer.call("b", {})
    assert (first, second) == (1, 2)
    assert json.loads(line) == {"jsonrpc": "2.0", "id": 1, "method": "a", "params": {"x": 1}}
    assert peer.receive(answer(2)) == Answer(2, "b", "r", None)
    assert peer.receive(answer(1)) == Answer(1, "a", "r", None)
    assert peer.asked == {}


def test_an_error_is_an_answer() -> None:
    peer = Peer()
    peer.call("a", {})
    told = peer.receive(message.refusal(1, -32000, "no").rstrip())
    assert told == Answer(1, "a", None, {"code": -32000, "message": "no"})


@pytest.mark.parametrize("identifier", [7, "1", 0, None])
def test_an_answer_to_no_call_is_a_stray(identifier: Any) -> None:
    peer = Peer()
    peer.call("a", {})
    assert peer.receive(answer(identifier)) == Stray(identifier, "r", None)
    assert peer.asked == {1: "a"}


def test_a_second_answer_is_a_stray() -> None:
    peer = Peer()
    peer.call("a", {})
    peer.receive(answer(1))
    assert peer.receive(answer(1, "other")) == Stray(1, "other", None)


@pytest.mark.parametrize("identifier", [0, 5, "", "x"])
def test_a_request_is_owed_one_answer(identifier: Any) -> None:
    peer = Peer()
    assert peer.receive(request(identifier)) == Request(identifier, "m", None)
    assert peer.owed == {identifier}
    peer.answer(identifier, {})
    with pytest.raises(KeyError):
        peer.answer(identifier, {})
    with pytest.raises(KeyError):
        peer.refuse(identifier, -1, "no")


def test_an_id_repeated_before_its_answer_is_invalid_and_afterwards_a_new_request() -> None:
    peer = Peer()
    peer.receive(request(0))
    assert isinstance(peer.receive(request(0, "other")), Invalid)
    peer.answer(0, None)
    assert peer.receive(request(0, "other")) == Request(0, "other", None)


def test_the_number_1_and_the_string_1_are_different_ids() -> None:
    peer = Peer()
    peer.receive(request(1))
    assert isinstance(peer.receive(request("1")), Request)
    assert peer.owed == {1, "1"}


def test_both_sides_may_use_the_same_number() -> None:
    peer = Peer()
    peer.call("ours", {})
    assert peer.receive(request(1, "theirs")) == Request(1, "theirs", None)
    assert peer.receive(answer(1)) == Answer(1, "ours", "r", None)


def test_a_peer_built_again_goes_on_where_it_was() -> None:
    """DESIGN §4: unanswered calls keep their ids over a restart, and none is used again."""
    peer = Peer()
    peer.call("a", {})
    peer.call("b", {})
    peer.receive(answer(1))
    peer.receive(request("q"))
    again = Peer(next_id=peer.next_id, asked=peer.asked, owed=peer.owed)
    assert again.call("c", {})[0] == 3
    assert again.receive(answer(2)) == Answer(2, "b", "r", None)
    assert isinstance(again.receive(request("q")), Invalid)
    again.refuse("q", -1, "late")


def test_an_answer_that_cannot_be_written_is_still_owed() -> None:
    peer = Peer()
    peer.receive(request(1))
    with pytest.raises(TypeError):
        peer.answer(1, object())
    peer.refuse(1, message.INTERNAL_ERROR, "it could not be written")


def test_notifications_and_rubbish_pass_through() -> None:
    peer = Peer()
    assert peer.receive(b'{"method": "m"}') == Notification("m", None)
    assert isinstance(peer.receive(b"rubbish"), Invalid)
    assert isinstance(peer.receive(request(1), cut=True), Invalid)
    assert peer.owed == set()
