"""Approvals and decisions: rows before they are dialogs (DESIGN §4, C5)."""

import json
from dataclasses import dataclass
from typing import Any

import aiosqlite

from quarterdeck.model.approval_text import essence, runs_command, subject
from quarterdeck.model.canonical import canonical, sha256
from quarterdeck.model.clock import iso
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.ids import Prefix, new_id
from quarterdeck.model.records import ApprovalView, DecisionView
from quarterdeck.model.states import PERMISSION_KINDS, ApprovalKind, ApprovalState
from quarterdeck.store import sessions
from quarterdeck.store.sessions import json_or_none
from quarterdeck.store.transaction import Row, Tx, one, rows

_VIEW = (
    "SELECT a.*, s.agent AS agent, s.title AS session_title FROM approvals a"
    " JOIN sessions s ON s.session_id = a.session_id"
)


_PERMISSIONS = ", ".join(f"'{kind}'" for kind in PERMISSION_KINDS)


@dataclass(frozen=True, slots=True)
class NewApproval:
    """A question, as it is stored before anybody sees it."""

    session_id: str
    run_id: str
    kind: ApprovalKind
    title: str
    cwd: str
    payload: dict[str, Any]
    options: list[dict[str, Any]]
    request_id: int | str | None = None
    request_no: int | None = None
    """The one request of the agent that the answer is for."""
    command_id: str | None = None
    reason: str | None = None
    matched_rule: str | None = None
    rule_text: str | None = None
    """The rule as it stands, for the audit."""

    @property
    def subject(self) -> str:
        """The exact text of what would happen."""
        return subject(self.payload)

    @property
    def payload_sha256(self) -> str:
        """What a decision about it will name."""
        return sha256(canonical(self.payload))

    @property
    def fingerprint(self) -> str:
        """What "for the session" is remembered by: the same kind of thing, to the letter.

        A host is remembered by itself: it was the question. A call that runs no command is known
        by its title too, which can be the only place that names its tool.
        """
        if self.kind is ApprovalKind.NETWORK_HOST:
            return sha256(canonical([self.kind.value, self.payload["host"]]))
        told = self.payload.get("tool_call")
        call: dict[str, Any] = told if isinstance(told, dict) else {}
        name = [] if runs_command(call) else [call.get("title")]
        text = subject(essence(self.payload))
        return sha256(canonical([self.kind.value, call.get("kind"), text, self.cwd, *name]))


async def insert(tx: Tx, new: NewApproval, state: ApprovalState = ApprovalState.PENDING) -> Row:
    """Store an approval and return its row; the session's count of open ones follows."""
    payload = canonical(new.payload)
    row = await tx.one(
        "INSERT INTO approvals (approval_id, session_id, run_id, command_id, kind, state, title,"
        " subject, cwd, reason, matched_rule, rule_text, payload, payload_sha256, options,"
        " request_id, request_no, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
        (
            new_id(Prefix.APPROVAL),
            new.session_id,
            new.run_id,
            new.command_id,
            new.kind.value,
            state.value,
            new.title,
            new.subject,
            new.cwd,
            new.reason,
            new.matched_rule,
            new.rule_text,
            payload,
            sha256(payload),
            json.dumps(new.options),
            None if new.request_id is None else json.dumps(new.request_id),
            new.request_no,
            tx.at,
        ),
    )
    assert row is not None
    await sessions.count_approvals(tx, new.session_id)
    return row


async def load(db: aiosqlite.Connection, approval_id: str) -> Row:
    """Return an approval's row; raises `unknown_approval`."""
    row = await one(db, "SELECT * FROM approvals WHERE approval_id = ?", (approval_id,))
    if row is None:
        raise QuarterdeckError("unknown_approval", f"no approval {approval_id}")
    return row


async def settle(tx: Tx, approval_id: str, state: ApprovalState, action: str) -> bool:
    """Move a pending approval to `state`; returns False if it was settled before."""
    row = await tx.one(
        "UPDATE approvals SET state = ?, action = ?, decided_at = ?"
        " WHERE approval_id = ? AND state = 'pending' RETURNING session_id",
        (state.value, action, tx.at, approval_id),
    )
    if row is None:
        return False
    await sessions.count_approvals(tx, row["session_id"])
    return True


async def pending_of_run(tx: Tx, run_id: str) -> list[Row]:
    """Return a run's open approvals, oldest first."""
    return await tx.all(
        "SELECT * FROM approvals WHERE run_id = ? AND state = 'pending' ORDER BY approval_no",
        (run_id,),
    )


async def pending_of_turn(tx: Tx, run_id: str) -> list[Row]:
    """Return those of a run's open approvals that end with its turn: a gate does not."""
    found = await pending_of_run(tx, run_id)
    return [row for row in found if row["kind"] != ApprovalKind.GATE]


async def pending_of_session(tx: Tx, session_id: str, kind: ApprovalKind) -> list[Row]:
    """Return a session's open approvals of one kind, oldest first."""
    return await tx.all(
        "SELECT * FROM approvals WHERE session_id = ? AND state = 'pending' AND kind = ?"
        " ORDER BY approval_no",
        (session_id, kind.value),
    )


async def record_decision(
    tx: Tx,
    approval: Row,
    *,
    action: str,
    option: str | None,
    reason: str | None,
    token: str,
    decided_by: str,
    client: str | None = None,
    host: str | None = None,
    prefix: str | None = None,
    content: dict[str, Any] | None = None,
) -> Row:
    """Store the one decision of an approval and return its row."""
    tx.be_certain()
    row = await tx.one(
        "INSERT INTO decisions (decision_id, approval_id, run_id, action, option, reason, token,"
        " payload_sha256, decided_by, decided_at, client, host, waited_ms, prefix, amendment,"
        " content)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " RETURNING *",
        (
            new_id(Prefix.DECISION),
            approval["approval_id"],
            approval["run_id"],
            action,
            option,
            reason,
            token,
            approval["payload_sha256"],
            decided_by,
            tx.at,
            client,
            host,
            max(0, tx.at - approval["created_at"]),
            prefix,
            None if prefix is None else "pending",
            None if content is None else canonical(content),
        ),
    )
    assert row is not None
    return row


async def decision_of(db: aiosqlite.Connection, approval_id: str) -> Row | None:
    """Return the decision of an approval, if there is one."""
    return await one(db, "SELECT * FROM decisions WHERE approval_id = ?", (approval_id,))


async def grant(tx: Tx, approval: Row, fingerprint: str, *, denies: bool = False) -> None:
    """Remember "for the session" on our side; agents' own memories can be too wide.

    What was remembered last of the same thing holds.
    """
    await tx.run(
        "INSERT INTO grants (session_id, fingerprint, approval_id, created_at, denies)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (session_id, fingerprint) DO UPDATE SET"
        " approval_id = excluded.approval_id, denies = excluded.denies"
        " WHERE denies <> excluded.denies",
        (approval["session_id"], fingerprint, approval["approval_id"], tx.at, int(denies)),
    )


async def granted(tx: Tx, session_id: str, fingerprint: str, *, denies: bool = False) -> str | None:
    """Return the approval that allowed, or denied, the same thing for the session, if one did."""
    row = await tx.one(
        "SELECT approval_id FROM grants WHERE session_id = ? AND fingerprint = ? AND denies = ?",
        (session_id, fingerprint, int(denies)),
    )
    return None if row is None else row["approval_id"]


async def approved_in_turn(tx: Tx, run_id: str, command_id: str | None) -> list[Row]:
    """Return what was approved in this turn and not used up yet, oldest first."""
    return await tx.all(
        "SELECT * FROM approvals WHERE run_id = ? AND command_id IS ?"
        f" AND kind IN ({_PERMISSIONS}) AND state = 'approved' AND consumed = 0"
        " ORDER BY approval_no",
        (run_id, command_id),
    )


async def consume(tx: Tx, approval_id: str) -> None:
    """Use an approval up: it covers one execution."""
    await tx.run("UPDATE approvals SET consumed = 1 WHERE approval_id = ?", (approval_id,))


async def pending(db: aiosqlite.Connection, session_id: str | None) -> list[ApprovalView]:
    """Return the open approvals, of one session or of all, oldest first."""
    where, values = (" AND a.session_id = ?", (session_id,)) if session_id else ("", ())
    found = await rows(
        db,
        f"{_VIEW} WHERE a.state = 'pending' AND s.deleted_at IS NULL{where} ORDER BY a.approval_no",
        values,
    )
    return [to_view(row) for row in found]


async def view(db: aiosqlite.Connection, approval_id: str) -> ApprovalView:
    """Return one approval, open or settled; raises `unknown_approval`."""
    row = await one(db, f"{_VIEW} WHERE a.approval_id = ?", (approval_id,))
    if row is None:
        raise QuarterdeckError("unknown_approval", f"no approval {approval_id}")
    return to_view(row)


def to_view(row: Row) -> ApprovalView:
    """Make the wire record of a row of `_VIEW`."""
    return ApprovalView(
        approval_id=row["approval_id"],
        session_id=row["session_id"],
        run_id=row["run_id"],
        kind=row["kind"],
        state=row["state"],
        title=row["title"],
        subject=row["subject"],
        cwd=row["cwd"],
        reason=row["reason"],
        matched_rule=row["matched_rule"],
        payload_sha256=row["payload_sha256"],
        options=json_or_none(row["options"]) or [],
        created_at=iso(row["created_at"]),
        payload=row["payload"],
        agent=row["agent"],
        session_title=row["session_title"],
        decided_at=None if row["decided_at"] is None else iso(row["decided_at"]),
        action=row["action"],
    )


def to_decision(row: Row, state: str) -> DecisionView:
    """Make the wire record of a decision."""
    return DecisionView(
        decision_id=row["decision_id"],
        approval_id=row["approval_id"],
        run_id=row["run_id"],
        action=row["action"],
        option=row["option"],
        payload_sha256=row["payload_sha256"],
        decided_by=row["decided_by"],
        decided_at=iso(row["decided_at"]),
        state=state,
        reason=row["reason"],
        client=row["client"],
        host=row["host"],
        waited_ms=row["waited_ms"],
        prefix=row["prefix"],
        amendment=row["amendment"],
    )
