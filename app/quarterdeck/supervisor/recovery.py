"""Start-up: every session is re-attached, resumed, or failed with a reason (D2-D4, DESIGN §4)."""

import asyncio
import contextlib
import functools
import logging
import uuid
from dataclasses import dataclass, field
from typing import Any

from quarterdeck import __version__
from quarterdeck.agents import process
from quarterdeck.agents.holding import RunDirectory, read_exit, read_keeper, request_stop
from quarterdeck.model.clock import iso, now_ms
from quarterdeck.model.states import RunState, SessionState
from quarterdeck.store import leases, runs, sessions
from quarterdeck.store.transaction import Row, Tx, rows
from quarterdeck.supervisor import lifecycle, serving, spooling
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.ingestion import Ingestion
from quarterdeck.supervisor.insisting import write_in_the_end
from quarterdeck.supervisor.live_run import LiveRun
from quarterdeck.supervisor.recorder import record_on

PATIENCE_SECONDS = 10.0
START_SECONDS = 60.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Report:
    """What start-up found: per list, sessions or runs with their reasons."""

    report_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    at: str = field(default_factory=lambda: iso(now_ms()))

    reattached: list[dict[str, Any]] = field(default_factory=list)
    resumed: list[dict[str, Any]] = field(default_factory=list)
    failed: list[dict[str, Any]] = field(default_factory=list)
    swept: list[dict[str, Any]] = field(default_factory=list)
    unfinished: list[dict[str, Any]] = field(default_factory=list)
    """Still being resumed when the supervisor began to accept work."""
    done: bool = False

    def to_wire(self) -> dict[str, Any]:
        """Return the report as JSON, with D2's names."""
        return {
            "id": self.report_id,
            "at": self.at,
            "version": __version__,
            "done": self.done,
            "re-attached": self.reattached,
            "resumed": self.resumed,
            "failed": self.failed,
            "swept": self.swept,
            "unfinished": self.unfinished,
            "reports": [],
        }

    def log(self) -> None:
        """Log each session with what became of it, and then how many there were of each."""
        told = {name: lines for name, lines in self.to_wire().items() if isinstance(lines, list)}
        for outcome, lines in told.items():
            for line in lines:
                extra = {"session": line.get("session_id"), "agent": line.get("agent")}
                extra |= {"outcome": outcome, "reason": line["reason"]}
                _log.info("recovered", extra=extra)
        _log.info("recovery done", extra={name: len(lines) for name, lines in told.items()})


async def recover(ctx: Context, ingestion: Ingestion, report: Report) -> None:
    """Bring every session that had an agent, or was about to, into a known state."""
    await _sweep_strays(ctx, report)
    found = await rows(
        ctx.store.reading,
        "SELECT * FROM sessions WHERE active_run_id IS NOT NULL"
        " OR state IN ('created', 'starting')",
    )
    await write_in_the_end(ctx, _forget_tries)
    await write_in_the_end(ctx, lambda tx: leases.take_over(tx, ctx.runner_id))
    again: list[Row] = []
    for session in found:
        try:
            if await _reattach(ctx, session):
                report.reattached.append(_line(session, "its agent is alive"))
            else:
                again.append(session)
        except Exception as error:
            _log.exception("recovery failed", extra={"session": session["session_id"]})
            report.failed.append(_line(session, repr(error)))
    for session in again:
        try:
            await _restore(ctx, session)
        except Exception as error:
            _log.exception("recovery failed", extra={"session": session["session_id"]})
            await write_in_the_end(ctx, functools.partial(_give_up, ctx, session, repr(error)))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            await ingestion.caught_up()
    await _await_starts(ctx, again)
    await _tell(ctx, again, report)
    report.done = True
    report.log()
    ctx.reports.add(report.to_wire())


async def _give_up(ctx: Context, session: Row, reason: str, tx: Tx) -> None:
    """Ask a person about a session whose recovery itself failed."""
    run_id = session["active_run_id"] or session["last_run_id"]
    rec = await record_on(ctx, tx, await runs.load(tx.db, run_id), session["cwd"])
    await runs.finish(tx, run_id, RunState.FAILED, reason)
    await lifecycle.give_up(rec, f"its recovery failed: {reason}", source="recovery")
    await rec.flush()


async def _forget_tries(tx: Tx) -> None:
    await tx.run("UPDATE sessions SET resume_tries = 0 WHERE resume_tries > 0")


async def _sweep_strays(ctx: Context, report: Report) -> None:
    """End what runs for a run that is not active: a stop the last supervisor did not finish."""
    running = await asyncio.to_thread(process.survivors_by_run)
    for mark in running:
        run_id = mark.partition("/")[0]
        known = await rows(
            ctx.store.reading,
            "SELECT r.run_id, s.session_id, s.title, s.agent, s.active_run_id"
            " FROM runs r JOIN sessions s USING (session_id) WHERE r.run_id = ?",
            (run_id,),
        )
        if not known or known[0]["active_run_id"] == run_id:
            continue
        directory = RunDirectory(ctx.places.runs / mark.replace("/", "/terminals/"))
        if not request_stop(directory):
            await asyncio.to_thread(process.sweep, mark)
        line = _line(known[0], "its agent ran on though its run had ended")
        report.swept.append(line | {"run_id": run_id})


async def _reattach(ctx: Context, session: Row) -> bool:
    """Go on with a run whose keeper is alive: spool caught up, journal read from its offset."""
    if session["active_run_id"] is None:
        return False
    row = await runs.load(ctx.store.reading, session["active_run_id"])
    directory = RunDirectory(ctx.places.runs / row["run_id"])
    keeper = read_keeper(directory)
    if keeper is None or not process.is_alive(keeper) or read_exit(directory) is not None:
        return False
    run = ctx.hold(row, session["cwd"])
    run.agent = session["agent"]
    if run.driver is None:
        # Its state is damaged: what its agent says cannot be understood any more (C9).
        ctx.drop(run)
        return False
    run.started = asyncio.get_running_loop().create_future()
    await spooling.catch_up(ctx.store.reading, run)
    lifecycle.attach(ctx, run, keeper)
    if run.stopping is not None:
        request_stop(run.directory)
    elif session["state"] == SessionState.STARTING:
        profile = ctx.profile_or_none(session["agent"])
        seconds = START_SECONDS if profile is None else profile.start_timeout
        lifecycle.set_deadline(ctx, run, seconds)
    await serving.serve_again(ctx, run)
    return True


async def _restore(ctx: Context, session: Row) -> None:
    """Settle a run whose agent is gone; what follows (resume, failure) is as for any crash."""
    if session["active_run_id"] is None:
        await write_in_the_end(ctx, lambda tx: _begin_again(ctx, tx, session["session_id"]))
        return
    row = await runs.load(ctx.store.reading, session["active_run_id"])
    await asyncio.to_thread(process.sweep, row["run_id"])
    if session["state"] in (SessionState.CREATED, SessionState.STARTING):
        await write_in_the_end(ctx, lambda tx: _start_again(ctx, tx, session, row))
        return
    run = ctx.hold(row, session["cwd"])
    run.agent = session["agent"]
    run.keeper_gone = True
    ctx.look(run)


async def _begin_again(ctx: Context, tx: Tx, session_id: str) -> None:
    session = await sessions.load(tx.db, session_id)
    via = "resume" if session["agent_session_id"] else "new"
    await lifecycle.begin(ctx, tx, session, via, source="recovery")


async def _start_again(ctx: Context, tx: Tx, session: Row, row: Row) -> None:
    rec = await record_on(ctx, tx, row, session["cwd"])
    await lifecycle.restart_start(rec)


async def _await_starts(ctx: Context, again: list[Row]) -> None:
    """Wait until what is being resumed is up or failed, but not for ever."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_SECONDS
    wanted = {session["session_id"] for session in again}
    while loop.time() < deadline:
        starting = await rows(
            ctx.store.reading,
            "SELECT session_id FROM sessions WHERE state IN ('created', 'starting')",
        )
        if not wanted & {row["session_id"] for row in starting}:
            return
        waits = [run.started for run in _starting(ctx, wanted) if run.started is not None]
        pause = asyncio.sleep(0.05)
        await asyncio.wait(
            [asyncio.ensure_future(pause), *waits], return_when=asyncio.FIRST_COMPLETED
        )


def _starting(ctx: Context, wanted: set[str]) -> list[LiveRun]:
    return [
        run
        for run in ctx.live.values()
        if run.session_id in wanted and run.started is not None and not run.started.done()
    ]


async def _tell(ctx: Context, again: list[Row], report: Report) -> None:
    for before in again:
        now = await sessions.load(ctx.store.reading, before["session_id"])
        state = SessionState(now["state"])
        if state is SessionState.FAILED:
            report.failed.append(_line(now, now["failure"]))
        elif state in (SessionState.STARTING, SessionState.CREATED):
            report.unfinished.append(_line(now, "its agent is still starting"))
        elif state is SessionState.CLOSED:
            report.swept.append(_line(now, "it was being closed"))
        else:
            report.resumed.append(_line(now, "its agent was started again"))


def _line(session: Row, reason: str | None) -> dict[str, Any]:
    return {
        "session_id": session["session_id"],
        "title": session["title"],
        "agent": session["agent"],
        "reason": reason or "no reason is known",
    }
