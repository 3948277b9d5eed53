"""Pictures of whole screens; each is first checked to show what it is meant to show."""

import pytest
from textual.pilot import Pilot

from quarterdeck.tui.themes import DARK, LIGHT
from tests.support.scenes import app_of
from tests.support.situations import SITUATIONS


@pytest.mark.parametrize("theme", [DARK.name, LIGHT.name])
@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["80x24", "200x60"])
@pytest.mark.parametrize("name", SITUATIONS)
def test_screen(snap_compare, name: str, size: tuple[int, int], theme: str):
    app = app_of(SITUATIONS[name].deck())

    async def reach(pilot: Pilot[None]) -> None:
        app.theme = theme
        await SITUATIONS[name].reach(pilot)

    assert snap_compare(app, terminal_size=size, run_before=reach)
