"""Files an agent asks its client for: judged, matched with what was approved, or asked (C4)."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from quarterdeck.agents import files
from quarterdeck.agents.acp.facts import FileAsked
from quarterdeck.model.states import Action, ApprovalKind
from quarterdeck.store import approvals, auditing, sessions
from quarterdeck.store.approvals import NewApproval
from quarterdeck.store.transaction import Row
from quarterdeck.supervisor import asking, serving
from quarterdeck.supervisor.recorder import Recorder

SHOWN_LIMIT = 1024 * 1024
"""Of files up to this many characters the old text is put beside the new one."""


async def file(rec: Recorder, fact: FileAsked) -> None:
    """Serve fs/*: a write only if a rule, the session's mode or a person allows it.

    What lies outside of the session's directory is never served, so nobody is asked about it.
    """
    params = {
        "op": fact.op,
        "path": fact.path,
        "line": fact.line,
        "limit": fact.limit,
        "content": fact.content,
    }
    if _outside(rec.run.cwd, fact.path):
        await serving.serve(rec, fact.request_id, "file", params)
        return
    session = await sessions.load(rec.tx.db, rec.run.session_id)
    match = await _covering(rec, session, fact) if fact.op == "write" else None
    verb = "Write" if fact.op == "write" else "Read"
    new = NewApproval(
        session_id=rec.run.session_id,
        run_id=rec.run.run_id,
        kind=ApprovalKind.FILE,
        title=f"{verb} {fact.path}",
        cwd=rec.run.cwd,
        payload=await _payload(rec.run.cwd, fact, params),
        options=[],
        request_id=fact.request_id,
        command_id=session["active_command_id"],
    )
    new, answer = await asking.judged(rec, new, session, refused_only=match is not None)
    if match is not None and answer is Action.APPROVE:
        row, path = match
        await auditing.cover(rec.tx, row, path, len(_diffs(row)))
    await asking.answer_served(rec, fact.request_id, "file", params, new, answer)


def _outside(cwd: str, path: str) -> bool:
    try:
        target = _real(cwd, path)
    except (OSError, ValueError):
        return True
    return not Path(target).is_relative_to(os.path.realpath(cwd))


def _real(cwd: str, path: str) -> str:
    return os.path.realpath(Path(cwd, path))


async def _covering(rec: Recorder, session: Row, fact: FileAsked) -> tuple[Row, str] | None:
    """Return the turn's approval that showed this very write, and the file it covers of it.

    It did so only if the old text that the agent claimed is what the file says: of two texts no
    more than their difference was on the screen. A file that says the new text by now is covered
    as well: some agents write it themselves once they may, and tell their client afterwards.
    """
    wanted = _real(rec.run.cwd, fact.path)
    there, known = await asyncio.to_thread(_old_text, rec.run.cwd, fact.path)
    for row in await approvals.approved_in_turn(
        rec.tx, rec.run.run_id, session["active_command_id"]
    ):
        done = auditing.covered_paths(row)
        for path, (old, text) in _diffs(row).items():
            try:
                same = text == fact.content and _real(rec.run.cwd, path) == wanted
            except (OSError, ValueError):
                continue
            showed = known and ((old or "") == (there or "") or there == fact.content)
            if same and showed and path not in done:
                return row, path
    return None


def _diffs(row: Row) -> dict[str, tuple[str | None, str]]:
    """Return the old and new texts, by path, between which an approval showed the difference."""
    call = json.loads(row["payload"]).get("tool_call") or {}
    content = call.get("content")
    return {
        item["path"]: (item.get("old_text"), item["new_text"])
        for item in (content if isinstance(content, list) else [])
        if isinstance(item, dict)
        and item.get("type") == "diff"
        and isinstance(item.get("path"), str)
        and isinstance(item.get("new_text"), str)
    }


async def _payload(cwd: str, fact: FileAsked, params: dict[str, Any]) -> dict[str, Any]:
    call: dict[str, Any] = {"kind": "read" if fact.op == "read" else "edit"}
    call["raw_input"] = {"path": fact.path}
    if fact.op == "write":
        old, known = await asyncio.to_thread(_old_text, cwd, fact.path)
        if known:
            diff = {"type": "diff", "path": fact.path, "old_text": old, "new_text": fact.content}
            call["content"] = [diff]
        else:
            call["raw_input"] |= {"content": fact.content}
    else:
        told = {"line": fact.line, "limit": fact.limit}
        call["raw_input"] |= {key: value for key, value in told.items() if value is not None}
    return {"kind": ApprovalKind.FILE.value, "tool_call": call, "params": params, "cwd": cwd}


def _old_text(cwd: str, path: str) -> tuple[str | None, bool]:
    """Return what a file says now, None if it is to be made, and whether that can be told."""
    if not os.path.lexists(Path(cwd, path)):
        return None, True
    try:
        text = files.read_text(Path(cwd), path)
    except files.FileRefused:
        return None, False
    return (text, True) if len(text) <= SHOWN_LIMIT else (None, False)
