"""Calls about the policy and the record of decisions."""

from typing import Any

from quarterdeck.client.calls import DeckCalls
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import AuditLine


class PolicyCalls(DeckCalls):
    """Rules tried, listed, added and trusted; modes; the audit."""

    async def policy_check(self, *, cwd: str, **call: Any) -> dict[str, Any]:
        """Judge a call that nobody made: `{"decision", "rule", "reason", …}`.

        Args:
            cwd: Where it would work, absolute.
            call: One of shell, argv, path (with tool), host and mcp_server (with mcp_tool);
                session_id, agent and mode as wanted.
        """
        return await self.call("policy.check", cwd=cwd, **call)

    async def policy_rules(self, cwd: str | None = None) -> dict[str, Any]:
        """Return the rules that count in a directory, with problems and untrusted ones."""
        return await self.call("policy.rules", cwd=cwd)

    async def file_problems(self) -> tuple[str, str]:
        """Return why the rule files in use, and config.toml, cannot be relied on, or empty texts.

        A supervisor of a version that cannot be asked says nothing.
        """
        try:
            told = await self.call("policy.status")
        except QuarterdeckError as error:
            if error.code != "unknown_method":
                raise
            return "", ""
        return told["problem"] or "", told.get("config_problem") or ""

    async def policy_add(
        self,
        *,
        prefix: list[str] | None = None,
        host: str | None = None,
        decision: str | None = None,
        reason: str | None = None,
    ) -> dict[str, Any]:
        """Add a rule to the person's file: `{"rule", "file"}`."""
        return await self.call(
            "policy.add", prefix=prefix, host=host, decision=decision, reason=reason
        )

    async def policy_project(self, cwd: str) -> dict[str, Any]:
        """Return a project's rule file: `{"project_file", "text", "sha256"}`."""
        return await self.call("policy.project", cwd=cwd)

    async def policy_trust(self, cwd: str, sha256: str | None) -> dict[str, Any]:
        """Trust a project's rule file as it was seen, or no longer without a hash."""
        return await self.call("policy.trust", cwd=cwd, sha256=sha256)

    async def policy_dry_run(
        self, since: str, after: int | None = None
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Judge a page of what was asked since a time again; returns the next page's cursor."""
        page = await self.call("policy.dry_run", since=since, after=after)
        return page["approvals"], page["cursor"]

    async def audit(
        self, since: str | None = None, cursor: list[Any] | None = None, limit: int = 200
    ) -> tuple[list[AuditLine], list[Any] | None]:
        """Return a page of decisions, oldest first, and the next page's cursor."""
        page = await self.call("audit.list", since=since, cursor=cursor, limit=limit)
        return [AuditLine.from_wire(row) for row in page["decisions"]], page["cursor"]

    async def set_approval_mode(self, session_id: str, mode: str) -> dict[str, Any]:
        """Set what the policy lets through: ask_all, normal, trusted or read_only."""
        return await self.call("session.set_approval_mode", session_id=session_id, mode=mode)
