"""`qd export`, `qd import`: a session as a file, and back."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from quarterdeck.cli.invocation import Invocation, Json, SessionId, command_group
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

commands = command_group()
FORMATS = ("md", "jsonl", "html")
PIECE = 256 * 1024


@commands.command("export")
def export(
    ctx: typer.Context,
    session: SessionId,
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="md, jsonl (for import) or html.")
    ] = "md",
    target: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="A new file; default: stdout."),
    ] = None,
    json: Json = False,
) -> None:
    """Write a session with all its runs as one document."""
    invocation = Invocation.of(ctx, json)
    if form not in FORMATS:
        raise QuarterdeckError("invalid_params", f"--format: {form!r} is none of md, jsonl, html")

    async def write(deck: "Deck") -> None:
        view = await deck.session(session)
        pieces = _pieces(deck.export(view.session_id), form)
        if target is None:
            sys.stdout.reconfigure(encoding="utf-8")  # pyright: ignore[reportAttributeAccessIssue]
            await _copy(pieces, sys.stdout)
            return
        await _to_file(pieces, Path(target).absolute())
        invocation.out.emit(
            {"session_id": view.session_id, "file": str(Path(target).absolute())},
            f"{view.session_id} was written to {target}",
        )

    invocation.run(write)


async def _pieces(records: AsyncIterator[dict[str, Any]], form: str) -> AsyncIterator[str]:
    from quarterdeck.client.export import html, json_lines, markdown

    if form == "jsonl":
        async for record in records:
            yield json_lines.line(record)
        return
    document = markdown.markdown if form == "md" else html.html
    async for piece in document(records):
        yield piece


async def _copy(pieces: AsyncIterator[str], out: TextIO) -> None:
    async for piece in pieces:
        failpoint("export.write.before")
        out.write(piece)
    out.flush()


async def _to_file(pieces: AsyncIterator[str], target: Path) -> None:
    """Write a new file, 0600 since it is as private as the store; a part of one is never left."""
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise QuarterdeckError("invalid_params", f"--output: {target} is there already") from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as out:
            await _copy(pieces, out)
    except BaseException:
        failpoint("export.unlink.before")
        target.unlink(missing_ok=True)
        raise


@commands.command("import")
def import_(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A JSON Lines export; - is stdin.")],
    new_id: Annotated[
        bool, typer.Option("--new-id", help="Import it beside the session it is of.")
    ] = False,
    json: Json = False,
) -> None:
    """Put an exported session back, closed, with all its events."""
    invocation = Invocation.of(ctx, json)
    if file != "-" and not Path(file).is_file():
        raise QuarterdeckError("invalid_params", f"FILE: {file} is no file")
    told = invocation.run(lambda deck: deck.import_session(_text(file), new_id=new_id))
    text = f"{told['session_id']}: {told['runs']} runs, {told['events']} events"
    invocation.out.emit(told, text)


def _text(file: str) -> Iterator[str]:
    source = sys.stdin.fileno() if file == "-" else file
    try:
        with open(source, encoding="utf-8", newline="", closefd=file != "-") as lines:
            while piece := lines.read(PIECE):
                yield piece
    except UnicodeDecodeError as error:
        raise QuarterdeckError("import_invalid", f"{file} is not UTF-8: {error}") from error
