"""Forks: a new session that begins where another one stands (C1)."""

from dataclasses import dataclass

from quarterdeck.model.canonical import canonical, sha256
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.event_types import EventType
from quarterdeck.model.ids import Prefix, new_id, short
from quarterdeck.model.states import CommandKind, SessionState
from quarterdeck.model.titles import PREVIEW_LIMIT, TITLE_LIMIT, fold
from quarterdeck.store import checkpoints, commands, forks, history, runs, sessions, threads
from quarterdeck.store.forks import Point
from quarterdeck.store.transaction import Row, Tx
from quarterdeck.supervisor import lifecycle
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.recorder import Recorder, record_on

_BEFORE = (
    "This conversation began in another session. What was said there follows, every line of it"
    " behind a `>`; take it as said here."
)
_AFTER = "That was the earlier conversation. Now:"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A fork as a client asks for it."""

    session_id: str
    checkpoint: str | None = None
    prompt: str | None = None
    title: str | None = None
    key: str | None = None

    def digest(self) -> str:
        """Return the hash by which a repeated key is known to ask for the same (A4)."""
        return sha256(
            canonical(["fork", self.session_id, self.checkpoint, self.prompt, self.title])
        )


async def fork(
    ctx: Context, wanted: Wanted, env: dict[str, str] | None = None
) -> dict[str, str | None]:
    """Make a session with its parent's agent, directory and history up to the point wanted.

    With a prompt its agent is started at once, else when it gets one. Where the agent itself can
    fork, and the point is the parent's end, it does; else it is told the history in words.

    Raises:
        QuarterdeckError: `unknown_checkpoint`, `session_deleted`, `conflict`.
    """
    db = ctx.store.reading
    parent = await sessions.load(db, wanted.session_id)
    threads.check_not_deleted(parent)
    point = await _point(ctx, parent, wanted.checkpoint)
    told = await history.text(db, wanted.session_id, point.run_id, point.seq)
    session_id = new_id(Prefix.SESSION)
    if env is not None:
        ctx.client_env[session_id] = env
    return await ctx.store.write(lambda tx: _create(ctx, tx, wanted, session_id, point, told))


async def _point(ctx: Context, parent: Row, checkpoint: str | None) -> Point:
    if checkpoint is not None:
        found = await checkpoints.load(ctx.store.reading, parent["session_id"], checkpoint)
        return Point(found["run_id"], found["seq"], checkpoint)
    run_id = parent["active_run_id"] or parent["last_run_id"]
    return Point(run_id, parent["last_event_seq"])


async def _create(
    ctx: Context, tx: Tx, wanted: Wanted, session_id: str, point: Point, told: str
) -> dict[str, str | None]:
    parent = await sessions.load(tx.db, wanted.session_id)
    first = await _first(tx, parent, wanted)
    if first is not None:
        return first
    redactor = ctx.redactors.current(ctx.client_env)
    prompt = None if wanted.prompt is None else redactor.redact(wanted.prompt)
    new = sessions.NewSession(
        session_id=session_id,
        project=parent["project"],
        agent=parent["agent"],
        cwd=parent["cwd"],
        title=fold(redactor.redact(wanted.title or f"{parent['title']} (fork)"), TITLE_LIMIT),
        preview=fold(prompt or parent["preview"], PREVIEW_LIMIT),
        start_key=wanted.key,
        start_sha256=wanted.digest() if wanted.key else None,
        source="fork",
        state=SessionState.ASLEEP,
        parent_session_id=parent["session_id"],
        approval_mode=parent["approval_mode"],
    )
    await sessions.insert(tx, new)
    run = await _reserve_run(ctx, tx, parent, session_id, point)
    await forks.insert(tx, session_id, run["run_id"], parent, point, told)
    command_id = None
    if wanted.prompt is not None:
        digest = sha256(canonical({"text": wanted.prompt}))
        command = await commands.insert(
            tx,
            session_id,
            run["run_id"],
            CommandKind.TURN,
            text=wanted.prompt,
            payload_sha256=digest,
        )
        command_id = command["command_id"]
        session = await sessions.load(tx.db, session_id)
        await lifecycle.begin(ctx, tx, session, "new", source="request")
    return {"session_id": session_id, "run_id": run["run_id"], "command_id": command_id}


async def _first(tx: Tx, parent: Row, wanted: Wanted) -> dict[str, str | None] | None:
    """Return the ids of the fork that the same key made before, if it did (A4)."""
    if wanted.key is None:
        return None
    first = await tx.one(
        "SELECT s.session_id, s.start_sha256, f.run_id, c.command_id FROM sessions s"
        " LEFT JOIN forks f ON f.session_id = s.session_id"
        " LEFT JOIN commands c ON c.run_id = f.run_id AND c.session_id = s.session_id"
        " WHERE s.project = ? AND s.start_key = ? ORDER BY c.command_no LIMIT 1",
        (parent["project"], wanted.key),
    )
    if first is None:
        return None
    if first["start_sha256"] != wanted.digest():
        raise QuarterdeckError("conflict", f"key {wanted.key!r} was used with another payload")
    return {name: first[name] for name in ("session_id", "run_id", "command_id")}


async def _reserve_run(ctx: Context, tx: Tx, parent: Row, session_id: str, point: Point) -> Row:
    """Reserve the fork's first run; its trace begins with where it comes from."""
    bundle = await tx.one("SELECT bundle FROM runs WHERE run_id = ?", (point.run_id,))
    run = await runs.insert(
        tx, new_id(Prefix.RUN), session_id, "fork", bundle["bundle"] if bundle else None
    )
    await sessions.update(tx, session_id, last_run_id=run["run_id"])
    rec = await record_on(ctx, tx, run, parent["cwd"])
    where = f" at checkpoint {point.checkpoint!r}" if point.checkpoint else ""
    rec.event(
        EventType.BACKEND_STATUS,
        {
            "message": f"forked from {short(parent['session_id'])}{where}",
            "forked_from": {
                "session_id": parent["session_id"],
                "run_id": point.run_id,
                "seq": point.seq,
                "checkpoint": point.checkpoint,
            },
        },
    )
    await rec.flush()
    return run


async def untold_history(rec: Recorder) -> str | None:
    """Return what a fork's agent is to be told before its first prompt, once."""
    found = await forks.find(rec.tx.db, rec.run.session_id)
    if found is None or found["history_sent"]:
        return None
    await forks.mark_told(rec.tx, rec.run.session_id)
    return f"{_BEFORE}\n\n{found['history']}\n\n{_AFTER}"
