"""Gates: asked once per run, gate, stage and round; a decision's effect is never left out (D9).

The decision is committed first, with the note that its effect is due; the effect and the note
that it is done are one transaction. Whatever comes between is made up for at the next start, or
when the same decision is sent again.
"""

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint
from quarterdeck.model.states import (
    ACTION_LEADS_TO,
    TERMINAL_RUN_STATES,
    Action,
    ApprovalKind,
    ApprovalState,
)
from quarterdeck.store import approvals, gates, runs, sessions
from quarterdeck.store.approvals import NewApproval
from quarterdeck.store.gates import GateKey
from quarterdeck.store.transaction import Row, Tx
from quarterdeck.supervisor import asking, ending, lifecycle, turns
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.recorder import Recorder, record_on

ACTIONS = (Action.APPROVE, Action.DENY, Action.ABORT)


async def ask(ctx: Context, tx: Tx, key: GateKey, title: str, text: str) -> str:
    """Put a gate to a person and return its approval's id; the same one again puts nothing.

    A later round takes the place of an earlier one that is still open.

    Raises:
        QuarterdeckError: `unknown_run`, `run_ended`; `conflict` if the key was used with another
            text, or a later round was asked already.
    """
    row = await runs.load(tx.db, key.run_id)
    session = await sessions.load(tx.db, row["session_id"])
    new = NewApproval(
        session_id=row["session_id"],
        run_id=key.run_id,
        kind=ApprovalKind.GATE,
        title=title,
        cwd=session["cwd"],
        payload={
            "kind": ApprovalKind.GATE.value,
            "gate": key.gate,
            "stage": key.stage,
            "round": key.round,
            "title": title,
            "text": text,
        },
        options=[],
        reason=f"the gate {key.gate!r} of the stage {key.stage!r}, round {key.round}",
    )
    first = await gates.find(tx.db, key)
    if first is not None:
        if first["payload_sha256"] != new.payload_sha256:
            raise QuarterdeckError("conflict", "this gate was asked with another text")
        return first["approval_id"]
    if row["state"] in TERMINAL_RUN_STATES:
        raise QuarterdeckError("run_ended", f"the run {key.run_id} has ended")
    if await gates.latest_round(tx, key) > key.round:
        raise QuarterdeckError("conflict", "a later round of this gate was asked already")
    rec = await record_on(ctx, tx, row, session["cwd"])
    for earlier in await gates.open_rounds_before(tx, key):
        await asking.settle(rec, earlier, ApprovalState.SUPERSEDED, "a later round was asked")
    asked = await asking.ask(rec, new)
    await gates.insert(tx, key, asked["approval_id"])
    await rec.flush()
    return asked["approval_id"]


async def answered(ctx: Context, rec: Recorder, row: Row) -> None:
    """Note with a decision that its effect is due, and have it done after COMMIT."""
    await gates.note(rec.tx, row["approval_id"], gates.DUE)
    await asking.reflect(rec)
    await rec.flush()
    rec.tx.after_commit(lambda: ctx.do(bring_about(ctx, row["approval_id"]), "gate"))


async def bring_about(ctx: Context, approval_id: str) -> None:
    """Do what a decision has to bring about, unless it was done: again changes nothing."""
    failpoint("gate.effect.before")
    await ctx.store.write(lambda tx: _bring_about(ctx, tx, approval_id))


async def repair(ctx: Context) -> None:
    """After a start: bring about what a crash kept from being done."""
    for approval_id in await gates.due(ctx.store.reading):
        await bring_about(ctx, approval_id)


async def _bring_about(ctx: Context, tx: Tx, approval_id: str) -> None:
    row = await gates.of_approval(tx.db, approval_id)
    if row is None or row["effect"] != gates.DUE:
        return
    await gates.note(tx, approval_id, gates.DONE)
    run = await runs.load(tx.db, row["run_id"])
    if run["state"] in TERMINAL_RUN_STATES:
        return
    decision = await approvals.decision_of(tx.db, approval_id)
    state = ACTION_LEADS_TO[Action(row["action"])]
    said = f": {decision['reason']}" if decision is not None and decision["reason"] else ""
    if state is ApprovalState.ABORTED:
        why = f"aborted at the gate {row['gate']!r}{said}"
        await ending.cancel_run(ctx, tx, row["run_id"], why)
        return
    session = await sessions.load(tx.db, row["session_id"])
    if session["active_run_id"] != row["run_id"]:
        return
    rec = await Recorder.open(ctx, tx, ctx.hold(run, session["cwd"]))
    if state is ApprovalState.REJECTED:
        await lifecycle.fail_running(rec, f"rejected at the gate {row['gate']!r}{said}")
    else:
        await turns.next_turn(rec)
    await rec.flush()
