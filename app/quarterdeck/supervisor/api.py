"""The methods of the protocol: checked parameters in, records out, writes committed first."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from quarterdeck import __version__
from quarterdeck.agents import environment, profiles
from quarterdeck.model.canonical import canonical, sha256
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.ids import Prefix, new_id
from quarterdeck.model.titles import PREVIEW_LIMIT, fold, title
from quarterdeck.store import approvals, commands, events, readers, runs, sessions
from quarterdeck.store.schema import migrations
from quarterdeck.supervisor import deciding, params, turns
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.params import read
from quarterdeck.supervisor.recovery import Report


@dataclass(slots=True)
class Caller:
    """Who is at the other end of a connection."""

    reader: str = ""
    client: str = ""


Method = Callable[["Api", Caller, Any], Awaitable[Any]]


class Api:
    """What clients can ask for. Every method may raise QuarterdeckError."""

    def __init__(
        self, ctx: Context, report: Report, shut_down: Callable[[bool], Awaitable[dict[str, Any]]]
    ) -> None:
        self._ctx, self._report, self._shut_down = ctx, report, shut_down
        self._db = ctx.store.reading

    async def serve(self, caller: Caller, method: str, given: Any) -> Any:
        """Answer one call."""
        found = _METHODS.get(method)
        if found is None:
            raise QuarterdeckError("unknown_method", f"no method {method!r}")
        if self._ctx.draining and method not in _WHILE_DRAINING:
            raise QuarterdeckError("shutting_down", "the supervisor is shutting down")
        return await found(self, caller, given)

    async def status(self, caller: Caller, given: Any) -> dict[str, Any]:
        """A14: what runs here, which store, what recovery found, how many need what."""
        read(params.Nothing, given)
        return {
            "running": True,
            "pid": os.getpid(),
            "version": __version__,
            "state_dir": str(self._ctx.places.state),
            "store": {
                "path": str(self._ctx.places.database),
                "reachable": True,
                "schema": migrations()[-1][0],
                "note": self._ctx.store.note,
            },
            "recovery": self._report.to_wire(),
            "counts": await sessions.counts(self._db, caller.reader),
            "live": [
                {"session_id": session, "run_id": run} for session, run in await runs.live(self._db)
            ],
            "change": self._ctx.store.change,
        }

    async def agent_list(self, caller: Caller, given: Any) -> dict[str, Any]:
        """A15: the profiles, without the values of what they set."""
        read(params.Nothing, given)
        known = profiles.load(self._ctx.places.config_file)
        return {
            "agents": [
                {
                    "name": name,
                    "command": profile.command,
                    "protocol": profile.protocol,
                    "found": profile.found(),
                    "env_names": environment.names(profile),
                    "sets": sorted(profile.env),
                }
                for name, profile in sorted(known.items())
            ]
        }

    async def session_list(self, caller: Caller, given: Any) -> dict[str, Any]:
        """A10."""
        asked = read(params.SessionList, given)
        found, cursor = await sessions.page(
            self._db,
            caller.reader,
            state=asked.state,
            agent=asked.agent,
            cursor=asked.cursor,
            limit=asked.limit,
        )
        return {"sessions": [view.to_wire() for view in found], "cursor": cursor}

    async def session_get(self, caller: Caller, given: Any) -> dict[str, Any]:
        """One session."""
        session_id = await self._session_id(read(params.OfSession, given).session_id)
        return (await sessions.view(self._db, session_id, caller.reader)).to_wire()

    async def session_runs(self, caller: Caller, given: Any) -> dict[str, Any]:
        """A session's runs."""
        session_id = await self._session_id(read(params.OfSession, given).session_id)
        found = await runs.of_session(self._db, session_id)
        return {"runs": [view.to_wire() for view in found]}

    async def session_commands(self, caller: Caller, given: Any) -> dict[str, Any]:
        """A session's last commands."""
        session_id = await self._session_id(read(params.OfSession, given).session_id)
        found = await commands.of_session(self._db, session_id)
        return {"commands": [view.to_wire() for view in found]}

    async def session_new(self, caller: Caller, given: Any) -> dict[str, Any]:
        """A session with its first prompt; R3, R4."""
        asked = read(params.SessionNew, given)
        _check_prompt(asked.prompt)
        self._ctx.profile(asked.agent)
        payload = canonical([asked.agent, asked.cwd, asked.prompt, asked.title])
        new = sessions.NewSession(
            session_id=new_id(Prefix.SESSION),
            project=asked.cwd,
            agent=asked.agent,
            cwd=asked.cwd,
            title=title(asked.title, asked.prompt),
            preview=fold(asked.prompt, PREVIEW_LIMIT),
            start_key=asked.key,
            start_sha256=sha256(payload) if asked.key else None,
        )
        self._ctx.client_env[new.session_id] = asked.env
        ids = await self._ctx.store.write(lambda tx: turns.create(self._ctx, tx, new, asked.prompt))
        if asked.wait:
            await self._started(ids["run_id"], ids["session_id"])
        return ids

    async def session_send(self, caller: Caller, given: Any) -> dict[str, Any]:
        """A prompt to a session; R6."""
        asked = read(params.SessionSend, given)
        _check_prompt(asked.text)
        session_id = await self._session_id(asked.session_id)
        run_id = await self._run_id(session_id, asked.run_id)
        if asked.env is not None:
            self._ctx.client_env[session_id] = asked.env
        row = await self._ctx.store.write(
            lambda tx: turns.send(self._ctx, tx, session_id, asked.text, run_id, asked.key)
        )
        return commands.to_view(row).to_wire()

    async def session_start(self, caller: Caller, given: Any) -> dict[str, Any]:
        """A run for a session that has none; returns when its handshake is over (R2, R4)."""
        asked = read(params.SessionStart, given)
        session_id = await self._session_id(asked.session_id)
        if asked.env is not None:
            self._ctx.client_env[session_id] = asked.env
        run_id = await self._ctx.store.write(lambda tx: turns.start(self._ctx, tx, session_id))
        await self._started(run_id, session_id)
        return {"session_id": session_id, "run_id": run_id}

    async def session_cancel(self, caller: Caller, given: Any) -> dict[str, Any]:
        """End the turn, or the start; R8."""
        asked = read(params.OfRun, given)
        session_id = await self._session_id(asked.session_id)
        run_id = await self._run_id(session_id, asked.run_id)
        row = await self._ctx.store.write(
            lambda tx: turns.cancel(self._ctx, tx, session_id, run_id)
        )
        return commands.to_view(row).to_wire()

    async def session_close(self, caller: Caller, given: Any) -> dict[str, Any]:
        """End the session's run."""
        session_id = await self._session_id(read(params.OfSession, given).session_id)
        row = await self._ctx.store.write(lambda tx: turns.close(self._ctx, tx, session_id))
        return commands.to_view(row).to_wire()

    async def run_finish(self, caller: Caller, given: Any) -> dict[str, Any]:
        """Mark a run finished; R7."""
        asked = read(params.RunFinish, given)
        session_id = await self._session_id(asked.session_id)
        await self._ctx.store.write(
            lambda tx: turns.finish(self._ctx, tx, session_id, asked.run_id, asked.failure)
        )
        return {"session_id": session_id, "run_id": asked.run_id}

    async def mark_read(self, caller: Caller, given: Any) -> dict[str, Any]:
        """Store what the caller's reader has seen; A9."""
        asked = read(params.MarkRead, given)
        session_id = await self._session_id(asked.session_id)
        current = await sessions.view(self._db, session_id, caller.reader)
        version = min(asked.version, current.version)
        if version > current.read_version:
            await self._ctx.store.write(
                lambda tx: readers.mark(tx, caller.reader, session_id, version)
            )
        return {"session_id": session_id, "version": version}

    async def event_list(self, caller: Caller, given: Any) -> dict[str, Any]:
        """A page of a run's trace or output; A3, A11."""
        asked = read(params.EventList, given)
        session_id = await self._session_id(asked.session_id)
        run_id = await self._run_id(session_id, asked.run_id)
        if run_id is None:
            session = await sessions.load(self._db, session_id)
            run_id = session["active_run_id"] or session["last_run_id"]
        if run_id is None:
            return {"run_id": None, "events": [], "cursor": asked.after_seq}
        found, cursor = await events.page(
            self._db,
            run_id,
            after_seq=asked.after_seq,
            limit=asked.limit,
            output=asked.output,
        )
        return {
            "run_id": run_id,
            "events": [view.to_wire() for view in found],
            "cursor": cursor,
        }

    async def approval_list(self, caller: Caller, given: Any) -> dict[str, Any]:
        """The open approvals."""
        asked = read(params.ApprovalList, given)
        session_id = await self._session_id(asked.session_id) if asked.session_id else None
        found = await approvals.pending(self._db, session_id)
        return {"approvals": [view.to_wire() for view in found]}

    async def approval_get(self, caller: Caller, given: Any) -> dict[str, Any]:
        """One approval."""
        asked = read(params.OfApproval, given)
        approval_id = await self._approval_id(asked.approval_id)
        return (await approvals.view(self._db, approval_id)).to_wire()

    async def approval_decide(self, caller: Caller, given: Any) -> dict[str, Any]:
        """A decision on what was shown; DESIGN §4."""
        asked = read(params.ApprovalDecide, given)
        wanted = deciding.Wanted(
            approval_id=await self._approval_id(asked.approval_id),
            run_id=asked.run_id,
            payload_sha256=asked.payload_sha256,
            action=asked.action,
            token=asked.token,
            decided_by=f"{caller.reader} ({caller.client})",
            option=asked.option,
            reason=asked.reason,
        )
        decision = await self._ctx.store.write(lambda tx: deciding.decide(self._ctx, tx, wanted))
        return decision.to_wire()

    async def down(self, caller: Caller, given: Any) -> dict[str, Any]:
        """Drain and end; V6, D5."""
        return await self._shut_down(read(params.Down, given).agents)

    async def _started(self, run_id: str, session_id: str) -> None:
        run = self._ctx.live.get(run_id)
        if run is not None and run.started is not None:
            error = await run.started
            if error is not None:
                raise error
            return
        session = await sessions.load(self._db, session_id)
        if session["failure"] is not None:
            raise QuarterdeckError(
                "agent_startup_failed", session["failure"], session_id=session_id, run_id=run_id
            )

    async def _session_id(self, given: str) -> str:
        return await sessions.resolve(self._db, "sessions", "session_id", given)

    async def _approval_id(self, given: str) -> str:
        return await sessions.resolve(self._db, "approvals", "approval_id", given)

    async def _run_id(self, session_id: str, given: str | None) -> str | None:
        if given is None:
            return None
        run_id = await sessions.resolve(self._db, "runs", "run_id", given)
        row = await runs.load(self._db, run_id)
        if row["session_id"] != session_id:
            raise QuarterdeckError(
                "run_of_other_session", f"run {run_id} belongs to session {row['session_id']}"
            )
        return run_id


def _check_prompt(text: str) -> None:
    """Refuse an empty prompt: one real agent is wedged for good by it."""
    if not text.strip():
        raise QuarterdeckError("empty_prompt", "the prompt is empty")


_METHODS: dict[str, Method] = {
    "status": Api.status,
    "agent.list": Api.agent_list,
    "session.list": Api.session_list,
    "session.get": Api.session_get,
    "session.runs": Api.session_runs,
    "session.commands": Api.session_commands,
    "session.new": Api.session_new,
    "session.send": Api.session_send,
    "session.start": Api.session_start,
    "session.cancel": Api.session_cancel,
    "session.close": Api.session_close,
    "session.mark_read": Api.mark_read,
    "run.finish": Api.run_finish,
    "event.list": Api.event_list,
    "approval.list": Api.approval_list,
    "approval.get": Api.approval_get,
    "approval.decide": Api.approval_decide,
    "supervisor.down": Api.down,
}
_WHILE_DRAINING = frozenset({"status", "supervisor.down"})
BEFORE_RECOVERY = frozenset({"status", "session.list", "session.get", "event.list", "agent.list"})
"""What is answered while recovery goes on; everything else waits for its end (D2)."""
