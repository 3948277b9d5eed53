"""`qd usage`: tokens and cost as far as agents tell them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quarterdeck.cli.invocation import Invocation, Json, command_group
from quarterdeck.cli.output import short_id
from quarterdeck.model.usage_line import UsageLine

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

commands = command_group()


@commands.command("usage")
def usage(
    ctx: typer.Context,
    by: Annotated[str, typer.Option(help="turn, session, project or day.")] = "session",
    session: Annotated[str | None, typer.Option(help="Only this session.")] = None,
    project: Annotated[str | None, typer.Option(help="Only this project.")] = None,
    since: Annotated[str | None, typer.Option(metavar="DAY", help="Such as 2026-11-20.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="The last day.")] = None,
    json: Json = False,
) -> None:
    """Print what was used, the latest first."""
    invocation = Invocation.of(ctx, json)

    async def look(deck: "Deck") -> list[UsageLine]:
        narrowed: dict[str, Any] = {
            "session_id": session,
            "project": project,
            "since": since,
            "until": until,
        }
        lines, cursor = await deck.usage(by, **narrowed)
        while cursor is not None:
            page, cursor = await deck.usage(by, **narrowed, cursor=cursor)
            lines += page
        return lines

    lines = invocation.run(look)
    rows = [
        (
            _name(line),
            str(line.turns),
            f"{line.input_tokens:,}",
            f"{line.output_tokens:,}",
            f"{line.total_tokens:,}",
            " ".join(f"{amount:.4f} {name}" for name, amount in sorted(line.cost.items())) or "-",
            line.session_title or "",
        )
        for line in lines
    ]
    head = (by.upper(), "TURNS", "INPUT", "OUTPUT", "TOKENS", "COST", "TITLE")
    invocation.out.table([line.to_wire() for line in lines], head, rows)


def _name(line: UsageLine) -> str:
    if line.day is not None:
        return line.day
    name = line.command_id or line.session_id
    return line.project or "" if name is None else short_id(name)
