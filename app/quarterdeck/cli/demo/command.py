"""`qd demo`: starts its own supervisor and sessions, shows them, and clears everything away."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quarterdeck.cli import full_screen
from quarterdeck.cli.demo import headless, scratch
from quarterdeck.cli.demo.scenes import SCENES, Scene
from quarterdeck.cli.demo.scratch import Scratch
from quarterdeck.cli.invocation import Invocation, Json, command_group, profile_environment
from quarterdeck.cli.supervisor_commands import bring_down
from quarterdeck.model.errors import Exit, QuarterdeckError
from quarterdeck.model.failpoints import failpoint

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

commands = command_group()
AGENT = "runbook"
END_SECONDS = 60.0


@commands.command("demo")
def demo(
    ctx: typer.Context,
    without_terminal: Annotated[
        bool, typer.Option("--headless", help="Answer every approval as planned and report.")
    ] = False,
    directory: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Make it there, and keep it.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep its folder.")] = False,
    json: Json = False,
) -> None:
    """Try it: real sessions on a scratch repository, waiting for your approval."""
    asked = Invocation.of(ctx, json)
    if not without_terminal and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise QuarterdeckError(
            "invalid_params", "the demo needs a terminal", hint="`qd demo --headless` needs none"
        )
    made = scratch.make(directory)
    invocation = Invocation(made.places, asked.reader, asked.out)
    # The runbook agents keep their progress there: it goes with the folder.
    os.environ["XDG_STATE_HOME"] = str(made.progress)
    with _cleared_away(invocation, made, keep=keep or directory is not None):
        sessions = invocation.run(lambda deck: _start_sessions(deck, made))
        if without_terminal:
            code = _play(invocation, made, sessions)
        else:
            code = full_screen.show(made.places)
    raise typer.Exit(code)


def _play(invocation: Invocation, made: Scratch, sessions: dict[str, Scene]) -> int:
    told = headless.report(made, asyncio.run(headless.play(invocation, sessions)))
    invocation.out.emit(told, headless.describe(told))
    return Exit.DONE if told["ok"] else Exit.FAILED


async def _start_sessions(deck: "Deck", made: Scratch) -> dict[str, Scene]:
    environment = await profile_environment(deck, AGENT)

    async def start(scene: Scene) -> str:
        ids = await deck.new(
            agent=AGENT,
            cwd=str(made.project),
            prompt=scene.prompt,
            title=scene.title,
            env=environment,
        )
        return ids["session_id"]

    return {await start(scene): scene for scene in SCENES}


@contextlib.contextmanager
def _cleared_away(invocation: Invocation, made: Scratch, *, keep: bool) -> Iterator[None]:
    """End supervisor and agents on the way out, whatever the way, and remove the folder."""

    ended_by: list[int] = []

    def leave(number: int, frame: Any) -> None:
        # As if interrupted from the keyboard: asyncio and the screen know how to end then.
        ended_by.append(number)
        signal.raise_signal(signal.SIGINT)

    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background job
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    try:
        yield
    except KeyboardInterrupt:
        if ended_by:
            raise SystemExit(128 + ended_by[0]) from None
        raise
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        asyncio.run(bring_down(invocation, agents=True, timeout=END_SECONDS))
        if keep:
            invocation.out.note(f"the demo's folder is kept: {made.folder}")
        else:
            failpoint("demo.rmtree.before")
            shutil.rmtree(made.folder, ignore_errors=True)
            invocation.out.note(f"the demo's folder is removed: {made.folder}")
