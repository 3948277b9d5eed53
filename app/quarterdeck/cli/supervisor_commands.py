"""`qd up`, `qd down`, `qd status`: the supervisor itself."""

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quarterdeck import __version__
from quarterdeck.cli.invocation import AWAY, Invocation, Json, command_group
from quarterdeck.cli.recovery_text import status_lines
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.failpoints import failpoint
from quarterdeck.model.hostile_text import clean_line

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

commands = command_group()


@commands.command("up")
def up(
    ctx: typer.Context,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Be the supervisor, in this terminal.")
    ] = False,
    json: Json = False,
) -> None:
    """Start the supervisor, if none runs, and print its status."""
    invocation = Invocation.of(ctx, json)
    if foreground:
        from quarterdeck.client.link import check_outside_sessions

        check_outside_sessions()
        # -P: what lies in the current directory must not be imported in our stead.
        program = [sys.executable, "-P", "-m", "quarterdeck.supervisor", "--foreground"]
        failpoint("foreground.exec.before")
        os.execv(sys.executable, program)
    status = invocation.run(lambda deck: deck.status())
    invocation.out.emit(status, describe(status))


@commands.command("status")
def status(ctx: typer.Context, json: Json = False) -> None:
    """Print whether a supervisor runs, what it recovered and what there is; never starts one."""
    invocation = Invocation.of(ctx, json)
    try:
        answer = invocation.run(lambda deck: deck.status(), start=False)
    except QuarterdeckError as error:
        if error.code != "unreachable":
            raise
        answer = not_running(invocation)
    answer["damaged"] = [
        {"file": str(file), "reason": reason} for file, reason in invocation.places.damaged
    ]
    invocation.out.emit(answer, describe(answer))


@commands.command("down")
def down(
    ctx: typer.Context,
    agents: Annotated[bool, typer.Option("--agents", help="End every run first.")] = False,
    timeout: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long to wait for its end.")
    ] = 30.0,
    json: Json = False,
) -> None:
    """Ask the supervisor to drain and end, and wait until it has; agents live on."""
    invocation = Invocation.of(ctx, json)
    answer = asyncio.run(bring_down(invocation, agents=agents, timeout=timeout))
    if answer is None:
        invocation.out.emit({"running": False, "stopped": False}, "no supervisor is running")
    else:
        told = {"running": False, "stopped": True, **answer}
        invocation.out.emit(told, _ended(answer) if agents else "the supervisor ended")


def _ended(answer: dict[str, Any]) -> str:
    """Say whether the last agent has ended, and otherwise which runs have not (V6)."""
    if answer.get("left"):
        return f"the supervisor ended; these runs did not end in time: {', '.join(answer['left'])}"
    return "drained: the last agent ended, and then the supervisor"


def not_running(invocation: Invocation) -> dict[str, Any]:
    """Return the status of a state directory that no supervisor works on."""
    return {
        "running": False,
        "pid": None,
        "version": __version__,
        "state_dir": str(invocation.places.state),
        "store": None,
        "recovery": None,
        "counts": None,
    }


def describe(status: dict[str, Any]) -> str:
    """Return a status for people, a fact a line."""
    damaged = [
        f"a damaged store ({clean_line(one['reason'])}) was moved aside to {one['file']}"
        for one in status.get("damaged") or []
    ]
    if not status["running"]:
        return "\n".join([f"no supervisor is running for {status['state_dir']}", *damaged])
    lines = [f"running, pid {status['pid']}, version {status['version']}"]
    if status.get("service"):
        lines.append(f"service: {status['service']}")
    for name in ("state_dir", "store", "counts"):
        lines.append(f"{name.replace('_', ' ')}: {plain(status.get(name))}")
    return "\n".join([*lines, *damaged, *status_lines(status.get("recovery") or {})])


def plain(value: Any) -> str:
    """Return a value of an answer as words; a list as how many there are."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return str(len(value))
    return "-" if value is None else str(value)


async def bring_down(
    invocation: Invocation, *, agents: bool, timeout: float, only: int | None = None
) -> dict[str, Any] | None:
    """End the supervisor and return its answer once its process is gone (D5, V6); None if none ran.

    Args:
        invocation: Whose supervisor.
        agents: Whether to end every run first.
        timeout: Seconds in all.
        only: The pid it must have; another one, as its successor, is left alone.

    Raises:
        QuarterdeckError: `timed_out` if it still runs after `timeout` seconds.
    """
    try:
        deck = await invocation.connect(start=False)
    except QuarterdeckError as error:
        if error.code in AWAY:
            return None
        raise
    process = None
    try:
        if only is not None and deck.hello["pid"] != only:
            return None
        async with asyncio.timeout(timeout):
            process = _Process(deck.hello["pid"])
            answer = await _ask_down(deck, agents=agents)
            await deck.wait_closed()
            while process.runs():  # noqa: ASYNC110 (another process's end)
                await asyncio.sleep(0.01)
    except TimeoutError as error:
        raise QuarterdeckError(
            "timed_out",
            f"the supervisor still runs after {timeout:g} s"
            + (f" (pid {process.pid})" if process else ""),
        ) from error
    finally:
        await deck.close()
    return answer


async def _ask_down(deck: "Deck", *, agents: bool) -> dict[str, Any]:
    try:
        return await deck.down(agents=agents)
    except QuarterdeckError as error:
        # Already on its way: what is left to do is the same.
        if error.code in AWAY:
            return {}
        raise


class _Process:
    """A process by pid and start time, so that another one with its number is not waited for."""

    def __init__(self, pid: int) -> None:
        import psutil

        self.pid = pid
        try:
            self._process: psutil.Process | None = psutil.Process(pid)
        except psutil.NoSuchProcess:
            self._process = None

    def runs(self) -> bool:
        """Tell whether it still holds anything: a zombie does not."""
        import psutil

        if self._process is None:
            return False
        try:
            zombie = self._process.status() == psutil.STATUS_ZOMBIE
            return self._process.is_running() and not zombie
        except psutil.NoSuchProcess:
            return False
