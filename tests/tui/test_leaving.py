"""Signals that end the screen: heeded while it is there, and as before once it has gone."""

import asyncio
import os
import signal

import pytest

from quarterdeck.tui.leaving import SIGNALS, heed_signals


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_is_told_and_the_kernel_ends_what_does_not_end(number: signal.Signals):
    told: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    end = heed_signals(told.set_result)
    try:
        os.kill(os.getpid(), number)
        assert await told == number
    finally:
        end()
    assert signal.alarm(0) == 0, "who clears away after the screen has all the time it needs"


async def test_whoever_heeded_them_before_does_so_again():
    def earlier(number: int, frame: object) -> None:
        raise AssertionError("no signal was sent")

    before = [signal.signal(number, earlier) for number in SIGNALS]
    try:
        end = heed_signals(lambda number: None)
        assert all(signal.getsignal(number) is not earlier for number in SIGNALS)
        end()
        assert all(signal.getsignal(number) is earlier for number in SIGNALS)
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)


async def test_a_screen_whose_loop_does_not_get_on_has_an_alarm():
    end = heed_signals(lambda number: None)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        assert signal.alarm(0) > 0, "set without the loop having had a turn"
    finally:
        end()
