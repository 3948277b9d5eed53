"""A person's answer to a reached cap: raised, and the waiting prompts go on; or taken back."""

import json

from quarterdeck.model.states import (
    PROMPT_KINDS,
    Action,
    ApprovalKind,
    ApprovalState,
    CommandState,
)
from quarterdeck.store import commands, usage
from quarterdeck.store.transaction import Row
from quarterdeck.supervisor import asking, turns
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.recorder import Recorder


async def answered(ctx: Context, rec: Recorder, row: Row, action: Action) -> None:
    """Apply a decision on a `spending_cap` approval."""
    asked = json.loads(row["payload"])
    if action in (Action.DENY, Action.ABORT):
        await commands.finish_open(
            rec.tx,
            row["session_id"],
            CommandState.CANCELLED,
            "the spending cap was not raised",
            kinds=tuple(PROMPT_KINDS),
        )
        await asking.reflect(rec)
        await rec.flush()
        return
    key = (asked["scope"], asked["name"], asked["metric"])
    await usage.raise_cap(rec.tx, *key, asked.get("wanted", asked["raised"] + 1))
    await _go_on(rec)
    for other in await _asked_alike(rec, row, key):
        run = ctx.live.get(other["run_id"])
        if run is None:
            continue
        of_other = await Recorder.open(ctx, rec.tx, run)
        await asking.settle(of_other, other, ApprovalState.SUPERSEDED, "the cap was raised")
        await _go_on(of_other)


async def _go_on(rec: Recorder) -> None:
    await asking.reflect(rec)
    await turns.next_turn(rec)
    await rec.flush()


async def _asked_alike(rec: Recorder, row: Row, key: tuple[str, str, str]) -> list[Row]:
    """Return other sessions' open questions about the same cap."""
    found = await rec.tx.all(
        "SELECT * FROM approvals WHERE state = 'pending' AND kind = ? AND session_id <> ?"
        " ORDER BY approval_no",
        (ApprovalKind.SPENDING_CAP.value, row["session_id"]),
    )
    told = [(other, json.loads(other["payload"])) for other in found]
    return [other for other, said in told if (said["scope"], said["name"], said["metric"]) == key]
