"""What a list shows of a session at a glance: how far its plan is, what its work tree changed."""

import logging
from typing import Any

from quarterdeck.model.canonical import canonical
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.store import sessions
from quarterdeck.supervisor import worktree
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.recorder import Recorder

STEP_LIMIT = 200

_log = logging.getLogger(__name__)


async def planned(rec: Recorder, payload: dict[str, Any]) -> None:
    """Note how far the agent's plan is, as its last plan event says."""
    entries = [entry for entry in payload.get("entries", ()) if isinstance(entry, dict)]
    step = next((e for e in entries if e.get("status") == "in_progress"), None)
    step = step or next((e for e in entries if e.get("status") != "completed"), None)
    text = rec.redactor.redact(str(step.get("content") or "")) if step is not None else ""
    plan = {
        "done": sum(1 for entry in entries if entry.get("status") == "completed"),
        "total": len(entries),
        "step": " ".join(text.split())[:STEP_LIMIT],
        "run_id": rec.run.run_id,
        "seq": rec.run.last_seq,
    }
    await sessions.update(rec.tx, rec.run.session_id, plan=canonical(plan) if entries else None)


def turn_over(rec: Recorder) -> None:
    """After the turn's COMMIT, look what it changed in the work tree."""
    ctx, session_id, cwd = rec.ctx, rec.run.session_id, rec.run.cwd
    rec.tx.after_commit(lambda: ctx.do(_look(ctx, session_id, cwd), "work tree"))


async def _look(ctx: Context, session_id: str, cwd: str) -> None:
    row = await sessions.load(ctx.store.reading, session_id)
    try:
        files = (await worktree.changed_files(cwd, row["git_base"])).files
    except QuarterdeckError as error:
        if error.code != "no_worktree":
            _log.info("a work tree was not looked at", extra={"error": error.message})
        return
    changes = {
        "files": len(files),
        "added": sum(found.added for found in files),
        "removed": sum(found.removed for found in files),
    }
    told = canonical(changes) if files else None
    if told != row["changes"]:
        await ctx.store.write(
            lambda tx: sessions.update(tx, session_id, changes=told), durable=False
        )
