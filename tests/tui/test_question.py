"""What an approval dialog is told to show."""

import dataclasses

from quarterdeck.model.canonical import sha256
from quarterdeck.model.records import ApprovalView
from quarterdeck.tui.dialogs.question import question
from tests.support.scripted_deck import NOW_MS, approval, session, shell

ASKING = session(1, title="Deploy")


def test_text_and_hash_are_this_clients_own():
    view = dataclasses.replace(approval(1, ASKING, shell("make")), subject="something harmless")
    asked = question(view, NOW_MS)
    assert asked.text == "make"
    assert asked.sha256 == view.payload_sha256
    assert not asked.refusal


def test_a_payload_that_does_not_match_its_hash_cannot_be_approved():
    view = dataclasses.replace(approval(1, ASKING, shell("make")), payload_sha256="0" * 64)
    assert "does not match its hash" in question(view, NOW_MS).refusal


def raw(payload: str) -> ApprovalView:
    view = approval(1, ASKING, shell("x"))
    return dataclasses.replace(view, payload=payload, payload_sha256=sha256(payload))


def test_payloads_that_are_no_object_are_shown_raw_and_cannot_be_approved():
    for payload, problem in (('["a"]', "is not an object"), ("{", "is not JSON")):
        asked = question(raw(payload), NOW_MS)
        assert asked.text == payload
        assert problem in asked.refusal


def test_a_payload_that_breaks_the_rendering_is_shown_raw_and_cannot_be_approved(monkeypatch):
    def broken(payload: dict) -> str:
        raise TypeError("not text")

    monkeypatch.setattr("quarterdeck.model.approval_text.subject", broken)
    asked = question(raw('{"a":1}'), NOW_MS)
    assert asked.text == '{"a":1}'
    assert "TypeError" in asked.refusal


def test_invisible_characters_and_look_alikes_are_warned_of():
    asked = question(approval(1, ASKING, shell("rm \u202e /tmp/\u0430bc")), NOW_MS)
    assert any(w.startswith("1 character that is invisible") for w in asked.warnings)
    assert any("/tmp/\u0430bc" in w for w in asked.warnings)


def test_fields_name_the_agents_words_as_its_own_and_leave_out_what_is_missing():
    view = approval(1, ASKING, shell("make"), title="All\nis \x1b[31mwell", matched_rule="ask make")
    fields = dict(question(view, NOW_MS).fields)
    assert fields["it says"] == "“All is \\x1b[31mwell” (the agent's own words)"
    assert fields["rule"] == "ask make"
    assert fields["in"] == "/srv/project"
    assert "because" not in fields


def test_the_extent_counts_characters_and_lines():
    assert question(approval(1, ASKING, shell("a\nb")), NOW_MS).extent == "3 characters, 2 lines"
