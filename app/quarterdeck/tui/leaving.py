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
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def heard(number: int) -> None:
        signal.alarm(ENDS_WITHIN_S)
        leave(number)

    def end() -> None:
        signal.alarm(0)
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)

    for number in SIGNALS:
        loop.add_signal_handler(number, heard, number)
    return end
