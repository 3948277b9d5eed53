"""Methods about the policy: judging on trial, the rules, amendments, trust, modes, the audit."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from quarterdeck.model.clock import from_iso, now_ms
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.policy import amend
from quarterdeck.policy.amend import AmendmentRefused
from quarterdeck.policy.call import Call, Decision, Mode, Tool
from quarterdeck.policy.rule_file import RuleFileError, parse
from quarterdeck.policy.rulebook import PROJECT_FILE
from quarterdeck.policy.trust import NotAsSeen, content_hash
from quarterdeck.store import auditing, sessions
from quarterdeck.store.transaction import Tx
from quarterdeck.supervisor import judging, params
from quarterdeck.supervisor.api import Api, Caller, Method
from quarterdeck.supervisor.params import read

PAGE = 200


class PolicyCheck(params.Params):
    """A call on trial; without a session it is one of a session in `cwd`."""

    cwd: str = Field(min_length=1, max_length=4096)
    shell: str | None = Field(default=None, max_length=1024 * 1024)
    argv: list[str] | None = Field(default=None, max_length=10_000)
    path: str | None = Field(default=None, min_length=1, max_length=4096)
    tool: Tool | None = Field(default=None, strict=False)
    host: str | None = Field(default=None, min_length=1, max_length=500)
    mcp_server: str | None = Field(default=None, min_length=1, max_length=500)
    mcp_tool: str | None = Field(default=None, min_length=1, max_length=500)
    agent: str = Field(default="", max_length=200)
    mode: Mode = Field(default=Mode.NORMAL, strict=False)
    session_id: str | None = Field(default=None, min_length=1, max_length=200)

    @model_validator(mode="after")
    def _one_thing(self) -> "PolicyCheck":
        if not Path(self.cwd).is_absolute():
            raise ValueError("cwd must be absolute")
        things = (self.shell, self.argv, self.path, self.host, self.mcp_server)
        if sum(thing is not None for thing in things) != 1:
            raise ValueError("give one of shell, argv, path, host and mcp_server")
        return self


class OfDirectory(params.Params):
    """A project's directory, or none for the person's rules alone."""

    cwd: str | None = Field(default=None, min_length=1, max_length=4096)


class PolicyAdd(params.Params):
    """A command prefix to allow for good, or a host to allow or forbid."""

    prefix: list[str] | None = Field(default=None, min_length=1, max_length=100)
    host: str | None = Field(default=None, min_length=1, max_length=500)
    decision: Decision = Field(default=Decision.ALLOW, strict=False)
    reason: str = Field(default="", max_length=500)


class PolicyTrust(params.Params):
    """The project's rule file as it was seen, by its hash; without one it is trusted no longer."""

    cwd: str = Field(min_length=1, max_length=4096)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")


class DryRun(params.Params):
    """What was asked since a time, a page of it."""

    since: str
    after: int = Field(default=0, ge=0, lt=2**63)


class Audit(params.Params):
    """A page of decisions."""

    since: str | None = None
    cursor: tuple[Annotated[int, Field(ge=0, lt=2**63)], str] | None = Field(
        default=None, strict=False
    )
    limit: int = 200


class SetMode(params.OfSession):
    """A session's approval mode."""

    mode: Mode = Field(strict=False)


async def policy_check(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Judge a call that nobody made; DESIGN §6."""
    asked = read(PolicyCheck, given)
    call = _call(asked, Path(asked.cwd))
    if asked.session_id is not None:
        session = await sessions.load(api.db, await api.session_id(asked.session_id))
        call = _call(asked, Path(session["cwd"]), session["agent"], judging.mode_of(session))
    verdict = api.ctx.policy.judge(call)
    return {
        "decision": verdict.decision.value,
        "rule": verdict.rule,
        "reason": verdict.reason,
        "rule_text": verdict.rule_text,
        "rules": list(verdict.rules),
        "proposal": None if verdict.proposal is None else list(verdict.proposal),
        "host": verdict.host,
    }


def _call(
    asked: PolicyCheck, root: Path, agent: str | None = None, mode: Mode | None = None
) -> Call:
    if asked.shell is not None or asked.argv is not None:
        tool = Tool.EXECUTE
    elif asked.host is not None:
        tool = Tool.FETCH
    elif asked.mcp_server is not None:
        tool = Tool.MCP
    else:
        tool = asked.tool or Tool.READ
    return Call(
        tool,
        root,
        Path(asked.cwd),
        agent if agent is not None else asked.agent,
        mode or asked.mode,
        argv=None if asked.argv is None else tuple(asked.argv),
        shell=asked.shell,
        paths=() if asked.path is None else (asked.path,),
        host=asked.host,
        mcp_server=asked.mcp_server,
        mcp_tool=asked.mcp_tool,
    )


async def policy_rules(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """The rules that count in a directory, the strictest source last, and what is wrong."""
    asked = read(OfDirectory, given)
    root = None if asked.cwd is None else Path(asked.cwd)
    book = api.ctx.policy.book(root)
    return {
        "rules": [
            {
                "rule": sourced.name,
                "decision": sourced.rule.decision.value,
                "reason": sourced.rule.reason,
                "text": sourced.rule.text,
            }
            for sourced in book.rules
        ],
        "problems": list(book.problems),
        "untrusted": list(book.untrusted),
        "project_sha256": book.project_sha256,
        "user_file": str(api.ctx.policy.user_file),
        "project_file": None if root is None else str(root / PROJECT_FILE),
    }


async def policy_status(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Whether the rule files in use, and config.toml, can be relied on."""
    read(params.Nothing, given)
    return {**api.ctx.policy.status(), "config_problem": api.ctx.config_health.problem()}


async def policy_add(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Add a rule to the person's file."""
    asked = read(PolicyAdd, given)
    if (asked.prefix is None) == (asked.host is None):
        raise QuarterdeckError("invalid_params", "give a prefix or a host")
    file = api.ctx.policy.user_file
    try:
        if asked.host is not None:
            rule = await asyncio.to_thread(
                amend.settle_host, file, asked.host, asked.decision, asked.reason
            )
        elif asked.decision is not Decision.ALLOW:
            raise QuarterdeckError("invalid_params", f"write other rules into {file}")
        else:
            prefix = tuple(asked.prefix or ())
            if judging.holds_secret(api.redactor, prefix):
                raise AmendmentRefused("a secret in the prefix would be kept with every decision")
            rule = await asyncio.to_thread(amend.allow_command, file, prefix, asked.reason)
    except AmendmentRefused as error:
        raise QuarterdeckError("rule_refused", str(error)) from error
    except (RuleFileError, OSError) as error:
        raise QuarterdeckError("rules_invalid", str(error)) from error
    return {"rule": rule, "file": str(file)}


async def policy_trust(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Let a project's allow rules count, as long as its file stays what was seen."""
    asked = read(PolicyTrust, given)
    file = Path(asked.cwd) / PROJECT_FILE
    try:
        if asked.sha256 is None:
            await asyncio.to_thread(api.ctx.policy.trust.withdraw, file)
        else:
            await asyncio.to_thread(api.ctx.policy.trust.give, file, asked.sha256)
    except NotAsSeen as error:
        raise QuarterdeckError("stale", str(error)) from error
    except OSError as error:
        raise QuarterdeckError("rules_invalid", f"{file}: {error.strerror}") from error
    return {"project_file": str(file), "trusted": asked.sha256 is not None}


async def policy_project(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """A project's rule file as it is now, for a person to look at before trusting it."""
    asked = read(OfDirectory, given)
    file = Path(asked.cwd or "/") / PROJECT_FILE
    try:
        content = await asyncio.to_thread(file.read_bytes)
        parse(content.decode("utf-8"), str(file), project=True)
    except (OSError, UnicodeDecodeError, RuleFileError) as error:
        raise QuarterdeckError("rules_invalid", f"{file}: {error}") from error
    return {
        "project_file": str(file),
        "text": content.decode("utf-8"),
        "sha256": content_hash(content),
    }


async def policy_dry_run(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Judge again what was asked: what the rules say now, against what was decided then."""
    asked = read(DryRun, given)
    found = await auditing.recorded(api.db, _since(asked.since), asked.after, PAGE)
    lines = []
    for row in found:
        root = Path(row["session_cwd"])
        try:
            payload = json.loads(row["payload"])
        except ValueError:
            continue
        call = judging.call_of(row["kind"], payload, root, row["agent"], judging.mode_of(row))
        verdict = api.ctx.policy.judge(call)
        lines.append(
            {
                "approval_id": row["approval_id"],
                "session_id": row["session_id"],
                "subject": row["subject"],
                "was": row["state"],
                "was_rule": row["matched_rule"],
                "decision": verdict.decision.value,
                "rule": verdict.rule,
                "reason": verdict.reason,
            }
        )
    cursor = found[-1]["approval_no"] if len(found) == PAGE else None
    return {"approvals": lines, "cursor": cursor}


async def audit(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """Every decision, by a person or a rule, oldest first."""
    asked = read(Audit, given)
    since = 0 if asked.since is None else _since(asked.since)
    found = await auditing.page(api.db, since, asked.cursor, asked.limit)
    limit = min(max(asked.limit, 1), auditing.PAGE_LIMIT)
    last = found[-1] if len(found) == limit else None
    cursor = None if last is None else (from_iso(last.decided_at), last.decision_id)
    return {"decisions": [line.to_wire() for line in found], "cursor": cursor}


def _since(text: str) -> int:
    try:
        return min(from_iso(text), now_ms())
    except ValueError as error:
        raise QuarterdeckError("invalid_params", f"since: {error}") from error


async def set_approval_mode(api: Api, caller: Caller, given: Any) -> dict[str, Any]:
    """What the policy lets through in a session without a person; counts from the next call."""
    asked = read(SetMode, given)
    session_id = await api.session_id(asked.session_id)

    async def work(tx: Tx) -> None:
        await sessions.update(tx, session_id, approval_mode=asked.mode.value)
        await sessions.notice(tx, session_id)

    await api.ctx.store.write(work)
    return {"session_id": session_id, "approval_mode": asked.mode.value}


METHODS: dict[str, Method] = {
    "policy.check": policy_check,
    "policy.rules": policy_rules,
    "policy.status": policy_status,
    "policy.add": policy_add,
    "policy.trust": policy_trust,
    "policy.project": policy_project,
    "policy.dry_run": policy_dry_run,
    "audit.list": audit,
    "session.set_approval_mode": set_approval_mode,
}
