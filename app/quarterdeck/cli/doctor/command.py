"""`qd doctor`: what could keep Quarterdeck from working here, with the remedy for each finding."""

import asyncio
from collections import Counter
from dataclasses import asdict
from typing import Any

import typer

from quarterdeck.cli.doctor import agents, runtime, state, supervisor, terminal
from quarterdeck.cli.doctor.finding import Finding, Level, bad
from quarterdeck.cli.invocation import AWAY, Invocation, Json, command_group
from quarterdeck.cli.service import registration
from quarterdeck.cli.service.definition import Definition
from quarterdeck.client.successor import self_check
from quarterdeck.model.errors import Exit, QuarterdeckError

commands = command_group()
GLYPHS = {Level.OK: "✓", Level.WARN: "!", Level.BAD: "✗"}


@commands.command("doctor")
def doctor(ctx: typer.Context, json: Json = False) -> None:
    """Check Python, SQLite, directories, agents, terminal and supervisor; 1 if any is bad."""
    invocation = Invocation.of(ctx, json)
    found = asyncio.run(_findings(invocation))
    counts = Counter(finding.level for finding in found)
    told = {
        "ok": not counts[Level.BAD],
        "counts": {level.value: counts[level] for level in Level},
        "findings": [asdict(finding) for finding in found],
    }
    lines = [line for finding in found for line in _lines(finding)]
    lines.append(", ".join(f"{counts[level]} {level}" for level in Level))
    invocation.out.emit(told, "\n".join(lines))
    if counts[Level.BAD]:
        raise typer.Exit(Exit.FAILED)


async def _findings(invocation: Invocation) -> list[Finding]:
    found = [*runtime.findings(), *state.findings(invocation.places)]
    try:
        told = await self_check(invocation.places)
    except QuarterdeckError as error:
        found.append(bad("installation", error.message, "install Quarterdeck anew"))
    else:
        found += supervisor.self_check(told)
        found += await agents.findings(told["agents"])
    found.append(await _running(invocation))
    found.append(_boot(invocation))
    return [*found, *terminal.findings()]


async def _running(invocation: Invocation) -> Finding:
    status: dict[str, Any] | None = None
    try:
        deck = await invocation.connect(start=False)
        try:
            status = await deck.status()
        finally:
            await deck.close()
    except QuarterdeckError as error:
        if error.code not in AWAY:
            return supervisor.running(None, error.message)
    return supervisor.running(status)


def _boot(invocation: Invocation) -> Finding:
    try:
        manager = registration.answering(registration.manager_of())
    except QuarterdeckError as error:
        return supervisor.boot(None, error.message)
    return supervisor.boot(registration.state(manager, Definition.here(invocation.places)), "")


def _lines(finding: Finding) -> list[str]:
    first = f"{GLYPHS[finding.level]} {finding.check}: {finding.message}"
    return [first, f"    {finding.remedy}"] if finding.remedy else [first]
