"""Keys that are typed ahead: each reaches what the keys before it led to.

Textual hands a key to whatever has the focus when it arrives; what that key leads to, such as a
dialog or another focus, comes some messages later. Of keys that arrive together, as from a fast
hand, a slow line or a busy machine, the letters meant for a field would so become actions.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual import events
from textual.message_pump import MessagePump

from quarterdeck.tui.turns import done_within

if TYPE_CHECKING:
    from textual.app import App

ROUNDS = 2
"""Without another screen or focus: one for what a key does, one for what comes of it."""
PATIENCE = 100
"""Turns that a widget which does not get on is waited for before the next key is handed on.

Turns and not seconds: handed on too early, a letter of a text would be an action.
"""
AT_ONCE = frozenset({"ctrl+c"})

Deliver = Callable[[events.Event], Awaitable[None]]


class TypeAhead:
    """Holds keys and pastes back until what came before them was worked."""

    def __init__(self, app: "App[None]", deliver: Deliver) -> None:
        """Hand on by `deliver`."""
        self._app, self._deliver = app, deliver
        self._held: deque[events.Event] = deque()
        self._settling: asyncio.Task[None] | None = None

    @staticmethod
    def takes(event: events.Event) -> bool:
        """Tell whether an event is one that is to be handed on in order."""
        if isinstance(event, events.Key):
            return not event.is_forwarded and event.key not in AT_ONCE
        return isinstance(event, events.Paste) and not event.is_forwarded

    async def take(self, event: events.Event) -> None:
        """Hand an event on at once if nothing before it is still being worked, else later."""
        if self._settling is not None and not self._settling.done():
            self._held.append(event)
            return
        await self._deliver(event)
        self._settling = asyncio.create_task(self._go_on())

    async def _go_on(self) -> None:
        await self._settled()
        while self._held and self._app.is_running:
            await self._deliver(self._held.popleft())
            await self._settled()

    async def _settled(self) -> None:
        await done_within(PATIENCE, self._work_off())

    async def _work_off(self) -> None:
        """Wait until the messages that a key led to were worked."""
        app, quiet = self._app, 0
        while quiet < ROUNDS and app.screen_stack:
            before = app.screen, app.focused
            at = app.focused or app.screen
            for pump in at.ancestors_with_self:  # up to screen and app, as messages go
                await _worked(pump)
            if not app.screen_stack:
                return
            # A screen that has just come up gets its focus some messages later.
            quiet = quiet + 1 if (app.screen, app.focused) == before else 0


async def _worked(pump: MessagePump) -> None:
    """Wait until a pump has worked what is in its queue now."""
    reached = asyncio.Event()
    if pump.call_later(reached.set):
        await reached.wait()
