"""Work that is asked for often and done seldom: at once, then at most every so often."""

from collections.abc import Callable
from time import monotonic

from textual.message_pump import MessagePump
from textual.timer import Timer


class Pacer:
    """Calls a function when asked: the first time at once, then at least `seconds` apart.

    What is asked meanwhile is done by one later call; when nobody asks, nothing runs.
    """

    def __init__(self, owner: MessagePump, call: Callable[[], None], seconds: float) -> None:
        self._owner = owner
        self._call = call
        self._seconds = seconds
        self._last = float("-inf")
        self._timer: Timer | None = None

    def ask(self) -> None:
        """Have the function called, now or soon."""
        if self._timer is not None:
            return
        wait = self._last + self._seconds - monotonic()
        if wait <= 0:
            self._run()
        else:
            self._timer = self._owner.set_timer(wait, self._run)

    def _run(self) -> None:
        self._timer = None
        self._last = monotonic()
        self._call()
