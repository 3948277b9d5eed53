"""What the methods of the protocol share: who calls, ids resolved, calls dispatched."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.redaction.redactor import Redactor
from quarterdeck.store import runs, sessions
from quarterdeck.supervisor.context import Context
from quarterdeck.supervisor.recovery import Report

WHILE_DRAINING = frozenset({"status", "supervisor.down"})
BEFORE_RECOVERY = frozenset(
    {
        "status",
        "session.list",
        "session.get",
        "session.changes",
        "project.list",
        "event.list",
        "agent.list",
        "recovery.get",
    }
)
"""What is answered while recovery goes on; everything else waits for its end (D2)."""


@dataclass(slots=True)
class Caller:
    """Who is at the other end of a connection."""

    reader: str = ""
    client: str = ""
    host: str = ""


Method = Callable[["Api", Caller, Any], Awaitable[Any]]


class Api:
    """What a method is given beside its parameters. Every method may raise QuarterdeckError."""

    def __init__(
        self,
        ctx: Context,
        report: Report,
        shut_down: Callable[[bool], Awaitable[dict[str, Any]]],
        methods: Mapping[str, Method],
    ) -> None:
        self.ctx, self.report, self.shut_down = ctx, report, shut_down
        self.db = ctx.store.reading
        self._methods = methods

    @property
    def redactor(self) -> Redactor:
        """What hides secrets in what callers say (A2)."""
        return self.ctx.redactors.current(self.ctx.client_env)

    def hidden(self, text: str | None) -> str | None:
        """Return what a caller said, without secrets (A2)."""
        return None if text is None else self.redactor.redact(text)

    async def serve(self, caller: Caller, method: str, given: Any) -> Any:
        """Answer one call."""
        found = self._methods.get(method)
        if found is None:
            raise QuarterdeckError("unknown_method", f"no method {method!r}")
        if self.ctx.draining and method not in WHILE_DRAINING:
            raise QuarterdeckError("shutting_down", "the supervisor is shutting down")
        return await found(self, caller, given)

    async def session_id(self, given: str) -> str:
        """Return the whole id of a session that may be named in short."""
        return await sessions.resolve(self.db, "sessions", "session_id", given)

    async def approval_id(self, given: str) -> str:
        """Return the whole id of an approval that may be named in short."""
        return await sessions.resolve(self.db, "approvals", "approval_id", given)

    async def run_id(self, session_id: str, given: str | None) -> str | None:
        """Return the whole id of a session's run; raises `run_of_other_session` (A11)."""
        if given is None:
            return None
        run_id = await sessions.resolve(self.db, "runs", "run_id", given)
        row = await runs.load(self.db, run_id)
        if row["session_id"] != session_id:
            raise QuarterdeckError(
                "run_of_other_session", f"run {run_id} belongs to session {row['session_id']}"
            )
        return run_id
