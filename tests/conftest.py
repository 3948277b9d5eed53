"""Fixtures that several rooms' tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.deckhouse import Deckhouse


@pytest.fixture
async def deckhouse(tmp_path: Path) -> AsyncIterator[Deckhouse]:
    """Give a scratch deckhouse whose supervisor and agents end with the test."""
    house = Deckhouse(tmp_path)
    yield house
    await house.close()
