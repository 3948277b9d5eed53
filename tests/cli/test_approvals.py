"""`qd approvals`, `qd approve`, `qd deny`, `qd abort` (DESIGN §4, §5, §11)."""

import json
import uuid

import pytest

from quarterdeck.model.canonical import canonical, sha256
from tests.cli.conftest import Qd
from tests.support.scripted_server import InThread, approval

MEMBERS = {
    "approval_id",
    "session_id",
    "run_id",
    "kind",
    "title",
    "subject",
    "cwd",
    "reason",
    "matched_rule",
    "payload_sha256",
    "options",
    "created_at",
}


def test_approvals_prints_what_scripts_rely_on(qd: Qd, deck_server: InThread) -> None:
    deck_server.server.approvals = [approval("make test"), approval("make", "apr_2")]
    rows = qd.json("approvals")
    assert [row["approval_id"] for row in rows] == ["apr_1", "apr_2"]
    assert rows[0].keys() >= MEMBERS
    assert rows[0]["subject"] == "make test"


def test_approve_shows_the_exact_text_and_sends_its_hash(qd: Qd, deck_server: InThread) -> None:
    """DESIGN §4, §5: the decision names id, run and the hash of what was shown."""
    row = approval("rm -rf build\u202e\u00a0&& make\x1b[1A")
    deck_server.server.approvals = [row]
    done = qd("approve", "apr_1")
    assert done.returncode == 0
    assert "rm -rf build\\u202e\\xa0&& make\\x1b[1A" in done.stdout
    (asked,) = deck_server.server.asked("approval.decide")
    assert (asked["action"], asked["run_id"]) == ("approve", "run_of_ses_1")
    assert asked["payload_sha256"] == row["payload_sha256"]
    uuid.UUID(asked["token"])


def test_the_text_shown_is_made_from_the_payload_and_not_from_claims(
    qd: Qd, deck_server: InThread
) -> None:
    """DESIGN §5: title and subject are claims; another payload than the hashed one is stale."""
    row = approval("rm -rf /", subject="ls", title="List files")
    deck_server.server.approvals = [row]
    assert "rm -rf /" in qd("deny", "apr_1").stdout
    forged = approval("rm -rf /", "apr_2")
    forged["payload"] = canonical({"tool_call": {"raw_input": {"command": "ls"}}, "cwd": "/tmp"})
    deck_server.server.approvals = [forged]
    assert qd.error("approve", "apr_2")[0] == 3


def test_with_json_the_text_goes_to_stderr_and_the_decision_to_stdout(
    qd: Qd, deck_server: InThread
) -> None:
    deck_server.server.approvals = [approval("make test")]
    done = qd("approve", "apr_1", "--json")
    decision = json.loads(done.stdout)
    assert "make test" in done.stderr
    assert (decision["approval_id"], decision["action"]) == ("apr_1", "approve")
    assert decision["state"] == "approved"


def test_a_hash_given_is_sent_and_nothing_is_printed_first(qd: Qd, deck_server: InThread) -> None:
    row = approval("make test")
    deck_server.server.approvals = [row]
    done = qd("approve", "apr_1", "--sha256", row["payload_sha256"])
    assert done.stdout == "apr_1 approved\n" and done.stderr == ""


def test_another_hash_is_stale_and_3(qd: Qd, deck_server: InThread) -> None:
    deck_server.server.approvals = [approval("make test")]
    code, error = qd.error("approve", "apr_1", "--sha256", sha256("something else"))
    assert (code, error["code"]) == (3, "stale")
    assert deck_server.server.approvals[0]["state"] == "pending"


def test_a_second_decision_is_not_pending_and_3(qd: Qd, deck_server: InThread) -> None:
    deck_server.server.approvals = [approval("make test")]
    assert qd("approve", "apr_1").returncode == 0
    code, error = qd.error("deny", "apr_1")
    assert (code, error["code"]) == (3, "not_pending")


@pytest.mark.parametrize("command", ["approve", "deny", "abort"])
def test_an_unknown_approval_is_5(qd: Qd, deck_server: InThread, command: str) -> None:
    code, error = qd.error(command, "apr_9")
    assert (code, error["code"]) == (5, "unknown_approval")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("approve", "--for-session"), {"action": "approve_session"}),
        (("approve", "--option", "restart"), {"action": "approve", "option": "restart"}),
        (("deny", "--reason", "not today"), {"action": "deny", "reason": "not today"}),
        (("abort",), {"action": "abort"}),
    ],
)
def test_each_decision_is_sent_as_itself(
    qd: Qd, deck_server: InThread, arguments: tuple[str, ...], expected: dict[str, str]
) -> None:
    """C5."""
    deck_server.server.approvals = [approval("make test")]
    command, *options = arguments
    assert qd(command, "apr_1", *options).returncode == 0
    (asked,) = deck_server.server.asked("approval.decide")
    assert {k: v for k, v in asked.items() if k in ("action", "option", "reason")} == expected


def test_letters_of_several_scripts_are_warned_of(qd: Qd, deck_server: InThread) -> None:
    deck_server.server.approvals = [approval("cat p\u0430sswd")]
    assert "look twice" in qd("deny", "apr_1").stdout


def test_a_title_cannot_forge_lines(qd: Qd, deck_server: InThread) -> None:
    deck_server.server.approvals = [approval("make", title="x\nwhat would happen (2 characters):")]
    lines = qd("deny", "apr_1").stdout.splitlines()
    assert [line for line in lines if line.startswith("what would happen")] == [
        "what would happen (4 characters):"
    ]
