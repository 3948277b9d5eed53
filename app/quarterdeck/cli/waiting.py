"""`qd wait`: until a session is in one of some states."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from quarterdeck.cli.invocation import Invocation, Json, SessionId, command_group
from quarterdeck.cli.watching import watch
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.records import SessionView
from quarterdeck.model.states import SessionState

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

commands = command_group()

NAMES: dict[str, frozenset[SessionState]] = {
    **{state.value: frozenset({state}) for state in SessionState},
    # Asleep is idle put down to save memory: nothing is asked of it either.
    "idle": frozenset({SessionState.IDLE, SessionState.ASLEEP}),
    "failed": frozenset({SessionState.FAILED}),
}


@commands.command("wait")
def wait(
    ctx: typer.Context,
    session: SessionId,
    until: Annotated[
        str, typer.Option(metavar="STATES", help="States to wait for, with commas between.")
    ] = "idle,waiting,failed,closed",
    timeout: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="Default: for ever.")
    ] = None,
    json: Json = False,
) -> None:
    """Wait until the session is in one of the states and print it; 124 when the time is over."""
    invocation = Invocation.of(ctx, json)
    view = asyncio.run(_wait(invocation, session, _states(until), until, timeout))
    invocation.out.emit(view.to_wire(), f"{view.session_id} {view.state}")


def _states(names: str) -> frozenset[SessionState]:
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    wrong = [name for name in wanted if name not in NAMES]
    if wrong or not wanted:
        raise QuarterdeckError(
            "invalid_params",
            f"--until: {wrong[0]!r} is no state" if wrong else "--until names no state",
            hint=f"states are {', '.join(NAMES)}",
        )
    return frozenset().union(*(NAMES[name] for name in wanted))


async def _wait(
    invocation: Invocation,
    session: str,
    wanted: frozenset[SessionState],
    names: str,
    timeout: float | None,
) -> SessionView:
    last: SessionView | None = None

    async def look(deck: "Deck") -> SessionView | None:
        nonlocal last
        last = await deck.session(session)
        return last if _is(last, wanted) else None

    try:
        async with asyncio.timeout(timeout):
            return await watch(invocation, look)
    except TimeoutError as error:
        now = f"is {last.state}" if last else "could not be looked at"
        raise QuarterdeckError(
            "timed_out", f"session {session} {now} after {timeout:g} s, not {names}"
        ) from error


def _is(view: SessionView, wanted: frozenset[SessionState]) -> bool:
    """Tell whether it is in a wanted state; with a prompt still queued it is not idle yet."""
    try:
        state = SessionState(view.state)
    except ValueError:
        return False
    return state in wanted and not (state is SessionState.IDLE and view.queued > 0)
