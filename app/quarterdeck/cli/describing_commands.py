"""`qd describe`, and what `qd new` says of a session from the beginning (A6)."""

from typing import Annotated, Any

import typer

from quarterdeck.cli.invocation import Invocation, Json, SessionId, argument_text, command_group
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.moments import later

commands = command_group()

Conversation = Annotated[
    str | None, typer.Option(metavar="ID", help="What the conversation is called elsewhere.")
]
Notes = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="A note; may be repeated. All are replaced."),
]
Summary = Annotated[str | None, typer.Option(help="What it is about.")]
Expires = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="Close and delete it then: 2h, 7d, ISO 8601 or never."),
]


def described(
    conversation: str | None,
    notes: list[str] | None,
    summary: str | None,
    ephemeral: bool | None,
    expires: str | None,
) -> dict[str, Any]:
    """Return what options say of a session, as `Deck.describe` takes it.

    Raises:
        QuarterdeckError: `invalid_params` for a note without a name or a time that is none.
    """
    told: dict[str, Any] = {}
    if conversation is not None:
        told["conversation_id"] = argument_text(conversation, "--conversation")
    if notes is not None:
        told["metadata"] = dict(_note(argument_text(note, "--note")) for note in notes)
    if summary is not None:
        told["summary"] = argument_text(summary, "--summary")
    if ephemeral is not None:
        told["ephemeral"] = ephemeral
    if expires is not None:
        told["expires_at"] = expires if expires == "never" else later(expires, "--expires")
    return told


def _note(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise QuarterdeckError("invalid_params", f"--note: {text!r} is not NAME=VALUE")
    return name, value


@commands.command("describe")
def describe(
    ctx: typer.Context,
    session: SessionId,
    conversation: Conversation = None,
    note: Notes = None,
    summary: Summary = None,
    ephemeral: Annotated[
        bool | None,
        typer.Option("--ephemeral/--keep", help="Delete it once it is closed, or do not."),
    ] = None,
    expires: Expires = None,
    json: Json = False,
) -> None:
    """Say what a session is about, whose it is, and how long it is kept."""
    invocation = Invocation.of(ctx, json)
    said = described(conversation, note, summary, ephemeral, expires)
    if not said:
        raise QuarterdeckError("invalid_params", "nothing is said of it", hint="see its --help")
    view = invocation.run(lambda deck: deck.describe(session, **said))
    invocation.out.emit(view.to_wire(), f"{view.session_id} is described")
