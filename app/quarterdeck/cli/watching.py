"""Looking again whenever something changed, over the end and return of the supervisor."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from quarterdeck.cli.invocation import AWAY, Invocation
from quarterdeck.model.errors import QuarterdeckError

if TYPE_CHECKING:
    from quarterdeck.client.deck import Deck

T = TypeVar("T")
RECONNECT_SECONDS = 0.1


async def watch(invocation: Invocation, look: "Callable[[Deck], Awaitable[T | None]]") -> T:
    """Call `look` at once and after every change until it returns something.

    If the supervisor goes away this waits for it to come back: one that was killed left its
    socket and is started again, one that was ended on purpose is not.

    Raises:
        QuarterdeckError: What `look` raised, or `cannot_start`.
    """
    changed = asyncio.Event()
    start = True
    while True:
        try:
            deck = await invocation.connect(start=start, on_change=lambda change: changed.set())
            try:
                return await _look_while_connected(deck, changed, look)
            finally:
                await deck.close()
        except QuarterdeckError as error:
            if error.code not in AWAY:
                raise
        await asyncio.sleep(RECONNECT_SECONDS)
        start = invocation.places.socket.exists()


async def _look_while_connected(
    deck: "Deck", changed: asyncio.Event, look: "Callable[[Deck], Awaitable[T | None]]"
) -> T:
    left = asyncio.create_task(deck.wait_closed())
    try:
        while True:
            changed.clear()
            found = await look(deck)
            if found is not None:
                return found
            news = asyncio.create_task(changed.wait())
            try:
                await asyncio.wait((news, left), return_when=asyncio.FIRST_COMPLETED)
            finally:
                news.cancel()
            if left.done():
                raise QuarterdeckError("unreachable", "the supervisor went away")
    finally:
        left.cancel()
