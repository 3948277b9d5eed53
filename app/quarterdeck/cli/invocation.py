"""What every command starts from: where the supervisor is, who asks, and how to print."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from quarterdeck.cli.full_screen import reader_name
from quarterdeck.cli.output import Output
from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.model.places import Places

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, errors as JSON too.")]
SessionId = Annotated[
    str, typer.Argument(metavar="SESSION", help="A session's id; its end is enough if unique.")
]
AWAY = frozenset({"unreachable", "shutting_down"})
"""Errors that say that the supervisor went away, not that the call was wrong."""
RETRY_SECONDS = 15.0


def command_group(**settings: Any) -> typer.Typer:
    """Return an empty group of commands with plain help and no tracebacks of typer's own."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,
    )


@dataclass(frozen=True)
class Invocation:
    """One run of `qd`."""

    places: Places
    reader: str
    out: Output

    @classmethod
    def of(cls, ctx: typer.Context, json: bool) -> "Invocation":
        """Return what the command runs with; `--json` counts before and after its name."""
        above = ctx.parent.obj if ctx.parent else None
        wanted = json or (isinstance(above, Invocation) and above.out.json)
        ctx.obj = cls(Places.from_environment(), reader_name(), Output(json=wanted))
        return ctx.obj

    async def connect(
        self, *, start: bool = True, on_change: Callable[[int], None] | None = None
    ) -> "Deck":
        """Connect; one that is just going down is waited for and followed by a new one.

        Raises:
            QuarterdeckError: `unreachable` without `start`, `cannot_start` with it.
        """
        from quarterdeck.client.deck import Deck

        loop = asyncio.get_running_loop()
        deadline = loop.time() + RETRY_SECONDS
        while True:
            try:
                return await Deck.connect(
                    self.places, reader=self.reader, client="qd", start=start, on_change=on_change
                )
            except QuarterdeckError as error:
                if not start or error.code not in AWAY or loop.time() > deadline:
                    raise
            await asyncio.sleep(0.05)

    def run(self, work: "Callable[[Deck], Awaitable[T]]", *, start: bool = True) -> T:
        """Connect, do `work` with the deck, and leave."""

        async def connected() -> T:
            deck = await self.connect(start=start)
            try:
                return await work(deck)
            finally:
                await deck.close()

        return asyncio.run(connected())


def argument_text(value: str, what: str) -> str:
    """Return a text argument, or all of stdin for `-`.

    Raises:
        QuarterdeckError: `invalid_params` if it is no valid UTF-8.
    """
    try:
        if value == "-":
            return sys.stdin.buffer.read().decode("utf-8")
        value.encode("utf-8")
    except UnicodeError as error:
        raise QuarterdeckError("invalid_params", f"{what} is not valid UTF-8: {error}") from error
    return value


async def profile_environment(deck: "Deck", agent: str) -> dict[str, str]:
    """Return this process's values of the variables that the agent's profile names."""
    profiles = {profile["name"]: profile for profile in await deck.agents()}
    names = profiles.get(agent, {}).get("env_names", [])
    return {name: os.environ[name] for name in names if name in os.environ}
