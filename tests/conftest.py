"""Fixtures that several rooms' tests share."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.deckhouse import Deckhouse

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores it, and would hand that on to every process of the tests.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
async def deckhouse(tmp_path: Path) -> AsyncIterator[Deckhouse]:
    """Give a scratch deckhouse whose supervisor and agents end with the test."""
    house = Deckhouse(tmp_path)
    yield house
    await house.close()
