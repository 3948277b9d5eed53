"""Work asked for often and done seldom."""

from textual.app import App

from quarterdeck.tui.widgets.pacing import Pacer
from tests.support.waiting import eventually_async


async def test_the_first_time_is_at_once_and_the_rest_is_one_later_call() -> None:
    app = App[None]()
    async with app.run_test():
        calls: list[int] = []
        pacer = Pacer(app, lambda: calls.append(1), 0.05)
        pacer.ask()
        assert len(calls) == 1
        for _ in range(100):
            pacer.ask()

        async def again() -> bool:
            return len(calls) >= 2

        await eventually_async(again)
        assert len(calls) <= 3


async def test_within_the_interval_nothing_is_done_twice() -> None:
    app = App[None]()
    async with app.run_test() as pilot:
        calls: list[int] = []
        pacer = Pacer(app, lambda: calls.append(1), 3600)
        for _ in range(100):
            pacer.ask()
            await pilot.pause()
        assert len(calls) == 1
