"""`qd upgrade`: this version's supervisor takes over from the one that runs (D5)."""

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quarterdeck.cli.invocation import AWAY, Invocation, Json, command_group
from quarterdeck.cli.recovery_text import status_lines
from quarterdeck.cli.service import registration
from quarterdeck.cli.service.definition import Definition
from quarterdeck.cli.supervisor_commands import bring_down
from quarterdeck.client.successor import Successor, self_check
from quarterdeck.model.errors import QuarterdeckError

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

commands = command_group()


@commands.command("upgrade")
def upgrade(
    ctx: typer.Context,
    timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="How long taking over may take.")
    ] = 60.0,
    json: Json = False,
) -> None:
    """Let this version's supervisor take over: checked first, agents and screens stay."""
    invocation = Invocation.of(ctx, json)
    told = asyncio.run(_upgrade(invocation, timeout))
    invocation.out.emit(told, _text(told))


async def _upgrade(invocation: Invocation, timeout: float) -> dict[str, Any]:
    before = await _status(invocation)
    of, manager = Definition.here(invocation.places), registration.manager_of()
    if registration.installed(manager, of) and manager.probe() is None:
        _refuse_unless_ok(await _checked(invocation))
        began = time.monotonic()
        if before is not None and before.get("service") != f"{manager.name}:{of.name}":
            await bring_down(invocation, agents=False, timeout=timeout, only=before["pid"])
        await asyncio.to_thread(manager.start, of)
        pid = None
    else:
        successor = await _ready(invocation)
        began = time.monotonic()
        try:
            await _hand_over(invocation, successor, before, timeout)
        except BaseException:
            successor.dismiss()
            raise
        pid = successor.pid
    after = await _recovered(invocation, timeout)
    told = {
        "before": _facts(before),
        "after": _facts(after),
        "took_over": pid in (None, after["pid"]),
    }
    return told | {"seconds": round(time.monotonic() - began, 3), "recovery": after["recovery"]}


async def _status(invocation: Invocation) -> dict[str, Any] | None:
    """Return the status of the supervisor that runs, or None."""
    try:
        deck = await invocation.connect(start=False)
    except QuarterdeckError as error:
        if error.code in AWAY:
            return None
        raise
    try:
        return await deck.status()
    finally:
        await deck.close()


async def _checked(invocation: Invocation) -> dict[str, Any]:
    try:
        return await self_check(invocation.places)
    except QuarterdeckError as error:
        raise _refused(error) from error


async def _ready(invocation: Invocation) -> Successor:
    try:
        successor = await Successor.start(invocation.places)
    except QuarterdeckError as error:
        raise _refused(error) from error
    try:
        _refuse_unless_ok(successor.found)
    except QuarterdeckError:
        successor.dismiss()
        raise
    return successor


def _refused(error: QuarterdeckError) -> QuarterdeckError:
    return QuarterdeckError("upgrade_refused", f"nothing was changed: {error.message}")


def _refuse_unless_ok(found: dict[str, Any]) -> None:
    if not found["ok"]:
        first = found["problems"][0]
        raise QuarterdeckError(
            "upgrade_refused",
            f"nothing was changed: version {found['version']} finds {first['message']}",
            hint=first["remedy"],
            problems=found["problems"],
        )


async def _hand_over(
    invocation: Invocation, successor: Successor, before: dict[str, Any] | None, timeout: float
) -> None:
    """End the one that runs, if any, and return once the next one answers.

    Raises:
        QuarterdeckError: `upgrade_failed` if the next one ends instead.
    """
    with contextlib.suppress(OSError):  # one that has ended is found out below
        successor.go()
    if before is not None:
        await bring_down(invocation, agents=False, timeout=timeout, only=before["pid"])
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        status = await _status(invocation)
        if status is not None:
            if status["pid"] != successor.pid:  # somebody else's start came first
                successor.dismiss()
            return
        if (code := successor.ended()) is not None:
            said = successor.last_words() or "it said nothing"
            raise QuarterdeckError(
                "upgrade_failed",
                f"the old supervisor ended, and then the new one did with {code}: {said}",
            )
        await asyncio.sleep(0.01)
    raise QuarterdeckError("timed_out", f"the new supervisor did not answer within {timeout:g} s")


async def _recovered(invocation: Invocation, timeout: float) -> dict[str, Any]:
    """Return the new supervisor's status once its recovery is over (D2)."""
    deck: Deck | None = None
    try:
        async with asyncio.timeout(timeout):
            # Not started on demand: that would forestall the one that a service manager starts.
            while deck is None:
                try:
                    deck = await invocation.connect(start=False)
                except QuarterdeckError as error:
                    if error.code not in AWAY:
                        raise
                    await asyncio.sleep(0.02)
            await deck.approvals()  # answered after recovery
            return await deck.status()
    except TimeoutError as error:
        raise QuarterdeckError("timed_out", f"recovery goes on after {timeout:g} s") from error
    finally:
        if deck is not None:
            await deck.close()


def _facts(status: dict[str, Any] | None) -> dict[str, Any] | None:
    if status is None:
        return None
    store = status.get("store") or {}
    return {"pid": status["pid"], "version": status["version"], "schema": store.get("schema")}


def _text(told: dict[str, Any]) -> str:
    before, after = told["before"], told["after"]
    if before is None:
        first = f"none was running; version {after['version']} runs now, pid {after['pid']}"
    else:
        first = (
            f"version {before['version']} (pid {before['pid']}, schema {before['schema']}) handed "
            f"over to version {after['version']} (pid {after['pid']}, schema {after['schema']})"
        )
    return "\n".join([f"{first} in {told['seconds']:.1f} s", *status_lines(told["recovery"])])
