"""`qd ls`, `qd show`, `qd agents`: what there is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quarterdeck.cli.invocation import Invocation, Json, SessionId, command_group
from quarterdeck.cli.output import age, short_id
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import SessionView

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

commands = command_group()


@commands.command("ls")
def ls(
    ctx: typer.Context,
    state: Annotated[
        str | None,
        typer.Option(
            metavar="STATE",
            help="default, waiting, failed, running, unread, terminal, idle, all,"
            " archived or deleted.",
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what you have read.")] = False,
    archived: Annotated[bool, typer.Option("--archived", help="Only the archived ones.")] = False,
    deleted: Annotated[bool, typer.Option("--deleted", help="Only what can be restored.")] = False,
    agent: Annotated[str | None, typer.Option(help="Only this agent's sessions.")] = None,
    project: Annotated[
        str | None, typer.Option(metavar="DIR", help="Only this project's sessions.")
    ] = None,
    json: Json = False,
) -> None:
    """List the sessions, those that need you first."""
    named = {"--all": everything, "--archived": archived, "--deleted": deleted, "--state": state}
    given = [name for name, value in named.items() if value]
    if len(given) > 1:
        raise QuarterdeckError("invalid_params", f"{' and '.join(given)} exclude each other")
    invocation = Invocation.of(ctx, json)
    wanted = state if state or not given else given[0].removeprefix("--")
    folder = None if project is None else str(Path(project).absolute())
    sessions = invocation.run(
        lambda deck: all_sessions(deck, state=wanted, agent=agent, project=folder)
    )
    rows = [
        (short_id(s.session_id), s.attention, s.state, s.agent, age(s.last_activity), s.title)
        for s in sessions
    ]
    head = ("SESSION", "ATTENTION", "STATE", "AGENT", "ACTIVE", "TITLE")
    invocation.out.table([s.to_wire() for s in sessions], head, rows)


@commands.command("changes")
def changes(
    ctx: typer.Context,
    after: Annotated[
        int, typer.Option(metavar="VERSION", min=0, help="The cursor that was printed before.")
    ] = 0,
    limit: Annotated[int, typer.Option(help="How many at most, 1 to 500.")] = 100,
    json: Json = False,
) -> None:
    """List the sessions that changed after a version of the store, and the cursor to go on from."""
    invocation = Invocation.of(ctx, json)
    found, cursor = invocation.run(lambda deck: deck.changes(after, limit=limit))
    lines = [f"{s.version}\t{short_id(s.session_id)}\t{s.attention}\t{s.title}" for s in found]
    value = {"sessions": [s.to_wire() for s in found], "cursor": cursor}
    invocation.out.emit(value, "\n".join([*lines, f"cursor {cursor}"]))


async def all_sessions(
    deck: "Deck",
    *,
    state: str | None = None,
    agent: str | None = None,
    project: str | None = None,
) -> list[SessionView]:
    """Return every page of the session list (A10)."""
    sessions, cursor = await deck.sessions(state=state, agent=agent, project=project)
    while cursor is not None:
        page, cursor = await deck.sessions(state=state, agent=agent, project=project, cursor=cursor)
        sessions += page
    return sessions


@commands.command("show")
def show(ctx: typer.Context, session: SessionId, json: Json = False) -> None:
    """Show one session with its runs, its commands and its open approvals."""
    invocation = Invocation.of(ctx, json)
    value = invocation.run(lambda deck: _whole(deck, session))
    invocation.out.emit(value, _describe(value))


async def _whole(deck: "Deck", session: str) -> dict[str, Any]:
    view = await deck.session(session)
    identifier = view.session_id
    return {
        **view.to_wire(),
        "runs": [run.to_wire() for run in await deck.runs(identifier)],
        "commands": [command.to_wire() for command in await deck.commands(identifier)],
        "approvals": [approval.to_wire() for approval in await deck.approvals(identifier)],
    }


def _describe(value: dict[str, Any]) -> str:
    lists = ("runs", "commands", "approvals")
    facts = [f"{k}: {v}" for k, v in value.items() if k not in lists and v not in (None, "")]
    runs = [f"  {r['run_id']} {r['state']} {r['reason'] or ''}".rstrip() for r in value["runs"]]
    asked = [
        f"  {c['command_id']} {c['kind']} {c['state']} {' '.join((c['text'] or '').split())[:80]}"
        for c in value["commands"]
    ]
    opened = [f"  {a['approval_id']} {a['title']}" for a in value["approvals"]]
    return "\n".join([*facts, "runs:", *runs, "commands:", *asked, "approvals:", *opened])


@commands.command("agents")
def agents(ctx: typer.Context, json: Json = False) -> None:
    """List the agent profiles and whether their programs are found."""
    invocation = Invocation.of(ctx, json)
    profiles = invocation.run(lambda deck: deck.agents())
    rows = [
        (
            p["name"],
            p["protocol"],
            "found" if p["found"] else "not found",
            _abilities(p.get("capabilities")),
            " ".join(p["command"]),
        )
        for p in profiles
    ]
    invocation.out.table(profiles, ("AGENT", "PROTOCOL", "PROGRAM", "CAN", "COMMAND"), rows)


def _abilities(told: dict[str, Any] | None) -> str:
    """Return in a few words what an agent said it can do when a run of it last began (A15)."""
    if told is None:
        return "not known yet"
    own = told.get("session_capabilities")
    names = [name for name, has in told.items() if has is True]
    names += [name for name, has in own.items() if has is not None] if isinstance(own, dict) else []
    return " ".join(sorted(names)) or "nothing more"
