"""`qd new`, `send`, `cancel`, `close`, `mark-read` …: what is asked of a session."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quarterdeck.cli.describing_commands import (
    Conversation,
    Expires,
    Notes,
    Summary,
    described,
)
from quarterdeck.cli.invocation import (
    Invocation,
    Json,
    SessionId,
    argument_text,
    command_group,
    profile_environment,
)
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import CommandView

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

commands = command_group()

Key = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="The same command again with the same KEY is done once."),
]


@commands.command("new")
def new(
    ctx: typer.Context,
    prompt: Annotated[str, typer.Argument(help="The first turn; - reads it from stdin.")],
    agent: Annotated[str, typer.Option(help="An agent of `qd agents`.")],
    cwd: Annotated[str, typer.Option(metavar="DIR", help="The session's directory.")] = ".",
    title: Annotated[str | None, typer.Option(help="Default: made from the prompt.")] = None,
    mode: Annotated[
        str | None, typer.Option(help="ask_all, normal (default), trusted or read_only.")
    ] = None,
    key: Key = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Do not wait until the agent has started.")
    ] = False,
    conversation: Conversation = None,
    note: Notes = None,
    summary: Summary = None,
    ephemeral: Annotated[
        bool, typer.Option("--ephemeral", help="Delete it once it is closed.")
    ] = False,
    expires: Expires = None,
    repository: Annotated[
        str | None, typer.Option(metavar="URL", help="Of its bundle: what it works on.")
    ] = None,
    commit: Annotated[str | None, typer.Option(help="Of its bundle.")] = None,
    prompt_name: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Of its bundle; may be repeated.")
    ] = None,
    skill: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Of its bundle; may be repeated.")
    ] = None,
    credential: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of its bundle: a name, never a value.")
    ] = None,
    json: Json = False,
) -> None:
    """Start an agent on its first prompt and print the new session's id."""
    invocation = Invocation.of(ctx, json)
    said = described(conversation, note, summary, ephemeral or None, expires)
    bundle = {
        "repository": repository,
        "commit": commit,
        "prompts": prompt_name,
        "skills": skill,
        "credential": credential,
    }
    given = {name: value for name, value in bundle.items() if value} or None
    folder = Path(argument_text(f"{cwd}", "--cwd")).absolute()
    if not folder.is_dir():
        raise QuarterdeckError("invalid_params", f"--cwd: {folder} is not a directory")
    text = argument_text(prompt, "the prompt")

    async def create(deck: "Deck") -> dict[str, str]:
        environment = await profile_environment(deck, agent)
        return await deck.new(
            agent=agent,
            cwd=str(folder),
            prompt=text,
            env=environment,
            title=title and argument_text(title, "--title"),
            key=key and argument_text(key, "--key"),
            wait=not no_wait,
            approval_mode=mode,
            bundle=given,
            **said,
        )

    made = invocation.run(create)
    invocation.out.emit(made, made["session_id"])


@commands.command("send")
def send(
    ctx: typer.Context,
    session: SessionId,
    text: Annotated[str, typer.Argument(help="The prompt; - reads it from stdin.")],
    interrupt: Annotated[
        bool, typer.Option("--interrupt", help="End the running turn and go out next.")
    ] = False,
    agent: Annotated[
        str | None, typer.Option(help="Refuse unless the session has this agent.")
    ] = None,
    project: Annotated[
        str | None, typer.Option(metavar="DIR", help="Refuse unless it is of this project.")
    ] = None,
    key: Key = None,
    json: Json = False,
) -> None:
    """Send a session its next prompt; queued while a turn runs, and starts an ended agent again."""
    invocation = Invocation.of(ctx, json)
    prompt = argument_text(text, "the prompt")

    async def deliver(deck: "Deck") -> CommandView:
        view = await deck.session(session)
        environment = await profile_environment(deck, view.agent)
        return await deck.send(
            view.session_id,
            prompt,
            env=environment,
            key=key and argument_text(key, "--key"),
            interrupt=interrupt or None,
            agent=agent,
            project=None if project is None else str(Path(project).absolute()),
        )

    _print_command(invocation, invocation.run(deliver))


@commands.command("cancel")
def cancel(
    ctx: typer.Context,
    session: Annotated[
        str | None,
        typer.Argument(metavar="[SESSION]", help="A session's id; its end is enough if unique."),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Every turn and start; waiting prompts are taken back."),
    ] = False,
    whole_run: Annotated[
        bool, typer.Option("--run", help="End the whole run with its agent, as cancelled.")
    ] = False,
    reason: Annotated[str | None, typer.Option(help="For the trace, with --run.")] = None,
    json: Json = False,
) -> None:
    """End the running turn; the agent stays alive."""
    if reason is not None and not whole_run:
        raise QuarterdeckError("invalid_params", "--reason goes with --run only")
    if everything == (session is not None) or (everything and whole_run):
        raise QuarterdeckError("invalid_params", "name a SESSION, or give --all alone")
    invocation = Invocation.of(ctx, json)
    if session is None:
        _cancel_all(invocation)
        return
    if whole_run:
        run = invocation.run(lambda deck: deck.cancel_run(session, reason=reason))
        invocation.out.emit(run.to_wire(), f"{run.run_id} {run.state}")
        return
    _print_command(invocation, invocation.run(lambda deck: deck.cancel(session)))


def _cancel_all(invocation: Invocation) -> None:
    done = invocation.run(lambda deck: deck.cancel_all())
    said = f"{len(done['sessions'])} cancelled, {done['taken_back']} waiting prompts taken back"
    left = [f"{one['session_id']}: {one['message']}" for one in done["failed"]]
    invocation.out.emit(done, "\n".join([said, *left]))
    if left:
        raise typer.Exit(1)


@commands.command("close")
def close(ctx: typer.Context, session: SessionId, json: Json = False) -> None:
    """End the session's agent; its trace stays, and a later prompt starts it again."""
    invocation = Invocation.of(ctx, json)
    _print_command(invocation, invocation.run(lambda deck: deck.close_session(session)))


def _print_command(invocation: Invocation, command: CommandView) -> None:
    text = f"{command.command_id} {command.kind} {command.state}"
    invocation.out.emit(command.to_wire(), text)


@commands.command("mark-read")
def mark_read(ctx: typer.Context, session: SessionId, json: Json = False) -> None:
    """Say that you have seen the session as it is now; what follows is unread again."""
    invocation = Invocation.of(ctx, json)

    async def mark(deck: "Deck") -> dict[str, str | int]:
        view = await deck.session(session)
        await deck.mark_read(view.session_id, view.version)
        return {"session_id": view.session_id, "version": view.version}

    marked = invocation.run(mark)
    invocation.out.emit(marked, f"{marked['session_id']} read up to version {marked['version']}")


@commands.command("mark-unread")
def mark_unread(ctx: typer.Context, session: SessionId, json: Json = False) -> None:
    """Make the session unread again for you."""
    invocation = Invocation.of(ctx, json)

    async def mark(deck: "Deck") -> str:
        view = await deck.session(session)
        await deck.mark_unread(view.session_id)
        return view.session_id

    marked = invocation.run(mark)
    invocation.out.emit({"session_id": marked}, f"{marked} unread")


@commands.command("mark-all-read")
def mark_all_read(
    ctx: typer.Context,
    project: Annotated[
        str | None, typer.Option(metavar="DIR", help="Only this project's sessions.")
    ] = None,
    json: Json = False,
) -> None:
    """Say that you have seen every listed session as it is now."""
    invocation = Invocation.of(ctx, json)
    folder = None if project is None else str(Path(project).absolute())
    marked = invocation.run(lambda deck: deck.mark_all_read(project=folder))
    invocation.out.emit({"marked": marked}, f"{marked} sessions marked as read")
