"""Leaving by a signal as by a key: with what is being written, and with the terminal as it was."""

import asyncio
import signal
from collections.abc import Callable

SIGNALS = (signal.SIGHUP, signal.SIGTERM)
ENDS_WITHIN_S = 10
"""After that the kernel ends a screen that was to end and does not."""


def heed_signals(leave: Callable[[int], None]) -> Callable[[], None]:
    """Have `leave` called with the number of a signal that asks this program to end.

    A terminal that hangs up is such a signal. Must be called in the loop of the main thread.

    Returns:
        To be called once the screen has ended: whoever heeded the signals before does so again.
    """
    loop = asyncio.get_running_loop()

    def heard(number: int, frame: object) -> None:
        # Here and not in the loop, which may be what does not get on.
        signal.alarm(ENDS_WITHIN_S)
        loop.call_soon_threadsafe(leave, number)

    before = {number: signal.signal(number, heard) for number in SIGNALS}

    def end() -> None:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)

    return end
