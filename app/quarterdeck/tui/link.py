"""The link to the supervisor: connects, says so when it is lost, and reconnects by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from quarterdeck.model.errors import QuarterdeckError
from quarterdeck.tui.board import LinkState

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

FIRST_DELAY_S = 0.1
LAST_DELAY_S = 2.0


Connect = Callable[[Callable[[int], None]], "Awaitable[Deck]"]
"""Makes one connection; the argument hears the change number of every push."""


class Link:
    """Keeps one connection and makes the next when it is lost, after 0.1 s growing to 2 s."""

    def __init__(
        self,
        connect: Connect,
        *,
        on_state: Callable[[LinkState, str], None],
        on_change: Callable[[int], None],
    ) -> None:
        """Prepare a link; `run` makes it.

        Args:
            connect: Makes one connection.
            on_state: Hears every change of state, with the reason where it is gone.
            on_change: Hears pushes.
        """
        self._connect, self._on_state, self._on_change = connect, on_state, on_change
        self._deck: Deck | None = None
        self._up, self._lost = asyncio.Event(), asyncio.Event()
        self._delay = FIRST_DELAY_S

    @property
    def deck(self) -> Deck:
        """The connected deck.

        Raises:
            QuarterdeckError: `unreachable` while there is none.
        """
        if self._deck is None:
            raise QuarterdeckError("unreachable", "the supervisor is gone; reconnecting")
        return self._deck

    async def wait_up(self) -> None:
        """Return as soon as there is a connection."""
        await self._up.wait()

    async def wait_for_next(self) -> None:
        """Return with the next connection; what was lost may not be known as lost yet."""
        if self._deck is not None:
            await self._lost.wait()
        await self._up.wait()

    def proved_good(self) -> None:
        """Note that the connection works, so that the next loss is met without delay."""
        self._delay = FIRST_DELAY_S

    async def run(self) -> None:
        """Connect, wait until that is lost, and again, until cancelled."""
        while True:
            try:
                deck = await self._connect(self._on_change)
            except (QuarterdeckError, OSError) as error:
                self._on_state(LinkState.GONE, reason_of(error))
            else:
                await self._stay(deck)
            await asyncio.sleep(self._delay)
            self._delay = min(self._delay * 2, LAST_DELAY_S)

    async def _stay(self, deck: Deck) -> None:
        self._deck = deck
        self._lost.clear()
        self._up.set()
        self._on_state(LinkState.UP, "")
        try:
            await deck.wait_closed()
        finally:
            self._deck = None
            self._up.clear()
            self._lost.set()
            await deck.close()
        self._on_state(LinkState.GONE, "")


def reason_of(error: Exception) -> str:
    """Return what an error says and what to do about it, for the screen."""
    if isinstance(error, QuarterdeckError):
        return f"{error.message} – {error.hint}"
    return str(error)
