"""`qd queue`, `unqueue`, `edit`, `move`, `set-mode` …: what an agent is to do next (A1, A12)."""

from typing import Annotated

import typer

from quarterdeck.cli.invocation import Invocation, Json, SessionId, argument_text, command_group
from quarterdeck.cli.output import age, short_id
from quarterdeck.model.records import CommandView

commands = command_group()

CommandId = Annotated[
    str, typer.Argument(metavar="COMMAND", help="A command's id; its end is enough if unique.")
]


def _print(invocation: Invocation, command: CommandView) -> None:
    text = f"{command.command_id} {command.kind} {command.state}"
    invocation.out.emit(command.to_wire(), text)


@commands.command("queue")
def queue(ctx: typer.Context, session: SessionId, json: Json = False) -> None:
    """List the prompts that wait for a session's turn to end, the next one first."""
    invocation = Invocation.of(ctx, json)
    found = invocation.run(lambda deck: deck.queue(session))
    rows = [(short_id(c.command_id), age(c.created_at), c.text or "") for c in found]
    invocation.out.table([c.to_wire() for c in found], ("COMMAND", "WAITS", "PROMPT"), rows)


@commands.command("unqueue")
def unqueue(ctx: typer.Context, command: CommandId, json: Json = False) -> None:
    """Take a waiting prompt back; one that is being worked on is cancelled."""
    invocation = Invocation.of(ctx, json)
    _print(invocation, invocation.run(lambda deck: deck.cancel_command(command)))


@commands.command("edit")
def edit(
    ctx: typer.Context,
    command: CommandId,
    text: Annotated[str, typer.Argument(help="The new prompt; - reads it from stdin.")],
    json: Json = False,
) -> None:
    """Change a waiting prompt."""
    invocation = Invocation.of(ctx, json)
    prompt = argument_text(text, "the prompt")
    _print(invocation, invocation.run(lambda deck: deck.edit_command(command, prompt)))


@commands.command("move")
def move(
    ctx: typer.Context,
    command: CommandId,
    before: Annotated[
        str | None, typer.Option(metavar="COMMAND", help="Default: to the end of the queue.")
    ] = None,
    json: Json = False,
) -> None:
    """Put a waiting prompt before another one, or last."""
    invocation = Invocation.of(ctx, json)
    _print(invocation, invocation.run(lambda deck: deck.move_command(command, before=before)))


@commands.command("set-mode")
def set_mode(
    ctx: typer.Context,
    session: SessionId,
    name: Annotated[str, typer.Argument(metavar="MODE", help="One of the agent's modes.")],
    json: Json = False,
) -> None:
    """Ask a session's agent for another mode."""
    invocation = Invocation.of(ctx, json)
    _print(invocation, invocation.run(lambda deck: deck.set_mode(session, name)))


@commands.command("set-model")
def set_model(
    ctx: typer.Context,
    session: SessionId,
    name: Annotated[str, typer.Argument(metavar="MODEL", help="One of the agent's models.")],
    json: Json = False,
) -> None:
    """Ask a session's agent for another model."""
    invocation = Invocation.of(ctx, json)
    _print(invocation, invocation.run(lambda deck: deck.set_model(session, name)))
