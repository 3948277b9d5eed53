"""`qd audit`: every decision, by a person or a rule, with the rule's text at that time."""

import csv
import io
import json as json_text
from typing import TYPE_CHECKING, Annotated

import typer

from quarterdeck.cli.invocation import Invocation, Json, command_group
from quarterdeck.cli.output import short_id
from quarterdeck.model.approval_text import headline
from quarterdeck.model.moments import moment
from quarterdeck.model.records import AuditLine

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

commands = command_group()
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@commands.command("audit")
def audit(
    ctx: typer.Context,
    since: Annotated[str | None, typer.Option(help="Such as 7d or 2026-11-20.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a head line.")] = False,
    json: Json = False,
) -> None:
    """Print the decisions, oldest first; with --json one a line."""
    invocation = Invocation.of(ctx, json)
    start = None if since is None else moment(since, "--since")
    lines = invocation.run(lambda deck: _all(deck, start))
    if as_csv:
        invocation.out.write(_as_csv(lines))
    elif invocation.out.json:
        for line in lines:
            invocation.out.line(json_text.dumps(line.to_wire()))
    else:
        head = ("AT", "SESSION", "ACTION", "BY", "WAITED", "WHAT")
        invocation.out.table([], head, [_row(line) for line in lines])


async def _all(deck: "Deck", since: str | None) -> list[AuditLine]:
    lines, cursor = await deck.audit(since)
    while cursor is not None:
        page, cursor = await deck.audit(since, cursor)
        lines += page
    return lines


def _row(line: AuditLine) -> tuple[str, ...]:
    waited = "-" if line.waited_ms is None else f"{line.waited_ms / 1000:.1f}s"
    session, what = short_id(line.session_id), headline(line.subject)
    return (line.decided_at, session, line.action, line.decided_by, waited, what)


def _as_csv(lines: list[AuditLine]) -> str:
    """Return CSV; a cell that a spreadsheet would run as a formula is quoted as text."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(AuditLine.__dataclass_fields__)
    for line in lines:
        writer.writerow(_cell(value) for value in line.to_wire().values())
    return text.getvalue()


def _cell(value: object) -> str:
    told = "" if value is None else str(value)
    return f"'{told}" if told.startswith(_FORMULA) else told
