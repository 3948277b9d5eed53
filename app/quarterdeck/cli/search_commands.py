"""`qd search`: words and phrases in everything that was stored."""

from typing import TYPE_CHECKING, Annotated

import typer

from quarterdeck.cli.invocation import Invocation, Json, argument_text, command_group
from quarterdeck.cli.output import short_id
from quarterdeck.model.hostile_text import clean_line
from quarterdeck.model.moments import moment
from quarterdeck.model.search_hit import SearchHit

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

commands = command_group()


@commands.command("search")
def search(
    ctx: typer.Context,
    words: Annotated[
        list[str], typer.Argument(help="Words, 'a quoted phrase' or begin*; all must be found.")
    ],
    session: Annotated[str | None, typer.Option(help="Only this session.")] = None,
    project: Annotated[str | None, typer.Option(help="Only this project's sessions.")] = None,
    agent: Annotated[str | None, typer.Option(help="Only this agent's sessions.")] = None,
    kind: Annotated[
        list[str] | None, typer.Option("--type", help="Only events of this type; may be repeated.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="ISO 8601, or an age such as 90m, 12h, 7d.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="As --since.")] = None,
    relevance: Annotated[bool, typer.Option("--relevance", help="Best first.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many hits at most.")] = 20,
    json: Json = False,
) -> None:
    """Search all events, newest first; each hit says where to open the trace."""
    invocation = Invocation.of(ctx, json)
    # A shell has taken the quotes: an argument with blanks in it is the phrase that was quoted.
    query = " ".join(_as_typed(argument_text(word, "the query")) for word in words)

    async def look(deck: "Deck") -> list[SearchHit]:
        hits: list[SearchHit] = []
        cursor: str | None = None
        while len(hits) < limit:
            page, cursor = await deck.search(
                query,
                session_id=session,
                project=project,
                agent=agent,
                types=kind or (),
                since=since and moment(since, "--since"),
                until=until and moment(until, "--until"),
                order="relevance" if relevance else "newest",
                cursor=cursor,
                limit=min(limit - len(hits), 100),
            )
            hits += page
            if cursor is None:
                break
        return hits

    hits = invocation.run(look)
    rows = [
        (
            short_id(hit.session_id),
            clean_line(hit.session_title)[:40],
            short_id(hit.run_id),
            str(hit.seq),
            hit.type,
            hit.at,
            hit.snippet,
        )
        for hit in hits
    ]
    head = ("SESSION", "TITLE", "RUN", "SEQ", "TYPE", "AT", "TEXT")
    invocation.out.table([hit.to_wire() for hit in hits], head, rows)


def _as_typed(word: str) -> str:
    plain = '"' not in word and any(char.isspace() for char in word.strip())
    return f'"{word}"' if plain else word
