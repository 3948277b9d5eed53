"""`qd policy …` and `qd approval-mode`: what the rules say, and changing them."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quarterdeck.cli.invocation import Invocation, Json, SessionId, command_group
from quarterdeck.cli.output import short_id
from quarterdeck.model.approval_text import headline
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.moments import moment

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

commands = command_group()
policy = command_group()
commands.add_typer(policy, name="policy", help="What agents may do without asking.")

Cwd = Annotated[str, typer.Option(metavar="DIR", help="Where the session works.")]
Shell = Annotated[str | None, typer.Option(metavar="STRING", help="A command for a shell.")]
Argv = Annotated[str | None, typer.Option(metavar="WORDS", help="A command without a shell.")]
FilePath = Annotated[str | None, typer.Option("--path", help="A file; see --tool.")]
ToolName = Annotated[str | None, typer.Option(help="read, search, edit, delete or move.")]
Host = Annotated[str | None, typer.Option(help="A network host.")]
Mcp = Annotated[str | None, typer.Option(metavar="SERVER/TOOL", help="A tool of an MCP server.")]
Session = Annotated[str | None, typer.Option(help="Judge as for this session.")]
Mode = Annotated[str | None, typer.Option(help="ask_all, normal, trusted or read_only.")]


@policy.callback()
def about(ctx: typer.Context, json: Json = False) -> None:
    """Say what agents may do without asking."""
    Invocation.of(ctx, json)


def _call(
    shell: str | None,
    argv: str | None,
    path: str | None,
    tool: str | None,
    host: str | None,
    mcp: str | None,
    session: str | None,
    mode: str | None,
) -> dict[str, Any]:
    server, _, mcp_tool = (mcp or "").partition("/")
    given = {
        "shell": shell,
        "argv": None if argv is None else shlex.split(argv),
        "path": path,
        "tool": tool,
        "host": host,
        "mcp_server": server or None,
        "mcp_tool": mcp_tool or None,
        "session_id": session,
        "mode": mode,
    }
    return {key: value for key, value in given.items() if value is not None}


@policy.command("check")
def check(
    ctx: typer.Context,
    shell: Shell = None,
    argv: Argv = None,
    path: FilePath = None,
    tool: ToolName = None,
    host: Host = None,
    mcp: Mcp = None,
    cwd: Cwd = ".",
    session: Session = None,
    mode: Mode = None,
    json: Json = False,
) -> None:
    """Say whether it would be allowed, asked about or forbidden."""
    invocation = Invocation.of(ctx, json)
    call = _call(shell, argv, path, tool, host, mcp, session, mode)
    found = invocation.run(lambda deck: deck.policy_check(cwd=_absolute(cwd), **call))
    told = {key: found[key] for key in ("decision", "rule", "reason")}
    rule = f" by {told['rule']}" if told["rule"] else ""
    invocation.out.emit(told, f"{told['decision']}{rule}: {told['reason']}")


@policy.command("explain")
def explain(
    ctx: typer.Context,
    shell: Shell = None,
    argv: Argv = None,
    path: FilePath = None,
    tool: ToolName = None,
    host: Host = None,
    mcp: Mcp = None,
    cwd: Cwd = ".",
    session: Session = None,
    mode: Mode = None,
    json: Json = False,
) -> None:
    """Say which rules matched, with their text, and what could be allowed for good."""
    invocation = Invocation.of(ctx, json)
    call = _call(shell, argv, path, tool, host, mcp, session, mode)
    found = invocation.run(lambda deck: deck.policy_check(cwd=_absolute(cwd), **call))
    lines = [f"{found['decision']}: {found['reason']}"]
    lines += [f"rules that matched: {', '.join(found['rules'])}"] if found["rules"] else []
    lines += ["", found["rule_text"]] if found["rule_text"] else []
    if found["proposal"]:
        prefix = shlex.join(found["proposal"])
        lines += ["", f"to allow it for good: qd policy add {prefix}"]
    invocation.out.emit(found, "\n".join(lines))


@policy.command("test")
def test(ctx: typer.Context, cwd: Cwd = ".", json: Json = False) -> None:
    """Check the rule files with the examples in them; fails if one cannot be used."""
    invocation = Invocation.of(ctx, json)
    found = invocation.run(lambda deck: deck.policy_rules(_absolute(cwd)))
    told = {"ok": not found["problems"], "problems": found["problems"]}
    invocation.out.emit(told, "\n".join(found["problems"]) or "the rules can be used")
    if found["problems"]:
        raise typer.Exit(1)


@policy.command("ls")
def ls(ctx: typer.Context, cwd: Cwd = ".", json: Json = False) -> None:
    """List the rules that count in a directory."""
    invocation = Invocation.of(ctx, json)
    found = invocation.run(lambda deck: deck.policy_rules(_absolute(cwd)))
    rows = [(rule["decision"], rule["rule"], rule["reason"]) for rule in found["rules"]]
    invocation.out.table(found["rules"], ("DECISION", "RULE", "REASON"), rows)
    for problem in found["problems"]:
        invocation.out.note(f"asking about everything: {problem}")
    if found["untrusted"]:
        names = ", ".join(found["untrusted"])
        invocation.out.note(f"not trusted, see `qd policy trust`: {names}")


@policy.command("add", context_settings={"ignore_unknown_options": True})
def add(
    ctx: typer.Context,
    prefix: Annotated[list[str] | None, typer.Argument(help="How commands begin.")] = None,
    host: Host = None,
    forbid: Annotated[bool, typer.Option("--forbid", help="With --host: never.")] = False,
    reason: Annotated[str | None, typer.Option(help="Written with the rule.")] = None,
    json: Json = False,
) -> None:
    """Allow commands that begin so for good, or settle a host, in your own rules."""
    invocation = Invocation.of(ctx, json)
    made = invocation.run(
        lambda deck: deck.policy_add(
            prefix=prefix or None,
            host=host,
            decision="forbid" if forbid else "allow",
            reason=reason,
        )
    )
    invocation.out.emit(made, f"{made['rule']} in {made['file']}")


@policy.command("trust")
def trust(
    ctx: typer.Context,
    cwd: Cwd = ".",
    sha256: Annotated[
        str | None, typer.Option(metavar="HASH", help="Of what you saw; else it is printed.")
    ] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Trust it no longer.")] = False,
    json: Json = False,
) -> None:
    """Let a project's allow rules count, as long as its file stays as it is."""
    invocation = Invocation.of(ctx, json)

    async def give(deck: "Deck") -> dict[str, Any]:
        seen = sha256
        if not withdraw and seen is None:
            shown = await deck.policy_project(_absolute(cwd))
            invocation.out.note(f"{shown['project_file']}:\n{shown['text']}")
            seen = shown["sha256"]
        return await deck.policy_trust(_absolute(cwd), None if withdraw else seen)

    done = invocation.run(give)
    told = "is trusted as it is" if done["trusted"] else "is trusted no longer"
    invocation.out.emit(done, f"{done['project_file']} {told}")


@policy.command("dry-run")
def dry_run(
    ctx: typer.Context,
    since: Annotated[str, typer.Option(help="Such as 7d or 2026-11-20.")] = "7d",
    json: Json = False,
) -> None:
    """Say what the rules, as they are now, would have decided on what was asked."""
    invocation = Invocation.of(ctx, json)
    start = moment(since, "--since")

    async def judge(deck: "Deck") -> list[dict[str, Any]]:
        lines, cursor = await deck.policy_dry_run(start)
        while cursor is not None:
            page, cursor = await deck.policy_dry_run(start, cursor)
            lines += page
        return lines

    lines = invocation.run(judge)
    rows = [
        (
            short_id(line["approval_id"]),
            line["was"],
            line["decision"],
            line["rule"] or "-",
            headline(line["subject"]),
        )
        for line in lines
    ]
    invocation.out.table(lines, ("APPROVAL", "WAS", "NOW", "RULE", "WHAT"), rows)


@commands.command("approval-mode")
def approval_mode(
    ctx: typer.Context,
    session: SessionId,
    wanted: Annotated[
        str, typer.Argument(metavar="MODE", help="ask_all, normal, trusted or read_only.")
    ],
    json: Json = False,
) -> None:
    """Set what a session may do without asking; counts from its next call."""
    invocation = Invocation.of(ctx, json)
    done = invocation.run(lambda deck: deck.set_approval_mode(session, wanted))
    invocation.out.emit(done, f"{done['session_id']} {done['approval_mode']}")


def _absolute(cwd: str) -> str:
    folder = Path(cwd).absolute()
    if not folder.is_dir():
        raise QuarterdeckError("invalid_params", f"--cwd: {folder} is not a directory")
    return str(folder)
