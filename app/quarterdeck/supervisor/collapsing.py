"""Notifications of a kind in quick succession: the first at once, the others together later."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

REMEMBERED = 10_000

N = TypeVar("N")


@dataclass(slots=True)
class _Told(Generic[N]):
    at: float
    waiting: dict[Hashable, N] = field(default_factory=dict[Hashable, N])
    timer: asyncio.TimerHandle | None = None


class Collapsing(Generic[N]):
    """Hands each note on, or holds it back until the time after the one before is over.

    What was held back is told once that time is over, for nobody else may come to tell of it.
    """

    def __init__(self, tell: Callable[[N, int], None]) -> None:
        """Prepare.

        Args:
            tell: Hears a note, and how many others of its kind it stands for besides.
        """
        self._tell = tell
        self._told: OrderedDict[Hashable, _Told[N]] = OrderedDict()

    def add(self, kind: Hashable, name: Hashable, note: N, seconds: float) -> None:
        """Tell a note of a kind now, or with others at the end of `seconds`."""
        loop = asyncio.get_running_loop()
        now, told = loop.time(), self._told.get(kind)
        if told is None or (told.timer is None and now - told.at >= seconds):
            self._remember(kind, _Told(now))
            self._tell(note, 0)
            return
        told.waiting[name] = note
        if told.timer is None:
            told.timer = loop.call_at(told.at + seconds, self._over, kind)

    def moot(self, kind: Hashable, name: Hashable) -> None:
        """Do not tell of what is over, if it is held back still."""
        told = self._told.get(kind)
        if told is not None:
            told.waiting.pop(name, None)

    def close(self) -> None:
        """Tell nothing more."""
        for told in self._told.values():
            if told.timer is not None:
                told.timer.cancel()
        self._told.clear()

    def _over(self, kind: Hashable) -> None:
        told = self._told.pop(kind)
        if not told.waiting:
            return
        self._remember(kind, _Told(asyncio.get_running_loop().time()))
        *others, last = told.waiting.values()
        self._tell(last, len(others))

    def _remember(self, kind: Hashable, told: _Told[N]) -> None:
        self._told[kind] = told
        self._told.move_to_end(kind)
        for oldest in list(self._told)[: max(0, len(self._told) - REMEMBERED)]:
            if self._told[oldest].timer is None:
                del self._told[oldest]
