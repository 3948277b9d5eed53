"""`qd diff`: what a session changed in its directory since its first run began."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quarterdeck.cli.invocation import Invocation, Json, command_group
from quarterdeck.model.hostile_text import clean

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

commands = command_group()


@commands.command("diff")
def diff(
    ctx: typer.Context,
    session: Annotated[str, typer.Argument(help="The session's id, or a unique part of it.")],
    file: Annotated[str | None, typer.Argument(help="Print this file's difference.")] = None,
    json: Json = False,
) -> None:
    """List the files a session's work tree has changed, or print the difference of one."""
    invocation = Invocation.of(ctx, json)

    async def look(deck: "Deck") -> tuple[Any, str]:
        if file is not None:
            found = await deck.diff_file(session, file)
            return found.to_wire(), clean(found.text)
        found = await deck.diff(session)
        lines = [f"+{f.added} -{f.removed}\t{f.status}\t{clean(f.path)}" for f in found.files]
        lines += ["and more"] if found.more else []
        files = [changed.to_wire() for changed in found.files]
        told = {"top": found.top, "base": found.base, "files": files, "more": found.more}
        return told, "\n".join(lines)

    invocation.out.emit(*invocation.run(look))
