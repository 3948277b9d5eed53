"""`qd trace`, `qd output`: what a run did, one event a line."""

import asyncio
import json as json_text
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from quarterdeck.cli.event_line import output_text, trace_line
from quarterdeck.cli.invocation import Invocation, Json, SessionId, command_group
from quarterdeck.cli.watching import watch
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.event_types import EventType
from quarterdeck.model.records import EventView, RunView
from quarterdeck.model.states import TERMINAL_RUN_STATES

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

commands = command_group()
PAGE = 500

Run = Annotated[
    str | None, typer.Option("--run", help="Default: the active run, else the last one.")
]
AllRuns = Annotated[bool, typer.Option("--all-runs", help="Every run, oldest first.")]
After = Annotated[
    int, typer.Option("--after", min=0, metavar="SEQ", help="Only events with a greater seq.")
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens next.")]


@commands.command("trace")
def trace(
    ctx: typer.Context,
    session: SessionId,
    run: Run = None,
    all_runs: AllRuns = False,
    after: After = 0,
    follow: Follow = False,
    json: Json = False,
) -> None:
    """Print every event of a run. With --follow until that run ends."""
    reading = Reading(session, run, all_runs, after, output=False)
    _print(Invocation.of(ctx, json), reading, follow)


@commands.command("output")
def output(
    ctx: typer.Context,
    session: SessionId,
    run: Run = None,
    all_runs: AllRuns = False,
    after: After = 0,
    follow: Follow = False,
    json: Json = False,
) -> None:
    """Print what a run wrote: its messages, command output, diffs, errors and end."""
    reading = Reading(session, run, all_runs, after, output=True)
    _print(Invocation.of(ctx, json), reading, follow)


@dataclass
class Reading:
    """Which events are wanted, and how far they were read: that outlives a connection."""

    session: str
    run: str | None
    all_runs: bool
    after: int
    output: bool
    seen: dict[str, int] = field(default_factory=dict)
    """Last seq examined by run id."""
    told: set[str] = field(default_factory=set)
    """Runs of which it was said that their events are gone."""
    mid_line: bool = False
    """Whether the last thing printed was a chunk without its newline."""


def _print(invocation: Invocation, reading: Reading, follow: bool) -> None:
    if reading.run is not None and reading.all_runs:
        raise QuarterdeckError("invalid_params", "--run and --all-runs exclude each other")

    async def look(deck: "Deck") -> bool | None:
        return await _print_news(deck, invocation, reading)

    if follow:
        asyncio.run(watch(invocation, look))
    else:
        invocation.run(look)
    if reading.mid_line:
        invocation.out.line("")


async def _print_news(deck: "Deck", invocation: Invocation, reading: Reading) -> bool | None:
    """Print what is new; True once nothing can follow, because the run has ended."""
    # Asked first: what is in the trace when a run has ended is all there will be.
    runs = await deck.runs(reading.session)
    if not reading.all_runs:
        await _print_run(deck, invocation, reading, reading.run)
        _tell_trimmed(invocation, reading, [run for run in runs if run.run_id == reading.run])
        ended = {run.run_id for run in runs if run.state in TERMINAL_RUN_STATES}
        return True if reading.run in ended else None
    for run in runs:
        _tell_trimmed(invocation, reading, [run])
        await _print_run(deck, invocation, reading, run.run_id)
    return None


def _tell_trimmed(invocation: Invocation, reading: Reading, runs: Sequence[RunView]) -> None:
    """Say which runs have no events any more, once: else it would seem they never had any."""
    for run in runs:
        if run.trimmed and run.run_id not in reading.told:
            reading.told.add(run.run_id)
            told = f"the {run.trimmed} events of run {run.number} were trimmed by retention"
            invocation.out.note(told)


async def _print_run(
    deck: "Deck", invocation: Invocation, reading: Reading, run_id: str | None
) -> None:
    while True:
        after = reading.seen.get(run_id or "", reading.after)
        found, events, cursor = await deck.events(
            reading.session, run_id=run_id, after_seq=after, limit=PAGE, output=reading.output
        )
        if found is None:
            return
        _show(invocation, reading, events)
        run_id = found
        reading.seen[found] = max(after, cursor)
        if not reading.all_runs:
            reading.run = found
        if cursor <= after:
            return


def _show(invocation: Invocation, reading: Reading, events: list[EventView]) -> None:
    """Print events: JSON or trace lines, or for a person the output as it reads."""
    if invocation.out.json:
        for event in events:
            invocation.out.line(json_text.dumps(event.to_wire()))
        return
    for event in events:
        if not reading.output:
            invocation.out.line(trace_line(event))
            continue
        if reading.mid_line and event.type != EventType.ASSISTANT_MESSAGE:
            invocation.out.line("")
        text = output_text(event)
        invocation.out.write(text)
        reading.mid_line = not text.endswith("\n")
