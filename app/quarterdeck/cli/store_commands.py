"""`qd store`: what the store holds, whether it is sound, copies of it."""

import json as json_text
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from quarterdeck.cli.invocation import Invocation, Json, command_group
from quarterdeck.cli.supervisor_commands import plain
from quarterdeck.model.errors import Exit, QuarterdeckError
from quarterdeck.model.failpoints import failpoint

commands = command_group()
store = command_group(help="Look after the store: stats, check, backup, restore, vacuum.")
commands.add_typer(store, name="store")


@store.command("stats")
def stats(ctx: typer.Context, json: Json = False) -> None:
    """Print sizes, counts, and what retention wants and last did."""
    invocation = Invocation.of(ctx, json)
    told = invocation.run(lambda deck: deck.store_stats())
    invocation.out.emit(told, _facts(told))


@store.command("check")
def check(ctx: typer.Context, json: Json = False) -> None:
    """Check the whole store; exit code 1 if anything is wrong with it."""
    invocation = Invocation.of(ctx, json)
    told = invocation.run(lambda deck: deck.store_check())
    invocation.out.emit(told, "\n".join(told["problems"]) or "the store is sound")
    if not told["ok"]:
        raise typer.Exit(Exit.FAILED)


@store.command("backup")
def backup(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A new file.")],
    json: Json = False,
) -> None:
    """Copy the store to a new file while everything goes on."""
    invocation = Invocation.of(ctx, json)
    target = str(Path(file).expanduser().absolute())
    told = invocation.run(lambda deck: deck.store_backup(target))
    invocation.out.emit(told, f"{told['path']}: {told['bytes']} bytes")


@store.command("vacuum")
def vacuum(ctx: typer.Context, json: Json = False) -> None:
    """Give the space of what was trimmed back to the disk."""
    invocation = Invocation.of(ctx, json)
    told = invocation.run(lambda deck: deck.store_vacuum())
    invocation.out.emit(told, f"{told['bytes_before']} bytes before, {told['bytes']} now")


@store.command("restore")
def restore(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="What `qd store backup` wrote.")],
    json: Json = False,
) -> None:
    """Put a backup in the store's place; the supervisor must be down, the old store is kept."""
    invocation = Invocation.of(ctx, json)
    places = invocation.places
    # Only the supervisor's program opens the store, and only under its lock.
    failpoint("restore.spawn.before")
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "quarterdeck.supervisor",
            "--restore",
            str(Path(file).absolute()),
        ],
        env=os.environ
        | {
            "QUARTERDECK_STATE_DIR": str(places.state),
            "QUARTERDECK_CONFIG_DIR": str(places.config),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    told = _answer(done)
    aside = f"; the store before is {told['aside']}" if told["aside"] else ""
    invocation.out.emit(told, f"{told['restored']} was restored{aside}")


def _answer(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    try:
        told = json_text.loads(done.stdout)
    except ValueError as error:
        raise QuarterdeckError("internal", done.stderr.strip() or "it said nothing") from error
    if "error" in told:
        raise QuarterdeckError.from_wire(told["error"].pop("message"), told["error"])
    return told


def _facts(told: dict[str, Any]) -> str:
    return "\n".join(f"{name.replace('_', ' ')}: {plain(value)}" for name, value in told.items())
