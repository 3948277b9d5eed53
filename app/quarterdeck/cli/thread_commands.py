"""`qd rename`, `pin`, `archive`, `delete`, `fork` …: a session as a whole (C1, C2)."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quarterdeck.cli.invocation import (
    Invocation,
    Json,
    SessionId,
    argument_text,
    command_group,
    profile_environment,
)
from quarterdeck.cli.output import age, short_id
from quarterdeck.model.records import SessionView

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

commands = command_group()

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the checkpoint is called.")]


def _print(invocation: Invocation, view: SessionView, what: str) -> None:
    invocation.out.emit(view.to_wire(), f"{view.session_id} {what}")


@commands.command("rename")
def rename(
    ctx: typer.Context,
    session: SessionId,
    title: Annotated[str, typer.Argument(help="At most 200 characters.")],
    json: Json = False,
) -> None:
    """Give a session another title."""
    invocation = Invocation.of(ctx, json)
    text = argument_text(title, "the title")
    view = invocation.run(lambda deck: deck.rename(session, text))
    _print(invocation, view, f"is now called {view.title}")


@commands.command("pin")
def pin(ctx: typer.Context, session: SessionId, json: Json = False) -> None:
    """Keep a session in the default list, before others that need you as much."""
    invocation = Invocation.of(ctx, json)
    _print(invocation, invocation.run(lambda deck: deck.pin(session)), "is pinned")


@commands.command("unpin")
def unpin(ctx: typer.Context, session: SessionId, json: Json = False) -> None:
    """Undo `qd pin`."""
    invocation = Invocation.of(ctx, json)
    _print(invocation, invocation.run(lambda deck: deck.unpin(session)), "is not pinned")


@commands.command("archive")
def archive(ctx: typer.Context, session: SessionId, json: Json = False) -> None:
    """Take a session out of every list but `qd ls --archived`."""
    invocation = Invocation.of(ctx, json)
    _print(invocation, invocation.run(lambda deck: deck.archive(session)), "is archived")


@commands.command("unarchive")
def unarchive(ctx: typer.Context, session: SessionId, json: Json = False) -> None:
    """Bring an archived session back as it was."""
    invocation = Invocation.of(ctx, json)
    _print(invocation, invocation.run(lambda deck: deck.unarchive(session)), "is back")


@commands.command("delete")
def delete(
    ctx: typer.Context,
    session: SessionId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Delete a session that has no agent; `qd restore` undoes it for 30 days."""
    invocation = Invocation.of(ctx, json)
    if not yes and sys.stdin.isatty() and sys.stderr.isatty():
        view = invocation.run(lambda deck: deck.session(session))
        invocation.out.note(f"{view.session_id}  {view.title}  in {view.cwd}")
        typer.confirm("Delete it?", abort=True, err=True)
    view = invocation.run(lambda deck: deck.delete(session))
    _print(invocation, view, "is deleted; `qd restore` undoes it for 30 days")


@commands.command("restore")
def restore(ctx: typer.Context, session: SessionId, json: Json = False) -> None:
    """Undo a deletion."""
    invocation = Invocation.of(ctx, json)
    _print(invocation, invocation.run(lambda deck: deck.restore(session)), "is back")


@commands.command("resume")
def resume(ctx: typer.Context, session: SessionId, json: Json = False) -> None:
    """Start a session's agent again, without a prompt; a live one is left as it is."""
    invocation = Invocation.of(ctx, json)

    async def start(deck: "Deck") -> SessionView:
        view = await deck.session(session)
        environment = await profile_environment(deck, view.agent)
        return await deck.resume(view.session_id, env=environment)

    view = invocation.run(start)
    _print(invocation, view, view.state)


@commands.command("fork")
def fork(
    ctx: typer.Context,
    session: SessionId,
    prompt: Annotated[
        str | None, typer.Argument(help="Its first turn; - reads it from stdin. Default: later.")
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Its history up to there. Default: up to now."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Default: the parent's, with a mark.")] = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Do not wait until the agent has started.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a new session with this one's agent, directory and history, and print its id."""
    invocation = Invocation.of(ctx, json)
    text = None if prompt is None else argument_text(prompt, "the prompt")

    async def make(deck: "Deck") -> dict[str, str | None]:
        view = await deck.session(session)
        return await deck.fork(
            view.session_id,
            checkpoint=checkpoint,
            prompt=text,
            title=title and argument_text(title, "--title"),
            env=await profile_environment(deck, view.agent),
            wait=text is not None and not no_wait,
        )

    made = invocation.run(make)
    invocation.out.emit(made, str(made["session_id"]))


@commands.command("message")
def message(
    ctx: typer.Context,
    session: SessionId,
    text: Annotated[str, typer.Argument(help="What was said; - reads it from stdin.")],
    role: Annotated[str, typer.Option(help="Who said it: user or assistant.")] = "user",
    item: Annotated[
        str | None, typer.Option(help="Which item of a conversation it is, in your own words.")
    ] = None,
    json: Json = False,
) -> None:
    """Write a message into the trace of a live session without asking its agent anything.

    What was said elsewhere is then in the history, and a fork is told of it. `qd send` prompts.
    """
    invocation = Invocation.of(ctx, json)
    said = argument_text(text, "the message")
    made = invocation.run(lambda deck: deck.append_message(session, role, said, item=item))
    invocation.out.emit(made.to_wire(), f"{made.run_id} {made.seq}")


@commands.command("checkpoint")
def checkpoint(
    ctx: typer.Context,
    session: SessionId,
    name: Name,
    remove: Annotated[bool, typer.Option("--delete", help="Forget it instead.")] = False,
    json: Json = False,
) -> None:
    """Name the point where a session stands; `qd fork --checkpoint NAME` goes on from there."""
    invocation = Invocation.of(ctx, json)
    text = argument_text(name, "NAME")
    if remove:
        invocation.run(lambda deck: deck.delete_checkpoint(session, text))
        invocation.out.emit({"session_id": session, "name": text}, f"{text} is forgotten")
        return
    made = invocation.run(lambda deck: deck.save_checkpoint(session, text))
    invocation.out.emit(made.to_wire(), f"{made.name} {made.run_id} {made.seq}")


@commands.command("checkpoints")
def checkpoints(ctx: typer.Context, session: SessionId, json: Json = False) -> None:
    """List a session's checkpoints; `latest` is kept without being asked."""
    invocation = Invocation.of(ctx, json)
    found = invocation.run(lambda deck: deck.checkpoints(session))
    rows = [(p.name, age(p.at), short_id(p.run_id), str(p.seq)) for p in found]
    invocation.out.table([p.to_wire() for p in found], ("NAME", "SAVED", "RUN", "EVENT"), rows)


@commands.command("projects")
def projects(ctx: typer.Context, json: Json = False) -> None:
    """List the projects, with how many of their sessions need what."""
    invocation = Invocation.of(ctx, json)
    found = invocation.run(lambda deck: deck.projects())
    rows = [
        tuple(
            str(value)
            for value in (
                view.project,
                view.sessions,
                view.waiting,
                view.failed,
                view.active,
                view.unread,
                view.archived,
                age(view.last_activity),
            )
        )
        for view in found
    ]
    head = ("PROJECT", "SESSIONS", "WAITING", "FAILED", "RUNNING", "UNREAD", "ARCHIVED", "ACTIVE")
    values: list[dict[str, Any]] = [view.to_wire() for view in found]
    invocation.out.table(values, head, rows)
