"""Exact text that was needed until it was delivered is redacted like all else (DESIGN §4)."""

import json

from quarterdeck.agents.holding import forwarded_offset
from quarterdeck.model.canonical import canonical
from quarterdeck.store import outbox, runner_jobs
from quarterdeck.store.sessions import json_or_none
from quarterdeck.supervisor.recorder import Recorder


async def forget_exact(rec: Recorder) -> None:
    """Redact what the run's agent has been told, and what of its session is settled."""
    await outbox.forget_delivered(rec.tx, rec.run.run_id, forwarded_offset(rec.run.directory))
    await _approvals(rec)
    await _commands(rec)
    await runner_jobs.forget_exact(rec.tx, rec.run.run_id, rec.redactor.redact_value)


async def _approvals(rec: Recorder) -> None:
    redactor = rec.redactor
    settled = await rec.tx.all(
        "SELECT a.approval_id, a.title, a.subject, a.reason, a.payload, a.options, d.content"
        " FROM approvals a"
        " LEFT JOIN decisions d ON d.approval_id = a.approval_id"
        " WHERE a.run_id = ? AND a.exact = 1 AND a.state <> 'pending'",
        (rec.run.run_id,),
    )
    await rec.tx.many(
        "UPDATE approvals SET exact = 0, title = ?, subject = ?, reason = ?, payload = ?,"
        " options = ? WHERE approval_id = ?",
        [
            (
                redactor.redact(row["title"]),
                redactor.redact(row["subject"]),
                None if row["reason"] is None else redactor.redact(row["reason"]),
                canonical(redactor.redact_value(json.loads(row["payload"]))),
                json.dumps(redactor.redact_value(json_or_none(row["options"]) or [])),
                row["approval_id"],
            )
            for row in settled
        ],
    )

    await rec.tx.many(
        "UPDATE decisions SET content = ? WHERE approval_id = ?",
        [
            (canonical(redactor.redact_value(json.loads(row["content"]))), row["approval_id"])
            for row in settled
            if row["content"] is not None
        ],
    )


async def _commands(rec: Recorder) -> None:
    ended = await rec.tx.all(
        "SELECT command_id, text FROM commands WHERE session_id = ? AND exact = 1"
        " AND state IN ('completed', 'failed', 'cancelled')",
        (rec.run.session_id,),
    )
    await rec.tx.many(
        "UPDATE commands SET exact = 0, text = ? WHERE command_id = ?",
        [
            (None if row["text"] is None else rec.redactor.redact(row["text"]), row["command_id"])
            for row in ended
        ],
    )
